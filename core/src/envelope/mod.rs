//! Bodies become sealed, signed Entries and back (docs/protocol/envelope.md).
//!
//! `engine/local.rs` seals, `engine/remote.rs` verifies pages and opens. Who may do what is judged by
//! `veilfold_wire`; what a body does is left to the fold.

mod open;
mod page;
mod plain;
mod seal;
mod tentative;
#[cfg(test)]
mod vectors;
mod verified;
#[cfg(test)]
mod world;

pub use open::{OpenError, Opened, open};
pub use page::{PageOutcome, verify_first_page, verify_page};
pub use plain::{BODY_BYTES_MAX, padded_len};
pub use seal::{
    Author, Founded, Founding, SealContext, SealError, Sealed, found_space, seal_control, seal_data,
};
pub use verified::{LogHead, VerifiedEntry};
