//! JSON, the language that apps speak, to and from values. Numbers keep their type and bits.

use super::document::Fields;
use super::encoding::DEPTH_MAX;
use super::value::Value;
use core::fmt;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Why a JSON text is not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JsonError {
    /// Not JSON, or nested too deeply.
    #[error("not valid JSON, or nested deeper than {DEPTH_MAX}")]
    Syntax,
    /// A whole number outside of 64 signed bits.
    #[error("whole numbers must fit in 64 signed bits")]
    NumberRange,
    /// An object has two fields of one name: one of them would be lost.
    #[error("a field stands twice in one object")]
    FieldTwice,
    /// A document is a JSON object.
    #[error("a document is a JSON object")]
    NotAnObject,
}

/// Reads a literal value.
///
/// # Errors
/// A [`JsonError`] that says what to write instead.
pub fn value_from_json(json: &[u8]) -> Result<Value, JsonError> {
    let value = tree_from_json(json)?;
    if value.is_literal() { Ok(value) } else { Err(JsonError::Syntax) }
}

/// Reads any JSON, for whoever takes values out of it; those still have to be literals.
///
/// # Errors
/// A [`JsonError`] that says what to write instead.
pub fn tree_from_json(json: &[u8]) -> Result<Value, JsonError> {
    if !whole_numbers_fit(json) {
        return Err(JsonError::NumberRange);
    }
    let read: Result<Read, _> = serde_json::from_slice(json);
    // The reader below takes anything else that is well formed but one thing.
    read.map(|Read(value)| value)
        .map_err(|error| if error.is_data() { JsonError::FieldTwice } else { JsonError::Syntax })
}

/// The parser makes a float of a whole number that does not fit, which would be another number.
fn whole_numbers_fit(mut json: &[u8]) -> bool {
    let mut quoted = false;
    while let [first, rest @ ..] = json {
        let mut next = rest;
        match first {
            b'"' => quoted = !quoted,
            b'\\' => next = rest.get(1..).unwrap_or_default(),
            b'-' | b'0'..=b'9' if !quoted => {
                let part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                let (number, after) = json.split_at(json.iter().position(|b| !part(b)).unwrap_or(json.len()));
                let whole = number.iter().all(|byte| !matches!(byte, b'.' | b'e' | b'E'));
                if whole && core::str::from_utf8(number).is_ok_and(|number| number.parse::<i64>().is_err()) {
                    return false;
                }
                next = after;
            }
            _ => {}
        }
        json = next;
    }
    true
}

/// Reads the fields of a document.
///
/// # Errors
/// A [`JsonError`] that says what to write instead.
pub fn fields_from_json(json: &[u8]) -> Result<Fields, JsonError> {
    match value_from_json(json)? {
        Value::Map(fields) => Ok(fields),
        _ => Err(JsonError::NotAnObject),
    }
}

/// Writes a value; sets become arrays, texts strings.
pub fn value_to_json(value: &Value) -> Vec<u8> {
    written(&Written(value))
}

/// Writes the fields of a document.
pub fn fields_to_json(fields: &Fields) -> Vec<u8> {
    written(&WrittenMap(fields))
}

fn written(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| unreachable!("a tree of JSON values can be written"))
}

/// A value as it stands in JSON.
struct Read(Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::Int).map_err(|_| E::custom(JsonError::NumberRange))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Read(value)) = input.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut map = Fields::new();
        while let Some((key, Read(value))) = input.next_entry()? {
            if map.insert(key, value).is_some() {
                return Err(serde::de::Error::custom(JsonError::FieldTwice));
            }
        }
        Ok(Value::Map(map))
    }
}

struct Written<'a>(&'a Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => out.serialize_unit(),
            Value::Bool(value) => out.serialize_bool(*value),
            Value::Int(value) => out.serialize_i64(*value),
            // JSON has no other way to write what is no number; serde_json does the same.
            Value::Float(value) => out.serialize_f64(*value),
            Value::String(value) => out.serialize_str(value),
            Value::Array(values) => out.collect_seq(values.iter().map(Written)),
            Value::Map(map) => WrittenMap(map).serialize(out),
            Value::List(list) => out.collect_seq(list.iter().map(|(_, value)| Written(value))),
            Value::Set(members) => {
                let members: Vec<Value> = members.iter().map(|member| member.clone().into()).collect();
                out.collect_seq(members.iter().map(Written))
            }
            Value::Text(text) => out.serialize_str(&text.to_string()),
        }
    }
}

struct WrittenMap<'a>(&'a Fields);

impl Serialize for WrittenMap<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(self.0.iter().map(|(key, value)| (key, Written(value))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_type_and_bits() {
        for (json, value) in [
            ("1.0", Value::Float(1.0)),
            ("1", Value::Int(1)),
            ("9007199254740993", Value::Int((1 << 53) + 1)),
            ("-0.0", Value::Float(-0.0)),
            ("1e300", Value::Float(1e300)),
            ("-9223372036854775808", Value::Int(i64::MIN)),
        ] {
            let read = value_from_json(json.as_bytes()).unwrap();
            assert_eq!(read, value, "{json}");
            assert_eq!(value_from_json(&value_to_json(&read)), Ok(value), "{json}");
        }
        assert!(value_from_json(b"1e999").is_err());
    }

    #[test]
    fn a_whole_number_that_does_not_fit_is_no_float() {
        for wide in
            ["9223372036854775808", "18446744073709551616", "-9223372036854775809", "1".repeat(400).as_str()]
        {
            for json in [wide.to_owned(), format!("[{wide}]"), format!(r#"{{"a\"\\":-1,"b":{wide}}}"#)] {
                assert_eq!(value_from_json(json.as_bytes()), Err(JsonError::NumberRange), "{json}");
            }
            let text = format!(r#"["{wide}", "\"{wide}", 1e30, {wide}.0, {wide}e0]"#);
            assert_eq!(value_from_json(text.as_bytes()).is_ok(), wide.len() < 300, "{text}");
        }
    }

    #[test]
    fn no_field_is_lost_to_another_of_its_name() {
        for twice in [r#"{"a":1,"a":2}"#, r#"[{"a":{"b":1,"c":2,"b":1}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert_eq!(value_from_json(twice.as_bytes()), Err(JsonError::FieldTwice), "{twice}");
        }
        assert!(value_from_json(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
        assert_eq!(value_from_json(deep.as_bytes()), Err(JsonError::Syntax));
    }
}
