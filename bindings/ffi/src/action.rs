//! The JSON form of Actions, written by the packages of each language and read here. Stable: new
//! operations are added, nothing is renamed.
//!
//! ```json
//! {"op": "put",         "collection": "items", "id": "milk", "value": {"qty": 1}}
//! {"op": "create",      …, "value": {"qty": 1}}
//! {"op": "set",         …, "path": "price.net", "value": 1.0}
//! {"op": "unset",       …, "path": "price"}
//! {"op": "merge",       …, "path": "price", "value": {"net": 1.0}}
//! {"op": "increment",   …, "path": "qty", "by": 1}
//! {"op": "delete",      …}
//! {"op": "list_insert", …, "path": "tags", "value": "x", "after": "<element>", "before": "<element>"}
//! {"op": "list_append", …, "path": "tags", "value": "x"}
//! {"op": "list_move",   …, "path": "tags", "element": "<element>", "after": …, "before": …}
//! {"op": "list_remove", …, "path": "tags", "element": "<element>"}
//! {"op": "set_add",     …, "path": "labels", "value": "cold"}
//! {"op": "set_remove",  …, "path": "labels", "value": "cold"}
//! {"op": "text_create", …, "path": "note", "text": "start"}
//! {"op": "text_edit",   …, "path": "note", "splices": [[offset, delete, "insert"], …]}
//! {"op": "expect",      …, "path": "qty", "is": "at_least", "value": 1}
//! {"op": "call",        …, "name": "buy", "value": {"n": 2}}
//! ```
//!
//! `call` asks the collection's own resolver. `is` is `exists`, `missing`, `equals`, `at_least` or `at_most`. `path` is a text, in which `#` and
//! an id name a list element, or an array of keys (`"a.b"`) and elements (`{"element": "<element>"}`);
//! without one it is the document itself. Elements are 24 hex digits; `after` and `before` may be
//! left out or `null`.

use crate::error::Result;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;
use veilfold_core::Error;
use veilfold_core::client::{END, IntoFields, IntoPath, IntoValue, Json};
use veilfold_core::model::{
    Action, CallOp, Condition, DocumentKey, ElementId, Op, Path, Place, Segment, SetMember, TextSplice, Value,
};

/// An Action as it is written. Its fields are read by hand: derived code for them is ten times as large.
#[derive(Default)]
struct Wish<'a> {
    texts: [Option<String>; TEXTS.len()],
    path: Option<PathText>,
    value: Option<&'a RawValue>,
    by: Option<i64>,
    splices: Option<Vec<(u64, u64, String)>>,
}

const TEXTS: [&str; 9] = ["op", "collection", "id", "element", "after", "before", "is", "text", "name"];
const OP: usize = 0;
const COLLECTION: usize = 1;
const ID: usize = 2;
const ELEMENT: usize = 3;
const AFTER: usize = 4;
const BEFORE: usize = 5;
const IS: usize = 6;
const TEXT: usize = 7;
const NAME: usize = 8;

enum PathText {
    Dotted(String),
    Segments(Vec<SegmentText>),
}

enum SegmentText {
    Key(String),
    Element(String),
}

/// Reads an array of Actions.
///
/// # Errors
/// `Invalid` that says what to write instead, without quoting any of it.
pub(crate) fn actions_from_json(json: &[u8]) -> Result<Vec<Action>, Error> {
    let wishes: Vec<Wish<'_>> = serde_json::from_slice(json).map_err(|error| {
        let text = format!("an action is not well formed at character {}", error.column());
        Error::invalid("bad_action", text)
    })?;
    wishes.into_iter().map(Wish::into_action).collect()
}

/// Reads a path in either form.
///
/// # Errors
/// `Invalid` for what is no path.
pub(crate) fn path_from_json(json: &[u8]) -> Result<Path, Error> {
    let text: PathText =
        serde_json::from_slice(json).map_err(|_| Error::invalid("bad_path", "not a path"))?;
    text.into_path()
}

impl<'de> Deserialize<'de> for Wish<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(WishReader)
    }
}

struct WishReader;

impl<'de> Visitor<'de> for WishReader {
    type Value = Wish<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an action")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> std::result::Result<Wish<'de>, A::Error> {
        let mut wish = Wish::default();
        while let Some(name) = input.next_key::<String>()? {
            let is_new = match name.as_str() {
                "path" => std::mem::replace(&mut wish.path, input.next_value()?).is_none(),
                // Null is a value.
                "value" => wish.value.replace(input.next_value()?).is_none(),
                "by" => std::mem::replace(&mut wish.by, input.next_value()?).is_none(),
                "splices" => std::mem::replace(&mut wish.splices, input.next_value()?).is_none(),
                name => match TEXTS.iter().position(|text| *text == name) {
                    Some(text) => std::mem::replace(&mut wish.texts[text], input.next_value()?).is_none(),
                    None => false,
                },
            };
            if !is_new {
                return Err(A::Error::custom("a field that is not known or comes twice"));
            }
        }
        Ok(wish)
    }
}

