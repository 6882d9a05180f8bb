//! The handles an app holds: a [`Client`] with its [`Space`]s, their [`Collection`]s, and what
//! became of writes.
//!
//! ```
//! use veilfold_core::client::{Client, Config, Json};
//! use veilfold_core::model::Value;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("alice.db");
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let client = Client::open(path, Config::default()).await?; // a relay can be named later
//! let space = client.create_space("Groceries").await?;
//! let items = space.collection("items");
//!
//! items.put("milk", Json(br#"{"title": "Milk", "qty": 1, "done": false}"#)).await?;
//! items.increment("milk", "qty", 1).await?; // an intent: never a lost update
//!
//! // Serializable; the function may run more than once, so it has no side effects.
//! let ((), receipt) = space
//!     .transact(async |tx| {
//!         let milk = tx.get("items", "milk").await?.unwrap_or_default();
//!         if milk.get("done") != Some(&Value::Bool(true)) {
//!             tx.set("items", "milk", "done", true)?;
//!             tx.increment("stats", "all", "bought", 1)?;
//!         }
//!         Ok(())
//!     })
//!     .await?;
//! assert!(receipt.is_some()); // `receipt.settled().await` tells its fate once a relay has ordered it
//!
//! let live = items.live().await?;
//! let change = live.next().await?.expect("the client is open");
//! assert_eq!(change.inserted.len(), 1);
//! client.close().await?;
//! # Ok::<(), veilfold_core::Error>(())
//! # }).unwrap();
//! ```

#[allow(clippy::module_inception)]
mod client;
mod collection;
mod config;
mod copy;
mod data;
mod fates;
mod live;
mod mutators;
mod open;
mod ops;
mod pull;
mod receipt;
mod space;
mod streams;
mod transaction;

pub use crate::engine::{Event, GiveUp, HeldFor, MemberInfo, SpaceStatus, SyncState};
pub use crate::io::{CloseReason, DriverEvent};
pub use crate::keys::ContactCard;
pub use crate::members::SpaceTicket;
pub use crate::model::StateRoot;
pub use crate::outbox::{Fate, FateBatch, RefusedReason, Settled};
pub use crate::query::LiveBatch;
pub use crate::resolver::{Call, Outcome, Refusal, Resolver, Resolvers, Run, RunResolver, Stuck};
pub use crate::store::Durability;
pub use client::{Client, ClientStatus, KeptConnection};
pub use collection::Collection;
pub use config::Config;
pub use data::{IntoFields, IntoPath, IntoValue, Json, elements_at, value_at};
pub use fates::FateStream;
pub use live::LiveQuery;
pub use mutators::{Mutators, RetryRun, RetryStream, give_up_for};
pub use ops::END;
pub use receipt::Receipt;
pub use space::{Added, Space};
pub use streams::{EventStream, Happened, StatusStream};
pub use transaction::Transaction;
