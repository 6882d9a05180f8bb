//! A store in memory that counts how often it is asked, for tests of what need not be read.

use crate::store::{Durability, MemoryStore, Row, Store, StoreError, Table};
use std::cell::Cell;

#[derive(Default)]
pub(super) struct CountedStore {
    inner: MemoryStore,
    asked: Cell<usize>,
}

impl CountedStore {
    /// How often since the last time.
    pub(super) fn asked(&self) -> usize {
        self.asked.take()
    }

    fn counted(&self) -> &MemoryStore {
        self.asked.set(self.asked.get() + 1);
        &self.inner
    }
}

impl Store for CountedStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.inner.begin()
    }

    fn commit(&mut self, durability: Durability) -> Result<(), StoreError> {
        self.inner.commit(durability)
    }

    fn rollback(&mut self) {
        self.inner.rollback();
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.inner.put(table, key, value)
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        self.inner.delete(table, key)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.counted().get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        self.counted().scan(table, from, to, limit)
    }

    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Row>, StoreError> {
        self.counted().last(table, from, to)
    }
}
