//! What a Relay keeps, in plain data: one row per ordered Entry, from which all else follows.
//!
//! The sequencer alone calls it. A store knows nothing of membership, signatures or sessions.

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod memory;
mod sqlite;

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

use bytes::Bytes;
use std::path::PathBuf;
use veilfold_wire::{AuthorHead, ChainHash, EntryHash, Kind, MemberNo, SpaceId};

/// One ordered Entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its Space.
    pub space: SpaceId,
    /// Its position; 1 is the genesis.
    pub seq: u64,
    /// Its author.
    pub member_no: MemberNo,
    /// The author's own number.
    pub author_seq: u64,
    /// What it is for.
    pub kind: Kind,
    /// Its hash.
    pub hash: EntryHash,
    /// Running hash at its position.
    pub chain: ChainHash,
    /// The Entry as its author sent it and as it is passed on.
    pub bytes: Bytes,
}

/// What has become of a batch when [`Store::commit`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives a power cut.
    PowerCut,
    /// It may be lost in one. Only tests that switch a protection off ask for this.
    Lazy,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Written by a newer version of the Relay; nothing was changed.
    #[error("the store in {path} has version {found}, this relay knows versions up to {supported}")]
    NewerVersion {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Newest version known here.
        supported: i64,
    },
    /// The file is a database of another program.
    #[error("{path} is not the store of a relay")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the store open.
    #[error("the store in {path} is in use by another process")]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The folder cannot be made or written.
    #[error("cannot write the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no room left; what was to be written was not.
    #[error("there is no room left")]
    Full,
    /// What was read contradicts itself.
    #[error("the store is damaged: {what}")]
    Corrupt {
        /// What was wrong.
        what: &'static str,
    },
    /// The database failed otherwise; what was to be written was not.
    #[error("the database failed: {0}")]
    Database(String),
}

/// Keeps ordered Entries. Each batch is kept whole or not at all.
pub trait Store: Send {
    /// The newest position of a Space and the running hash there; `None` when nothing is kept of it.
    fn head(&mut self, space: &SpaceId) -> Result<Option<(u64, ChainHash)>, StoreError>;

    /// The running hashes from position `from_seq` (1 or later) to the head, in order.
    fn chains(&mut self, space: &SpaceId, from_seq: u64) -> Result<Vec<ChainHash>, StoreError>;

    /// All control Entries of a Space, in order.
    fn control_entries(&mut self, space: &SpaceId) -> Result<Vec<StoredEntry>, StoreError>;

    /// The author's newest number and its hash, [`AuthorHead::NONE`] when there is none.
    fn author_head(&mut self, space: &SpaceId, author: MemberNo) -> Result<AuthorHead, StoreError>;

    /// The first Entry with that number of that author.
    fn find(
        &mut self,
        space: &SpaceId,
        author: MemberNo,
        author_seq: u64,
    ) -> Result<Option<StoredEntry>, StoreError>;

    /// The Entries after position `after`, in order: at most `entries_max`, and no more after their
    /// sizes have reached `bytes_max`, but one at least when there is one.
    fn page(
        &mut self,
        space: &SpaceId,
        after: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Bytes>, StoreError>;

    /// Keeps a batch.
    ///
    /// # Errors
    /// On any error nothing of the batch is kept, as far as later calls can see.
    fn commit(&mut self, batch: &[StoredEntry], durability: Durability) -> Result<(), StoreError>;

    /// Finishes what can be finished, before the process ends.
    fn close(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn head(&mut self, space: &SpaceId) -> Result<Option<(u64, ChainHash)>, StoreError> {
        (**self).head(space)
    }

    fn chains(&mut self, space: &SpaceId, from_seq: u64) -> Result<Vec<ChainHash>, StoreError> {
        (**self).chains(space, from_seq)
    }

    fn control_entries(&mut self, space: &SpaceId) -> Result<Vec<StoredEntry>, StoreError> {
        (**self).control_entries(space)
    }

    fn author_head(&mut self, space: &SpaceId, author: MemberNo) -> Result<AuthorHead, StoreError> {
        (**self).author_head(space, author)
    }

    fn find(
        &mut self,
        space: &SpaceId,
        author: MemberNo,
        author_seq: u64,
    ) -> Result<Option<StoredEntry>, StoreError> {
        (**self).find(space, author, author_seq)
    }

    fn page(
        &mut self,
        space: &SpaceId,
        after: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Bytes>, StoreError> {
        (**self).page(space, after, entries_max, bytes_max)
    }

    fn commit(&mut self, batch: &[StoredEntry], durability: Durability) -> Result<(), StoreError> {
        (**self).commit(batch, durability)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        (**self).close()
    }
}

/// Whether one more Entry of `len` bytes belongs into a page that has `count` of `bytes` in all.
pub(crate) fn page_takes(
    count: usize,
    bytes: usize,
    len: usize,
    entries_max: usize,
    bytes_max: usize,
) -> bool {
    count == 0 || (count < entries_max && bytes + len <= bytes_max)
}
