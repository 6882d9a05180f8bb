//! What a writer says its documents were at a position, beside its Transactions.

use super::encoding::{BodyError, Decoder, Encoder};
use core::fmt;

/// Most buckets, and most documents of a bucket, that a writer names.
const HASHES_MAX: usize = 4096;

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

/// The first eight bytes of a hash: enough to find what differs between honest Devices.
pub type ShortHash = [u8; 8];

/// The root that the writer had when it had folded exactly up to `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedRoot {
    /// The position.
    pub seq: u64,
    /// The root there.
    pub root: StateRoot,
    /// What helps to find the document that differs.
    pub detail: RootDetail,
}

/// What a writer tells of its documents once it knows that somebody has others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RootDetail {
    /// Nothing: all is well, as far as the writer knows.
    #[default]
    None,
    /// The hashes of all buckets, in order.
    Buckets(Vec<ShortHash>),
    /// The documents of one bucket: place and hash, by place.
    Documents {
        /// The bucket.
        bucket: u64,
        /// Its documents.
        hashes: Vec<(ShortHash, ShortHash)>,
    },
}

impl RootDetail {
    /// What fits: nothing instead of too much.
    #[must_use]
    pub fn bounded(self) -> Self {
        match &self {
            Self::Buckets(hashes) if hashes.len() > HASHES_MAX => Self::None,
            Self::Documents { hashes, .. } if hashes.len() > HASHES_MAX => Self::None,
            Self::None | Self::Buckets(_) | Self::Documents { .. } => self,
        }
    }
}

impl ClaimedRoot {
    pub(super) fn encode(&self, out: &mut Encoder) {
        out.uint(self.seq);
        out.bytes(&self.root.0);
        match &self.detail {
            RootDetail::None => out.nil(),
            RootDetail::Buckets(hashes) => {
                out.array(1);
                out.bytes(hashes.as_flattened());
            }
            RootDetail::Documents { bucket, hashes } => {
                out.array(2);
                out.uint(*bucket);
                let bytes: Vec<u8> =
                    hashes.iter().flat_map(|(place, hash)| [*place, *hash]).flatten().collect();
                out.bytes(&bytes);
            }
        }
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let seq = input.uint("root.seq")?;
        let field = "root.hash";
        let hash = input.bytes(32, field)?.try_into().map_err(|_| BodyError::TooShort { field })?;
        let detail = if matches!(input.peek("root.detail")?, rmp::Marker::Null) {
            input.nil("root.detail")?;
            RootDetail::None
        } else if input.array(2, "root.detail")? == 1 {
            RootDetail::Buckets(short_hashes(input)?)
        } else {
            let bucket = input.uint("root.bucket")?;
            let hashes = short_hashes(input)?;
            let (pairs, rest) = hashes.as_chunks::<2>();
            if !rest.is_empty() {
                return Err(BodyError::WrongType { field: "root.hashes" });
            }
            RootDetail::Documents {
                bucket,
                hashes: pairs.iter().map(|[place, hash]| (*place, *hash)).collect(),
            }
        };
        Ok(Self { seq, root: StateRoot(hash), detail })
    }
}

fn short_hashes(input: &mut Decoder<'_>) -> Result<Vec<ShortHash>, BodyError> {
    let field = "root.hashes";
    let (hashes, rest) = input.bytes(HASHES_MAX * 16, field)?.as_chunks::<8>();
    if rest.is_empty() { Ok(hashes.to_vec()) } else { Err(BodyError::WrongType { field }) }
}
