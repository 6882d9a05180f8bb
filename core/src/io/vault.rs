//! Where a Device's root key lies: the platform's key store, a file, or memory.
//!
//! The driver loads the root once per start; every other key is derived or unwrapped in `keys/`.
//! Platforms bring their own [`Vault`] (keychain, Android Keystore) through the bindings.

mod file;
mod memory;

pub use file::FileVault;
pub use memory::MemoryVault;

use std::path::Path;
use thiserror::Error;
use veilfold_wire::hash::Hasher;
use zeroize::Zeroizing;

/// A root key.
pub type Root = Zeroizing<[u8; ROOT_BYTES]>;

/// Length of a root key.
pub const ROOT_BYTES: usize = 32;
/// Longest id of a root in a vault, in bytes.
pub const VAULT_ID_BYTES_MAX: usize = 64;

/// Keeps root keys of 32 bytes, each under an id of 1 to 64 letters, digits, `-`, `_` and `.`, the
/// first of which is no `.`. May be called from any thread and may block, for instance while the
/// user unlocks the device.
pub trait Vault: Send + Sync {
    /// The root of `id`, or `None` if none was stored or it was deleted.
    ///
    /// # Errors
    /// `Locked` while the platform gives out no keys, `Damaged` if it is there but unusable.
    fn load_root(&self, id: &str) -> Result<Option<Root>, VaultError>;

    /// Stores the root of `id`, replacing one that is there. It survives a power cut then.
    ///
    /// # Errors
    /// As the platform says; an earlier root is still there.
    fn store_root(&self, id: &str, root: &Root) -> Result<(), VaultError>;

    /// Deletes the root of `id` if it is there. What it protected can never be opened again.
    ///
    /// # Errors
    /// As the platform says.
    fn delete_root(&self, id: &str) -> Result<(), VaultError>;
}

/// Why a vault could not do it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The id is empty, too long or has other characters than [`Vault`] allows.
    #[error("not an id of a vault")]
    InvalidId,
    /// No key is given out until the device is unlocked; trying again helps.
    #[error("the key store is locked")]
    Locked,
    /// There is a root but it cannot be used.
    #[error("the stored root key is damaged")]
    Damaged,
    /// Anything else that the platform reported.
    #[error("the key store failed: {0}")]
    Failed(String),
}

/// The id under which the root key of the store at `path` is kept, unless an app chose another: the
/// store's file name where a vault takes it, else a hash of it. The folder may move.
#[must_use]
pub fn vault_id(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    match name.to_str() {
        Some(text) if check_id(text).is_ok() => text.to_owned(),
        _ => {
            let hash = Hasher::new("vault-id").prefixed(name.as_encoded_bytes()).finish();
            hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
        }
    }
}

/// Keeps ids to what is a plain file name on every platform.
fn check_id(id: &str) -> Result<(), VaultError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let length_fits = (1..=VAULT_ID_BYTES_MAX).contains(&id.len());
    if length_fits && !id.starts_with('.') && id.bytes().all(plain) {
        return Ok(());
    }
    Err(VaultError::InvalidId)
}

#[cfg(test)]
mod tests;