impl<'de> Deserialize<'de> for PathText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(PathReader)
    }
}

struct PathReader;

impl<'de> Visitor<'de> for PathReader {
    type Value = PathText;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a path")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<PathText, E> {
        Ok(PathText::Dotted(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> std::result::Result<PathText, A::Error> {
        let mut segments = Vec::new();
        while let Some(segment) = input.next_element()? {
            segments.push(segment);
        }
        Ok(PathText::Segments(segments))
    }
}

impl<'de> Deserialize<'de> for SegmentText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(SegmentReader)
    }
}

struct SegmentReader;

impl<'de> Visitor<'de> for SegmentReader {
    type Value = SegmentText;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key or an element")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<SegmentText, E> {
        Ok(SegmentText::Key(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> std::result::Result<SegmentText, A::Error> {
        let (name, element): (String, String) =
            input.next_entry()?.ok_or_else(|| A::Error::custom("an element without its id"))?;
        if name != "element" || input.next_key::<String>()?.is_some() {
            return Err(A::Error::custom("an element is named by its id alone"));
        }
        Ok(SegmentText::Element(element))
    }
}

impl Wish<'_> {
    fn into_action(mut self) -> Result<Action, Error> {
        let op = self.op()?;
        let mut take = |text: usize| self.texts[text].take().ok_or_else(|| missing(TEXTS[text]));
        Ok(Action { key: DocumentKey::new(take(COLLECTION)?, take(ID)?), op })
    }

    fn text(&self, text: usize) -> Result<&str, Error> {
        self.texts[text].as_deref().ok_or_else(|| missing(TEXTS[text]))
    }

    fn op(&self) -> Result<Op, Error> {
        let path = || self.path.as_ref().map_or_else(|| Ok(Path::default()), PathText::to_path);
        Ok(match self.text(OP)? {
            "put" => Op::Set { path: Path::default(), value: self.map()? },
            "create" => Op::Create { fields: self.map()? },
            "set" => Op::Set { path: path()?, value: self.value()? },
            "unset" => Op::Unset { path: path()? },
            "merge" => Op::Merge { path: path()?, value: self.map()? },
            "increment" => Op::Increment { path: path()?, by: self.by.ok_or_else(|| missing("by"))? },
            "delete" => Op::Delete,
            "list_insert" => Op::ListInsert { path: path()?, place: self.place()?, value: self.value()? },
            "list_append" => Op::ListInsert { path: path()?, place: END, value: self.value()? },
            "list_move" => Op::ListMove { path: path()?, element: self.element()?, place: self.place()? },
            "list_remove" => Op::ListRemove { path: path()?, element: self.element()? },
            "set_add" => Op::SetAdd { path: path()?, member: self.member()? },
            "set_remove" => Op::SetRemove { path: path()?, member: self.member()? },
            "text_create" => Op::TextCreate { path: path()?, text: self.text(TEXT)?.to_owned() },
            "text_edit" => {
                let splices = self.splices.as_ref().ok_or_else(|| missing("splices"))?;
                let splice = |(offset, delete, insert): &(u64, u64, String)| TextSplice {
                    offset: *offset,
                    delete: *delete,
                    insert: insert.clone(),
                };
                Op::TextEdit { path: path()?, splices: splices.iter().map(splice).collect() }
            }
            "expect" => Op::Expect { path: path()?, condition: self.condition()? },
            "call" => Op::Call(CallOp { version: 0, name: self.text(NAME)?.to_owned(), args: self.value()? }),
            _ => return Err(Error::invalid("bad_action", "there is no operation of that name")),
        })
    }

    fn raw(&self) -> Result<Json<'_>, Error> {
        self.value.map(|raw| Json(raw.get().as_bytes())).ok_or_else(|| missing("value"))
    }

    fn value(&self) -> Result<Value, Error> {
        self.raw()?.into_value()
    }

    fn map(&self) -> Result<Value, Error> {
        Ok(Value::Map(self.raw()?.into_fields()?))
    }

    fn member(&self) -> Result<SetMember, Error> {
        SetMember::from_value(&self.value()?).ok_or_else(|| {
            Error::invalid("bad_set_member", "a set holds truth values, whole numbers and strings")
        })
    }

    fn element(&self) -> Result<ElementId, Error> {
        element(self.text(ELEMENT)?)
    }

