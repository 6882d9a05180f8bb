//! `cargo xtask vectors`: golden vectors written anew, then checked by the second implementation.
//!
//! A vector that was released is kept for good; writing shows in review whether one changed.

use crate::command::Run;
use crate::place::Place;
use crate::python::environment;

pub fn run(place: &Place) -> bool {
    Run::cargo(&place.root)
        .args([
            "test",
            "-p",
            "veilfold-core",
            "--lib",
            "--no-default-features",
            "write_vectors",
            "--",
            "--ignored",
        ])
        .succeeds()
        && check(place)
}

/// The Python twin reads every vector and has to come to the same bytes.
pub fn check(place: &Place) -> bool {
    let vectors = place.root.join("tests/vectors");
    match environment(place, "vectors", &[vectors.join("requirements.txt")], &[]) {
        Some(python) => Run::new(python, &place.root).arg(vectors.join("check.py")).succeeds(),
        None => false,
    }
}
