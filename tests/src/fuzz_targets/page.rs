//! A log with authors' mistakes and a Relay's damage, verified in pages as a script cuts them.
//!
//! Pages of any size must come to the same as single Entries. One exception is by design: where only
//! a signature is broken, a page that reaches a later Entry of the author goes on.

use super::Outcome;
use super::messages::nothing_seen;
use super::script::Script;
use bytes::Bytes;
use std::collections::BTreeMap;
use veilfold_core::envelope::{LogHead, PageOutcome, VerifiedEntry, verify_first_page, verify_page};
use veilfold_core::wire::entry::SealedEntry;
use veilfold_core::wire::{
    AuthorHead, ChainHash, Checks, EntryHash, Judgement, Kind, LogView, MemberNo, Membership, Role, SpaceId,
    TransportFault,
};
use veilfold_relay::testing::{Author, Seen};

const ENTRIES_MAX: usize = 24;

/// What a device keeps of a log.
pub(super) struct Log {
    space: SpaceId,
    pub(super) membership: Option<Membership>,
    chains: Vec<ChainHash>,
    pub(super) heads: BTreeMap<MemberNo, AuthorHead>,
    pub(super) verified: Vec<VerifiedEntry>,
}

impl Log {
    pub(super) fn new(space: SpaceId) -> Self {
        let chains = vec![LogHead::start(&space).chain];
        Self { space, membership: None, chains, heads: BTreeMap::new(), verified: Vec::new() }
    }

    pub(super) fn head(&self) -> LogHead {
        let chain = self.chains.last().copied().unwrap_or(ChainHash::ZERO);
        LogHead { seq: self.chains.len() as u64 - 1, chain }
    }

    /// Verifies what follows, and keeps what holds.
    pub(super) fn take(&mut self, page: &[Bytes]) -> Option<(u64, TransportFault)> {
        let outcome = match self.membership {
            None => verify_first_page(Checks::ALL, &self.space, page),
            Some(_) => verify_page(self, Checks::ALL, &self.space, self.head(), page),
        };
        let PageOutcome { verified, fault, membership, author_heads, head } = outcome;
        self.chains.extend(verified.iter().map(VerifiedEntry::chain));
        self.verified.extend(verified);
        self.heads.extend(author_heads);
        self.membership = membership.or(self.membership.take());
        assert_eq!(self.head(), head, "the outcome says where it ends");
        fault
    }
}

impl LogView for Log {
    fn membership(&self) -> &Membership {
        match &self.membership {
            Some(membership) => membership,
            None => unreachable!("asked after genesis"),
        }
    }

    fn author_head(&self, author: MemberNo) -> AuthorHead {
        self.heads.get(&author).copied().unwrap_or(AuthorHead::NONE)
    }

    fn chain_at(&self, seq: u64) -> Option<ChainHash> {
        self.chains.get(usize::try_from(seq).ok()?).copied()
    }

    fn has_same_bytes(&self, author: MemberNo, author_seq: u64, bytes: &[u8]) -> bool {
        self.verified.iter().any(|verified| {
            let header = verified.entry().header();
            (header.member_no, header.author_seq) == (author, author_seq)
                && matches!(verified.judgement(), Judgement::Chained { .. })
                && verified.entry().bytes() == bytes
        })
    }
}

pub(super) fn run(input: &[u8]) -> Outcome {
    let mut script = Script::new(input);
    let (space, entries) = written(&mut script);
    let entries = damaged(entries, &mut script);
    let singly = in_pages(space, &entries, || 1);
    let whole = in_pages(space, &entries, || entries.len());
    let cut = in_pages(space, &entries, || 1 + script.below(8));
    for paged in [&whole, &cut] {
        let further = paged.0.head().seq > singly.0.head().seq;
        let broken = matches!(singly.1, Some((_, TransportFault::BadSignature { .. })));
        assert!(!further || broken, "a page goes further than single entries: {:?}, {:?}", paged.1, singly.1);
        let common = singly.0.verified.len();
        assert_eq!(paged.0.verified.get(..common), Some(&singly.0.verified[..]), "a page ends early");
        if !further {
            assert_eq!(paged.1, singly.1, "one fault has one name");
            assert_eq!(paged.0.membership, singly.0.membership);
            assert_eq!(paged.0.heads, singly.0.heads);
        }
    }
    Outcome::parsed(singly.0.verified.len() > 2)
}

