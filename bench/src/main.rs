//! Workloads against the raw limits of the machine.
fn main() {}
