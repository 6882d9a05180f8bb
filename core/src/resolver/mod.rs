//! Pure functions from a document's state and an Action to the next state.
//!
//! Called by `documents/`; no clock, randomness or hash order may enter here.

mod builtin;
mod context;

pub use builtin::resolve;
pub use context::{Effect, FoldContext};
