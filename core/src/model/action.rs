//! An Action: a named operation on one document, stored as what the user meant.

use super::document::DocumentKey;
use super::encoding::{BodyError, Decoder, Encoder};
use super::path::{ElementId, Path};
use super::value::{SetMember, Value};
use rmp::Marker;

/// Most splices of one text edit.
pub(crate) const SPLICES_MAX: usize = 1024;

/// An operation on one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The document.
    pub key: DocumentKey,
    /// What to do with it.
    pub op: Op,
}

/// What the built-in resolvers understand. The numbers on the wire are fixed; a new operation
/// needs a new body format, so that every Device agrees on what an old one rejects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Makes a document; rejected when it exists.
    Create {
        /// A literal map.
        fields: Value,
    },
    /// Puts a value at the path, making maps on the way and the document itself.
    Set {
        /// Empty for the whole document.
        path: Path,
        /// A literal; a map when the path is empty.
        value: Value,
    },
    /// Removes what is at the path; nothing there is no error.
    Unset {
        /// Not empty.
        path: Path,
    },
    /// Puts the fields of a map into the map at the path, recursively.
    Merge {
        /// Empty for the whole document.
        path: Path,
        /// A literal map.
        value: Value,
    },
    /// Adds to a whole number; a missing one counts as 0.
    Increment {
        /// Not empty.
        path: Path,
        /// What to add.
        by: i64,
    },
    /// Inserts an element; makes the list when there is none.
    ListInsert {
        /// The list.
        path: Path,
        /// Where.
        place: Place,
        /// A literal.
        value: Value,
    },
    /// Moves an element; nothing happens when it is gone.
    ListMove {
        /// The list.
        path: Path,
        /// The element.
        element: ElementId,
        /// Where to.
        place: Place,
    },
    /// Removes an element; nothing happens when it is gone.
    ListRemove {
        /// The list.
        path: Path,
        /// The element.
        element: ElementId,
    },
    /// Adds to a set; makes it when there is none.
    SetAdd {
        /// The set.
        path: Path,
        /// What to add.
        member: SetMember,
    },
    /// Removes from a set.
    SetRemove {
        /// The set.
        path: Path,
        /// What to remove.
        member: SetMember,
    },
    /// Deletes the document; nothing happens when it is gone.
    Delete,
    /// Rejects the whole Transaction when the condition is false.
    Expect {
        /// Empty for the document itself.
        path: Path,
        /// The condition.
        condition: Condition,
    },
    /// Puts a new collaborative text at the path.
    TextCreate {
        /// Not empty.
        path: Path,
        /// What it starts with.
        text: String,
    },
    /// Edits a collaborative text; makes an empty one when there is none.
    TextEdit {
        /// The text.
        path: Path,
        /// In order, each on the text that the one before leaves.
        splices: Vec<TextSplice>,
    },
    /// Asks the collection's own resolver.
    Call(CallOp),
}

/// An Action of the app's own: what it does is known to the collection's resolver alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOp {
    /// The version of the resolver that it is written for, from 1. 0 until it is committed, which
    /// takes the newest one that the Space accepts.
    pub version: u64,
    /// What to do, 1 to 128 bytes.
    pub name: String,
    /// With what: a literal.
    pub args: Value,
}

/// Where in a list: after one element if it is still there, else before the other, else at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The element to the left; without it and `before`, the start of the list.
    pub after: Option<ElementId>,
    /// The element to the right.
    pub before: Option<ElementId>,
}

/// What `expect` can ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Something is at the path.
    Exists,
    /// Nothing is at the path.
    Missing,
    /// Exactly this value is at the path (bit equality; lists by their values).
    Equals(Value),
    /// A whole number of at least this is at the path.
    AtLeast(i64),
    /// A whole number of at most this is at the path.
    AtMost(i64),
}

/// One cut and paste, in Unicode scalar values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSplice {
    /// Where, counted in the text that the author saw.
    pub offset: u64,
    /// How many to delete there.
    pub delete: u64,
    /// What to insert there.
    pub insert: String,
}

