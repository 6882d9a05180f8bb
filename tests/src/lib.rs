//! What needs two devices or two packages to test: the simulation, its reference model, recordings.

pub mod harness;
pub mod reference;
pub mod trace;
