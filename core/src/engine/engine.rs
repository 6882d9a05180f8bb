//! The engine: owner of the store, the keys and all open Spaces of one Device.

use super::config::EngineConfig;
use super::healing::Healing;
use super::holds::Holds;
use super::mutators::Retries;
use super::output::Output;
use super::space::Space;
use crate::error::Error;
use crate::keys::{DeviceRootKey, DeviceSeed, Entropy};
use crate::query::LiveQueries;
use crate::resolver::Resolvers;
use crate::sorted::{SortedMap, SortedSet};
use crate::store::rows::SpaceNo;
use crate::store::{Durability, Store, StoreError, Table};
use crate::sync::{Session, Subscriptions};
use std::collections::VecDeque;
use veilfold_wire::{ChainHash, SpaceId};

pub(super) const GLOBAL_SEED: &[u8] = b"device-seed";
const GLOBAL_SPACES: &[u8] = b"space/";

/// All Spaces of one Device. It opens nothing, waits for nothing and reads no clock: the driver
/// feeds it and carries out what [`Engine::poll_output`] gives.
pub struct Engine {
    pub(super) store: Box<dyn Store>,
    pub(super) entropy: Box<dyn Entropy + Send>,
    pub(super) root: DeviceRootKey,
    pub(super) seed: DeviceSeed,
    pub(super) config: EngineConfig,
    pub(super) numbers: SortedMap<SpaceId, SpaceNo>,
    pub(super) open: SortedMap<SpaceId, Space>,
    /// Spaces that this step looked at, to be written when it ends.
    pub(super) touched: SortedSet<SpaceId>,
    pub(super) session: Session,
    pub(super) subscriptions: Subscriptions,
    pub(super) live: LiveQueries,
    pub(super) retries: Retries,
    pub(super) holds: Holds,
    pub(super) healing: Healing,
    pub(super) resolvers: Resolvers,
    /// The newest time that anybody told.
    pub(super) now_ms: u64,
    pub(super) outputs: VecDeque<Output>,
}

impl Engine {
    /// Opens the Device whose data is in `store`, or makes a new one in an empty store.
    ///
    /// `root` comes from the platform's key store. Nothing proportional to the history is read.
    ///
    /// # Errors
    /// `Corrupt` with the code `keys_lost` when `root` does not open the store's secrets.
    pub fn open(
        store: Box<dyn Store>,
        entropy: Box<dyn Entropy + Send>,
        root: DeviceRootKey,
        config: EngineConfig,
    ) -> Result<Self, Error> {
        let (mut store, mut entropy) = (store, entropy);
        let seed = match store.get(Table::Globals, GLOBAL_SEED)? {
            Some(wrapped) => DeviceSeed::unwrap(&root, &wrapped)?,
            None => {
                let seed = DeviceSeed::generate(entropy.as_mut());
                store.begin()?;
                let wrapped = seed.wrap(&root, entropy.as_mut());
                let written = store.put(Table::Globals, GLOBAL_SEED, &wrapped);
                written.and_then(|()| store.commit(Durability::Power))?;
                seed
            }
        };
        let mut numbers = SortedMap::new();
        let end = crate::store::rows::after_prefix(GLOBAL_SPACES);
        for (key, value) in store.scan(Table::Globals, GLOBAL_SPACES, &end, usize::MAX >> 1)? {
            let id = SpaceId::try_from(&key[GLOBAL_SPACES.len()..])
                .map_err(|_| StoreError::Corrupt("space list"))?;
            let number: [u8; 4] =
                value.as_slice().try_into().map_err(|_| StoreError::Corrupt("space list"))?;
            numbers.insert(id, SpaceNo(u32::from_be_bytes(number)));
        }
        Ok(Self {
            store,
            entropy,
            root,
            seed,
            config,
            numbers,
            open: SortedMap::new(),
            touched: SortedSet::new(),
            session: Session::default(),
            subscriptions: Subscriptions::default(),
            live: LiveQueries::default(),
            retries: Retries::default(),
            holds: Holds::default(),
            healing: Healing::default(),
            resolvers: Resolvers::default(),
            now_ms: 0,
            outputs: VecDeque::new(),
        })
    }