/// Verifies the log in pages of the sizes that `size` gives, up to the first fault.
fn in_pages(
    space: SpaceId,
    entries: &[Bytes],
    mut size: impl FnMut() -> usize,
) -> (Log, Option<(u64, TransportFault)>) {
    let mut log = Log::new(space);
    let mut rest = entries;
    while !rest.is_empty() {
        let (page, later) = rest.split_at(size().clamp(1, rest.len()));
        if let Some(fault) = log.take(page) {
            return (log, Some(fault));
        }
        rest = later;
    }
    (log, None)
}

/// A log by up to four authors, ordered by a Relay that does not judge.
fn written(script: &mut Script<'_>) -> (SpaceId, Vec<Bytes>) {
    let (owner, genesis) = Author::found(u64::from(script.byte() % 4));
    let space = owner.space;
    let mut seen = vec![Seen::start(&space).then(&owner.head.hash)];
    let mut control = (1, owner.head.hash);
    let mut authors = vec![owner];
    let mut entries = vec![genesis.bytes().clone()];
    let mut log = Log::new(space);
    log.take(&entries);
    let count = 2 + script.below(ENTRIES_MAX - 2);
    while entries.len() < count {
        let index = script.below(authors.len());
        let lag = script.below(4).min(seen.len() - 1);
        let at = seen[seen.len() - 1 - lag];
        let mut author = authors[index].clone();
        let (mut added, mut honest) = (None, true);
        let entry = match script.below(16) {
            0..2 if authors.len() < 4 => {
                let other = author.join(100 + entries.len() as u64, control.0 + 1);
                let role = [Role::Reader, Role::Writer, Role::Admin][script.below(3)];
                added = Some(other.clone());
                author.add(at, control.0, control.1, &other, role)
            }
            2 => {
                honest = false;
                author.head.author_seq = author.head.author_seq.saturating_sub(1);
                author.write(at, script.below(40))
            }
            3 => {
                honest = false;
                author.epoch = script.number();
                author.write(at, 3)
            }
            4 => {
                honest = false;
                author.member_no = MemberNo(script.number());
                author.write(at, 3)
            }
            5 => {
                honest = false;
                let public = script.take(20);
                author.seal(Kind::Control, at, public, 16)
            }
            6 => {
                honest = false;
                author.head.hash = EntryHash([script.byte(); 32]);
                author.write(at, 1)
            }
            7 => {
                honest = false;
                author.write(Seen { seq: script.number(), chain: at.chain }, 1)
            }
            8 => {
                honest = false;
                let bytes = entries[script.below(entries.len())].clone();
                match SealedEntry::decode(bytes) {
                    Ok(entry) => entry,
                    Err(_) => author.write(nothing_seen(), 1),
                }
            }
            _ => author.write(at, script.below(64)),
        };
        let fault = log.take(&[entry.bytes().clone()]);
        entries.push(entry.bytes().clone());
        if fault.is_some() {
            break;
        }
        let head = log.head();
        seen.push(Seen { seq: head.seq, chain: head.chain });
        if honest {
            authors[index].head = author.head;
        }
        let clean = log.verified.last().is_some_and(|verified| verified.fault().is_none());
        if let Some(other) = added.filter(|_| clean) {
            control = (control.0 + 1, author.head.hash);
            authors.push(other);
        }
        for author in &mut authors {
            author.head = log.heads.get(&author.member_no).copied().unwrap_or(author.head);
        }
    }
    (space, entries)
}

fn damaged(mut entries: Vec<Bytes>, script: &mut Script<'_>) -> Vec<Bytes> {
    for _ in 0..script.below(4) {
        let (at, other) = (script.below(entries.len()), script.below(entries.len()));
        match script.below(8) {
            0 => entries.swap(at, other),
            1 if entries.len() > 2 => drop(entries.remove(at)),
            2 => entries.insert(at, entries[other].clone()),
            3 => {
                // The signature alone.
                let mut copy = entries[at].to_vec();
                if let Some(byte) = copy.iter_mut().rev().nth(script.below(64)) {
                    *byte ^= script.byte().max(1);
                }
                entries[at] = copy.into();
            }
            _ => entries[at] = script.damage(&entries[at]).into(),
        }
    }
    entries
}
