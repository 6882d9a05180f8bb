//! The golden vectors in `tests/vectors/v1`: written once, checked by every build and by
//! `tests/vectors/check.py`, kept for good.
//!
//! A vector file is a list of cases; a case holds inputs, outputs and why it is there.

mod bodies;
mod keys;
mod logs;
mod plain;

use crate::keys::{Entropy, hex};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

type Fields = Map<String, Value>;

/// One file: what it shows, its cases, and how the outputs of a case follow from its inputs.
struct Vector {
    name: &'static str,
    about: &'static str,
    cases: fn() -> Vec<Value>,
    outputs: fn(&Case) -> Value,
}

fn all() -> Vec<Vector> {
    [plain::vectors(), keys::vectors(), logs::vectors(), bodies::vectors()].into_iter().flatten().collect()
}

/// The fields of a case.
struct Case(Fields);

impl Case {
    fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }

    fn bytes(&self, field: &str) -> Vec<u8> {
        hex::decode(self.text(field))
    }

    fn array<const N: usize>(&self, field: &str) -> [u8; N] {
        hex::array(self.text(field))
    }

    /// A number, or the text of one that JSON readers would round.
    fn number(&self, field: &str) -> u64 {
        self.0[field].as_u64().unwrap_or_else(|| self.text(field).parse().unwrap())
    }

    fn list(&self, field: &str) -> Vec<Vec<u8>> {
        self.0[field].as_array().unwrap().iter().map(|item| hex::decode(item.as_str().unwrap())).collect()
    }
}

/// Bytes in place of randomness; a vector must name all that is drawn.
struct Fixed(Vec<u8>);

impl Entropy for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        out.copy_from_slice(&self.0[..out.len()]);
        self.0.drain(..out.len());
    }
}

impl Drop for Fixed {
    fn drop(&mut self) {
        assert!(self.0.is_empty() || std::thread::panicking(), "all that a vector names is drawn");
    }
}

/// The name of an enum's variant.
fn variant(value: impl core::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(|character: char| !character.is_alphanumeric()).next().unwrap().to_owned()
}

fn path(vector: &Vector) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/v1");
    PathBuf::from(folder).join(vector.name).with_extension("json")
}

fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        _ => panic!("a case is an object"),
    }
}

#[test]
#[ignore = "writes the vectors; run by cargo xtask vectors"]
fn write_vectors() {
    for vector in all() {
        let cases: Vec<Fields> = (vector.cases)()
            .into_iter()
            .map(|case| {
                let case = Case(fields(case));
                let outputs = fields((vector.outputs)(&case));
                case.0.into_iter().chain(outputs).collect()
            })
            .collect();
        let file = json!({ "about": vector.about, "cases": cases });
        let text = serde_json::to_string_pretty(&file).unwrap() + "\n";
        std::fs::create_dir_all(path(&vector).parent().unwrap()).unwrap();
        std::fs::write(path(&vector), text).unwrap();
    }
}

#[test]
fn vectors_are_reproduced() {
    for vector in all() {
        let text = std::fs::read_to_string(path(&vector)).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let cases = file["cases"].as_array().unwrap();
        assert!(cases.len() >= (vector.cases)().len(), "{} lost cases", vector.name);
        for case in cases {
            let case = Case(fields(case.clone()));
            for (field, output) in fields((vector.outputs)(&case)) {
                let why = case.text("why");
                assert_eq!(case.0.get(&field), Some(&output), "{}: {field} of: {why}", vector.name);
            }
        }
    }
}
