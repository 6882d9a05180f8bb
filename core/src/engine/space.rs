//! One open Space: everything that deciding needs, read from the store once and kept in step with it.

use super::config::EngineConfig;
use super::roots::Roots;
use crate::documents::{Documents, PendingSet, SealedRef};
use crate::envelope::LogHead;
use crate::error::Error;
use crate::keys::{DeviceRootKey, DeviceSeed, EpochSecret, Keyring};
use crate::log::{LogCursor, LogTail};
use crate::members::{Roster, Wish, Wished};
use crate::model::TxId;
use crate::outbox::{Content, InFlight};
use crate::resolver::Enabled;
use crate::sorted::{SortedMap, SortedSet};
use crate::store::rows::{AuthorRow, SpaceNo, number_of};
use crate::store::{Store, StoreError, Table};
use serde::{Deserialize, Serialize};
use veilfold_wire::{ChainHash, MemberNo, Membership, SpaceId};

const CORE: u8 = 0;
const MEMBERSHIP: u8 = 1;
const ROSTER: u8 = 2;
const WISH: u8 = 3;
const SETTINGS: u8 = 4;
// 5 belongs to `outbox/retries.rs`.
const ROOTS: u8 = 6;

/// The row of a Space. Fields are named in the store, so that later versions can add some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SpaceRow {
    /// The app's own name for it; never sent.
    pub(super) name: String,
    /// From which the Member secret is derived.
    pub(super) key_context: [u8; 32],
    /// Own number, once the order contains us.
    pub(super) me: Option<u64>,
    /// True until a Relay has the genesis Entry.
    pub(super) genesis_unsent: bool,
    /// Newest verified position.
    pub(super) log_seq: u64,
    /// Running hash there.
    pub(super) log_chain: [u8; 32],
    /// Newest folded position.
    pub(super) folded: u64,
}

impl SpaceRow {
    pub(super) fn save(&self, store: &mut dyn Store, no: SpaceNo) -> Result<(), StoreError> {
        let bytes = rmp_serde::to_vec_named(self)
            .map_err(|_| StoreError::Failed("a space row cannot be written".to_owned()))?;
        store.put(Table::Spaces, &no.named(CORE, &[]), &bytes)
    }
}

/// An open Space.
pub(super) struct Space {
    pub(super) id: SpaceId,
    pub(super) no: SpaceNo,
    pub(super) row: SpaceRow,
    pub(super) membership: Option<Membership>,
    pub(super) roster: Roster,
    pub(super) wishes: Vec<Wish>,
    /// Which resolver versions the order accepts, as far as it is folded.
    pub(super) enabled: Enabled,
    pub(super) authors: SortedMap<MemberNo, AuthorRow>,
    pub(super) keyring: Keyring,
    pub(super) documents: Documents,
    pub(super) pending: PendingSet,
    pub(super) in_flight: InFlight,
    pub(super) tail: LogTail,
    pub(super) roots: Roots,
    /// What this step changed of the rows that are not written as they change.
    pub(super) dirty: Dirty,
}

/// Rows to be written when the step ends.
#[derive(Default)]
pub(super) struct Dirty {
    pub(super) core: bool,
    pub(super) membership: bool,
    pub(super) settings: bool,
    pub(super) roots: bool,
    pub(super) authors: SortedSet<MemberNo>,
}

impl Space {
    /// A Space that was just founded or joined; nothing of it is stored yet.
    pub(super) fn new(id: SpaceId, no: SpaceNo, row: SpaceRow, keyring: Keyring) -> Self {
        Self {
            id,
            no,
            row,
            membership: None,
            roster: Roster::default(),
            wishes: Vec::new(),
            enabled: Enabled::default(),
            authors: SortedMap::new(),
            keyring,
            documents: Documents::new(no),
            pending: PendingSet::default(),
            in_flight: InFlight::default(),
            tail: LogTail::default(),
            roots: Roots::default(),
            dirty: Dirty { core: true, ..Dirty::default() },
        }
    }

