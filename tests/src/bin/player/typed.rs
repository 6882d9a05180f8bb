//! Values on the line between a script and a player: type and bits written out, so that no JSON
//! library in between can change them.

use super::wrong;
use serde_json::{Map, Value as Json, json};
use veilfold_core::Error;
use veilfold_core::model::{Fields, SetMember, Value};

/// A value that the Space gave.
pub fn out(value: &Value) -> Json {
    let list = |values: Vec<Json>| json!({ "l": values });
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!({ "i": value.to_string() }),
        Value::Float(value) => json!({ "f": format!("{:016x}", value.to_bits()) }),
        Value::String(value) => json!({ "s": value }),
        Value::Text(value) => json!({ "s": value.to_string() }),
        Value::Array(values) => list(values.iter().map(out).collect()),
        Value::List(values) => list(values.iter().map(|(_, value)| out(value)).collect()),
        Value::Set(members) => list(members.iter().map(member).collect()),
        Value::Map(fields) => out_fields(fields),
    }
}

/// A document that the Space gave.
pub fn out_fields(fields: &Fields) -> Json {
    let fields: Map<String, Json> = fields.iter().map(|(key, value)| (key.clone(), out(value))).collect();
    json!({ "o": fields })
}

fn member(member: &SetMember) -> Json {
    match member {
        SetMember::Bool(value) => json!(value),
        SetMember::Int(value) => json!({ "i": value.to_string() }),
        SetMember::String(value) => json!({ "s": value }),
    }
}

/// A value that a script writes.
pub fn value(json: &Json) -> Result<Value, Error> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    if let Some(value) = json.as_bool() {
        return Ok(Value::Bool(value));
    }
    let (tag, inner) =
        json.as_object().and_then(|object| object.iter().next()).ok_or_else(|| wrong("value"))?;
    match (tag.as_str(), inner) {
        ("i", Json::String(digits)) => digits.parse().map(Value::Int).map_err(|_| wrong("i")),
        ("f", Json::String(bits)) => u64::from_str_radix(bits, 16)
            .map(|bits| Value::Float(f64::from_bits(bits)))
            .map_err(|_| wrong("f")),
        ("s", Json::String(text)) => Ok(Value::String(text.clone())),
        ("l", Json::Array(values)) => Ok(Value::Array(values.iter().map(value).collect::<Result<_, _>>()?)),
        ("o", Json::Object(fields)) => {
            let fields = fields.iter().map(|(key, inner)| Ok((key.clone(), value(inner)?)));
            Ok(Value::Map(fields.collect::<Result<_, Error>>()?))
        }
        _ => Err(wrong("value")),
    }
}
