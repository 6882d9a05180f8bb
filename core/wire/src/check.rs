//! Judges one Entry against the log before it, in the fixed order of protocol 4.5.
//!
//! A Relay calls it before it orders an Entry and refuses whatever is not clean; a Device calls it
//! on what it fetched, halts at a [`TransportFault`] and skips on an [`AuthoredFault`]. Sharing it
//! is what makes "an honest Relay never orders what would halt a Device" true by construction.
//! Opening the sealed part comes after, on the Device alone.

use crate::entry::{Kind, SealedEntry, chain_start};
use crate::error::{AuthoredFault, TransportFault};
use crate::ids::{ChainHash, EntryHash, MemberNo, SpaceId};
use crate::limits::SEEN_WINDOW;
use crate::membership::{Membership, Role};
use crate::signature::{SignatureDomain, verify};

/// An author's newest Entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthorHead {
    /// Its number; 0 when the author has written nothing.
    pub author_seq: u64,
    /// Its hash; zero when the author has written nothing.
    pub hash: EntryHash,
}

impl AuthorHead {
    /// The head of an author who has written nothing.
    pub const NONE: Self = Self { author_seq: 0, hash: EntryHash::ZERO };
}

/// The log before the Entry that is judged.
pub trait LogView {
    /// Membership at this position.
    fn membership(&self) -> &Membership;
    /// The author's newest Entry, [`AuthorHead::NONE`] when there is none.
    fn author_head(&self, author: MemberNo) -> AuthorHead;
    /// Running hash at `seq`; known for the last [`SEEN_WINDOW`] positions at least.
    fn chain_at(&self, seq: u64) -> Option<ChainHash>;
    /// True when exactly these bytes are the author's Entry of that number.
    fn has_same_bytes(&self, author: MemberNo, author_seq: u64, bytes: &[u8]) -> bool;
}

/// Which checks are made. All of them, outside tests that show what each one is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checks {
    /// Compare what the author had seen with this log.
    pub seen_tag: bool,
    /// Demand the author's numbers without gaps, each naming the one before.
    pub author_gap: bool,
    /// Refuse what the author wrote more than the window behind.
    pub seen_window: bool,
    /// Skip a number that was used before.
    pub author_number: bool,
}

impl Checks {
    /// Every check.
    pub const ALL: Self = Self { seen_tag: true, author_gap: true, seen_window: true, author_number: true };
}

/// What the chained bytes say about an Entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Ordered by mistake or malice, without a usable context: skipped, the author's head stays.
    Odd {
        /// Why it has no effect.
        fault: AuthoredFault,
        /// Its hash for the chain.
        hash: EntryHash,
    },
    /// In its author's chain. The signature still has to be checked by the caller.
    Chained {
        /// Its hash.
        hash: EntryHash,
        /// Set when it has no effect although it is authentic.
        fault: Option<AuthoredFault>,
    },
}

impl Judgement {
    /// The hash that enters the log's chain.
    pub fn hash(&self) -> EntryHash {
        match self {
            Self::Odd { hash, .. } | Self::Chained { hash, .. } => *hash,
        }
    }
}

