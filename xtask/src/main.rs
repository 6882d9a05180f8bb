//! One door to every task of this repository.
fn main() {}
