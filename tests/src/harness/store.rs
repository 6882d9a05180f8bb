//! A device's disk that can fail between any two writes, and that outlives its device.
//!
//! With whole transactions, a kill loses the one that was open. Without (a protection taken away),
//! each write stays by itself, as on a disk without transactions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use veilfold_core::store::{Durability, MemoryStore, Row, Store, StoreError, Table};

#[derive(Default)]
struct Disk {
    rows: MemoryStore,
    /// Writes and commits until the next kill.
    kill_after: Option<u64>,
    killed: bool,
    whole_transactions: bool,
    writes: u64,
}

/// What is left of a device when it is killed.
#[derive(Clone)]
pub struct StoreHandle(Arc<Mutex<Disk>>);

impl StoreHandle {
    /// An empty disk.
    pub fn new(whole_transactions: bool) -> Self {
        Self(Arc::new(Mutex::new(Disk { whole_transactions, ..Disk::default() })))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A store on this disk for a new run of the device.
    pub fn open(&self) -> FaultyStore {
        let mut disk = self.disk();
        disk.rows.rollback();
        disk.killed = false;
        disk.kill_after = None;
        FaultyStore(self.clone())
    }

    /// Kills the device at its `writes`-th write from now.
    pub fn kill_after(&self, writes: u64) {
        self.disk().kill_after = Some(writes);
    }

    /// True when the kill has happened.
    pub fn is_killed(&self) -> bool {
        self.disk().killed
    }

    /// Writes so far.
    pub fn writes(&self) -> u64 {
        self.disk().writes
    }

    /// What a copy of the disk would hold now.
    pub fn copy(&self) -> MemoryStore {
        let mut rows = self.disk().rows.clone();
        rows.rollback();
        rows
    }

    /// Puts a copy back, as restoring a backup does.
    pub fn restore(&self, rows: MemoryStore) {
        self.disk().rows = rows;
    }
}

/// A store on a [`StoreHandle`]'s disk.
pub struct FaultyStore(StoreHandle);

impl Disk {
    /// Counts a write; the one at which the device is killed does not happen.
    fn touch(&mut self) -> Result<(), StoreError> {
        self.writes += 1;
        match &mut self.kill_after {
            _ if self.killed => Err(killed()),
            Some(0) => {
                self.killed = true;
                Err(killed())
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn settle_write(&mut self) -> Result<(), StoreError> {
        if self.whole_transactions {
            return Ok(());
        }
        self.rows.commit(Durability::Process)?;
        self.rows.begin()
    }
}

fn killed() -> StoreError {
    StoreError::Failed("killed".to_owned())
}

impl Store for FaultyStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        let mut disk = self.0.disk();
        if disk.killed {
            return Err(killed());
        }
        disk.rows.begin()
    }

    fn commit(&mut self, durability: Durability) -> Result<(), StoreError> {
        let mut disk = self.0.disk();
        if let Err(error) = disk.touch() {
            disk.rows.rollback();
            return Err(error);
        }
        disk.rows.commit(durability)
    }

    fn rollback(&mut self) {
        self.0.disk().rows.rollback();
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let mut disk = self.0.disk();
        disk.touch()?;
        disk.rows.put(table, key, value)?;
        disk.settle_write()
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        let mut disk = self.0.disk();
        disk.touch()?;
        disk.rows.delete(table, key)?;
        disk.settle_write()
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.disk().rows.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        self.0.disk().rows.scan(table, from, to, limit)
    }

    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Row>, StoreError> {
        self.0.disk().rows.last(table, from, to)
    }
}
