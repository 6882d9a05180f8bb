//! The state of every document on this Device: as ordered, and with the Outbox on top.
//!
//! Called by `engine/`. How one Action changes a value is `resolver/`'s business.

mod apply;
mod cache;
mod confirmed;
#[cfg(test)]
mod counted;
mod overlay;
mod pending;
mod read;
mod rebase;
mod reissue;
mod root;

pub use apply::{Accepted, FoldAuthor, FoldPlace, Undecided, act};
pub use cache::Documents;
pub use pending::{
    MUTATOR_ARGS_BYTES_MAX, MUTATOR_NAME_BYTES_MAX, MutatorRun, OUTBOX_COUNT_MAX, Pending, PendingSet,
    SealedRef,
};
pub use rebase::{RebaseContext, Rebased, rebase};
pub use reissue::SeenTexts;
pub(crate) use root::document_hash;
pub use root::{DocumentHashes, RootPoint, place_of, short, state_root};
