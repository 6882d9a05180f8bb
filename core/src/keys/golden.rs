//! Golden vectors in `tests/vectors/v1`: written once, checked by every build and by
//! `tests/vectors/check.py`, kept for good. Test code alone; whoever has a format brings its cases.
//!
//! A vector file is a list of cases; a case holds inputs, outputs and why it is there.

use super::{Entropy, hex};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

type Fields = Map<String, Value>;

/// One file: what it shows, its cases, and how the outputs of a case follow from its inputs.
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) cases: fn() -> Vec<Value>,
    pub(crate) outputs: fn(&Case) -> Value,
}

/// The fields of a case.
pub(crate) struct Case(pub(crate) Fields);

impl Case {
    pub(crate) fn new(case: Value) -> Self {
        Self(fields(case))
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }

    pub(crate) fn bytes(&self, field: &str) -> Vec<u8> {
        hex::decode(self.text(field))
    }

    pub(crate) fn array<const N: usize>(&self, field: &str) -> [u8; N] {
        hex::array(self.text(field))
    }

    /// A number, or the text of one that JSON readers would round.
    pub(crate) fn number(&self, field: &str) -> u64 {
        self.0[field].as_u64().unwrap_or_else(|| self.text(field).parse().unwrap())
    }

    pub(crate) fn list(&self, field: &str) -> Vec<Vec<u8>> {
        self.0[field].as_array().unwrap().iter().map(|item| hex::decode(item.as_str().unwrap())).collect()
    }
}

/// Bytes in place of randomness; a vector must name all that is drawn.
pub(crate) struct Fixed(pub(crate) Vec<u8>);

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
pub(crate) fn variant(value: impl core::fmt::Debug) -> String {
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

/// Writes the files anew.
pub(crate) fn write(vectors: &[Vector]) {
    for vector in vectors {
        let cases: Vec<Fields> = (vector.cases)()
            .into_iter()
            .map(|case| {
                let case = Case::new(case);
                let outputs = fields((vector.outputs)(&case));
                case.0.into_iter().chain(outputs).collect()
            })
            .collect();
        let file = json!({ "about": vector.about, "cases": cases });
        let text = serde_json::to_string_pretty(&file).unwrap() + "\n";
        std::fs::create_dir_all(path(vector).parent().unwrap()).unwrap();
        std::fs::write(path(vector), text).unwrap();
    }
}

/// Every case of the files comes to the same outputs.
pub(crate) fn check(vectors: &[Vector]) {
    for vector in vectors {
        let text = std::fs::read_to_string(path(vector)).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let cases = file["cases"].as_array().unwrap();
        assert!(cases.len() >= (vector.cases)().len(), "{} lost cases", vector.name);
        for case in cases {
            let case = Case::new(case.clone());
            for (field, output) in fields((vector.outputs)(&case)) {
                let why = case.text("why");
                assert_eq!(case.0.get(&field), Some(&output), "{}: {field} of: {why}", vector.name);
            }
        }
    }
}
