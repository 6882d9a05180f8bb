//! User stories with real engines, the real Relay's decisions and a virtual clock.

mod anomalies;
mod backup;
mod given_up;
mod long_offline;
#[cfg(feature = "wasm")]
mod modules;
mod mutators;
mod newcomer;
mod rejected_edit;
mod resolvers;
mod roots;
mod story;
mod typing_at_once;
