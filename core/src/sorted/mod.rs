//! Maps and sets with their keys in order, in little code: a `BTreeMap` brings 6 KB for every pair of
//! types, these a sixth of it.
//!
//! Used by everything that is not an app's own value: [`crate::model::Value`] and
//! [`crate::model::Fields`] are std's.

mod map;
mod set;
mod slots;

pub use map::SortedMap;
pub use set::SortedSet;
