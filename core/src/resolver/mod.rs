//! Pure functions from a document's state and an Action to the next state.
//!
//! Called by `documents/`; no clock, randomness or hash order may enter here.

mod builtin;
mod context;

pub use builtin::{DOCUMENT_BYTES_MAX, SizeBound, expect, resolve, resolve_within};
pub use context::{Effect, FoldContext};
