//! What a Device keeps, as plain data: ordered tables of bytes, and the rows written into them.
//!
//! The engine reads and writes through [`Store`]; `io/sqlite` and [`MemoryStore`] implement it.

mod memory;
pub mod rows;
#[allow(clippy::module_inception, reason = "the trait is the folder's one noun")]
mod store;

pub use memory::MemoryStore;
pub use store::{Durability, Row, Store, StoreError, Table};
