//! One script, four languages: players in Rust, Swift, Kotlin and Python play the scripts of
//! `tests/scenarios/*.json` against a real Relay, each alone and all in one Space at once.
//!
//! `script.rs` reads and plays a script, `player.rs` is one player's process. The Rust player is
//! always there; the others take part when `VEILFOLD_PLAYER_SWIFT`, `…_KOTLIN` and `…_PYTHON` name
//! the commands that start them, as `cargo xtask test --only players` does.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod player;
mod script;

use player::Language;
use script::Script;

/// Each language plays all parts of every script.
#[test]
fn each_language_alone() {
    for language in Language::here() {
        for script in Script::all() {
            eprintln!("{} in {}", script.name, language.name);
            script.play(&|_| language.clone());
        }
    }
}

/// Every part in another language, in one Space on one Relay; each language gets every part.
#[test]
fn all_languages_together() {
    let languages = Language::here();
    for shift in 0..languages.len() {
        for script in Script::all() {
            eprintln!("{}, shifted by {shift}", script.name);
            script.play(&|part| languages[(part + shift) % languages.len()].clone());
        }
    }
}
