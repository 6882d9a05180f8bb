//! The Relay: orders and stores sealed entries it cannot read.
//!
//! [`Relay`] is the whole server. Under it, [`Session`] (one connection), [`Exchange`] (many
//! sessions, one batch) and [`Sequencer`] (the order itself) decide without I/O, so that a
//! simulation runs the same code with its own clock and its own [`store::Store`].

#[cfg(feature = "cli")]
pub mod command;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

mod clock;
mod config;
mod connection;
mod exchange;
mod fanout;
mod feed;
mod keys;
mod protections;
mod rate;
mod relay;
mod sequencer;
mod server;
mod session;
mod space;
mod writer;

pub use clock::Now;
pub use config::{Config, Data};
pub use exchange::{Exchange, Reply, Request};
pub use fanout::QUIET_MS;
pub use feed::{Feed, Following, Page, Signal};
pub use keys::{KeyError, RelayIdentity};
pub use protections::Protections;
pub use relay::{Relay, RelayError};
pub use sequencer::{Receipt, Refusal, Sequencer, UNAVAILABLE_RETRY_MS};
pub use session::{LOGIN_MS, Session, Timer};
