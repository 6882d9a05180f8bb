//! What needs two devices or two packages to test: the simulation, its reference model, recordings.

pub mod fuzz_targets;
pub mod harness;
#[cfg(feature = "io")]
pub mod player;
#[cfg(feature = "io")]
pub mod proxy;
#[cfg(all(doctest, feature = "io"))]
mod quickstarts;
pub mod reference;
#[cfg(feature = "io")]
pub mod relay_process;
pub mod simulation;
pub mod trace;
