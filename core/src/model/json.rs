//! JSON, the language that apps speak, to and from values. Numbers keep their type and bits.

use super::document::Fields;
use super::encoding::DEPTH_MAX;
use super::value::Value;
use serde_json::{Map, Number, Value as Json};
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
    /// A document is a JSON object.
    #[error("a document is a JSON object")]
    NotAnObject,
}

/// Reads a literal value.
///
/// # Errors
/// A [`JsonError`] that says what to write instead.
pub fn value_from_json(json: &[u8]) -> Result<Value, JsonError> {
    let value = from_json(serde_json::from_slice(json).map_err(|_| JsonError::Syntax)?)?;
    if value.is_literal() { Ok(value) } else { Err(JsonError::Syntax) }
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
    serde_json::to_vec(&to_json(value))
        .unwrap_or_else(|_| unreachable!("a tree of JSON values can be written"))
}

/// Writes the fields of a document.
pub fn fields_to_json(fields: &Fields) -> Vec<u8> {
    let map: Map<String, Json> = fields.iter().map(|(key, value)| (key.clone(), to_json(value))).collect();
    serde_json::to_vec(&map).unwrap_or_else(|_| unreachable!("a tree of JSON values can be written"))
}

fn from_json(json: Json) -> Result<Value, JsonError> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => number_from_json(&number)?,
        Json::String(value) => Value::String(value),
        Json::Array(values) => Value::Array(values.into_iter().map(from_json).collect::<Result<_, _>>()?),
        Json::Object(map) => Value::Map(
            map.into_iter().map(|(key, value)| Ok((key, from_json(value)?))).collect::<Result<_, _>>()?,
        ),
    })
}

fn number_from_json(number: &Number) -> Result<Value, JsonError> {
    if let Some(value) = number.as_i64() {
        return Ok(Value::Int(value));
    }
    match number.as_f64() {
        Some(value) if number.is_f64() && value.is_finite() => Ok(Value::Float(value)),
        _ => Err(JsonError::NumberRange),
    }
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::String(value) => Json::from(value.as_str()),
        Value::Array(values) => Json::Array(values.iter().map(to_json).collect()),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, value)| (key.clone(), to_json(value))).collect())
        }
        Value::List(list) => Json::Array(list.iter().map(|(_, value)| to_json(value)).collect()),
        Value::Set(members) => {
            Json::Array(members.iter().map(|member| to_json(&member.clone().into())).collect())
        }
        Value::Text(text) => Json::String(text.to_string()),
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
        assert_eq!(value_from_json(b"18446744073709551615"), Err(JsonError::NumberRange));
        assert!(value_from_json(b"1e999").is_err());
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
        assert_eq!(value_from_json(deep.as_bytes()), Err(JsonError::Syntax));
    }
}
