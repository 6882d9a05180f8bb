//! A store in memory, for tests, simulation and apps that want nothing kept.
//!
//! Passes the same suite as `io/sqlite`.

use super::store::{Durability, Row, Store, StoreError, Table};
use crate::sorted::SortedMap;

type Rows = SortedMap<Vec<u8>, Vec<u8>>;

/// Ordered tables in memory. A clone is what a copy of the file would be.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// In the order of `Table::ALL`.
    tables: [Rows; Table::ALL.len()],
    /// What to put back on rollback, newest last; `None` while no transaction is open.
    undo: Option<Vec<Undo>>,
}

/// What was there before a write.
#[derive(Clone, Debug)]
struct Undo {
    table: Table,
    key: Vec<u8>,
    before: Option<Vec<u8>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn change(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreError> {
        let Some(undo) = &mut self.undo else {
            return Err(StoreError::Failed("a write outside of a transaction".to_owned()));
        };
        let rows = &mut self.tables[table as usize];
        let before = match value {
            Some(value) => rows.insert(key.to_vec(), value.to_vec()),
            None => rows.remove(key),
        };
        undo.push(Undo { table, key: key.to_vec(), before });
        Ok(())
    }

    fn range(&self, table: Table, from: &[u8], to: &[u8]) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        self.tables[table as usize].range(from, to).map(|(key, value)| (key.as_slice(), value.as_slice()))
    }
}

impl Store for MemoryStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        if self.undo.is_some() {
            return Err(StoreError::Failed("a transaction is open already".to_owned()));
        }
        self.undo = Some(Vec::new());
        Ok(())
    }

    fn commit(&mut self, _durability: Durability) -> Result<(), StoreError> {
        match self.undo.take() {
            Some(_) => Ok(()),
            None => Err(StoreError::Failed("no transaction is open".to_owned())),
        }
    }

    fn rollback(&mut self) {
        for Undo { table, key, before } in self.undo.take().unwrap_or_default().into_iter().rev() {
            match before {
                Some(value) => self.tables[table as usize].insert(key, value),
                None => self.tables[table as usize].remove(&key),
            };
        }
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.change(table, key, Some(value))
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        self.change(table, key, None)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.tables[table as usize].get(key).cloned())
    }

    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        let rows = self.range(table, from, to).take(limit);
        Ok(rows.map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
    }

    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Row>, StoreError> {
        Ok(self.range(table, from, to).next_back().map(|(key, value)| (key.to_vec(), value.to_vec())))
    }
}
