//! What apps hand in: paths, values and documents in several spellings, and ids of list elements.

use crate::error::Error;
use crate::model::{
    ElementId, Fields, JsonError, Path, PathError, Segment, SetMember, Value, fields_from_json,
    value_from_json,
};

/// A UTF-8 JSON text, wherever a document or a value is wanted. Numbers keep their type and bits.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(pub &'a [u8]);

/// A place in a document: `"a.b"` as text, or a [`Path`] for keys that contain a dot.
pub trait IntoPath {
    /// The path.
    ///
    /// # Errors
    /// `Invalid` for what is no path.
    fn into_path(self) -> Result<Path, Error>;
}

/// A value that an Action may carry.
pub trait IntoValue {
    /// The value.
    ///
    /// # Errors
    /// `Invalid` for what is not JSON.
    fn into_value(self) -> Result<Value, Error>;
}

/// The fields of a document.
pub trait IntoFields {
    /// The fields.
    ///
    /// # Errors
    /// `Invalid` for what is not a JSON object.
    fn into_fields(self) -> Result<Fields, Error>;
}

impl IntoPath for Path {
    fn into_path(self) -> Result<Path, Error> {
        Ok(self)
    }
}

impl IntoPath for &Path {
    fn into_path(self) -> Result<Path, Error> {
        Ok(self.clone())
    }
}

impl IntoPath for &str {
    fn into_path(self) -> Result<Path, Error> {
        Path::parse(self).map_err(bad_path)
    }
}

impl IntoPath for &String {
    fn into_path(self) -> Result<Path, Error> {
        self.as_str().into_path()
    }
}

impl IntoValue for Value {
    fn into_value(self) -> Result<Value, Error> {
        Ok(self)
    }
}

impl IntoValue for Json<'_> {
    fn into_value(self) -> Result<Value, Error> {
        value_from_json(self.0).map_err(bad_json)
    }
}

impl IntoValue for serde_json::Value {
    fn into_value(self) -> Result<Value, Error> {
        Json(self.to_string().as_bytes()).into_value()
    }
}

impl IntoValue for Fields {
    fn into_value(self) -> Result<Value, Error> {
        Ok(Value::Map(self))
    }
}

impl IntoValue for bool {
    fn into_value(self) -> Result<Value, Error> {
        Ok(Value::Bool(self))
    }
}

impl IntoValue for i32 {
    fn into_value(self) -> Result<Value, Error> {
        Ok(Value::Int(self.into()))
    }
}

impl IntoValue for i64 {
    fn into_value(self) -> Result<Value, Error> {
        Ok(Value::Int(self))
    }
}

impl IntoValue for f64 {
    fn into_value(self) -> Result<Value, Error> {
        Ok(Value::Float(self))
    }
}

impl IntoValue for &str {
    fn into_value(self) -> Result<Value, Error> {
        Ok(Value::String(self.to_owned()))
    }
}

impl IntoValue for String {
    fn into_value(self) -> Result<Value, Error> {
        Ok(Value::String(self))
    }
}

impl IntoFields for Fields {
    fn into_fields(self) -> Result<Fields, Error> {
        Ok(self)
    }
}

impl IntoFields for Json<'_> {
    fn into_fields(self) -> Result<Fields, Error> {
        fields_from_json(self.0).map_err(bad_json)
    }
}

impl IntoFields for serde_json::Value {
    fn into_fields(self) -> Result<Fields, Error> {
        Json(self.to_string().as_bytes()).into_fields()
    }
}

/// The elements of the list at `path`, with the ids under which they are moved and removed; `None`
/// when no list is there.
pub fn elements_at<'a>(fields: &'a Fields, path: &Path) -> Option<&'a [(ElementId, Value)]> {
    match value_at(fields, path)? {
        Value::List(list) => Some(list),
        _ => None,
    }
}

/// The value at `path`, which is not empty.
pub fn value_at<'a>(fields: &'a Fields, path: &Path) -> Option<&'a Value> {
    let (first, rest) = path.0.split_first()?;
    let Segment::Key(key) = first else { return None };
    rest.iter().try_fold(fields.get(key)?, |value, segment| match (value, segment) {
        (Value::Map(map), Segment::Key(key)) => map.get(key),
        (Value::List(list), Segment::Element(id)) => {
            list.iter().find(|(other, _)| other == id).map(|(_, value)| value)
        }
        _ => None,
    })
}

/// A value as a member of a set.
pub(super) fn set_member(value: impl IntoValue) -> Result<SetMember, Error> {
    SetMember::from_value(&value.into_value()?).ok_or_else(|| {
        Error::invalid("bad_set_member", "a set holds truth values, whole numbers and strings")
    })
}

fn bad_path(error: PathError) -> Error {
    Error::invalid("bad_path", error.to_string())
}

fn bad_json(error: JsonError) -> Error {
    Error::invalid("bad_json", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_every_spelling_is_the_same_document() {
        let text = r#"{"a":1,"b":[1.0,-0.0]}"#;
        let read: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(read.into_fields(), Json(text.as_bytes()).into_fields());
        assert_eq!(Json(b"[1]").into_fields().unwrap_err().code, "bad_json");
        assert_eq!("a..b".into_path().unwrap_err().code, "bad_path");
        assert_eq!(set_member(1.5).unwrap_err().code, "bad_set_member");
    }

    #[test]
    fn values_are_found_by_path() {
        let id = ElementId([7; 12]);
        let list = Value::List(vec![(id, Value::Map(Fields::from([("x".to_owned(), Value::Int(3))])))]);
        let fields = Fields::from([("tags".to_owned(), list)]);
        let path = format!("tags.#{id}.x").as_str().into_path().unwrap();
        assert_eq!(value_at(&fields, &path), Some(&Value::Int(3)));
        assert_eq!(elements_at(&fields, &"tags".into_path().unwrap()).unwrap().len(), 1);
        assert_eq!(elements_at(&fields, &"none".into_path().unwrap()), None);
    }
}
