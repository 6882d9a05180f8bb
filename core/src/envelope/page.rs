//! Verifies what a Relay sent: one page, or one Entry of live traffic (docs/protocol/envelope.md,
//! chain-head verification).
//!
//! Called by `engine/remote.rs` before anything is stored. Judging one Entry is `veilfold_wire`'s;
//! here is the walk over many, and which signatures it takes to believe all of them.

use super::tentative::Tentative;
use super::verified::{LogHead, VerifiedEntry};
use bytes::Bytes;
use std::borrow::Cow;
use veilfold_wire::check::judge_genesis;
use veilfold_wire::{
    AuthorHead, ChainHash, Checks, EntryHash, Judgement, LogView, MemberNo, Membership, SealedEntry, SpaceId,
    TransportFault, judge,
};

/// What a page is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOutcome {
    /// The Entries that hold, in order: all of the page, or those before the fault.
    pub verified: Vec<VerifiedEntry>,
    /// Position and kind of what no honest Relay could have sent.
    pub fault: Option<(u64, TransportFault)>,
    /// Membership after `verified`; `None` when they left it unchanged.
    pub membership: Option<Membership>,
    /// Heads of those authors whom `verified` moved.
    pub author_heads: Vec<(MemberNo, AuthorHead)>,
    /// Position and running hash after `verified`.
    pub head: LogHead,
}

/// Verifies the Entries that follow `after` in a log of which `view` knows what came before.
///
/// For each author only the newest signature of the page is checked, since every Entry's hash
/// covers its author's Entry before. A page of one Entry is a plain verification of that Entry.
/// The caller has compared the Relay's numbering with `after`.
pub fn verify_page<V: LogView>(
    view: &V,
    checks: Checks,
    space: &SpaceId,
    after: LogHead,
    entries: &[Bytes],
) -> PageOutcome {
    verify(entries, |entries| walk(view, checks, space, after, entries))
}

/// Verifies the Entries at the start of a log, the first of which must be the Space's genesis.
pub fn verify_first_page(checks: Checks, space: &SpaceId, entries: &[Bytes]) -> PageOutcome {
    let fault = match entries.first().map(|bytes| founded(space, bytes)) {
        Some(Ok((genesis, hash, membership))) => {
            return verify(entries, |entries| {
                walk_from_genesis(checks, space, &genesis, hash, membership.clone(), entries)
            });
        }
        Some(Err(fault)) => Some((1, fault)),
        None => None,
    };
    let head = LogHead::start(space);
    PageOutcome { verified: Vec::new(), fault, membership: None, author_heads: Vec::new(), head }
}

fn founded(space: &SpaceId, bytes: &Bytes) -> Result<(SealedEntry, EntryHash, Membership), TransportFault> {
    let genesis = SealedEntry::decode(bytes.clone()).map_err(TransportFault::Malformed)?;
    let (hash, membership) = judge_genesis(space, &genesis)?;
    Ok((genesis, hash, membership))
}

/// A page that was walked: the log as it would be, and what ended it early.
type Walk<'a, V> = (Tentative<'a, V>, Option<TransportFault>);

fn verify<'a, V: LogView + 'a>(entries: &[Bytes], walk: impl Fn(&[Bytes]) -> Walk<'a, V>) -> PageOutcome {
    let (tentative, fault) = walk(entries);
    if tentative.heads_are_signed() {
        return outcome(tentative, fault);
    }
    let Some((good, author)) = tentative.first_uncovered() else { return outcome(tentative, fault) };
    // What follows an Entry that nobody wrote is worth nothing, and it may have moved membership.
    let (prefix, _) = walk(&entries[..good]);
    outcome(prefix, Some(TransportFault::BadSignature { author }))
}

fn outcome<V: LogView>(tentative: Tentative<'_, V>, fault: Option<TransportFault>) -> PageOutcome {
    let head = tentative.head();
    PageOutcome {
        fault: fault.map(|fault| (head.seq + 1, fault)),
        membership: match tentative.membership {
            Cow::Owned(membership) => Some(membership),
            Cow::Borrowed(_) => None,
        },
        author_heads: tentative.authors.iter().map(|(no, author)| (*no, author.head)).collect(),
        head,
        verified: tentative.verified,
    }
}

fn walk<'a, V: LogView>(
    view: &'a V,
    checks: Checks,
    space: &SpaceId,
    after: LogHead,
    entries: &[Bytes],
) -> Walk<'a, V> {
    let mut tentative = Tentative::new(Some(view), after, Cow::Borrowed(view.membership()));
    tentative.verified.reserve_exact(entries.len());
    let fault = walk_rest(&mut tentative, checks, space, entries);
    (tentative, fault)
}

/// The signature of the genesis Entry is checked already, so it is in every prefix.
fn walk_from_genesis<'a>(
    checks: Checks,
    space: &SpaceId,
    genesis: &SealedEntry,
    hash: EntryHash,
    membership: Membership,
    entries: &[Bytes],
) -> Walk<'a, NoLog> {
    let mut tentative = Tentative::new(None, LogHead::start(space), Cow::Owned(membership));
    tentative.verified.reserve_exact(entries.len());
    tentative.push(genesis.clone(), Judgement::Chained { hash, fault: None });
    let fault = walk_rest(&mut tentative, checks, space, entries.get(1..).unwrap_or_default());
    (tentative, fault)
}

fn walk_rest<V: LogView>(
    tentative: &mut Tentative<'_, V>,
    checks: Checks,
    space: &SpaceId,
    entries: &[Bytes],
) -> Option<TransportFault> {
    for bytes in entries {
        let entry = match SealedEntry::decode(bytes.clone()) {
            Ok(entry) => entry,
            Err(error) => return Some(TransportFault::Malformed(error)),
        };
        match judge(tentative, checks, space, tentative.head().seq + 1, &entry) {
            Ok(judgement) => tentative.push(entry, judgement),
            Err(fault) => return Some(fault),
        }
    }
    None
}

/// The log before its first page. There is none, so there is no value of it.
enum NoLog {}

impl LogView for NoLog {
    fn membership(&self) -> &Membership {
        match *self {}
    }

    fn author_head(&self, _: MemberNo) -> AuthorHead {
        match *self {}
    }

    fn chain_at(&self, _: u64) -> Option<ChainHash> {
        match *self {}
    }

    fn has_same_bytes(&self, _: MemberNo, _: u64, _: &[u8]) -> bool {
        match *self {}
    }
}

#[cfg(test)]
mod tests;
