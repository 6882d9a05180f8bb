//! What apps bring: the platform's key store. Synchronous, called rarely, never under a lock.

use std::sync::Arc;
use veilfold_core::io::{Root, Vault, VaultError};
use zeroize::Zeroizing;

/// Keeps root keys of 32 bytes, each under an id of 1 to 64 letters, digits, `-`, `_` and `.`.
///
/// Called on the client's own thread while it opens, never on the main thread, and may block, for
/// instance while the user unlocks the device.
#[uniffi::export(foreign)]
pub trait KeyStore: Send + Sync {
    /// The root of that id, nothing when none was stored.
    fn load_root(&self, id: String) -> Result<Option<Vec<u8>>, KeyStoreError>;

    /// Stores a root, replacing one that is there. It survives a power cut then.
    fn store_root(&self, id: String, root: Vec<u8>) -> Result<(), KeyStoreError>;

    /// Deletes a root if it is there.
    fn delete_root(&self, id: String) -> Result<(), KeyStoreError>;
}

/// Why a key store could not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum KeyStoreError {
    /// No key is given out until the device is unlocked; trying again helps.
    #[error("the key store is locked")]
    Locked,
    /// There is a root but it cannot be used.
    #[error("the stored root key is damaged")]
    Damaged,
    /// Anything else.
    #[error("the key store failed: {detail}")]
    Failed {
        /// What the platform said.
        detail: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for KeyStoreError {
    /// The app's code threw something else. Its text may hold anything, a stack trace too.
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { detail: "the app's key store threw an error of its own".to_owned() }
    }
}

/// A key store of the app, as core sees it.
pub(crate) struct ForeignVault(pub(crate) Arc<dyn KeyStore>);

impl Vault for ForeignVault {
    fn load_root(&self, id: &str) -> Result<Option<Root>, VaultError> {
        let Some(bytes) = self.0.load_root(id.to_owned()).map_err(vault_error)? else { return Ok(None) };
        let bytes = Zeroizing::new(bytes);
        let mut root = Root::default();
        if bytes.len() != root.len() {
            return Err(VaultError::Damaged);
        }
        root.copy_from_slice(&bytes);
        Ok(Some(root))
    }

    fn store_root(&self, id: &str, root: &Root) -> Result<(), VaultError> {
        self.0.store_root(id.to_owned(), root.to_vec()).map_err(vault_error)
    }

    fn delete_root(&self, id: &str) -> Result<(), VaultError> {
        self.0.delete_root(id.to_owned()).map_err(vault_error)
    }
}

fn vault_error(error: KeyStoreError) -> VaultError {
    match error {
        KeyStoreError::Locked => VaultError::Locked,
        KeyStoreError::Damaged => VaultError::Damaged,
        KeyStoreError::Failed { detail } => VaultError::Failed(detail),
    }
}
