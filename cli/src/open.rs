//! Opens the store of a device that exists, with its root key from the file beside it.
//!
//! For `inspect` and `verify`. Nothing is made where nothing is, and nothing in it is changed.

use crate::failure::Failure;
use std::path::{Path, PathBuf};
use veilfold_core::engine::{Engine, EngineConfig};
use veilfold_core::io::{FileVault, OsRandom, SqliteStore, Vault, vault_id};
use veilfold_core::keys::DeviceRootKey;
use veilfold_core::store::{Store, Table};
use veilfold_core::wire::SpaceId;

#[derive(clap::Args)]
pub struct StoreOptions {
    /// The store's file
    #[arg(value_name = "STORE")]
    store: PathBuf,
    /// Only the Space whose id starts so
    #[arg(long, value_name = "ID")]
    space: Option<String>,
    /// Folder of the key file, when it is not beside the store
    #[arg(long, value_name = "FOLDER")]
    vault: Option<PathBuf>,
}

/// Opens the store and gives it to `look` before the engine takes it.
pub fn engine(
    options: &StoreOptions,
    look: impl FnOnce(&SqliteStore) -> Result<(), Failure>,
) -> Result<Engine, Failure> {
    let path = options.store.as_path();
    if !path.is_file() {
        return Err(Failure::refused(format!("there is no store at {}", path.display())));
    }
    let store = SqliteStore::open(path)?;
    if store.scan(Table::Globals, &[0], &[u8::MAX], 1)?.is_empty() {
        return Err(Failure::refused(format!("{} is not the store of a device", path.display())));
    }
    look(&store)?;
    let root = root_key(path, options.vault.as_deref())?;
    Ok(Engine::open(Box::new(store), Box::new(random()?), root, EngineConfig::default())?)
}

/// The Spaces that were asked for.
pub fn spaces(engine: &Engine, options: &StoreOptions) -> Result<Vec<SpaceId>, Failure> {
    let asked = options.space.as_deref().unwrap_or_default();
    let found: Vec<SpaceId> = engine.spaces().filter(|space| space.to_string().starts_with(asked)).collect();
    if found.is_empty() && !asked.is_empty() {
        return Err(Failure::refused(format!("the store has no space {asked}")));
    }
    Ok(found)
}

/// The system's randomness.
pub fn random() -> Result<OsRandom, Failure> {
    OsRandom::new().map_err(|error| Failure::refused(format!("the system gives no randomness: {error}")))
}

fn root_key(store: &Path, folder: Option<&Path>) -> Result<DeviceRootKey, Failure> {
    let beside = store.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.or(beside).unwrap_or(Path::new("."));
    let id = vault_id(store);
    let loaded = FileVault::new(folder).load_root(&id).map_err(|error| {
        Failure::refused(format!("the key file {id}.key in {}: {error}", folder.display()))
    })?;
    let missing = || {
        let text =
            format!("there is no key file {id}.key in {}; name its folder with --vault", folder.display());
        Failure::refused(text)
    };
    loaded.map(DeviceRootKey::from_bytes).ok_or_else(missing)
}
