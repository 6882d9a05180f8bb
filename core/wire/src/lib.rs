//! The bytes that a Device and a Relay share: Entries, frames, login and the fold of membership.
//!
//! The Relay depends on this package alone, so nothing here can decrypt: no secret keys, no
//! plaintext, no I/O. `docs/protocol/` describes every byte; the modules cite its sections.

pub mod check;
pub mod codec;
pub mod entry;
pub mod error;
pub mod frame;
pub mod hash;
pub mod ids;
pub mod limits;
pub mod login;
pub mod membership;
pub mod signature;

pub use check::{AuthorHead, Checks, Judgement, LogView, judge};
pub use entry::{ExplicitContext, Header, Kind, SealedEntry};
pub use error::{AuthoredFault, TransportFault, WireError};
pub use ids::*;
pub use limits::Limits;
pub use membership::{ControlOp, ControlPublic, Member, Membership, Role};
