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
use veilfold_core::Error;
use veilfold_core::client::{END, IntoPath};
use veilfold_core::model::{
    Action, CallOp, Condition, DocumentKey, ElementId, Fields, JsonError, Op, Path, Place, Segment,
    SetMember, TextSplice, Value, tree_from_json,
};

/// An Action as it is written: read as any JSON is, for code of its own would be four times as large.
struct Wish(Fields);

/// Reads an array of Actions.
///
/// # Errors
/// `Invalid` that says what to write instead, without quoting any of it.
pub(crate) fn actions_from_json(json: &[u8]) -> Result<Vec<Action>, Error> {
    let Value::Array(wishes) = tree(json, "bad_action")? else { return Err(malformed()) };
    wishes.into_iter().map(|wish| Wish::read(wish)?.into_action()).collect()
}

/// Reads a path in either form.
///
/// # Errors
/// `Invalid` for what is no path.
pub(crate) fn path_from_json(json: &[u8]) -> Result<Path, Error> {
    path(&tree(json, "bad_path")?)
}

fn tree(json: &[u8], code: &'static str) -> Result<Value, Error> {
    tree_from_json(json).map_err(|error| match error {
        JsonError::Syntax => Error::invalid(code, error.to_string()),
        _ => bad_json(error),
    })
}

impl Wish {
    fn read(value: Value) -> Result<Self, Error> {
        match value {
            Value::Map(fields) => Ok(Self(fields)),
            _ => Err(malformed()),
        }
    }

    fn into_action(mut self) -> Result<Action, Error> {
        let op = self.op()?;
        let key = DocumentKey::new(self.text("collection")?, self.text("id")?);
        // What the operation did not take is none of its fields.
        if self.0.is_empty() { Ok(Action { key, op }) } else { Err(malformed()) }
    }

    fn text(&mut self, name: &str) -> Result<String, Error> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(missing(name)),
        }
    }

    fn op(&mut self) -> Result<Op, Error> {
        Ok(match self.text("op")?.as_str() {
            "put" => Op::Set { path: Path::default(), value: self.map()? },
            "create" => Op::Create { fields: self.map()? },
            "set" => Op::Set { path: self.path()?, value: self.value()? },
            "unset" => Op::Unset { path: self.path()? },
            "merge" => Op::Merge { path: self.path()?, value: self.map()? },
            "increment" => Op::Increment { path: self.path()?, by: self.by()? },
            "delete" => Op::Delete,
            "list_insert" => {
                Op::ListInsert { path: self.path()?, place: self.place()?, value: self.value()? }
            }
            "list_append" => Op::ListInsert { path: self.path()?, place: END, value: self.value()? },
            "list_move" => {
                Op::ListMove { path: self.path()?, element: self.element()?, place: self.place()? }
            }
            "list_remove" => Op::ListRemove { path: self.path()?, element: self.element()? },
            "set_add" => Op::SetAdd { path: self.path()?, member: self.member()? },
            "set_remove" => Op::SetRemove { path: self.path()?, member: self.member()? },
            "text_create" => Op::TextCreate { path: self.path()?, text: self.text("text")? },
            "text_edit" => Op::TextEdit { path: self.path()?, splices: self.splices()? },
            "expect" => Op::Expect { path: self.path()?, condition: self.condition()? },
            "call" => Op::Call(CallOp { version: 0, name: self.text("name")?, args: self.value()? }),
            _ => return Err(Error::invalid("bad_action", "there is no operation of that name")),
        })
    }

    fn path(&mut self) -> Result<Path, Error> {
        self.0.remove("path").map_or_else(|| Ok(Path::default()), |written| path(&written))
    }

    fn value(&mut self) -> Result<Value, Error> {
        let value = self.0.remove("value").ok_or_else(|| missing("value"))?;
        if value.is_literal() { Ok(value) } else { Err(bad_json(JsonError::Syntax)) }
    }

    fn map(&mut self) -> Result<Value, Error> {
        let value = self.value()?;
        if matches!(value, Value::Map(_)) { Ok(value) } else { Err(bad_json(JsonError::NotAnObject)) }
    }

    fn by(&mut self) -> Result<i64, Error> {
        match self.0.remove("by") {
            Some(Value::Int(by)) => Ok(by),
            _ => Err(missing("by")),
        }
    }

    fn member(&mut self) -> Result<SetMember, Error> {
        SetMember::from_value(&self.value()?).ok_or_else(|| {
            Error::invalid("bad_set_member", "a set holds truth values, whole numbers and strings")
        })
    }

    fn element(&mut self) -> Result<ElementId, Error> {
        element(&self.text("element")?)
    }

    fn place(&mut self) -> Result<Place, Error> {
        let mut beside = |name: &str| match self.0.remove(name) {
            Some(Value::String(text)) => element(&text).map(Some),
            Some(Value::Null) | None => Ok(None),
            Some(_) => Err(missing(name)),
        };
        Ok(Place { after: beside("after")?, before: beside("before")? })
    }

    fn splices(&mut self) -> Result<Vec<TextSplice>, Error> {
        let Some(Value::Array(splices)) = self.0.remove("splices") else { return Err(missing("splices")) };
        let splice = |splice: Value| match splice {
            Value::Array(parts) => match <[Value; 3]>::try_from(parts) {
                Ok([Value::Int(offset), Value::Int(delete), Value::String(insert)]) => {
                    let (offset, delete) = (u64::try_from(offset).ok()?, u64::try_from(delete).ok()?);
                    Some(TextSplice { offset, delete, insert })
                }
                _ => None,
            },
            _ => None,
        };
        splices.into_iter().map(splice).collect::<Option<_>>().ok_or_else(malformed)
    }

    fn condition(&mut self) -> Result<Condition, Error> {
        let is = self.text("is").ok();
        let mut number = || match self.value()? {
            Value::Int(number) => Ok(number),
            _ => Err(Error::invalid("bad_action", "a bound is a whole number")),
        };
        Ok(match is.as_deref() {
            Some("exists") => Condition::Exists,
            Some("missing") => Condition::Missing,
            Some("at_least") => Condition::AtLeast(number()?),
            Some("at_most") => Condition::AtMost(number()?),
            Some("equals") => Condition::Equals(self.value()?),
            _ => return Err(Error::invalid("bad_action", "there is no condition of that name")),
        })
    }
}

