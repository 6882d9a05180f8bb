//! Licences, sources, duplicates and advisories of all dependencies, by `cargo deny` and `deny.toml`.
//!
//! A step of `cargo xtask test`, not a verb: `cargo deny check` says the same.

use crate::command::{Run, Said};
use crate::place::Place;
use crate::tools::cargo_tool;

/// What came of it; advisories need a database from the network, the rest needs nothing.
pub enum Denied {
    /// Nothing was found, in everything that was looked at.
    Nothing,
    /// Nothing was found, but the database of advisories could not be fetched.
    NothingButNoAdvisories,
    /// Something in `deny.toml` is not kept to.
    Something,
}

pub fn check(place: &Place) -> Denied {
    let Some(program) = cargo_tool(place, "cargo-deny") else { return Denied::Something };
    let deny = |what: &[&str]| -> Said {
        Run::new(&program, &place.root).args(["check", "--hide-inclusion-graph"]).args(what).heard()
    };
    if !deny(&["bans", "licenses", "sources"]).ok {
        return Denied::Something;
    }
    let advisories = deny(&["advisories"]);
    if advisories.ok {
        Denied::Nothing
    } else if advisories.text.contains("failed to fetch advisory database") {
        println!("advisories were not looked at: their database could not be fetched");
        Denied::NothingButNoAdvisories
    } else {
        Denied::Something
    }
}