/// Judges `entry` as the one at position `seq` of `space` (2 or later; genesis has its own rule).
///
/// # Errors
/// A [`TransportFault`] when no honest Relay could have ordered it here.
pub fn judge(
    view: &impl LogView,
    checks: Checks,
    space: &SpaceId,
    seq: u64,
    entry: &SealedEntry,
) -> Result<Judgement, TransportFault> {
    let header = entry.header();
    let author = header.member_no;
    let odd = |fault| Ok(Judgement::Odd { fault, hash: entry.odd_hash(space) });

    let Some(member) = view.membership().get(author) else { return odd(AuthoredFault::NotAMember) };
    let head = view.author_head(author);
    if header.author_seq <= head.author_seq && checks.author_number {
        let same = view.has_same_bytes(author, header.author_seq, entry.bytes());
        return odd(if same { AuthoredFault::DuplicateEntry } else { AuthoredFault::Equivocation });
    }
    if header.seen_seq >= seq {
        return Err(TransportFault::SeenAhead { author, seen_seq: header.seen_seq });
    }
    if seq - header.seen_seq > SEEN_WINDOW && checks.seen_window {
        return odd(AuthoredFault::SeenTooOld);
    }
    let seen_chain = match view.chain_at(header.seen_seq) {
        Some(chain) => chain,
        None if header.seen_seq == 0 => chain_start(space),
        None => return odd(AuthoredFault::SeenTooOld),
    };
    let sees_same_log = match &header.explicit {
        Some(context) => context.seen_chain == seen_chain,
        None => header.seen_tag == seen_chain.tag(),
    };
    if !sees_same_log && checks.seen_tag {
        let proven = header.explicit.is_some_and(|context| {
            let hash = entry.hash(space, &member.keys.sign, &context.prev_author_hash, &context.seen_chain);
            verify(SignatureDomain::Entry, &member.keys.sign.0, &hash.0, &entry.signature())
        });
        return Err(TransportFault::ForkDetected { author, seen_seq: header.seen_seq, proven });
    }
    let follows = match &header.explicit {
        Some(context) => context.prev_author_hash == head.hash,
        None => header.prev_tag == head.hash.tag(),
    };
    let expected = head.author_seq + 1;
    if (header.author_seq != expected || !follows) && checks.author_gap {
        return Err(TransportFault::AuthorGap { author, expected, found: header.author_seq });
    }
    let hash = entry.hash(space, &member.keys.sign, &head.hash, &seen_chain);
    let fault = authored_fault(view.membership(), entry, member.role, hash);
    Ok(Judgement::Chained { hash, fault })
}

/// Role, epoch and control order, in that order.
fn authored_fault(
    membership: &Membership,
    entry: &SealedEntry,
    role: Role,
    hash: EntryHash,
) -> Option<AuthoredFault> {
    let header = entry.header();
    if header.kind == Kind::Data && role < Role::Writer {
        return Some(AuthoredFault::NotAllowed);
    }
    if header.epoch != membership.epoch() {
        return Some(AuthoredFault::StaleEpoch);
    }
    match header.kind {
        Kind::Data => None,
        Kind::Control => membership.clone().apply(header.member_no, entry.public(), hash).err(),
    }
}

/// Judges the first Entry: it must be the genesis that the Space's id names, signed by its creator.
///
/// # Errors
/// `WrongGenesis` or `BadSignature`.
pub fn judge_genesis(
    space: &SpaceId,
    entry: &SealedEntry,
) -> Result<(EntryHash, Membership), TransportFault> {
    let (id, membership) = genesis_space(entry)?;
    if id != *space {
        return Err(TransportFault::WrongGenesis);
    }
    Ok((EntryHash(id.0), membership))
}

/// The Space that a genesis Entry creates, after checking its creator's signature.
///
/// # Errors
/// `WrongGenesis` or `BadSignature`.
pub fn genesis_space(entry: &SealedEntry) -> Result<(SpaceId, Membership), TransportFault> {
    let zero_context = entry.header().explicit.is_some_and(|context| {
        context.prev_author_hash == EntryHash::ZERO && context.seen_chain == ChainHash::ZERO
    });
    let draft = Membership::from_genesis(entry, EntryHash::ZERO).map_err(|_| TransportFault::WrongGenesis)?;
    let Some(creator) = draft.get(MemberNo(1)).filter(|_| zero_context) else {
        return Err(TransportFault::WrongGenesis);
    };
    let key = creator.keys.sign;
    let hash = entry.hash(&SpaceId::ZERO, &key, &EntryHash::ZERO, &ChainHash::ZERO);
    if !verify(SignatureDomain::Entry, &key.0, &hash.0, &entry.signature()) {
        return Err(TransportFault::BadSignature { author: MemberNo(1) });
    }
    let membership = Membership::from_genesis(entry, hash).map_err(|_| TransportFault::WrongGenesis)?;
    Ok((SpaceId(hash.0), membership))
}
