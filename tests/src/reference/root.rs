//! The state root: one hash over everything that a later fold may look at (protocol 5.1).
//!
//! Called by simulations that compare Devices. Chain, control head and author heads are given by the
//! caller, which knows the Entries; the model knows only what was in them.

use super::fold::{Document, ReferenceModel};
use std::collections::BTreeMap;
use veilfold_core::model::{DocumentKey, Encoder, Position};
use veilfold_core::wire::hash::Hasher;
use veilfold_core::wire::{AuthorHead, ChainHash, EntryHash, MemberNo};

/// Documents per bucket, on average, at most.
const BUCKET_DOCUMENTS: u64 = 256;

impl ReferenceModel {
    /// The state root at `seq`, which may lie above the last data Entry: what follows it are changes
    /// of membership and Entries that everybody skips.
    ///
    /// `author_heads` names everybody who has written an Entry that counts.
    pub fn state_root(
        &self,
        seq: u64,
        chain: &ChainHash,
        control_head: &EntryHash,
        author_heads: &BTreeMap<MemberNo, AuthorHead>,
    ) -> [u8; 32] {
        Hasher::new("state-root")
            .u64(seq)
            .fixed(&chain.0)
            .fixed(&control_head.0)
            .fixed(&Hasher::new("settings").prefixed(&self.settings_bytes()).finish())
            .fixed(&self.authors_hash(author_heads))
            .fixed(&self.buckets_hash(seq))
            .finish()
    }

    /// What is enabled, as it is written in settings: collection, version and no module, for each.
    fn settings_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(self.enabled.len() * 3);
        for (collection, version) in &self.enabled {
            out.str(collection);
            out.uint(*version);
            out.nil();
        }
        out.finish()
    }

    fn authors_hash(&self, heads: &BTreeMap<MemberNo, AuthorHead>) -> [u8; 32] {
        let mut members: Vec<MemberNo> = heads.keys().chain(self.authors.keys()).copied().collect();
        members.sort();
        members.dedup();
        let mut hasher = Hasher::new("authors").u64(members.len() as u64);
        for member in members {
            let head = heads.get(&member).copied().unwrap_or(AuthorHead::NONE);
            let author = self.authors.get(&member).cloned().unwrap_or_default();
            let mut row = Vec::new();
            varint(&mut row, head.author_seq);
            row.extend(head.hash.0);
            varint(&mut row, author.mark());
            let lost = author.lost();
            varint(&mut row, lost.len() as u64);
            for (first, count, seq) in lost {
                [first, count, seq].into_iter().for_each(|number| varint(&mut row, number));
            }
            hasher = hasher.u64(member.0).prefixed(&row);
        }
        hasher.finish()
    }

    fn buckets_hash(&self, seq: u64) -> [u8; 32] {
        let kept: Vec<(&DocumentKey, &Document)> =
            self.documents.iter().filter(|(_, document)| !document.is_forgotten(seq)).collect();
        let live = kept.iter().filter(|(_, document)| document.node.is_some()).count() as u64;
        // The smallest power of two with at most so many documents in each, on average.
        let mut bits = 0u32;
        while (BUCKET_DOCUMENTS << bits) < live {
            bits += 1;
        }
        let mut all = Hasher::new("buckets").u64(1 << bits);
        for bucket in 0..1u64 << bits {
            let mut inside: Vec<_> = kept.iter().filter(|(key, _)| bucket_of(key, bits) == bucket).collect();
            inside.sort_by_key(|(key, _)| place_of(key));
            let mut hasher = Hasher::new("bucket-state").u64(inside.len() as u64);
            for (key, document) in inside {
                hasher = hasher.fixed(&document_hash(key, document));
            }
            all = all.fixed(&hasher.finish());
        }
        all.finish()
    }
}

/// A hash of the name.
fn place_of(key: &DocumentKey) -> [u8; 32] {
    Hasher::new("bucket").prefixed(key.collection.as_bytes()).prefixed(key.document.as_bytes()).finish()
}

/// The leading bits of the place.
fn bucket_of(key: &DocumentKey, bits: u32) -> u64 {
    let hash = place_of(key);
    let mut bucket = 0;
    for bit in 0..bits {
        let byte = hash[(bit / 8) as usize];
        bucket = bucket << 1 | u64::from(byte >> (7 - bit % 8) & 1);
    }
    bucket
}

fn document_hash(key: &DocumentKey, document: &Document) -> [u8; 32] {
    let (version, author) = document.changes.last().copied().unwrap_or((Position::START, MemberNo(0)));
    let foreign = document.changed_by_others(author);
    Hasher::new("doc")
        .prefixed(key.collection.as_bytes())
        .prefixed(key.document.as_bytes())
        .fixed(&[u8::from(document.node.is_some())])
        .prefixed(&document.node.as_ref().map(|node| node.to_bytes()).unwrap_or_default())
        .u64(version.seq)
        .u64(version.index)
        .u64(author.0)
        .u64(foreign.seq)
        .u64(foreign.index)
        .u64(if document.node.is_some() { document.format } else { 0 })
        .finish()
}

/// A number in groups of seven bits, the low ones first, the top bit set on all but the last.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let group = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(group);
            return;
        }
        out.push(group | 0x80);
    }
}