    /// Brings the app's own resolvers. To be called before anything else; a Space that was held for
    /// want of one goes on when it is looked at.
    #[must_use]
    pub fn with_resolvers(mut self, resolvers: Resolvers) -> Self {
        self.resolvers = resolvers;
        self
    }

    /// What should be done outside next, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Engine::handle_timeout`] wants to be called, in milliseconds since 1970.
    pub fn next_deadline(&self) -> Option<u64> {
        self.session
            .deadline()
            .into_iter()
            .chain(self.subscriptions.deadline())
            .chain(self.holds.deadline())
            .chain(self.healing.deadline())
            .min()
    }

    /// The Spaces of this Device.
    pub fn spaces(&self) -> impl Iterator<Item = SpaceId> + '_ {
        self.numbers.keys().copied()
    }

    /// The Space, read from the store when it was not open.
    pub(super) fn space(&mut self, id: SpaceId) -> Result<&mut Space, Error> {
        self.load_space(id)?;
        self.open.get_mut(&id).ok_or_else(|| Error::internal("a loaded space is not there"))
    }

    fn load_space(&mut self, id: SpaceId) -> Result<(), Error> {
        self.touched.insert(id);
        if self.open.contains_key(&id) {
            return Ok(());
        }
        let no = *self.numbers.get(&id).ok_or_else(|| {
            Error::invalid("unknown_space", format!("this device has no space {id}; join it first"))
        })?;
        let mut space = Space::load(self.store.as_ref(), id, no, &self.root, &self.seed, &self.config)?;
        space.documents.set_reader(&self.resolvers, &space.enabled);
        if !space.cursor().is_folded() {
            self.holds.look_again(id);
        }
        if space.roots.reconsider(self.config.app) {
            self.healing.want(id);
        }
        self.open.insert(id, space);
        Ok(())
    }

    /// The Space and the parts beside it, for code that needs several at once.
    pub(super) fn parts(&mut self, id: SpaceId) -> Result<Parts<'_>, Error> {
        self.load_space(id)?;
        let space = self.open.get_mut(&id).ok_or_else(|| Error::internal("a loaded space is not there"))?;
        Ok(Parts {
            space,
            store: self.store.as_mut(),
            entropy: self.entropy.as_mut(),
            root: &self.root,
            config: &self.config,
            retries: &mut self.retries,
            resolvers: &self.resolvers,
            outputs: &mut self.outputs,
        })
    }

    /// Notes a new Space and gives it its local number.
    pub(super) fn number_space(&mut self, id: SpaceId) -> Result<SpaceNo, Error> {
        let no = SpaceNo(self.numbers.values().map(|no| no.0).max().unwrap_or(0) + 1);
        self.store.put(Table::Globals, &Self::number_key(&id), &no.0.to_be_bytes())?;
        self.numbers.insert(id, no);
        Ok(no)
    }

    /// Where the local number of a Space is stored.
    pub(super) fn number_key(id: &SpaceId) -> Vec<u8> {
        [GLOBAL_SPACES, &id.0].concat()
    }

    pub(super) fn random_u64(&mut self) -> u64 {
        u64::from_be_bytes(crate::keys::random(self.entropy.as_mut()))
    }

    /// Running hash and position up to which a Space's log is verified; for comparing two Devices
    /// by other means than the Relay.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn log_head(&mut self, id: SpaceId) -> Result<(u64, ChainHash), Error> {
        let head = self.space(id)?.cursor().log;
        Ok((head.seq, head.chain))
    }
}

/// An open Space and what deciding about it needs besides.
pub(super) struct Parts<'a> {
    pub(super) space: &'a mut Space,
    pub(super) store: &'a mut dyn Store,
    pub(super) entropy: &'a mut (dyn Entropy + Send),
    pub(super) root: &'a DeviceRootKey,
    pub(super) config: &'a EngineConfig,
    pub(super) retries: &'a mut Retries,
    pub(super) resolvers: &'a Resolvers,
    pub(super) outputs: &'a mut VecDeque<Output>,
}
