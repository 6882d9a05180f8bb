//! One Device for measuring: an engine on a SQLite file, or in memory, as an app's driver holds it.
//!
//! Its root key lies beside the file, so that another process can open the same Device.

use std::path::Path;
use veilfold_core::engine::{Draft, Engine, EngineConfig};
use veilfold_core::io::{OsRandom, SqliteStore};
use veilfold_core::keys::DeviceRootKey;
use veilfold_core::store::{Durability, MemoryStore, Store};
use veilfold_wire::SpaceId;
use zeroize::Zeroizing;

/// The moment at which every run starts, in milliseconds since 1970.
pub const START_MS: u64 = 1_700_000_000_000;

/// Opens the Device whose store is at `path`, or makes one.
pub fn open(path: &Path, durability: Durability) -> Engine {
    let key_path = path.with_extension("root");
    let root = match std::fs::read(&key_path) {
        Ok(bytes) => {
            let bytes: [u8; 32] = bytes.try_into().expect("a root key has 32 bytes");
            DeviceRootKey::from_bytes(Zeroizing::new(bytes))
        }
        Err(_) => {
            let root = DeviceRootKey::generate(&mut random());
            std::fs::write(&key_path, root.as_bytes()).expect("the scratch folder can be written");
            root
        }
    };
    let store = SqliteStore::open(path).expect("the scratch store opens");
    engine(Box::new(store), root, durability)
}

/// A new Device that keeps nothing.
pub fn in_memory() -> Engine {
    let root = DeviceRootKey::generate(&mut random());
    engine(Box::new(MemoryStore::default()), root, Durability::Process)
}

fn engine(store: Box<dyn Store>, root: DeviceRootKey, durability: Durability) -> Engine {
    let config = EngineConfig { durability, ..EngineConfig::default() };
    Engine::open(store, Box::new(random()), root, config).expect("the device opens")
}

/// Copies a closed Device.
pub fn copy(from: &Path, to: &Path) {
    for (from, to) in
        [(from.to_owned(), to.to_owned()), (from.with_extension("root"), to.with_extension("root"))]
    {
        std::fs::copy(from, to).expect("the scratch folder can be written");
    }
}

/// Commits one Transaction.
pub fn commit(engine: &mut Engine, space: SpaceId, draft: Draft, now_ms: u64) {
    let committed = engine.transact(space, draft, now_ms).expect("the actions are good");
    assert!(committed.is_some(), "a blind intent has read nothing that could change");
}

/// Throws away what the engine wants done outside.
pub fn discard_outputs(engine: &mut Engine) {
    while engine.poll_output().is_some() {}
}

fn random() -> OsRandom {
    OsRandom::new().expect("the system has randomness")
}
