//! `cargo xtask lint`: clippy over everything, then over the core as it is without I/O.

use crate::command::Run;
use crate::place::Place;

pub fn run(place: &Place) -> bool {
    let all = everything(place);
    without_io(place) && all
}

/// All packages and all their targets, the border with what only tests of apps get; a warning is an error.
pub fn everything(place: &Place) -> bool {
    Run::cargo(&place.root)
        .args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--features",
            "veilfold-ffi/testing,veilfold-ffi/wasm",
        ])
        .args(["--", "-D", "warnings"])
        .succeeds()
}

/// The core without files, sockets and clocks: that it builds shows that it needs none.
pub fn without_io(place: &Place) -> bool {
    Run::cargo(&place.root)
        .args(["clippy", "-p", "veilfold-core", "--no-default-features", "--", "-D", "warnings"])
        .succeeds()
}
