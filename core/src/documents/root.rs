//! The state root: one hash over everything that a later fold may look at (protocol 5.1).
//!
//! Two Devices with the same position, running hash and root have the same documents and will make
//! the same of every Entry to come. The hashes of single documents and buckets on the way to it are
//! kept, so that a difference can be found.

use super::cache::Documents;
use super::confirmed::is_past;
use crate::model::{DocumentKey, ShortHash, StateRoot, StoredImage};
use crate::sorted::SortedMap;
use crate::store::rows::AuthorRow;
use crate::store::{Store, StoreError};
use veilfold_wire::hash::Hasher;
use veilfold_wire::{ChainHash, EntryHash, MemberNo};

/// Documents per bucket, on average, at most.
const BUCKET_DOCUMENTS: u64 = 256;

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
    pub authors: &'a SortedMap<MemberNo, AuthorRow>,
}

/// A hash of every remembered document at one position, by place.
pub struct DocumentHashes {
    hashes: Vec<([u8; 32], [u8; 32])>,
    bits: u32,
}

impl DocumentHashes {
    /// Hashes the confirmed layer as it is stored. Costs a pass over all documents.
    ///
    /// # Errors
    /// As the store says.
    pub fn of(documents: &Documents, store: &dyn Store, seq: u64) -> Result<Self, StoreError> {
        let (mut hashes, mut live) = (SortedMap::new(), 0u64);
        documents.for_each_confirmed(store, |key, image| {
            if let Some(hash) = document_hash(&key, &image, seq) {
                live += u64::from(image.fields.is_some());
                hashes.insert(place_of(&key), hash);
            }
        })?;
        let bits = live.div_ceil(BUCKET_DOCUMENTS).next_power_of_two().trailing_zeros();
        Ok(Self { hashes: hashes.into_rows(), bits })
    }

    /// How many documents there are, deleted ones that are still remembered among them.
    pub fn count(&self) -> usize {
        self.hashes.len()
    }

    /// The bucket that a document lies in.
    pub fn bucket_of(&self, key: &DocumentKey) -> u64 {
        bucket(&place_of(key), self.bits)
    }

    /// The hashes of all buckets, in order.
    pub fn buckets(&self) -> Vec<[u8; 32]> {
        let numbers = 0..1u64 << self.bits;
        numbers
            .map(|number| {
                let inside = self.inside(number);
                let hasher = Hasher::new("bucket-state").u64(inside.len() as u64);
                inside.iter().fold(hasher, |hasher, (_, hash)| hasher.fixed(hash)).finish()
            })
            .collect()
    }

    /// The beginnings of place and hash of the documents in one bucket, by place.
    pub fn shorts(&self, number: u64) -> Vec<(ShortHash, ShortHash)> {
        self.inside(number).iter().map(|(place, hash)| (short(place), short(hash))).collect()
    }

    fn inside(&self, number: u64) -> &[([u8; 32], [u8; 32])] {
        let start = self.hashes.partition_point(|(place, _)| bucket(place, self.bits) < number);
        let end = self.hashes.partition_point(|(place, _)| bucket(place, self.bits) <= number);
        self.hashes.get(start..end).unwrap_or_default()
    }
}

/// The root over buckets and everything beside the documents.
pub fn state_root(buckets: &[[u8; 32]], point: &RootPoint<'_>) -> StateRoot {
    let all = Hasher::new("buckets").u64(buckets.len() as u64);
    let all = buckets.iter().fold(all, |hasher, bucket| hasher.fixed(bucket));
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
    StateRoot(root.finish())
}

/// The beginning of a hash.
pub fn short(hash: &[u8; 32]) -> ShortHash {
    let mut out = ShortHash::default();
    out.copy_from_slice(&hash[..8]);
    out
}

/// Where a document lies among all: in which bucket, and where in it.
pub fn place_of(key: &DocumentKey) -> [u8; 32] {
    Hasher::new("bucket").prefixed(key.collection.as_bytes()).prefixed(key.document.as_bytes()).finish()
}

/// The number in the leading bits.
fn bucket(place: &[u8; 32], bits: u32) -> u64 {
    if bits == 0 { 0 } else { u64::from_be_bytes(short(place)) >> (64 - bits) }
}

/// The hash of a document; `None` when there is nothing of it to remember at `seq`.
pub(crate) fn document_hash(key: &DocumentKey, image: &StoredImage<'_>, seq: u64) -> Option<[u8; 32]> {
    let forgotten = image.fields.is_none() && is_past(image.version, seq);
    if image.version.seq == 0 || forgotten {
        return None;
    }
    let hasher = Hasher::new("doc")
        .prefixed(key.collection.as_bytes())
        .prefixed(key.document.as_bytes())
        .fixed(&[u8::from(image.fields.is_some())])
        .prefixed(image.fields.unwrap_or_default())
        .u64(image.version.seq)
        .u64(image.version.index)
        .u64(image.author.0)
        .u64(image.foreign.seq)
        .u64(image.foreign.index)
        .u64(image.format);
    Some(hasher.finish())
}

#[cfg(test)]
mod tests;
