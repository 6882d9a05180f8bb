//! Veilfold's engine: an encrypted log, a deterministic fold, and sync, without I/O of their own.
//!
//! `ARCHITECTURE.md` shows which folder may know which. With the feature `io` (the default) come
//! `io/`, the only folder that touches the outside, and `client/`, the handles an app holds.

#[cfg(feature = "io")]
pub mod client;
pub mod documents;
pub mod engine;
pub mod envelope;
pub mod error;
mod gather;
#[cfg(feature = "io")]
pub mod io;
pub mod keys;
pub mod log;
pub mod members;
pub mod model;
pub mod outbox;
pub mod query;
pub mod resolver;
pub mod sorted;
pub mod store;
pub mod sync;
pub mod transact;

pub use error::{Error, ErrorKind, Failure};
pub use veilfold_wire as wire;
