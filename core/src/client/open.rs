//! Opens a Device: its store, the root key that protects it, and the engine over both. Runs on the
//! driver's thread, so that a vault which asks the user blocks nothing else.

use super::config::Config;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind};
use crate::io::{FileVault, OsRandom, SqliteStore, Vault, VaultError, timed, vault_id};
use crate::keys::{DeviceRootKey, Entropy, KeysLost};
use crate::store::{Store, Table};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// How long a resolver of the app may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// Opens or makes the Device whose store is at `path`.
///
/// # Errors
/// As the store and the vault say.
pub(super) fn open(path: &Path, config: &Config) -> Result<Engine, Error> {
    let store = SqliteStore::open(path)?;
    let entropy = OsRandom::new().map_err(|error| Error::internal(format!("no randomness: {error}")))?;
    let root = root_key(path, config, &store, entropy)?;
    let engine = Engine::open(Box::new(store), Box::new(entropy), root, config.engine())?;
    Ok(engine.with_resolvers(timed(config.resolvers.clone(), ANSWER_LIMIT)))
}

/// The runtime for sockets.
///
/// # Errors
/// `Internal` when the system gives no thread.
pub(super) fn runtime(config: &Config) -> Result<Handle, Error> {
    static SHARED: OnceLock<Runtime> = OnceLock::new();
    if let Some(handle) = &config.runtime {
        return Ok(handle.clone());
    }
    if let Some(runtime) = SHARED.get() {
        return Ok(runtime.handle().clone());
    }
    let made = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("veilfold-io")
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("the system gives no thread: {}", error.kind())))?;
    // Of two that were made at once, the other is shut down without waiting for it.
    if let Err(second) = SHARED.set(made) {
        second.shutdown_background();
    }
    SHARED.get().map(|runtime| runtime.handle().clone()).ok_or_else(|| Error::internal("no runtime"))
}

fn root_key(
    path: &Path,
    config: &Config,
    store: &dyn Store,
    mut entropy: impl Entropy,
) -> Result<DeviceRootKey, Error> {
    let vault = vault(path, config);
    let id = config.vault_id.clone().unwrap_or_else(|| vault_id(path));
    if let Some(root) = vault.load_root(&id).map_err(vault_failed)? {
        return Ok(DeviceRootKey::from_bytes(root));
    }
    // A new key would not open an old store, and would hide that the old one is missing.
    if !store.scan(Table::Globals, &[0], &[u8::MAX], 1)?.is_empty() {
        return Err(KeysLost.into());
    }
    let root = DeviceRootKey::generate(&mut entropy);
    let mut bytes = crate::keys::Secret::default();
    bytes.copy_from_slice(root.as_bytes());
    vault.store_root(&id, &bytes).map_err(vault_failed)?;
    Ok(root)
}

fn vault(path: &Path, config: &Config) -> Arc<dyn Vault> {
    config.vault.clone().unwrap_or_else(|| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        Arc::new(FileVault::new(folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf)))
    })
}

fn vault_failed(error: VaultError) -> Error {
    match error {
        VaultError::InvalidId => Error::invalid("bad_vault_id", error.to_string()),
        VaultError::Locked => {
            Error::new(ErrorKind::NotAllowed, "vault_locked", "unlock the device, then open again")
        }
        VaultError::Damaged => Error::new(ErrorKind::Corrupt, "keys_lost", error.to_string()),
        VaultError::Failed(_) => Error::new(ErrorKind::Corrupt, "vault_failed", error.to_string()),
    }
}
