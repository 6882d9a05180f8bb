//! A stored log folded once more from its genesis, on an empty store in memory.
//!
//! For whoever checks a store: the same log must come to the same state. Reading the log is left to
//! the caller, and so is comparing.

use super::engine::{Engine, GLOBAL_SEED, Parts};
use super::holds::HeldFor;
use super::output::{Event, Output};
use super::space::SpaceRow;
use crate::envelope::LogHead;
use crate::error::Error;
use crate::keys::{DeviceRootKey, Entropy, Secret};
use crate::model::StateRoot;
use crate::store::{MemoryStore, Store, StoreError, Table};
use bytes::Bytes;
use veilfold_wire::limits::SEEN_WINDOW;
use veilfold_wire::{ChainHash, SpaceId, TransportFault};

/// A second engine with this Device's keys for one Space, and nothing of the Space's log yet.
pub struct Refold {
    engine: Engine,
    space: SpaceId,
}

impl Engine {
    /// Starts folding a Space anew. Nothing of this engine changes, whatever becomes of it.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have; `Corrupt` for what does not parse.
    pub fn refold(&mut self, space: SpaceId, entropy: Box<dyn Entropy + Send>) -> Result<Refold, Error> {
        let resolvers = self.resolvers.clone();
        let Parts { space: known, store, root, config, .. } = self.parts(space)?;
        let row = SpaceRow {
            me: None,
            genesis_unsent: false,
            log_seq: 0,
            log_chain: LogHead::start(&space).chain.0,
            folded: 0,
            ..known.row.clone()
        };
        let no = known.no;
        let mut copy = MemoryStore::new();
        copy.begin()?;
        for key in [GLOBAL_SEED.to_vec(), Engine::number_key(&space)] {
            let value = store.get(Table::Globals, &key)?.ok_or(StoreError::Corrupt("globals"))?;
            copy.put(Table::Globals, &key, &value)?;
        }
        for (key, wrapped) in store.scan(Table::Keys, &no.first(), &no.end(), usize::MAX >> 1)? {
            copy.put(Table::Keys, &key, &wrapped)?;
        }
        row.save(&mut copy, no)?;
        copy.commit(config.durability)?;
        let mut secret = Secret::default();
        secret.copy_from_slice(root.as_bytes());
        let root = DeviceRootKey::from_bytes(secret);
        let engine = Engine::open(Box::new(copy), entropy, root, *config)?.with_resolvers(resolvers);
        Ok(Refold { engine, space })
    }
}

impl Refold {
    /// Verifies and folds what follows, as if a Relay had sent it; gives what is wrong with it.
    ///
    /// # Errors
    /// As the store in memory says, which is never in practice.
    pub fn feed(&mut self, first_seq: u64, entries: Vec<Bytes>) -> Result<Option<TransportFault>, Error> {
        self.engine.page(self.space, first_seq, entries, 0)?;
        let mut found = None;
        while let Some(output) = self.engine.poll_output() {
            if let Output::Event(Event::RelayMisbehaved { fault, .. }) = output {
                found = found.or(Some(fault));
            }
        }
        self.forget_entries()?;
        Ok(found)
    }

    /// Drops the folded Entries that no later one is judged by, so that memory follows the documents and
    /// not the log.
    fn forget_entries(&mut self) -> Result<(), Error> {
        let space = self.space;
        self.engine.step(|engine| {
            let Parts { space, store, .. } = engine.parts(space)?;
            let (from, to) =
                (space.no.first(), space.no.numbered(space.row.folded.saturating_sub(SEEN_WINDOW)));
            for (key, _) in store.scan(Table::Log, &from, &to, usize::MAX >> 1)? {
                store.delete(Table::Log, &key)?;
            }
            Ok(())
        })
    }

    pub(super) fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Position and running hash after what was fed.
    ///
    /// # Errors
    /// As the store in memory says.
    pub fn log_head(&mut self) -> Result<(u64, ChainHash), Error> {
        self.engine.log_head(self.space)
    }

    /// Why not everything that was fed is folded, if so: documents of an app's own resolver need that app.
    ///
    /// # Errors
    /// As the store in memory says.
    pub fn held(&mut self) -> Result<Option<HeldFor>, Error> {
        Ok(self.engine.status(self.space)?.held)
    }

    /// The root over the state after what was fed.
    ///
    /// # Errors
    /// `Invalid` while Entries are kept that are not folded yet.
    pub fn state_root(&mut self) -> Result<StateRoot, Error> {
        self.engine.state_root(self.space)
    }
}
