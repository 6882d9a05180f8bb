//! Writing verified Entries, and the view of the log against which the next ones are judged.

use crate::envelope::{LogHead, VerifiedEntry};
use crate::sorted::SortedMap;
use crate::store::rows::{AuthorRow, LogRow, SpaceNo, number_of};
use crate::store::{Store, StoreError, Table};
use std::collections::VecDeque;
use veilfold_wire::limits::SEEN_WINDOW;
use veilfold_wire::{
    AuthorHead, AuthoredFault, ChainHash, Judgement, LogView, MemberNo, Membership, SealedEntry,
};

/// Running hashes of the newest positions, and the store for those before.
#[derive(Debug, Default)]
pub struct LogTail {
    first_seq: u64,
    chains: VecDeque<ChainHash>,
}

impl LogTail {
    /// Stores verified Entries and remembers their running hashes.
    ///
    /// # Errors
    /// As the store says.
    pub fn append(
        &mut self,
        store: &mut dyn Store,
        space: SpaceNo,
        entries: &[VerifiedEntry],
    ) -> Result<(), StoreError> {
        for verified in entries {
            let row = LogRow::to_bytes(
                &verified.chain(),
                &verified.hash(),
                verified.fault().is_some(),
                verified.entry().bytes(),
            );
            store.put(Table::Log, &space.numbered(verified.seq()), &row)?;
            if self.first_seq + self.chains.len() as u64 != verified.seq() {
                self.chains.clear();
                self.first_seq = verified.seq();
            }
            self.chains.push_back(verified.chain());
        }
        while self.chains.len() as u64 > SEEN_WINDOW + 1 {
            self.chains.pop_front();
            self.first_seq += 1;
        }
        Ok(())
    }

    /// How many running hashes are in memory.
    #[cfg(feature = "testing")]
    pub fn held(&self) -> usize {
        self.chains.len()
    }

    fn chain_at(&self, store: &dyn Store, space: SpaceNo, seq: u64) -> Option<ChainHash> {
        let near = seq.checked_sub(self.first_seq).and_then(|index| self.chains.get(index as usize));
        near.copied().or_else(|| {
            // A store that fails here makes the Entry unjudged, never misjudged: the step's own
            // reads and writes report the failure.
            let row = store.get(Table::Log, &space.numbered(seq)).ok()??;
            LogRow::from_bytes(&row).ok().map(|row| row.chain)
        })
    }

    /// The view against which the Entry after the newest one is judged.
    pub fn view<'a>(
        &'a self,
        store: &'a dyn Store,
        space: SpaceNo,
        membership: &'a Membership,
        authors: &'a SortedMap<MemberNo, AuthorRow>,
    ) -> impl LogView + 'a {
        View { tail: self, store, space, membership, authors }
    }
}

struct View<'a> {
    tail: &'a LogTail,
    store: &'a dyn Store,
    space: SpaceNo,
    membership: &'a Membership,
    authors: &'a SortedMap<MemberNo, AuthorRow>,
}

impl LogView for View<'_> {
    fn membership(&self) -> &Membership {
        self.membership
    }

    fn author_head(&self, author: MemberNo) -> AuthorHead {
        self.authors.get(&author).map_or(AuthorHead::NONE, |row| row.head)
    }

    fn chain_at(&self, seq: u64) -> Option<ChainHash> {
        self.tail.chain_at(self.store, self.space, seq)
    }

    fn has_same_bytes(&self, _author: MemberNo, _author_seq: u64, _bytes: &[u8]) -> bool {
        // Only the name of the fault depends on it; both are skipped and hashed alike, and no
        // index is kept for what an honest Relay never orders.
        false
    }
}

/// Reads up to `limit` stored Entries after `folded`, as they were verified when they were stored.
/// Of those that every reader skips, the reason is not kept: they come back as `NotAllowed`.
///
/// # Errors
/// As the store says; `Corrupt` when an Entry does not parse any more.
pub fn read_log(
    store: &dyn Store,
    space: SpaceNo,
    folded: u64,
    limit: usize,
    padding_floor: u64,
) -> Result<Vec<(u64, VerifiedEntry)>, StoreError> {
    let rows = store.scan(Table::Log, &space.numbered(folded + 1), &space.end(), limit)?;
    rows.into_iter()
        .map(|(key, bytes)| {
            let (seq, row) = (number_of(&key)?, LogRow::from_bytes(&bytes)?);
            let entry = SealedEntry::decode(row.entry).map_err(|_| StoreError::Corrupt("log entry"))?;
            let fault = row.skipped.then_some(AuthoredFault::NotAllowed);
            let judgement = Judgement::Chained { hash: row.hash, fault };
            let head = LogHead { seq, chain: row.chain };
            Ok((seq, VerifiedEntry::from_own_log(head, entry, judgement, padding_floor)))
        })
        .collect()
}
