//! The store of a Device: one SQLite file with one table per `store::Table`.
//!
//! Used from the driver's thread alone. What the rows mean is said in `store/rows.rs`.

mod connection;
mod error;
mod row;
mod schema;
mod store;

pub use store::SqliteStore;
