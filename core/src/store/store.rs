//! The trait behind which all persistence lives: ordered tables of byte keys and byte values.
//!
//! Implemented by `store/memory.rs` and `io/sqlite`; both pass `tests/conformance`. What the keys
//! and values mean is said in `store/rows.rs`.

use thiserror::Error;

/// The tables. Their numbers are fixed, since stores on phones outlive versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Facts of the whole store.
    Globals,
    /// One row per Space.
    Spaces,
    /// Members' heads and marks.
    Authors,
    /// Wrapped epoch secrets.
    Keys,
    /// The ordered log.
    Log,
    /// Documents as ordered.
    Confirmed,
    /// Documents with the Outbox on top, where it touches them.
    Overlay,
    /// Transactions that the order does not contain yet.
    Outbox,
    /// Sealed Entries that the order does not contain yet.
    Sealed,
    /// Outcomes of own Transactions.
    Fates,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 10] = [
        Self::Globals,
        Self::Spaces,
        Self::Authors,
        Self::Keys,
        Self::Log,
        Self::Confirmed,
        Self::Overlay,
        Self::Outbox,
        Self::Sealed,
        Self::Fates,
    ];
}

/// What a commit must survive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A killed process. A power cut may take back the newest commits, in order, never half of one.
    #[default]
    Process,
    /// A power cut, as far as the disk keeps its promises.
    Power,
}

/// Why the store could not do it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// The store is open already, in this process or another.
    #[error("the store is open already")]
    InUse,
    /// Written by a newer version.
    #[error("the store has format {found}, this version reads up to {supported}")]
    NewerVersion {
        /// Format found.
        found: u32,
        /// Newest format this version reads.
        supported: u32,
    },
    /// The disk is full. Trying again helps once there is space.
    #[error("the disk is full")]
    Full,
    /// What is stored does not parse or contradicts itself.
    #[error("the store is damaged: {0}")]
    Corrupt(&'static str),
    /// Anything else that the disk or SQLite reported.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Ordered tables with one writer. Reads see the writes of the transaction that is open.
pub trait Store: Send {
    /// Opens a transaction. There is never more than one.
    ///
    /// # Errors
    /// As the disk says; nothing is open then.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Makes everything since [`Store::begin`] permanent, all or nothing. With `Power` earlier
    /// commits are power-safe then too, so one call can end a group of them.
    ///
    /// # Errors
    /// As the disk says, or as an earlier write of this transaction was answered; nothing of the
    /// transaction is kept then and none is open. After `Full` the store goes on as soon as there
    /// is space. Only when the disk fails to confirm a `Power` commit is it unknown what was kept:
    /// every call fails from then on until the store is opened again.
    fn commit(&mut self, durability: Durability) -> Result<(), StoreError>;

    /// Forgets everything since [`Store::begin`]. Without an open transaction it does nothing.
    fn rollback(&mut self);

    /// Writes a row, replacing one of the same key. Needs an open transaction.
    ///
    /// # Errors
    /// As the disk says. What is left then is to roll back: further calls in this transaction give
    /// the same error.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Deletes a row if it is there. Needs an open transaction.
    ///
    /// # Errors
    /// Like [`Store::put`].
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError>;

    /// The value of a key.
    ///
    /// # Errors
    /// As the disk says.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Up to `limit` rows with `from <= key < to`, in byte order of the keys.
    ///
    /// # Errors
    /// As the disk says.
    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, StoreError>;

    /// The row with the largest key in `from <= key < to`.
    ///
    /// # Errors
    /// As the disk says.
    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Row>, StoreError>;
}
