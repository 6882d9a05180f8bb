//! Gives Entries their place: judges, numbers and chains them, and makes a whole batch durable at
//! once. The exchange calls it; sockets, sessions and waiting are left to others.
//!
//! What is staged is known to later appends of the same batch and to nobody else. Only
//! [`Sequencer::commit`] publishes, after the store has it.

use crate::feed::{Feed, Page};
use crate::protections::Protections;
use crate::space::Space;
use crate::store::{Durability, Store, StoreError, StoredEntry};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use veilfold_wire::entry::chain_next;
use veilfold_wire::frame::RefuseReason;
use veilfold_wire::limits::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use veilfold_wire::signature::{SignatureDomain, verify};
use veilfold_wire::{
    AuthoredFault, ChainHash, Checks, EntryHash, Judgement, Kind, MemberKey, MemberNo, Membership,
    SealedEntry, SpaceId, TransportFault, check, judge,
};

/// After a failure of the store, trying again can help after this long.
pub const UNAVAILABLE_RETRY_MS: u64 = 1_000;
/// Pages read from the store that are kept, for devices that catch up at the same time.
const PAGES_KEPT: usize = 16;

/// The place an Entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its hash.
    pub hash: EntryHash,
    /// Its position.
    pub seq: u64,
    /// Running hash there.
    pub chain: ChainHash,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: RefuseReason,
    /// When trying again can help; 0 when waiting does not help.
    pub retry_after_ms: u64,
}

impl Refusal {
    /// The store failed; the same may work in a moment.
    pub(crate) const UNAVAILABLE: Self =
        Self { reason: RefuseReason::Unavailable, retry_after_ms: UNAVAILABLE_RETRY_MS };
}

impl From<RefuseReason> for Refusal {
    fn from(reason: RefuseReason) -> Self {
        Self { reason, retry_after_ms: 0 }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::UNAVAILABLE
    }
}

/// Orders the Entries of all Spaces of one Relay.
#[derive(Debug)]
pub struct Sequencer<S> {
    store: S,
    protections: Protections,
    spaces_max: usize,
    spaces: BTreeMap<SpaceId, Space>,
    /// Loaded Spaces by last use, so that the one unused longest is dropped first.
    used: BTreeMap<u64, SpaceId>,
    used_at: BTreeMap<SpaceId, u64>,
    clock: u64,
    feeds: BTreeMap<SpaceId, Arc<Feed>>,
    batch: Vec<StoredEntry>,
    /// Where in the batch an author's number is.
    staged: BTreeMap<(SpaceId, MemberNo, u64), usize>,
    pages: VecDeque<(SpaceId, u64, Page)>,
}

impl<S: Store> Sequencer<S> {
    /// Starts with what `store` has; at most about `spaces_max` Spaces are kept loaded.
    pub fn new(store: S, spaces_max: usize, protections: Protections) -> Self {
        Self {
            store,
            protections,
            spaces_max: spaces_max.max(1),
            spaces: BTreeMap::new(),
            used: BTreeMap::new(),
            used_at: BTreeMap::new(),
            clock: 0,
            feeds: BTreeMap::new(),
            batch: Vec::new(),
            staged: BTreeMap::new(),
            pages: VecDeque::new(),
        }
    }

    /// Stages the genesis of a new Space. Offering the genesis of a Space that exists changes nothing.
    ///
    /// # Errors
    /// `Malformed`, `BadSignature` or `Unavailable`.
    pub fn create_space(&mut self, entry: &SealedEntry) -> Result<SpaceId, Refusal> {
        let (space, membership) = check::genesis_space(entry).map_err(|fault| match fault {
            TransportFault::BadSignature { .. } => RefuseReason::BadSignature,
            _ => RefuseReason::Malformed,
        })?;
        if !self.load(&space)? {
            self.spaces.insert(space, Space::founded(&space, membership));
            self.touch(space);
            self.stage(space, entry, EntryHash(space.0), true);
        }
        Ok(space)
    }