    /// Reads a Space from the store.
    ///
    /// # Errors
    /// `Corrupt` for what does not parse or open.
    pub(super) fn load(
        store: &dyn Store,
        id: SpaceId,
        no: SpaceNo,
        root: &DeviceRootKey,
        seed: &DeviceSeed,
        config: &EngineConfig,
    ) -> Result<Self, Error> {
        let get = |kind| store.get(Table::Spaces, &no.named(kind, &[]));
        let core = get(CORE)?.ok_or(StoreError::Corrupt("space row"))?;
        let row: SpaceRow = rmp_serde::from_slice(&core).map_err(|_| StoreError::Corrupt("space row"))?;
        let mut keyring = Keyring::new(id, seed.member(&row.key_context, 0), root.hedge());
        for (key, wrapped) in store.scan(Table::Keys, &no.first(), &no.end(), usize::MAX >> 1)? {
            let epoch = number_of(&key)?;
            keyring.insert(epoch, EpochSecret::unwrap(root, &id, epoch, &wrapped)?);
        }
        #[cfg(feature = "testing")]
        keyring.set_cipher(config.cipher);
        #[cfg(not(feature = "testing"))]
        let _ = config;
        let mut space = Self::new(id, no, row, keyring);
        space.dirty = Dirty::default();
        space.membership = get(MEMBERSHIP)?
            .map(|bytes| Membership::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("membership")))
            .transpose()?;
        if let Some(bytes) = get(ROSTER)? {
            space.roster = Roster::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("roster"))?;
        }
        if let Some(bytes) = get(SETTINGS)? {
            space.enabled = Enabled::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("settings"))?;
        }
        if let Some(bytes) = get(ROOTS)? {
            space.roots = Roots::from_bytes(&bytes)?;
        }
        let wishes = no.named(WISH, &[]);
        for (_, bytes) in store.scan(Table::Spaces, &wishes, &no.named(WISH + 1, &[]), usize::MAX >> 1)? {
            space.wishes.push(Wish::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("wish"))?);
        }
        for (key, bytes) in store.scan(Table::Authors, &no.first(), &no.end(), usize::MAX >> 1)? {
            space.authors.insert(MemberNo(number_of(&key)?), AuthorRow::from_bytes(&bytes)?);
        }
        space.pending = PendingSet::load(store, no)?;
        space.in_flight = InFlight::load(store, no)?;
        space.mark_sealed();
        Ok(space)
    }

    /// Tells pending Transactions which sealed Entry carries them; the Entries' rows say it.
    pub(super) fn mark_sealed(&mut self) {
        for row in self.in_flight.iter() {
            let Content::Transactions { first, last } = row.content else { continue };
            for tx_no in first..=last {
                if let Some(pending) = self.pending.get_mut(tx_no) {
                    pending.sealed = Some(SealedRef { author_seq: row.author_seq });
                }
            }
        }
    }

    /// Where the log and the fold end.
    pub(super) fn cursor(&self) -> LogCursor {
        let log = LogHead { seq: self.row.log_seq, chain: ChainHash(self.row.log_chain) };
        LogCursor { log, folded: self.row.folded }
    }

    /// Own number, once the order contains us.
    pub(super) fn me(&self) -> Option<MemberNo> {
        self.row.me.map(MemberNo)
    }

    /// What the fold knows of us.
    pub(super) fn own_row(&self) -> AuthorRow {
        self.me().and_then(|me| self.authors.get(&me)).cloned().unwrap_or(AuthorRow::NEW)
    }

    /// The number for the next own Transaction: above everything folded, pending or sealed.
    pub(super) fn next_tx_no(&self) -> u64 {
        let sealed = self.in_flight.iter().map(|row| match row.content {
            Content::Transactions { last, .. } => last,
            Content::Control { .. } => 0,
        });
        self.own_row().tx_mark.max(self.pending.last()).max(sealed.max().unwrap_or(0)) + 1
    }

    /// What will be accepted once own wishes are in the order: what pending Transactions go by.
    pub(super) fn enabled_with_wishes(&self) -> Enabled {
        let mut enabled = self.enabled.clone();
        for wish in &self.wishes {
            if let Wished::Enable(enables) = &wish.what {
                enabled.enable(enables);
            }
        }
        enabled
    }

    /// Writes a wish, or takes it away once it is settled.
    pub(super) fn save_wish(&self, store: &mut dyn Store, id: TxId) -> Result<(), StoreError> {
        let key = self.no.named(WISH, &id.0);
        match self.wishes.iter().find(|wish| wish.id == id) {
            Some(wish) => store.put(Table::Spaces, &key, &wish.to_bytes()),
            None => store.delete(Table::Spaces, &key),
        }
    }

    /// Writes an epoch's secret, wrapped.
    pub(super) fn save_key(
        &self,
        store: &mut dyn Store,
        root: &DeviceRootKey,
        epoch: u64,
        entropy: &mut dyn crate::keys::Entropy,
    ) -> Result<(), StoreError> {
        let Some(secret) = self.keyring.secret(epoch) else { return Ok(()) };
        let wrapped = secret.wrap(root, &self.id, epoch, entropy);
        store.put(Table::Keys, &self.no.numbered(epoch), &wrapped)
    }

    /// Writes everything that the step changed.
    pub(super) fn flush(&mut self, store: &mut dyn Store) -> Result<(), StoreError> {
        let dirty = core::mem::take(&mut self.dirty);
        if dirty.core {
            self.row.save(store, self.no)?;
        }
        if dirty.membership {
            if let Some(membership) = &self.membership {
                store.put(Table::Spaces, &self.no.named(MEMBERSHIP, &[]), &membership.to_bytes())?;
            }
            store.put(Table::Spaces, &self.no.named(ROSTER, &[]), &self.roster.to_bytes())?;
        }
        if dirty.settings {
            store.put(Table::Spaces, &self.no.named(SETTINGS, &[]), &self.enabled.to_bytes())?;
        }
        if dirty.roots {
            store.put(Table::Spaces, &self.no.named(ROOTS, &[]), &self.roots.to_bytes())?;
        }
        for member in dirty.authors {
            if let Some(row) = self.authors.get(&member) {
                store.put(Table::Authors, &AuthorRow::key(self.no, member), &row.to_bytes())?;
            }
        }
        self.documents.flush(store)
    }
}
