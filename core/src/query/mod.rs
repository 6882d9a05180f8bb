//! Live queries: which documents somebody watches, and what changed in them since they last looked.

mod live;

pub use live::{LiveBatch, LiveId, LiveQueries, LiveScope};
