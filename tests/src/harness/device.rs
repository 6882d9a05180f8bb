//! One device: its disk, its engine while it runs, and what was promised to its user.

use super::clock::DeviceClock;
use super::network::ConnectionId;
use super::store::StoreHandle;
use super::watch::Watch;
use std::collections::{BTreeMap, BTreeSet};
use veilfold_core::Error;
use veilfold_core::engine::{Engine, EngineConfig, Standing};
use veilfold_core::keys::{DeviceRootKey, SeededEntropy};
use veilfold_core::model::{DocumentKey, Fields, TxId, fields_to_json};
use veilfold_core::outbox::Fate;
use veilfold_core::resolver::Resolvers;

/// What a user read before it wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A document as JSON; `None` when it was not there.
    Document(DocumentKey, Option<Vec<u8>>),
    /// All documents of a collection as JSON.
    Collection(String, BTreeMap<String, Vec<u8>>),
}

impl Seen {
    /// Of a document.
    pub fn document(key: &DocumentKey, fields: Option<&Fields>) -> Self {
        Self::Document(key.clone(), fields.map(fields_to_json))
    }

    /// Of a collection.
    pub fn collection(collection: &str, rows: &[(String, Fields)]) -> Self {
        let rows = rows.iter().map(|(id, fields)| (id.clone(), fields_to_json(fields)));
        Self::Collection(collection.to_owned(), rows.collect())
    }
}

/// A device and its user.
pub struct Device {
    /// Its disk.
    pub store: StoreHandle,
    /// The running engine; `None` while it is killed.
    pub engine: Option<Engine>,
    /// Its connection.
    pub connection: Option<ConnectionId>,
    /// While set, the device has no network until then.
    pub offline_until_ms: u64,
    /// Transactions whose commit returned, and the fate that was told, if any.
    pub promised: BTreeMap<TxId, Option<Fate>>,
    /// What its user had read for a Transaction, of those whose commit returned.
    pub seen: BTreeMap<TxId, Vec<Seen>>,
    /// Its clock.
    pub clock: DeviceClock,
    /// What its app watches.
    pub watch: Option<Watch>,
    /// Where own writes stood when they were last looked at.
    pub(super) standings: BTreeMap<TxId, Standing>,
    /// True from its start until it was looked at.
    pub(super) starting: bool,
    /// Of these, the ones that mutators made.
    pub mutators: BTreeSet<TxId>,
    /// What its version of the app brings.
    pub resolvers: Resolvers,
    /// Names that version.
    pub app: [u8; 8],
    /// Kills so far, which vary its randomness.
    runs: u64,
    seed: u64,
    root_seed: u64,
    config: EngineConfig,
}

impl Device {
    /// A new device.
    pub fn new(seed: u64, config: EngineConfig, whole_transactions: bool, world_ms: u64) -> Self {
        Self {
            store: StoreHandle::new(whole_transactions),
            engine: None,
            connection: None,
            offline_until_ms: 0,
            promised: BTreeMap::new(),
            seen: BTreeMap::new(),
            clock: DeviceClock::right(world_ms),
            watch: None,
            standings: BTreeMap::new(),
            starting: true,
            mutators: BTreeSet::new(),
            resolvers: Resolvers::default(),
            app: config.app,
            runs: 0,
            seed,
            root_seed: seed,
            config,
        }
    }

    /// Uses the key store of device `index` in the world of `seed`: with a copy of its disk, this is
    /// the same device twice.
    pub fn become_copy_of(&mut self, index: usize, seed: u64) {
        self.root_seed = Self::seed_of(seed, index);
    }

    /// The seed of device `index` in the world of `seed`.
    pub fn seed_of(seed: u64, index: usize) -> u64 {
        seed.wrapping_mul(64).wrapping_add(index as u64)
    }

    /// Starts the process.
    ///
    /// # Errors
    /// What the engine says of its store.
    pub fn start(&mut self) -> Result<&mut Engine, Error> {
        self.runs += 1;
        (self.watch, self.starting) = (None, true);
        let entropy = SeededEntropy::new(self.seed.wrapping_mul(1_000_003).wrapping_add(self.runs));
        let root = DeviceRootKey::generate(&mut SeededEntropy::new(self.root_seed));
        let store = Box::new(self.store.open());
        let engine =
            Engine::open(store, Box::new(entropy), root, EngineConfig { app: self.app, ..self.config })?;
        let engine = engine.with_resolvers(self.resolvers.clone());
        Ok(self.engine.insert(engine))
    }

    /// The engine of a device that runs.
    pub fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("the device runs")
    }
}
