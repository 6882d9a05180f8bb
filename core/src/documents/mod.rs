//! The state of every document on this Device: as ordered, and with the Outbox on top.
//!
//! Called by `engine/`. How one Action changes a value is `resolver/`'s business.

mod apply;
mod cache;
mod confirmed;
mod overlay;
mod read;
mod rebase;
mod reissue;
mod root;

pub use apply::{Accepted, FoldAuthor, FoldPlace, apply};
pub use cache::Documents;
pub use rebase::{Pending, Rebased, rebase};
pub use root::{StateRoot, state_root};
