//! An Entry whose place and author are proven. Only `page.rs` makes one from foreign bytes.
//!
//! Everything after verification asks for this type: `open.rs`, then the fold in `engine/remote.rs`.

use veilfold_wire::entry::chain_start;
use veilfold_wire::{AuthoredFault, ChainHash, EntryHash, Judgement, SealedEntry, SpaceId};

/// A position of a log and the running hash there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// Number of the newest Entry; 0 for an empty log.
    pub seq: u64,
    /// Running hash at that Entry.
    pub chain: ChainHash,
}

impl LogHead {
    /// The head of a log without Entries.
    pub fn start(space: &SpaceId) -> Self {
        Self { seq: 0, chain: chain_start(space) }
    }
}

/// An Entry at its place in the order, written by the Member it names or marked as a skip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEntry {
    pub(super) seq: u64,
    pub(super) entry: SealedEntry,
    pub(super) judgement: Judgement,
    pub(super) chain: ChainHash,
    pub(super) padding_floor: u64,
}

impl VerifiedEntry {
    /// An Entry as this device verified it before and kept it in its own store.
    pub fn from_own_log(head: LogHead, entry: SealedEntry, judgement: Judgement, padding_floor: u64) -> Self {
        Self { seq: head.seq, entry, judgement, chain: head.chain, padding_floor }
    }

    /// Its position.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The Entry.
    pub fn entry(&self) -> &SealedEntry {
        &self.entry
    }

    /// What the chained bytes say about it.
    pub fn judgement(&self) -> Judgement {
        self.judgement
    }

    /// The hash that entered the chain.
    pub fn hash(&self) -> EntryHash {
        self.judgement.hash()
    }

    /// Running hash after it.
    pub fn chain(&self) -> ChainHash {
        self.chain
    }

    /// Its position and the running hash there.
    pub fn head(&self) -> LogHead {
        LogHead { seq: self.seq, chain: self.chain }
    }

    /// Why every reader skips it; `None` when it counts.
    pub fn fault(&self) -> Option<AuthoredFault> {
        match self.judgement {
            Judgement::Odd { fault, .. } => Some(fault),
            Judgement::Chained { fault, .. } => fault,
        }
    }

    /// The Space's padding floor at its position, in bytes.
    pub fn padding_floor(&self) -> u64 {
        self.padding_floor
    }
}
