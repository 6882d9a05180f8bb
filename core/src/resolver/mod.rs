//! Pure functions from a document's state and an Action to the next state.
//!
//! Called by `documents/`; no clock, randomness or hash order may enter here.

mod builtin;
mod context;
mod custom;
mod enabled;
mod governed;
mod json;
#[cfg(feature = "wasm")]
mod module;
mod registry;

pub use builtin::{DOCUMENT_BYTES_MAX, SizeBound, expect, resolve, resolve_within};
pub use context::{Effect, FoldContext};
pub use custom::{Call, Outcome, Refusal, Resolver, Run, RunResolver, Stuck};
pub use enabled::{Enable, Enabled, SettingsPart};
pub(crate) use enabled::{decode_list, encode_list};
pub use governed::{Coming, Governed, Silent};
pub use json::{outcomes_from_json, runs_to_json, states_from_json, states_to_json};
#[cfg(feature = "wasm")]
pub use module::{MODULE_BYTES_MAX, Module, ModuleError};
pub use registry::Resolvers;
