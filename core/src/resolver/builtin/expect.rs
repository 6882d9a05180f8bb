//! Conditions: they change nothing and reject the whole Transaction when they are false.
//!
//! Called by `builtin/mod.rs`, and by whoever has only a shared look at the fields.

use super::spot::find;
use crate::model::{Condition, Fields, Path, RejectReason, SetMember, Value};
use crate::resolver::Effect;

/// Checks one condition.
///
/// # Errors
/// `ExpectFailed`.
pub fn expect(fields: &Option<Fields>, path: &Path, condition: &Condition) -> Result<Effect, RejectReason> {
    let holds = match (fields, path.0.is_empty()) {
        (None, _) => *condition == Condition::Missing,
        (Some(fields), true) => match condition {
            Condition::Exists => true,
            Condition::Equals(Value::Map(literal)) => equal_maps(fields, literal),
            Condition::Missing | Condition::Equals(_) | Condition::AtLeast(_) | Condition::AtMost(_) => false,
        },
        (Some(fields), false) => match (find(fields, &path.0), condition) {
            (found, Condition::Exists) => found.is_some(),
            (found, Condition::Missing) => found.is_none(),
            (Some(value), Condition::Equals(literal)) => equal(value, literal),
            (Some(Value::Int(value)), Condition::AtLeast(least)) => value >= least,
            (Some(Value::Int(value)), Condition::AtMost(most)) => value <= most,
            _ => false,
        },
    };
    if holds { Ok(Effect::changed(false)) } else { Err(RejectReason::ExpectFailed) }
}

/// True when a stored value is what a literal says: lists by their values, sets by their members in
/// order, texts by what is visible of them.
fn equal(stored: &Value, literal: &Value) -> bool {
    match (stored, literal) {
        (Value::List(list), Value::Array(values)) => {
            list.len() == values.len()
                && list.iter().zip(values).all(|((_, stored), literal)| equal(stored, literal))
        }
        (Value::Set(set), Value::Array(values)) => {
            set.len() == values.len()
                && set
                    .iter()
                    .zip(values)
                    .all(|(member, literal)| SetMember::from_value(literal).as_ref() == Some(member))
        }
        (Value::Text(text), Value::String(literal)) => text.to_string() == *literal,
        (Value::Map(map), Value::Map(literal)) => equal_maps(map, literal),
        (stored, literal) => stored == literal,
    }
}

fn equal_maps(stored: &Fields, literal: &Fields) -> bool {
    stored.len() == literal.len()
        && stored
            .iter()
            .zip(literal)
            .all(|((key, stored), (name, literal))| key == name && equal(stored, literal))
}
