//! The state root: one hash over everything that a later fold may look at (protocol 5.1).
//!
//! Two Devices with the same position, running hash and root have the same documents and will make
//! the same of every Entry to come.

use super::cache::Documents;
use super::confirmed::is_forgotten;
use crate::model::{DocumentKey, Image};
use crate::store::rows::AuthorRow;
use crate::store::{Store, StoreError};
use core::fmt;
use std::collections::BTreeMap;
use veilfold_wire::hash::Hasher;
use veilfold_wire::{ChainHash, EntryHash, MemberNo};

/// Documents per bucket, on average, at most.
const BUCKET_DOCUMENTS: u64 = 256;

/// Hash of a Space's whole state at one position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateRoot(pub [u8; 32]);

impl fmt::Display for StateRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateRoot({self})")
    }
}

/// Where in the order a root is taken.
pub struct RootPoint<'a> {
    /// Newest folded position.
    pub seq: u64,
    /// Running hash there.
    pub chain: &'a ChainHash,
    /// Newest control Entry.
    pub control_head: &'a EntryHash,
    /// Hash of what is enabled.
    pub settings: &'a [u8; 32],
    /// All authors who have written.
    pub authors: &'a BTreeMap<MemberNo, AuthorRow>,
}

/// Computes the root from the confirmed layer as it is stored.
///
/// # Errors
/// As the store says.
pub fn state_root(
    documents: &Documents,
    store: &dyn Store,
    point: &RootPoint<'_>,
) -> Result<StateRoot, StoreError> {
    let mut hashes: Vec<([u8; 32], DocumentKey, [u8; 32])> = Vec::new();
    let mut live = 0u64;
    documents.for_each_confirmed(store, |key, image| {
        if image.version.seq == 0 || is_forgotten(&image, point.seq) {
            return;
        }
        live += u64::from(image.fields.is_some());
        let place =
            Hasher::new("bucket").prefixed(key.collection.as_bytes()).prefixed(key.document.as_bytes());
        let hash = document_hash(&key, &image);
        hashes.push((place.finish(), key, hash));
    })?;
    let buckets = live.div_ceil(BUCKET_DOCUMENTS).next_power_of_two();
    let bits = buckets.trailing_zeros();
    let bucket_of = |place: &[u8; 32]| {
        let head = u64::from_be_bytes([
            place[0], place[1], place[2], place[3], place[4], place[5], place[6], place[7],
        ]);
        if bits == 0 { 0 } else { head >> (64 - bits) }
    };
    // By bucket, and inside a bucket by name.
    hashes.sort_unstable_by(|a, b| (bucket_of(&a.0), &a.1).cmp(&(bucket_of(&b.0), &b.1)));
    let mut all = Hasher::new("buckets").u64(buckets);
    let mut rest = hashes.as_slice();
    for bucket in 0..buckets {
        let len = rest.iter().take_while(|(place, ..)| bucket_of(place) == bucket).count();
        let (here, after) = rest.split_at(len);
        rest = after;
        let mut hasher = Hasher::new("bucket-state").u64(len as u64);
        for (_, _, hash) in here {
            hasher = hasher.fixed(hash);
        }
        all = all.fixed(&hasher.finish());
    }
    let mut authors = Hasher::new("authors").u64(point.authors.len() as u64);
    for (member, row) in point.authors {
        authors = authors.u64(member.0).prefixed(&row.to_bytes());
    }
    let root = Hasher::new("state-root")
        .u64(point.seq)
        .fixed(&point.chain.0)
        .fixed(&point.control_head.0)
        .fixed(point.settings)
        .fixed(&authors.finish())
        .fixed(&all.finish());
    Ok(StateRoot(root.finish()))
}

fn document_hash(key: &DocumentKey, image: &Image) -> [u8; 32] {
    Hasher::new("doc")
        .prefixed(key.collection.as_bytes())
        .prefixed(key.document.as_bytes())
        .fixed(&[u8::from(image.fields.is_some())])
        .prefixed(&image.encode_fields())
        .u64(image.version.seq)
        .u64(image.version.index)
        .u64(image.author.0)
        .u64(image.foreign.seq)
        .u64(image.foreign.index)
        .u64(image.format)
        .finish()
}
