//! One script, four languages: players in Rust, Swift, Kotlin and Python play the scripts of
//! `tests/scenarios/*.json` against a real Relay, each alone and all in one Space at once.
//!
//! `script.rs` reads and plays a script. The Rust player is always there; the others take part when
//! the environment names the commands that start them, as `cargo xtask test --only players` does.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod script;

use script::Script;
use std::path::Path;
use veilfold_tests::player::Language;

/// Each language plays all parts of every script.
#[test]
fn each_language_alone() {
    for language in Language::here().unwrap() {
        for script in Script::all() {
            eprintln!("{} in {}", script.name, language.name);
            script.play(&|_| language.clone());
        }
    }
}

/// Every part in another language, in one Space on one Relay; each language gets every part.
#[test]
fn all_languages_together() {
    let languages = Language::here().unwrap();
    for shift in 0..languages.len() {
        for script in Script::all() {
            eprintln!("{}, shifted by {shift}", script.name);
            script.play(&|part| languages[(part + shift) % languages.len()].clone());
        }
    }
}

/// Makes the stores that `kept.json` begins with, once for each format that devices may have on their disks.
#[test]
#[ignore = "writes files of the project anew, with other keys; kept.json then needs the root that it prints"]
fn stores_are_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/kept");
    Script::read(&folder.join("made.json")).play_in(&folder, &|_| Language::rust().unwrap());
}
