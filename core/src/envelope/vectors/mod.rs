//! The golden vectors of this folder and of what lies below it, checked by every build and by
//! `tests/vectors/check.py`.

mod bodies;
mod keys;
mod logs;
mod plain;

use crate::keys::golden::{Case, Fixed, Vector, check, variant, write};

fn all() -> Vec<Vector> {
    [plain::vectors(), keys::vectors(), logs::vectors(), bodies::vectors()].into_iter().flatten().collect()
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
