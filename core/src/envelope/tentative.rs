//! The log as it would be if a page were right: what `page.rs` walks on before it believes a page.
//!
//! Cheap to add to: membership is copied only when a control Entry changes it, and an author's state
//! when the author first writes in the page.

use super::verified::{LogHead, VerifiedEntry};
use crate::sorted::SortedMap;
use std::borrow::Cow;
use veilfold_wire::entry::chain_next;
use veilfold_wire::signature::{SignatureDomain, verify};
use veilfold_wire::{
    AuthorHead, ChainHash, Judgement, Kind, LogView, MemberKey, MemberNo, Membership, SealedEntry,
};

/// An author who wrote in this page.
pub(super) struct PageAuthor {
    pub(super) head: AuthorHead,
    key: MemberKey,
    /// Indexes of the author's chained Entries in the page, in order.
    chained: Vec<usize>,
}

/// A log and a page on top of it.
pub(super) struct Tentative<'a, V> {
    /// The log before the page; `None` when the page starts it.
    base: Option<&'a V>,
    after: LogHead,
    pub(super) membership: Cow<'a, Membership>,
    pub(super) authors: SortedMap<MemberNo, PageAuthor>,
    pub(super) verified: Vec<VerifiedEntry>,
}

impl<'a, V: LogView> Tentative<'a, V> {
    pub(super) fn new(base: Option<&'a V>, after: LogHead, membership: Cow<'a, Membership>) -> Self {
        Self { base, after, membership, authors: SortedMap::new(), verified: Vec::new() }
    }

    pub(super) fn head(&self) -> LogHead {
        self.verified.last().map_or(self.after, VerifiedEntry::head)
    }

    /// Puts a judged Entry at the next position and lets it have its effect.
    pub(super) fn push(&mut self, entry: SealedEntry, judgement: Judgement) {
        let head = self.head();
        let (seq, hash) = (head.seq + 1, judgement.hash());
        // The floor before the Entry: an Entry is padded for what its author knew.
        let padding_floor = self.membership.padding_floor();
        if let Judgement::Chained { fault, .. } = judgement {
            let header = entry.header();
            let author_head = AuthorHead { author_seq: header.author_seq, hash };
            let index = self.verified.len();
            if let Some(author) = self.authors.get_mut(&header.member_no) {
                author.head = author_head;
                author.chained.push(index);
            } else if let Some(member) = self.membership.get(header.member_no) {
                let author = PageAuthor { head: author_head, key: member.keys.sign, chained: vec![index] };
                self.authors.insert(header.member_no, author);
            }
            // The genesis Entry has founded the membership that is here already.
            if header.kind == Kind::Control && fault.is_none() && seq > 1 {
                let applied = self.membership.to_mut().apply(header.member_no, entry.public(), hash);
                debug_assert_eq!(applied, Ok(()), "judged clean on the same membership");
            }
        }
        let chain = chain_next(seq, &head.chain, &hash);
        self.verified.push(VerifiedEntry { seq, entry, judgement, chain, padding_floor });
    }

    /// Checks the newest Entry of each author: its hash covers the author's earlier ones.
    pub(super) fn heads_are_signed(&self) -> bool {
        self.authors
            .values()
            .all(|author| author.chained.last().is_none_or(|index| self.is_signed(author, *index)))
    }

    /// Index and author of the first Entry that neither its own signature nor a later one of the
    /// same author covers; one verification per Entry at most.
    pub(super) fn first_uncovered(&self) -> Option<(usize, MemberNo)> {
        let uncovered = self.authors.iter().filter_map(|(member_no, author)| {
            let signed = author.chained.iter().rposition(|index| self.is_signed(author, *index));
            let first = author.chained.get(signed.map_or(0, |position| position + 1))?;
            Some((*first, *member_no))
        });
        uncovered.min()
    }

    fn is_signed(&self, author: &PageAuthor, index: usize) -> bool {
        self.verified.get(index).is_some_and(|verified| {
            let (hash, signature) = (verified.hash(), verified.entry().signature());
            verify(SignatureDomain::Entry, &author.key.0, &hash.0, &signature)
        })
    }
}

impl<V: LogView> LogView for Tentative<'_, V> {
    fn membership(&self) -> &Membership {
        &self.membership
    }

    fn author_head(&self, author: MemberNo) -> AuthorHead {
        match (self.authors.get(&author), self.base) {
            (Some(author), _) => author.head,
            (None, Some(base)) => base.author_head(author),
            (None, None) => AuthorHead::NONE,
        }
    }

    fn chain_at(&self, seq: u64) -> Option<ChainHash> {
        if seq > self.after.seq {
            let index = usize::try_from(seq - self.after.seq - 1).ok()?;
            return self.verified.get(index).map(VerifiedEntry::chain);
        }
        if seq == self.after.seq { Some(self.after.chain) } else { self.base?.chain_at(seq) }
    }

    fn has_same_bytes(&self, author: MemberNo, author_seq: u64, bytes: &[u8]) -> bool {
        let in_page = self.authors.get(&author).and_then(|author| {
            let entry_at = |index: usize| self.verified.get(index).map(VerifiedEntry::entry);
            let number_at = |index: &usize| entry_at(*index).map_or(0, |entry| entry.header().author_seq);
            let found = author.chained.binary_search_by_key(&author_seq, number_at).ok()?;
            entry_at(*author.chained.get(found)?)
        });
        match in_page {
            Some(entry) => entry.bytes() == bytes,
            None => self.base.is_some_and(|base| base.has_same_bytes(author, author_seq, bytes)),
        }
    }
}
