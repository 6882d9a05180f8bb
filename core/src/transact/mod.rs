//! The app's wish becomes a Transaction: limits, what it stands on, what it has read.
//!
//! Called by the engine's `local.rs`; no encryption, no sending.

mod builder;
mod read_set;

pub use builder::{Unbuildable, build, depends_on};
pub use read_set::{ReadToken, document_read, token};
