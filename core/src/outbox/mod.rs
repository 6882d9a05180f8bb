//! Own Entries on their way into the order, and what became of own Transactions.
//!
//! Called by the engine. When to try again is `sync/`'s business.

mod fates;
mod queue;
mod retries;

pub use fates::{
    FATES_MAX, Fate, FateBatch, RefusedReason, Settled, fate_of, settle, take_fates, untaken_fates,
};
pub use queue::{Content, InFlight, SealedRow};
pub use retries::{Retry, drop_retry, keep_retry, retries, retry_of};
