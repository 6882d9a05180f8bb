//! Stores to test: a SQLite store in a folder of its own, and short words for what tests do.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::rc::Rc;
use tempfile::TempDir;
use veilfold_core::io::SqliteStore;
use veilfold_core::store::{Durability, Row, Store, StoreError, Table};

/// A folder for one SQLite store; deleted with the last of the stores opened in it.
#[derive(Clone)]
pub(crate) struct SqliteFolder(Rc<TempDir>);

/// A SQLite store that keeps its folder.
pub(crate) struct Opened {
    store: SqliteStore,
    _folder: SqliteFolder,
}

impl SqliteFolder {
    pub(crate) fn new() -> Self {
        Self(Rc::new(tempfile::tempdir().unwrap()))
    }

    /// The store's file.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("store/veilfold.db")
    }

    /// SQLite's log beside it.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.0.path().join("store/veilfold.db-wal")
    }

    pub(crate) fn try_open(&self) -> Result<Opened, StoreError> {
        Ok(Opened { store: SqliteStore::open(self.path())?, _folder: self.clone() })
    }

    pub(crate) fn open(&self) -> Opened {
        self.try_open().unwrap()
    }
}

impl Deref for Opened {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.store
    }
}

impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut SqliteStore {
        &mut self.store
    }
}

/// After every key that tests use.
pub(crate) const END: &[u8] = &[0xff; 64];

/// Writes rows in one transaction.
pub(crate) fn commit(store: &mut dyn Store, table: Table, rows: &[(&[u8], &[u8])]) {
    store.begin().unwrap();
    for (key, value) in rows {
        store.put(table, key, value).unwrap();
    }
    store.commit(Durability::Process).unwrap();
}

/// All rows of a table.
pub(crate) fn all(store: &dyn Store, table: Table) -> Vec<Row> {
    store.scan(table, &[], END, usize::MAX).unwrap()
}

/// The keys of a range.
pub(crate) fn keys(store: &dyn Store, table: Table, from: &[u8], to: &[u8]) -> Vec<Vec<u8>> {
    store.scan(table, from, to, usize::MAX).unwrap().into_iter().map(|(key, _)| key).collect()
}
