//! The one action that every workload repeats: exactly 100 bytes of JSON over 10,000 keys.
//!
//! The order touches every key once before any key twice, the worst case for joining writes. Keys
//! and values are those of the peers' harness, so that its figures can be laid beside these.

use veilfold_core::model::{Action, DocumentKey, Fields, Op, Path, Segment, Value};

/// How many documents there are.
pub const KEYS: usize = 10_000;
/// The collection that holds them.
pub const COLLECTION: &str = "docs";
/// The field of a document that holds the value.
pub const FIELD: &str = "value";

/// The document that action `index` sets.
pub fn key(index: usize) -> String {
    format!("doc{:05}", (index * 7919) % KEYS)
}

/// 60 hexadecimal digits, incompressible below 30 bytes.
pub fn value(index: usize) -> String {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut out = String::with_capacity(64);
    let mut state = index as u64 ^ STEP;
    for _ in 0..4 {
        state = state.wrapping_add(STEP);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        out.push_str(&format!("{:016x}", word ^ (word >> 31)));
    }
    out.truncate(60);
    out
}

/// The action as JSON, for the limits.
pub fn json(index: usize) -> String {
    format!("{{\"op\":\"set\",\"key\":\"{}\",\"value\":\"{}\"}}", key(index), value(index))
}

/// Key and value of what [`json`] wrote.
pub fn parse(json: &[u8]) -> (&str, &str) {
    let part = |range| std::str::from_utf8(json.get(range).expect("100 bytes")).expect("ASCII");
    (part(19..27), part(38..98))
}

/// The document's name in a Space.
pub fn document(index: usize) -> DocumentKey {
    DocumentKey::new(COLLECTION, key(index))
}

/// The action for the engine.
pub fn action(index: usize) -> Action {
    let path = Path(vec![Segment::Key(FIELD.to_owned())]);
    Action { key: document(index), op: Op::Set { path, value: Value::String(value(index)) } }
}

/// The value that a document holds.
pub fn value_of(fields: &Fields) -> Option<&str> {
    match fields.get(FIELD) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn an_action_is_100_bytes_and_reads_back() {
        for index in [0, 1, 9_999, 123_456] {
            let json = json(index);
            assert_eq!(json.len(), 100);
            let whole: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(
                parse(json.as_bytes()),
                (whole["key"].as_str().unwrap(), whole["value"].as_str().unwrap())
            );
        }
    }

    #[test]
    fn every_key_comes_once_before_any_comes_twice() {
        assert_eq!((0..KEYS).map(key).collect::<BTreeSet<_>>().len(), KEYS);
    }
}
