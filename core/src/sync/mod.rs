//! The talk with the Relay as a state machine: connection, login, subscriptions, what to send.
//!
//! Called by `engine/`. Knows no documents, keys or store beyond what it is handed.

mod backoff;
mod session;
mod subscription;

pub use backoff::Backoff;
pub use session::{Due, Online, Phase, Session};
pub use subscription::{State, Subscription, Subscriptions};