    /// Stages an Entry offered by the holder of `member`; the same bytes again get the same receipt.
    ///
    /// The receipt must not leave before [`Sequencer::commit`] has succeeded.
    ///
    /// # Errors
    /// The [`RefuseReason`] that says what the author can do about it.
    pub fn append(
        &mut self,
        space: &SpaceId,
        entry: &SealedEntry,
        member: &MemberKey,
    ) -> Result<Receipt, Refusal> {
        if !self.load(space)? {
            return Err(RefuseReason::UnknownSpace.into());
        }
        let Some(state) = self.spaces.get_mut(space) else { return Err(Refusal::UNAVAILABLE) };
        let header = entry.header();
        let author = header.member_no;
        match state.membership.get(author) {
            Some(found) if found.keys.sign == *member => {}
            _ if state.membership.find(member).is_none() => return Err(RefuseReason::NotAMember.into()),
            _ => return Err(RefuseReason::WrongAuthor.into()),
        }
        let head = state.load_author(&mut self.store, space, author)?;
        if header.author_seq <= head.author_seq {
            return self.repeat(space, entry);
        }
        let seq = state.seq + 1;
        let hash = match judge(state, Checks::ALL, space, seq, entry) {
            Ok(Judgement::Chained { hash, fault }) => {
                if !verify(SignatureDomain::Entry, &member.0, &hash.0, &entry.signature()) {
                    return Err(RefuseReason::BadSignature.into());
                }
                fault.map_or(Ok(hash), |fault| Err(reason_of_authored(fault)))?
            }
            Ok(Judgement::Odd { fault, .. }) => return Err(reason_of_authored(fault).into()),
            Err(fault) => return Err(reason_of_transport(fault).into()),
        };
        if header.kind == Kind::Control {
            state.membership.apply(author, entry.public(), hash).map_err(reason_of_authored)?;
        }
        Ok(self.stage(*space, entry, hash, true))
    }

    /// The place of an Entry whose number was used before.
    fn repeat(&mut self, space: &SpaceId, entry: &SealedEntry) -> Result<Receipt, Refusal> {
        let header = entry.header();
        let staged = self.staged.get(&(*space, header.member_no, header.author_seq));
        let first = match staged.and_then(|index| self.batch.get(*index)) {
            Some(first) => Some(first.clone()),
            None => self.store.find(space, header.member_no, header.author_seq)?,
        };
        let first = first.filter(|first| first.bytes == *entry.bytes());
        let Some(first) = first else { return Err(RefuseReason::AuthorConflict.into()) };
        if self.protections.dedupe {
            return Ok(Receipt { hash: first.hash, seq: first.seq, chain: first.chain });
        }
        Ok(self.stage(*space, entry, entry.odd_hash(space), false))
    }

    /// Gives the next position; the Space must be loaded.
    fn stage(&mut self, space: SpaceId, entry: &SealedEntry, hash: EntryHash, chained: bool) -> Receipt {
        let header = entry.header();
        let Some(state) = self.spaces.get_mut(&space) else {
            unreachable!("a space is loaded before anything is staged in it")
        };
        let seq = state.seq + 1;
        let chain = chain_next(seq, &state.chain(), &hash);
        state.advance(entry, hash, chain, chained);
        if chained {
            self.staged.insert((space, header.member_no, header.author_seq), self.batch.len());
        }
        self.batch.push(StoredEntry {
            space,
            seq,
            member_no: header.member_no,
            author_seq: header.author_seq,
            kind: header.kind,
            hash,
            chain,
            bytes: entry.bytes().clone(),
        });
        Receipt { hash, seq, chain }
    }

