//! `cargo xtask doc`: the API documentation of every package, without a dead link.

use crate::command::Run;
use crate::place::Place;

pub fn run(place: &Place) -> bool {
    Run::cargo(&place.root)
        .args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .succeeds()
}
