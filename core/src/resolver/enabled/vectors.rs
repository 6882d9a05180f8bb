//! Vectors of the sealed part of `Settings`.

use super::{Enable, Enabled};
use crate::keys::golden::{Case, Vector, check, variant, write};
use crate::keys::hex;
use serde_json::{Value, json};

fn all() -> [Vector; 1] {
    [Vector {
        name: "settings",
        about: "Sealed parts of `Settings` Entries in the order: what each enables, and what they come to.",
        cases: settings_cases,
        outputs: settings,
    }]
}

#[test]
#[ignore = "writes the vectors; run by cargo xtask vectors"]
fn write_vectors() {
    write(&all());
}

#[test]
fn vectors_are_reproduced() {
    check(&all());
}

fn settings_cases() -> Vec<Value> {
    let enable = |collection: &str, version, module: Option<u8>| Enable {
        collection: collection.to_owned(),
        version,
        module: module.map(|byte| [byte; 32]),
    };
    let part = |enables: &[Enable]| hex::encode(Enabled::sealed_part(enables));
    let case = |why: &str, parts: &[String]| json!({ "why": why, "parts": parts });
    let seats = part(&[enable("seats", 1, None)]);
    let odd = |why: &str, from: &str, to: &str| {
        assert_eq!(seats.matches(from).count(), 1, "{why}");
        case(why, &[seats.replace(from, to)])
    };
    vec![
        case("nothing is enabled", &[]),
        case("one version", std::slice::from_ref(&seats)),
        case("a module is pinned", &[part(&[enable("seats", 300, Some(0xab))])]),
        case(
            "versions are only raised; collections come by name",
            &[
                part(&[enable("seats", 2, None), enable("notes", 1, Some(1)), enable("seats", 1, None)]),
                part(&[enable("seats", 2, Some(2)), enable("seats", u64::MAX, None), enable("a", 1, None)]),
            ],
        ),
        case("a part that is none is passed over", &[seats.clone(), "c0".to_owned()]),
        odd("a newer format, however it goes on", "9201", "9202"),
        odd("version 0", "736561747301", "736561747300"),
        odd("a version in a longer spelling", "736561747301", "7365617473cc01"),
        odd("no collection", "a57365617473", "a0"),
        odd("two values for a version", "93a5736561747301c0", "92a5736561747301"),
        odd("three values where there are two", "9201", "9301"),
        case("a byte after it", &[format!("{seats}00")]),
    ]
}

fn settings(case: &Case) -> Value {
    let mut enabled = Enabled::default();
    let mut read = Vec::new();
    for part in case.list("parts") {
        read.push(match Enabled::read_part(&part) {
            Ok(enables) => {
                enabled.enable(&enables);
                let told = |one: &Enable| json!([one.collection, one.version, one.module.map(hex::encode)]);
                enables.iter().map(told).collect()
            }
            Err(error) => json!(variant(error)),
        });
    }
    json!({ "read": read, "enabled": hex::encode(enabled.to_bytes()), "hash": hex::encode(enabled.hash()) })
}