    /// Makes everything staged durable, all of it or nothing, and publishes it to the feeds.
    ///
    /// # Errors
    /// The store's. Everything staged is then forgotten and none of its receipts may be given out.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        let batch = std::mem::take(&mut self.batch);
        self.staged.clear();
        if batch.is_empty() {
            self.evict();
            return Ok(());
        }
        let durability =
            if self.protections.durable_before_ack { Durability::PowerCut } else { Durability::Lazy };
        if let Err(error) = self.store.commit(&batch, durability) {
            // The store still has what it had before the batch; the next use loads that again.
            for entry in &batch {
                self.forget(&entry.space);
            }
            return Err(error);
        }
        self.publish(batch);
        self.evict();
        Ok(())
    }

    fn publish(&mut self, batch: Vec<StoredEntry>) {
        let mut news: BTreeMap<SpaceId, (Vec<Bytes>, u64, ChainHash)> = BTreeMap::new();
        for entry in batch {
            let news = news.entry(entry.space).or_insert_with(|| (Vec::new(), entry.seq, entry.chain));
            news.0.push(entry.bytes);
            news.2 = entry.chain;
        }
        for (space, (entries, first_seq, chain)) in news {
            let genesis_only = || Feed::new(space, first_seq - 1, chain);
            self.feeds.entry(space).or_insert_with(genesis_only).publish(entries, chain);
        }
    }

    /// The durable end of a Space's log; `None` when the Space is not known. Nothing may be staged.
    pub fn feed(&mut self, space: &SpaceId) -> Result<Option<Arc<Feed>>, StoreError> {
        debug_assert!(self.batch.is_empty(), "a feed shows what is durable");
        if !self.load(space)? {
            return Ok(None);
        }
        if let Some(feed) = self.feeds.get(space) {
            return Ok(Some(feed.clone()));
        }
        let Some(state) = self.spaces.get(space) else { return Ok(None) };
        let feed = Feed::new(*space, state.seq, state.chain());
        self.feeds.insert(*space, feed.clone());
        Ok(Some(feed))
    }

    /// Membership at the end of a Space's log; `None` when the Space is not known.
    pub fn membership(&mut self, space: &SpaceId) -> Result<Option<&Membership>, StoreError> {
        self.load(space)?;
        Ok(self.spaces.get(space).map(|state| &state.membership))
    }

    /// The page that follows position `after`, from the store; `None` when nothing follows.
    pub fn page(&mut self, space: &SpaceId, after: u64) -> Result<Option<Page>, StoreError> {
        let kept = self.pages.iter().find(|(of, at, _)| of == space && *at == after);
        if let Some((_, _, page)) = kept {
            return Ok(Some(page.clone()));
        }
        let entries = self.store.page(space, after, PAGE_ENTRIES_MAX, PAGE_BYTES_MAX)?;
        if entries.is_empty() {
            return Ok(None);
        }
        let last_seq = after + entries.len() as u64;
        let head_seq = self.feeds.get(space).map_or(last_seq, |feed| feed.head_seq().max(last_seq));
        let page = Page::encode(*space, after, head_seq, entries);
        if last_seq < head_seq {
            // Others may get it too; a page that ends at the head would be short for them.
            if self.pages.len() == PAGES_KEPT {
                self.pages.pop_front();
            }
            self.pages.push_back((*space, after, page.clone()));
        }
        Ok(Some(page))
    }

    /// The store, when the Relay stops. What is staged is lost.
    pub fn into_store(self) -> S {
        self.store
    }

    /// The store, for tests that make it fail.
    #[cfg(feature = "testing")]
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// True when the Space is known, and loaded now.
    fn load(&mut self, space: &SpaceId) -> Result<bool, StoreError> {
        if !self.spaces.contains_key(space) {
            let Some(state) = Space::load(&mut self.store, space)? else { return Ok(false) };
            self.spaces.insert(*space, state);
        }
        self.touch(*space);
        Ok(true)
    }

    fn touch(&mut self, space: SpaceId) {
        self.clock += 1;
        if let Some(before) = self.used_at.insert(space, self.clock) {
            self.used.remove(&before);
        }
        self.used.insert(self.clock, space);
    }

    fn forget(&mut self, space: &SpaceId) {
        self.spaces.remove(space);
        if let Some(used) = self.used_at.remove(space) {
            self.used.remove(&used);
        }
    }

    /// Drops the Spaces unused longest. A feed stays while somebody reads it, without its tail.
    fn evict(&mut self) {
        while self.spaces.len() > self.spaces_max {
            let Some((_, space)) = self.used.pop_first() else { break };
            self.forget(&space);
            if let Some(feed) = self.feeds.get(&space) {
                feed.shed();
            }
        }
        if self.feeds.len() > 2 * self.spaces_max {
            let spaces: BTreeSet<_> = self.spaces.keys().copied().collect();
            self.feeds.retain(|space, feed| spaces.contains(space) || Arc::strong_count(feed) > 1);
        }
    }
}

fn reason_of_transport(fault: TransportFault) -> RefuseReason {
    match fault {
        TransportFault::BadSignature { .. } => RefuseReason::BadSignature,
        TransportFault::SeenAhead { .. } | TransportFault::ForkDetected { .. } => RefuseReason::SeenMismatch,
        TransportFault::AuthorGap { .. } => RefuseReason::AuthorConflict,
        // The others are about pages and heads, which no author sends.
        _ => RefuseReason::Malformed,
    }
}

fn reason_of_authored(fault: AuthoredFault) -> RefuseReason {
    match fault {
        AuthoredFault::NotAMember => RefuseReason::NotAMember,
        AuthoredFault::NotAllowed => RefuseReason::NotAllowed,
        AuthoredFault::StaleEpoch => RefuseReason::StaleEpoch,
        AuthoredFault::SeenTooOld => RefuseReason::SeenTooOld,
        AuthoredFault::ControlConflict => RefuseReason::ControlConflict,
        AuthoredFault::DuplicateEntry | AuthoredFault::Equivocation => RefuseReason::AuthorConflict,
        // A public part that says nothing; the others are found on opening, which a Relay cannot do.
        _ => RefuseReason::Malformed,
    }
}

#[cfg(test)]
mod tests;
