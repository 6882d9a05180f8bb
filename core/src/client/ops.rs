//! The operations of an Action, checked where the app's call can still answer for them.

use super::data::{IntoFields, IntoPath, IntoValue, set_member};
use crate::error::Error;
use crate::model::{CallOp, Condition, ElementId, Op, Path, Place, TextSplice, Value};

/// The end of a list: after an element that no Transaction ever makes, and before none.
pub const END: Place = Place { after: Some(ElementId([0xff; 12])), before: None };

pub(super) fn create(fields: impl IntoFields) -> Result<Op, Error> {
    Ok(Op::Create { fields: Value::Map(fields.into_fields()?) })
}

pub(super) fn put(fields: impl IntoFields) -> Result<Op, Error> {
    Ok(Op::Set { path: Path::default(), value: Value::Map(fields.into_fields()?) })
}

pub(super) fn set(path: impl IntoPath, value: impl IntoValue) -> Result<Op, Error> {
    Ok(Op::Set { path: path.into_path()?, value: value.into_value()? })
}

pub(super) fn unset(path: impl IntoPath) -> Result<Op, Error> {
    Ok(Op::Unset { path: path.into_path()? })
}

pub(super) fn merge(path: impl IntoPath, fields: impl IntoFields) -> Result<Op, Error> {
    Ok(Op::Merge { path: path.into_path()?, value: Value::Map(fields.into_fields()?) })
}

pub(super) fn call(name: &str, args: impl IntoValue) -> Result<Op, Error> {
    Ok(Op::Call(CallOp { version: 0, name: name.to_owned(), args: args.into_value()? }))
}

pub(super) fn increment(path: impl IntoPath, by: i64) -> Result<Op, Error> {
    Ok(Op::Increment { path: path.into_path()?, by })
}

pub(super) fn list_insert(path: impl IntoPath, place: Place, value: impl IntoValue) -> Result<Op, Error> {
    Ok(Op::ListInsert { path: path.into_path()?, place, value: value.into_value()? })
}

pub(super) fn list_move(path: impl IntoPath, element: ElementId, place: Place) -> Result<Op, Error> {
    Ok(Op::ListMove { path: path.into_path()?, element, place })
}

pub(super) fn list_remove(path: impl IntoPath, element: ElementId) -> Result<Op, Error> {
    Ok(Op::ListRemove { path: path.into_path()?, element })
}

pub(super) fn set_add(path: impl IntoPath, member: impl IntoValue) -> Result<Op, Error> {
    Ok(Op::SetAdd { path: path.into_path()?, member: set_member(member)? })
}

pub(super) fn set_remove(path: impl IntoPath, member: impl IntoValue) -> Result<Op, Error> {
    Ok(Op::SetRemove { path: path.into_path()?, member: set_member(member)? })
}

pub(super) fn text_create(path: impl IntoPath, text: &str) -> Result<Op, Error> {
    Ok(Op::TextCreate { path: path.into_path()?, text: text.to_owned() })
}

pub(super) fn text_edit(path: impl IntoPath, splices: Vec<TextSplice>) -> Result<Op, Error> {
    Ok(Op::TextEdit { path: path.into_path()?, splices })
}

pub(super) fn expect(path: impl IntoPath, condition: Condition) -> Result<Op, Error> {
    Ok(Op::Expect { path: path.into_path()?, condition })
}
