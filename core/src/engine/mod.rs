//! All Spaces of one Device, without I/O: inputs and a clock value in, outputs out.
//!
//! Read `local.rs` (an app's write on its way out) and `remote.rs` (an ordered Entry on its way in)
//! first; `sending.rs` joins them. Every entry point is one store transaction (`step.rs`).

mod config;
mod connection;
#[allow(clippy::module_inception)]
mod engine;
mod fold;
mod healing;
#[cfg(feature = "testing")]
mod held;
mod holds;
mod local;
mod mutators;
mod output;
mod reading;
mod refold;
mod remote;
mod roots;
mod sending;
mod settle;
mod space;
mod step;

pub use config::{EngineConfig, Protections};
pub use engine::Engine;
#[cfg(feature = "testing")]
pub use held::{Held, Standing};
pub use holds::HeldFor;
pub use local::{Committed, Draft, Mutation, ReadToken};
pub use mutators::GiveUp;
pub use output::{Event, Output};
pub use reading::{LogEntry, MemberInfo, OrderPoint, SpaceStatus, SyncState};
pub use refold::Refold;
