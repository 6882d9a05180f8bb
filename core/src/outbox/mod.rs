//! Own Entries on their way into the order, and what became of own Transactions.
//!
//! Called by the engine. When to try again is `sync/`'s business.

mod queue;
mod receipts;

pub use queue::{Content, InFlight, SealedRow};
pub use receipts::{Fate, RefusedReason, fate_of, settle};
