//! Pure functions from a document's state and an Action to the next state.
//!
//! Called by `documents/`; no clock, randomness or hash order may enter here.

mod builtin;
mod context;
mod size;

pub use builtin::{resolve, resolve_within};
pub use context::{Effect, FoldContext};
pub use size::{DOCUMENT_BYTES_MAX, SizeBound};