/// A text, in which `#` and an id name a list element, or an array; nothing is the document itself.
fn path(value: &Value) -> Result<Path, Error> {
    let segment = |segment: &Value| match segment {
        Value::String(key) => Ok(Segment::Key(key.clone())),
        Value::Map(fields) => match (fields.len(), fields.get("element")) {
            (1, Some(Value::String(id))) => element(id).map(Segment::Element),
            _ => Err(bad_path()),
        },
        _ => Err(bad_path()),
    };
    match value {
        Value::Null => Ok(Path::default()),
        Value::String(text) => text.as_str().into_path(),
        // The limits of a path are checked with those of the Transaction.
        Value::Array(segments) => Ok(Path(segments.iter().map(segment).collect::<Result<_, Error>>()?)),
        _ => Err(bad_path()),
    }
}

fn element(text: &str) -> Result<ElementId, Error> {
    text.parse().map_err(|_| Error::invalid("bad_element", "an element id is 24 hex digits"))
}

fn missing(field: &str) -> Error {
    Error::invalid("bad_action", format!("the operation needs `{field}`"))
}

fn malformed() -> Error {
    Error::invalid("bad_action", "an action is not well formed")
}

pub(crate) fn bad_json(error: JsonError) -> Error {
    Error::invalid("bad_json", error.to_string())
}

fn bad_path() -> Error {
    Error::invalid("bad_path", "not a path")
}

#[cfg(test)]
mod tests {
    use super::*;
    use veilfold_core::ErrorKind;
    use veilfold_core::model::{DEPTH_MAX, value_from_json};

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
            (r#""op":"set","path":[7],"value":1"#, "bad_path"),
            (r#""op":"set","path":[{"element":"secret","x":1}],"value":1"#, "bad_path"),
            (r#""op":"increment","path":"a","by":"secret""#, "bad_action"),
            (r#""op":"list_insert","path":"a","value":1,"after":7"#, "bad_action"),
            (r#""op":"text_edit","path":"a","splices":[[1,-1,"secret"]]"#, "bad_action"),
            (r#""op":"text_edit","path":"a","splices":[[1,1]]"#, "bad_action"),
            (r#""op":"set","op":"delete","path":"secret","value":1"#, "bad_json"),
            (r#""op":"delete","by":"secret""#, "bad_action"),
            (r#""op":"increment","path":"a","by":9223372036854775808"#, "bad_json"),
        ] {
            let refused = op(json).unwrap_err();
            assert_eq!((refused.kind, refused.code), (ErrorKind::Invalid, code), "{json}");
            assert!(!refused.detail.contains("secret"), "{refused}");
        }
        for (json, code) in
            [("{", "bad_action"), ("{}", "bad_action"), ("[7]", "bad_action"), ("[] 7", "bad_action")]
        {
            assert_eq!(actions_from_json(json.as_bytes()).unwrap_err().code, code, "{json}");
        }
    }

    #[test]
    fn a_value_may_be_as_deep_as_any_other() {
        for depth in DEPTH_MAX - 2..DEPTH_MAX + 2 {
            let value = "[".repeat(depth) + &"]".repeat(depth);
            let read = op(&format!(r#""op":"set","path":"a","value":{value}"#)).is_ok();
            assert_eq!(read, value_from_json(value.as_bytes()).is_ok(), "{depth}");
            assert_eq!(read, depth < DEPTH_MAX);
        }
    }
}
