//! The pending Transactions of one Space, by number, and which documents they concern.
//!
//! Filled by the engine's `local.rs`, emptied by `remote.rs`; `documents/rebase.rs` rewrites rows.
//! Rows are stored as they are committed. Whether a Transaction is sealed is not stored twice: it
//! follows from the sealed Entries, whose rows name the numbers that they carry.

use crate::model::{BodyError, Decoder, DocumentKey, Encoder, Op, Transaction, TxId, TxNos};
use crate::sorted::{SortedMap, SortedSet};
use crate::store::rows::{AuthorRow, SpaceNo, number_of};
use crate::store::{Store, StoreError, Table};

/// Most pending Transactions of one Space.
pub const OUTBOX_COUNT_MAX: usize = 100_000;

/// Longest name of a mutator in bytes.
pub const MUTATOR_NAME_BYTES_MAX: usize = 128;
/// Largest arguments of a mutator in bytes.
pub const MUTATOR_ARGS_BYTES_MAX: usize = 64 * 1024;

/// The sealed Entry that carries a Transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedRef {
    /// Its author number.
    pub author_seq: u64,
}

/// The run of a named mutator that made a Transaction: enough to run it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutatorRun {
    /// Its registered name.
    pub name: String,
    /// Its arguments, in the app's own encoding.
    pub args: Vec<u8>,
    /// 1 for the first Transaction of it that goes to the order, and so on.
    pub attempt: u64,
    /// The name of the first Transaction; whoever asks for the fate knows this one.
    pub first: TxId,
}

impl MutatorRun {
    /// Writes it for the store.
    pub fn encode(&self, out: &mut Encoder) {
        out.str(&self.name);
        out.bytes(&self.args);
        out.uint(self.attempt);
        out.bytes(&self.first.0);
    }

    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        Ok(Self {
            name: input.str(MUTATOR_NAME_BYTES_MAX, "mutator.name")?.to_owned(),
            args: input.bytes(MUTATOR_ARGS_BYTES_MAX, "mutator.args")?.to_vec(),
            attempt: input.uint("mutator.attempt")?,
            first: TxId(input.exact("mutator.first")?),
        })
    }
}

/// A Transaction that the order does not contain yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// As it reads for the order up to its `base_seq`, whether it is sealed or not: a sealed Entry
    /// has its own copy, and when that is refused this is what is sealed next. While it is shown, it
    /// reads the same for the newest folded position.
    pub transaction: Transaction,
    /// Set while a sealed Entry carries it.
    pub sealed: Option<SealedRef>,
    /// False while the visible state does without it, because a precondition fails for now.
    pub shown: bool,
    /// True when it was issued again under another number and only its Entry's return is awaited.
    pub superseded: bool,
    /// Set when a named mutator made it.
    pub mutator: Option<MutatorRun>,
}

impl Pending {
    /// A Transaction as it was just committed.
    pub fn new(transaction: Transaction) -> Self {
        Self { transaction, sealed: None, shown: true, superseded: false, mutator: None }
    }

    /// The name under which the app asks for its fate.
    pub fn receipt(&self) -> TxId {
        self.mutator.as_ref().map_or(self.transaction.tx_id, |run| run.first)
    }

    /// True when it edits a text.
    pub fn edits_text(&self) -> bool {
        self.transaction.actions.iter().any(|action| matches!(action.op, Op::TextEdit { .. }))
    }

    /// Documents that it writes or has conditions on, possibly more than once.
    pub fn touched(&self) -> impl Iterator<Item = &DocumentKey> {
        self.transaction.actions.iter().map(|action| &action.key)
    }

    /// Collections that it writes to, possibly more than once.
    fn collections(&self) -> impl Iterator<Item = &str> {
        let writes = self.transaction.actions.iter();
        writes.filter(|action| !matches!(action.op, Op::Expect { .. })).map(|action| &*action.key.collection)
    }