const CREATE: u64 = 0;
const SET: u64 = 1;
const UNSET: u64 = 2;
const MERGE: u64 = 3;
const INCREMENT: u64 = 4;
const LIST_INSERT: u64 = 5;
const LIST_MOVE: u64 = 6;
const LIST_REMOVE: u64 = 7;
const SET_ADD: u64 = 8;
const SET_REMOVE: u64 = 9;
const DELETE: u64 = 10;
const EXPECT: u64 = 11;
const TEXT_CREATE: u64 = 12;
const TEXT_EDIT: u64 = 13;
const CALL: u64 = 14;

/// Longest name of a call in bytes.
const CALL_NAME_BYTES_MAX: usize = 128;

impl Action {
    pub(super) fn encode(&self, out: &mut Encoder) {
        self.key.encode(out);
        self.op.encode(out);
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        Ok(Self { key: DocumentKey::decode(input)?, op: Op::decode(input)? })
    }
}

impl Place {
    fn encode(&self, out: &mut Encoder) {
        for id in [&self.after, &self.before] {
            match id {
                Some(id) => out.bytes(&id.0),
                None => out.nil(),
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let mut id = || match input.peek("place")? {
            Marker::Null => input.nil("place").map(|()| None),
            _ => input.exact("place").map(|id| Some(ElementId(id))),
        };
        Ok(Self { after: id()?, before: id()? })
    }
}

impl Op {
    /// True when the operation only looks.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Expect { .. })
    }

    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Create { fields } => {
                out.uint(CREATE);
                fields.encode(out);
            }
            Self::Set { path, value } => {
                out.uint(SET);
                path.encode(out);
                value.encode(out);
            }
            Self::Unset { path } => {
                out.uint(UNSET);
                path.encode(out);
            }
            Self::Merge { path, value } => {
                out.uint(MERGE);
                path.encode(out);
                value.encode(out);
            }
            Self::Increment { path, by } => {
                out.uint(INCREMENT);
                path.encode(out);
                out.int(*by);
            }
            Self::ListInsert { path, place, value } => {
                out.uint(LIST_INSERT);
                path.encode(out);
                place.encode(out);
                value.encode(out);
            }
            Self::ListMove { path, element, place } => {
                out.uint(LIST_MOVE);
                path.encode(out);
                out.bytes(&element.0);
                place.encode(out);
            }
            Self::ListRemove { path, element } => {
                out.uint(LIST_REMOVE);
                path.encode(out);
                out.bytes(&element.0);
            }
            Self::SetAdd { path, member } => {
                out.uint(SET_ADD);
                path.encode(out);
                Value::from(member.clone()).encode(out);
            }
            Self::SetRemove { path, member } => {
                out.uint(SET_REMOVE);
                path.encode(out);
                Value::from(member.clone()).encode(out);
            }
            Self::Delete => out.uint(DELETE),
            Self::Expect { path, condition } => {
                out.uint(EXPECT);
                path.encode(out);
                condition.encode(out);
            }
            Self::TextCreate { path, text } => {
                out.uint(TEXT_CREATE);
                path.encode(out);
                out.str(text);
            }
            Self::TextEdit { path, splices } => {
                out.uint(TEXT_EDIT);
                path.encode(out);
                out.array(splices.len());
                for splice in splices {
                    out.uint(splice.offset);
                    out.uint(splice.delete);
                    out.str(&splice.insert);
                }
            }
            Self::Call(call) => {
                out.uint(CALL);
                out.uint(call.version);
                out.str(&call.name);
                call.args.encode(out);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let code = input.uint("op")?;
        if code == CREATE {
            return Ok(Self::Create { fields: Value::decode(input)? });
        }
        if code == DELETE {
            return Ok(Self::Delete);
        }
        if code == CALL {
            let version = input.uint("call.version")?;
            let name = input.str(CALL_NAME_BYTES_MAX, "call.name")?.to_owned();
            return match version {
                0 => Err(BodyError::Unknown { field: "call.version" }),
                _ => Ok(Self::Call(CallOp { version, name, args: Value::decode(input)? })),
            };
        }
        if code > TEXT_EDIT {
            return Err(BodyError::Unknown { field: "op" });
        }
        let path = Path::decode(input)?;
        Ok(match code {
            SET => Self::Set { path, value: Value::decode(input)? },
            UNSET => Self::Unset { path },
            MERGE => Self::Merge { path, value: Value::decode(input)? },
            INCREMENT => Self::Increment { path, by: input.int("increment.by")? },
            LIST_INSERT => {
                Self::ListInsert { path, place: Place::decode(input)?, value: Value::decode(input)? }
            }
            LIST_MOVE => Self::ListMove {
                path,
                element: ElementId(input.exact("list_move.element")?),
                place: Place::decode(input)?,
            },
            LIST_REMOVE => Self::ListRemove { path, element: ElementId(input.exact("list_remove.element")?) },
            SET_ADD => Self::SetAdd { path, member: set_member(input)? },
            SET_REMOVE => Self::SetRemove { path, member: set_member(input)? },
            EXPECT => Self::Expect { path, condition: Condition::decode(input)? },
            TEXT_CREATE => Self::TextCreate { path, text: input.str(usize::MAX, "text")?.to_owned() },
            TEXT_EDIT => {
                let len = input.array(SPLICES_MAX, "text_edit.splices")?;
                let mut splices = Vec::with_capacity(len);
                for _ in 0..len {
                    splices.push(TextSplice {
                        offset: input.uint("splice.offset")?,
                        delete: input.uint("splice.delete")?,
                        insert: input.str(usize::MAX, "splice.insert")?.to_owned(),
                    });
                }
                Self::TextEdit { path, splices }
            }
            _ => return Err(BodyError::Unknown { field: "op" }),
        })
    }

    /// True when every literal, path and count is one that [`crate::model::Body::decode`] accepts.
    pub fn is_well_formed(&self) -> bool {
        let is_map = |value: &Value| matches!(value, Value::Map(_));
        match self {
            Self::Create { fields } => fields.is_literal() && is_map(fields),
            Self::Set { path, value } => value.is_literal() && (!path.0.is_empty() || is_map(value)),
            Self::Merge { value, .. } => value.is_literal() && is_map(value),
            Self::ListInsert { path, value, .. } => !path.0.is_empty() && value.is_literal(),
            Self::TextEdit { path, splices } => {
                !path.0.is_empty() && (1..=SPLICES_MAX).contains(&splices.len())
            }
            Self::Unset { path }
            | Self::Increment { path, .. }
            | Self::ListMove { path, .. }
            | Self::ListRemove { path, .. }
            | Self::SetAdd { path, .. }
            | Self::SetRemove { path, .. }
            | Self::TextCreate { path, .. } => !path.0.is_empty(),
            Self::Expect { condition: Condition::Equals(value), .. } => value.is_literal(),
            Self::Call(call) => {
                (1..=CALL_NAME_BYTES_MAX).contains(&call.name.len()) && call.args.is_literal()
            }
            Self::Expect { .. } | Self::Delete => true,
        }
    }
}

impl Condition {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Exists => out.uint(0),
            Self::Missing => out.uint(1),
            Self::Equals(value) => {
                out.uint(2);
                value.encode(out);
            }
            Self::AtLeast(value) => {
                out.uint(3);
                out.int(*value);
            }
            Self::AtMost(value) => {
                out.uint(4);
                out.int(*value);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        Ok(match input.uint("condition")? {
            0 => Self::Exists,
            1 => Self::Missing,
            2 => Self::Equals(Value::decode(input)?),
            3 => Self::AtLeast(input.int("condition.at_least")?),
            4 => Self::AtMost(input.int("condition.at_most")?),
            _ => return Err(BodyError::Unknown { field: "condition" }),
        })
    }
}

fn set_member(input: &mut Decoder<'_>) -> Result<SetMember, BodyError> {
    SetMember::from_value(&Value::decode(input)?).ok_or(BodyError::WrongType { field: "set.member" })
}
