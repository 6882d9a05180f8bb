//! The UniFFI face of `veilfold-core`: what Swift, Kotlin and Python call.
//!
//! No decisions live here. Every export returns a `Result`, documents cross as UTF-8 JSON, streams
//! are pulled in batches, and no code of the app runs on Veilfold's threads but that of a key store and
//! of a log sink.
//! Apps use the hand-written packages on top (`bindings/*`), never this directly.

mod action;
mod call;
mod client;
mod error;
mod foreign;
mod live;
mod logging;
mod receipt;
mod records;
mod resolver;
mod retries;
mod runtime;
mod space;
mod standing;
mod streams;
#[cfg(feature = "testing")]
mod testing;
mod transaction;

pub use call::{Answer, AsyncCall};
pub use client::{Client, ClientConfig, SpaceEntry, open_client};
pub use error::{Result, VeilfoldError};
pub use foreign::{KeyStore, KeyStoreError};
pub use live::LiveQuery;
pub use logging::{LogLevel, LogSink, LogSinkError, start_logging, stop_logging};
pub use receipt::Receipt;
pub use records::{Event, Fate, Member, MemberRole, SettledFate, SpaceStatus, SyncState};
pub use resolver::{ForeignResolver, ResolverError, ResolverSet};
pub use retries::{RetryEnd, RetryRun, RetryStream};
pub use runtime::end_runtime;
pub use space::{Added, Space};
pub use standing::{ClientStatus, SpaceStanding};
pub use streams::{EventBatch, EventStream, FateBatch, FateStream, StatusStream};
#[cfg(feature = "testing")]
pub use testing::{HostileRelay, RelayLie, TestRelay, start_hostile_relay, start_test_relay};
pub use transaction::{Outcome, TransactionBuilder};

uniffi::setup_scaffolding!();
