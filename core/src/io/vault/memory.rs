//! A vault that forgets everything with the process, for tests and throw-away Devices.

use super::{Root, Vault, VaultError, check_id};
use crate::sorted::SortedMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps roots in memory. Clones share them, as two openings of a platform's key store would.
#[derive(Clone, Default)]
pub struct MemoryVault {
    roots: Arc<Mutex<SortedMap<String, Root>>>,
}

impl MemoryVault {
    /// An empty vault.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn roots(&self) -> MutexGuard<'_, SortedMap<String, Root>> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Vault for MemoryVault {
    fn load_root(&self, id: &str) -> Result<Option<Root>, VaultError> {
        check_id(id)?;
        Ok(self.roots().get(id).cloned())
    }

    fn store_root(&self, id: &str, root: &Root) -> Result<(), VaultError> {
        check_id(id)?;
        self.roots().insert(id.to_owned(), root.clone());
        Ok(())
    }

    fn delete_root(&self, id: &str) -> Result<(), VaultError> {
        check_id(id)?;
        self.roots().remove(id);
        Ok(())
    }
}

impl fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryVault").finish_non_exhaustive()
    }
}