    fn concerns(&self) -> impl Iterator<Item = &DocumentKey> {
        self.touched().chain(self.transaction.reads.iter().map(|read| &read.key))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(256);
        let flags = [self.shown, self.superseded, self.mutator.is_some()];
        out.uint(flags.iter().rev().fold(0, |sum, flag| sum * 2 + u64::from(*flag)));
        self.transaction.encode(&mut out);
        if let Some(run) = &self.mutator {
            run.encode(&mut out);
        }
        out.finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut input = Decoder::new(bytes);
        let flags = input.uint("outbox.flags")?;
        let transaction = Transaction::decode(&mut input)?;
        let mutator = if flags & 4 != 0 { Some(MutatorRun::decode(&mut input)?) } else { None };
        input.end()?;
        let (shown, superseded) = (flags & 1 != 0, flags & 2 != 0);
        Ok(Self { transaction, sealed: None, shown, superseded, mutator })
    }
}

/// Takes a number out of an index.
fn forget<K, Q>(index: &mut SortedMap<K, SortedSet<u64>>, key: &Q, tx_no: u64)
where
    K: Ord + std::borrow::Borrow<Q>,
    Q: Ord + ?Sized,
{
    if let Some(numbers) = index.get_mut(key) {
        numbers.remove(&tx_no);
        if numbers.is_empty() {
            index.remove(key);
        }
    }
}

/// All pending Transactions of one Space.
#[derive(Debug, Default)]
pub struct PendingSet {
    rows: SortedMap<u64, Pending>,
    touching: SortedMap<DocumentKey, SortedSet<u64>>,
    concerned: SortedMap<DocumentKey, SortedSet<u64>>,
    in_collection: SortedMap<String, SortedSet<u64>>,
    hidden: SortedSet<u64>,
}

