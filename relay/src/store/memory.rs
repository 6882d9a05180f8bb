//! A store in memory, for embedded Relays without a folder and for tests.
//!
//! Everything ends with the process; within it, a batch is as whole as in the other stores.

use super::{Durability, Store, StoreError, StoredEntry, page_takes};
use bytes::Bytes;
use std::collections::BTreeMap;
use veilfold_wire::{AuthorHead, ChainHash, Kind, MemberNo, SpaceId};

/// Keeps Entries until it is dropped.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    entries: BTreeMap<(SpaceId, u64), StoredEntry>,
    by_author: BTreeMap<(SpaceId, MemberNo, u64, u64), ()>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn after(&self, space: &SpaceId, after: u64) -> impl Iterator<Item = &StoredEntry> {
        let from = after.checked_add(1);
        let range = from.map(|from| self.entries.range((*space, from)..=(*space, u64::MAX)));
        range.into_iter().flatten().map(|(_, entry)| entry)
    }
}

impl Store for MemoryStore {
    fn head(&mut self, space: &SpaceId) -> Result<Option<(u64, ChainHash)>, StoreError> {
        let newest = self.entries.range((*space, 0)..=(*space, u64::MAX)).next_back();
        Ok(newest.map(|(_, entry)| (entry.seq, entry.chain)))
    }

    fn chains(&mut self, space: &SpaceId, from_seq: u64) -> Result<Vec<ChainHash>, StoreError> {
        Ok(self.after(space, from_seq.saturating_sub(1)).map(|entry| entry.chain).collect())
    }

    fn control_entries(&mut self, space: &SpaceId) -> Result<Vec<StoredEntry>, StoreError> {
        Ok(self.after(space, 0).filter(|entry| entry.kind == Kind::Control).cloned().collect())
    }

    fn author_head(&mut self, space: &SpaceId, author: MemberNo) -> Result<AuthorHead, StoreError> {
        let range = (*space, author, 0, 0)..=(*space, author, u64::MAX, u64::MAX);
        let Some((&(_, _, author_seq, _), ())) = self.by_author.range(range).next_back() else {
            return Ok(AuthorHead::NONE);
        };
        let first = self.find(space, author, author_seq)?;
        Ok(first.map_or(AuthorHead::NONE, |entry| AuthorHead { author_seq, hash: entry.hash }))
    }

    fn find(
        &mut self,
        space: &SpaceId,
        author: MemberNo,
        author_seq: u64,
    ) -> Result<Option<StoredEntry>, StoreError> {
        let range = (*space, author, author_seq, 0)..=(*space, author, author_seq, u64::MAX);
        let Some((&(_, _, _, seq), ())) = self.by_author.range(range).next() else { return Ok(None) };
        Ok(self.entries.get(&(*space, seq)).cloned())
    }

    fn page(
        &mut self,
        space: &SpaceId,
        after: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Bytes>, StoreError> {
        let (mut page, mut bytes) = (Vec::new(), 0);
        for entry in self.after(space, after) {
            if !page_takes(page.len(), bytes, entry.bytes.len(), entries_max, bytes_max) {
                break;
            }
            bytes += entry.bytes.len();
            page.push(entry.bytes.clone());
        }
        Ok(page)
    }

    fn commit(&mut self, batch: &[StoredEntry], _durability: Durability) -> Result<(), StoreError> {
        let mut places = batch.iter().map(|entry| (entry.space, entry.seq)).collect::<Vec<_>>();
        places.sort_unstable();
        let twice = places.windows(2).any(|pair| pair[0] == pair[1]);
        if twice || places.iter().any(|place| self.entries.contains_key(place)) {
            return Err(StoreError::Corrupt { what: "a position was given twice" });
        }
        for entry in batch {
            self.by_author.insert((entry.space, entry.member_no, entry.author_seq, entry.seq), ());
            self.entries.insert((entry.space, entry.seq), entry.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn passes_the_suite_of_every_store() {
        crate::store::conformance::run(super::MemoryStore::new);
    }
}