    fn place(&self) -> Result<Place, Error> {
        let element = |text: usize| self.texts[text].as_deref().map(element).transpose();
        Ok(Place { after: element(AFTER)?, before: element(BEFORE)? })
    }

    fn condition(&self) -> Result<Condition, Error> {
        let number = || match self.value()? {
            Value::Int(number) => Ok(number),
            _ => Err(Error::invalid("bad_action", "a bound is a whole number")),
        };
        Ok(match self.texts[IS].as_deref() {
            Some("exists") => Condition::Exists,
            Some("missing") => Condition::Missing,
            Some("equals") => Condition::Equals(self.value()?),
            Some("at_least") => Condition::AtLeast(number()?),
            Some("at_most") => Condition::AtMost(number()?),
            _ => return Err(Error::invalid("bad_action", "there is no condition of that name")),
        })
    }
}

impl PathText {
    fn to_path(&self) -> Result<Path, Error> {
        match self {
            Self::Dotted(text) => Ok(text.as_str().into_path()?),
            Self::Segments(segments) => {
                let segment = |segment: &SegmentText| match segment {
                    SegmentText::Key(key) => Ok(Segment::Key(key.clone())),
                    SegmentText::Element(id) => element(id).map(Segment::Element),
                };
                // The limits of a path are checked with those of the Transaction.
                Ok(Path(segments.iter().map(segment).collect::<Result<_, Error>>()?))
            }
        }
    }

    fn into_path(self) -> Result<Path, Error> {
        self.to_path()
    }
}

fn element(text: &str) -> Result<ElementId, Error> {
    text.parse().map_err(|_| Error::invalid("bad_element", "an element id is 24 hex digits"))
}

fn missing(field: &str) -> Error {
    Error::invalid("bad_action", format!("the operation needs `{field}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use veilfold_core::ErrorKind;

    fn op(json: &str) -> Result<Op, Error> {
        let text = format!(r#"[{{"collection":"c","id":"d",{json}}}]"#);
        actions_from_json(text.as_bytes()).map(|mut actions| actions.remove(0).op)
    }

    #[test]
    fn every_operation_is_read_as_it_is_written_in_the_head() {
        let id = "0102030405060708090a0b0c";
        for (json, expected) in [
            (
                r#""op":"put","value":{}"#.to_owned(),
                Op::Set { path: Path::default(), value: Value::Map(Default::default()) },
            ),
            (r#""op":"delete""#.to_owned(), Op::Delete),
            (
                r#""op":"set","path":"a.b","value":-0.0"#.to_owned(),
                Op::Set { path: Path::parse("a.b").unwrap(), value: Value::Float(-0.0) },
            ),
            (
                r#""op":"increment","path":["a.b"],"by":9007199254740993"#.to_owned(),
                Op::Increment { path: Path::keys(&["a.b"]).unwrap(), by: (1 << 53) + 1 },
            ),
            (
                format!(r#""op":"list_move","path":[{{"element":"{id}"}}],"element":"{id}","after":null"#),
                Op::ListMove {
                    path: Path(vec![Segment::Element(id.parse().unwrap())]),
                    element: id.parse().unwrap(),
                    place: Place::default(),
                },
            ),
            (
                r#""op":"text_edit","path":"t","splices":[[1,2,"x"]]"#.to_owned(),
                Op::TextEdit {
                    path: Path::parse("t").unwrap(),
                    splices: vec![TextSplice { offset: 1, delete: 2, insert: "x".to_owned() }],
                },
            ),
            (
                r#""op":"expect","path":"n","is":"at_least","value":3"#.to_owned(),
                Op::Expect { path: Path::parse("n").unwrap(), condition: Condition::AtLeast(3) },
            ),
        ] {
            assert_eq!(op(&json).unwrap(), expected, "{json}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_without_quoting_it() {
        for (json, code) in [
            (r#""op":"set","path":"secret..x","value":1"#, "bad_path"),
            (r#""op":"set","path":"a""#, "bad_action"),
            (r#""op":"put","value":[]"#, "bad_json"),
            (r#""op":"set","path":"a","value":18446744073709551615"#, "bad_json"),
            (r#""op":"explode""#, "bad_action"),
            (r#""op":"delete","colour":"secret""#, "bad_action"),
            (r#""op":"list_remove","path":"a","element":"secret""#, "bad_element"),
            (r#""op":"set_add","path":"a","value":1.5"#, "bad_set_member"),
            (r#""op":"expect","path":"a","is":"nice""#, "bad_action"),
        ] {
            let refused = op(json).unwrap_err();
            assert_eq!((refused.kind, refused.code), (ErrorKind::Invalid, code), "{json}");
            assert!(!refused.detail.contains("secret"), "{refused}");
        }
        assert!(actions_from_json(b"{").is_err());
    }
}