impl PendingSet {
    /// Reads what is pending in `space`.
    ///
    /// # Errors
    /// As the store says.
    pub fn load(store: &dyn Store, space: SpaceNo) -> Result<Self, StoreError> {
        let mut outbox = Self::default();
        for (key, bytes) in store.scan(Table::Outbox, &space.first(), &space.end(), usize::MAX)? {
            let pending = Pending::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("outbox row"))?;
            outbox.insert(number_of(&key)?, pending);
        }
        Ok(outbox)
    }

    /// Adds a Transaction under its number.
    pub fn insert(&mut self, tx_no: u64, pending: Pending) {
        for key in pending.touched() {
            self.touching.get_or_insert_with(key.clone(), SortedSet::new).insert(tx_no);
        }
        for key in pending.concerns() {
            self.concerned.get_or_insert_with(key.clone(), SortedSet::new).insert(tx_no);
        }
        for collection in pending.collections() {
            self.in_collection.get_or_insert_with(collection.to_owned(), SortedSet::new).insert(tx_no);
        }
        if !pending.shown {
            self.hidden.insert(tx_no);
        }
        self.rows.insert(tx_no, pending);
    }

    /// Takes a Transaction out.
    pub fn remove(&mut self, tx_no: u64) -> Option<Pending> {
        let pending = self.rows.remove(&tx_no)?;
        self.hidden.remove(&tx_no);
        pending.touched().for_each(|key| forget(&mut self.touching, key, tx_no));
        pending.concerns().for_each(|key| forget(&mut self.concerned, key, tx_no));
        pending.collections().for_each(|collection| forget(&mut self.in_collection, collection, tx_no));
        Some(pending)
    }

    /// Puts a rebased Transaction in the place of the old one; it concerns the same documents.
    pub fn replace(&mut self, tx_no: u64, transaction: Transaction, shown: bool) {
        if let Some(pending) = self.rows.get_mut(&tx_no) {
            pending.transaction = transaction;
            pending.shown = shown;
            if shown {
                self.hidden.remove(&tx_no);
            } else {
                self.hidden.insert(tx_no);
            }
        }
    }

    /// The Transaction of that number.
    pub fn get(&self, tx_no: u64) -> Option<&Pending> {
        self.rows.get(&tx_no)
    }

    /// The Transaction of that number, to mark it; what it concerns must not change.
    pub fn get_mut(&mut self, tx_no: u64) -> Option<&mut Pending> {
        self.rows.get_mut(&tx_no)
    }

    /// By number.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, &Pending)> {
        self.rows.iter().map(|(tx_no, pending)| (*tx_no, pending))
    }

    /// From a number on.
    pub fn from(&self, tx_no: u64) -> impl Iterator<Item = (u64, &Pending)> {
        self.rows.range_from(&tx_no).map(|(tx_no, pending)| (*tx_no, pending))
    }

    /// How many are pending.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Largest number, 0 when nothing is pending.
    pub fn last(&self) -> u64 {
        self.rows.last().map_or(0, |(tx_no, _)| *tx_no)
    }

    /// True when something pending touches the document.
    pub fn touches(&self, key: &DocumentKey) -> bool {
        self.touching.contains_key(key)
    }

    /// How many numbers the indexes hold, and how many the Transactions themselves call for.
    #[cfg(feature = "testing")]
    pub fn indexed(&self) -> (usize, usize) {
        let held = [&self.touching, &self.concerned].into_iter().flat_map(SortedMap::values);
        let held = held.chain(self.in_collection.values()).map(SortedSet::len).sum::<usize>();
        let wanted = |pending: &Pending| {
            pending.touched().collect::<SortedSet<_>>().len()
                + pending.concerns().collect::<SortedSet<_>>().len()
                + pending.collections().collect::<SortedSet<_>>().len()
                + usize::from(!pending.shown)
        };
        (held + self.hidden.len(), self.rows.values().map(wanted).sum())
    }

    /// Numbers of those shown Transactions that touch the document; of a whole collection, of those that
    /// write to any of its documents.
    pub fn shown_on(&self, key: &DocumentKey) -> TxNos {
        self.on(key, |tx_no| !self.hidden.contains(&tx_no))
    }

    /// Those of them that the visible state does without.
    pub fn hidden_on(&self, key: &DocumentKey) -> TxNos {
        if self.hidden.is_empty() {
            return TxNos::default();
        }
        self.on(key, |tx_no| self.hidden.contains(&tx_no))
    }

    fn on(&self, key: &DocumentKey, wanted: impl Fn(u64) -> bool) -> TxNos {
        let among =
            if key.is_whole() { self.in_collection.get(&key.collection) } else { self.touching.get(key) };
        let mut numbers = TxNos::default();
        let found = among.into_iter().flatten().copied().filter(|tx_no| wanted(*tx_no));
        found.for_each(|tx_no| numbers.push(tx_no));
        numbers
    }

    /// Numbers that touch or have read the document, or have read its whole collection.
    pub fn concerned(&self, key: &DocumentKey) -> impl Iterator<Item = u64> {
        let whole = self.concerned.get(&DocumentKey::whole(&key.collection));
        self.concerned.get(key).into_iter().chain(whole).flatten().copied()
    }

    /// What the fold will know of us when everything pending is folded as it is shown now. A number
    /// that left the Outbox before it was sealed will be folded as one that was not accepted.
    pub fn as_if_folded(&self, row: &AuthorRow) -> AuthorRow {
        let mut row = self.with_gaps(row);
        row.unaccepted.extend(self.hidden.iter().map(|tx_no| (*tx_no, 1, 0)));
        row.tx_mark = row.tx_mark.max(self.last());
        row
    }

    /// The row, and every number between it and the last pending one that is not pending any more.
    fn with_gaps(&self, row: &AuthorRow) -> AuthorRow {
        let mut row = row.clone();
        let mut next = row.tx_mark + 1;
        if self.last() + 1 != next + self.rows.len() as u64 {
            for tx_no in self.rows.range_from(&next).map(|(tx_no, _)| *tx_no) {
                if tx_no > next {
                    row.unaccepted.push((next, tx_no - next, 0));
                }
                next = tx_no + 1;
            }
        }
        row
    }

    /// Writes the row of `tx_no`, or deletes it when it is gone.
    ///
    /// # Errors
    /// As the store says.
    pub fn save(&self, store: &mut dyn Store, space: SpaceNo, tx_no: u64) -> Result<(), StoreError> {
        match self.rows.get(&tx_no) {
            Some(pending) => store.put(Table::Outbox, &space.numbered(tx_no), &pending.to_bytes()),
            None => store.delete(Table::Outbox, &space.numbered(tx_no)),
        }
    }
}

#[cfg(test)]
mod tests;
