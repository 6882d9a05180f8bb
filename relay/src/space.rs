//! What the sequencer knows of one Space: membership, author heads, the newest running hashes.
//!
//! Loaded from the store when first needed and dropped when a batch fails; it decides nothing, it
//! is the log that `veilfold_wire::judge` looks at.

use crate::store::{Store, StoreError};
use std::collections::{BTreeMap, VecDeque};
use veilfold_wire::entry::chain_start;
use veilfold_wire::limits::SEEN_WINDOW;
use veilfold_wire::{
    AuthorHead, ChainHash, EntryHash, LogView, MemberNo, Membership, SealedEntry, SpaceId, check,
};

/// The end of a Space's log, with everything in it that was not committed yet.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    pub(crate) membership: Membership,
    authors: BTreeMap<MemberNo, AuthorHead>,
    pub(crate) seq: u64,
    /// Running hashes up to `seq`, oldest first.
    chains: VecDeque<ChainHash>,
}

impl Space {
    /// A Space of which nothing is ordered yet.
    pub(crate) fn founded(space: &SpaceId, membership: Membership) -> Self {
        let chains = VecDeque::from([chain_start(space)]);
        Self { membership, authors: BTreeMap::new(), seq: 0, chains }
    }

    /// The Space as the store has it, `None` when it is not there.
    pub(crate) fn load(store: &mut impl Store, space: &SpaceId) -> Result<Option<Self>, StoreError> {
        let corrupt = |what| StoreError::Corrupt { what };
        let Some((seq, chain)) = store.head(space)? else { return Ok(None) };
        let mut entries = store.control_entries(space)?.into_iter();
        let genesis = entries.next().ok_or(corrupt("a space has no genesis"))?;
        let decode = |bytes| SealedEntry::decode(bytes).map_err(|_| corrupt("an entry does not parse"));
        let (_, mut membership) = check::judge_genesis(space, &decode(genesis.bytes)?)
            .map_err(|_| corrupt("the first entry is not the space's genesis"))?;
        for entry in entries {
            // Readers skip what does not fold, so the Relay's view of membership does too.
            let _ = membership.apply(entry.member_no, decode(entry.bytes)?.public(), entry.hash);
        }
        let from = seq.saturating_sub(SEEN_WINDOW).max(1);
        let mut chains = VecDeque::from(store.chains(space, from)?);
        if chains.len() as u64 != seq - from + 1 || chains.back() != Some(&chain) {
            return Err(corrupt("positions are missing"));
        }
        if from == 1 {
            chains.push_front(chain_start(space));
        }
        Ok(Some(Self { membership, authors: BTreeMap::new(), seq, chains }))
    }

    /// Makes the author's head known to [`LogView::author_head`].
    pub(crate) fn load_author(
        &mut self,
        store: &mut impl Store,
        space: &SpaceId,
        author: MemberNo,
    ) -> Result<AuthorHead, StoreError> {
        if let Some(head) = self.authors.get(&author) {
            return Ok(*head);
        }
        let head = store.author_head(space, author)?;
        self.authors.insert(author, head);
        Ok(head)
    }

    pub(crate) fn chain(&self) -> ChainHash {
        self.chains.back().copied().unwrap_or(ChainHash::ZERO)
    }

    /// Moves on by one Entry. `chained` is false for one that its author's chain does not contain.
    pub(crate) fn advance(&mut self, entry: &SealedEntry, hash: EntryHash, chain: ChainHash, chained: bool) {
        let header = entry.header();
        if chained {
            self.authors.insert(header.member_no, AuthorHead { author_seq: header.author_seq, hash });
        }
        self.seq += 1;
        self.chains.push_back(chain);
        while self.chains.len() as u64 > SEEN_WINDOW + 1 {
            self.chains.pop_front();
        }
    }
}

impl LogView for Space {
    fn membership(&self) -> &Membership {
        &self.membership
    }

    fn author_head(&self, author: MemberNo) -> AuthorHead {
        self.authors.get(&author).copied().unwrap_or(AuthorHead::NONE)
    }

    fn chain_at(&self, seq: u64) -> Option<ChainHash> {
        let back = usize::try_from(self.seq.checked_sub(seq)?).ok()?;
        self.chains.len().checked_sub(back + 1).and_then(|index| self.chains.get(index)).copied()
    }

    /// The sequencer compares bytes itself before it asks for a judgement.
    fn has_same_bytes(&self, _author: MemberNo, _author_seq: u64, _bytes: &[u8]) -> bool {
        false
    }
}
