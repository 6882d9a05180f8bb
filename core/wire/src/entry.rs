//! The envelope: one sealed, signed Entry as it is stored and sent (protocol 4.1, 4.2).
//!
//! A [`SealedEntry`] has parsed, nothing more: who wrote it and whether it opens is decided by
//! `check.rs` and, on a Device, by `veilfold-core`'s `envelope/`.

use crate::codec::{Reader, Writer};
use crate::error::WireError;
use crate::hash::Hasher;
use crate::ids::{ChainHash, EntryHash, MemberKey, MemberNo, SpaceId};
use crate::limits::{ENTRY_BYTES_MAX, PUBLIC_BYTES_MAX};
use crate::signature::SIGNATURE_LEN;
use bytes::Bytes;

/// Version byte of every envelope; the suite is implied by it.
pub const ENVELOPE_VERSION: u8 = 1;
/// Length of the random nonce in bytes.
pub const NONCE_LEN: usize = 24;
/// Length of the authentication tag at the end of the sealed part, in bytes.
pub const TAG_LEN: usize = 16;

const FLAG_EXPLICIT: u8 = 1;

/// What an Entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Transactions.
    Data,
    /// A change of membership or settings.
    Control,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Control => 1,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, WireError> {
        match byte {
            0 => Ok(Self::Data),
            1 => Ok(Self::Control),
            found => Err(WireError::Unknown { field: "entry.kind", found: found.into() }),
        }
    }
}

/// What the author knew, in full. Carried by every kind but data, so that such an Entry can be
/// checked without the data log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExplicitContext {
    /// Hash of the author's previous Entry, zero for its first.
    pub prev_author_hash: EntryHash,
    /// Running hash at `seen_seq`.
    pub seen_chain: ChainHash,
}

/// The clear fields of an Entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the Entry is for.
    pub kind: Kind,
    /// The author.
    pub member_no: MemberNo,
    /// 1, 2, 3 … per author.
    pub author_seq: u64,
    /// Newest position that the author had verified.
    pub seen_seq: u64,
    /// Key generation that seals it.
    pub epoch: u64,
    /// First bytes of the hash of the author's previous Entry.
    pub prev_tag: [u8; 8],
    /// First bytes of the running hash at `seen_seq`.
    pub seen_tag: [u8; 8],
    /// Present exactly when `kind` is not data.
    pub explicit: Option<ExplicitContext>,
    /// Random nonce of the sealed part.
    pub nonce: [u8; NONCE_LEN],
}

impl Header {
    /// The bytes before the sealed part, which the seal and the hash both cover.
    ///
    /// `sealed_len` is the length of the sealed part with its tag.
    pub fn encode(&self, public: &[u8], sealed_len: usize) -> Vec<u8> {
        let mut out = Writer::with_capacity(160 + public.len());
        out.u8(ENVELOPE_VERSION)
            .u8(self.kind.byte())
            .u8(if self.explicit.is_some() { FLAG_EXPLICIT } else { 0 })
            .varint(self.member_no.0)
            .varint(self.author_seq)
            .varint(self.seen_seq)
            .varint(self.epoch)
            .fixed(&self.prev_tag)
            .fixed(&self.seen_tag);
        if let Some(context) = &self.explicit {
            out.fixed(&context.prev_author_hash.0).fixed(&context.seen_chain.0);
        }
        out.fixed(&self.nonce);
        if self.kind != Kind::Data {
            out.prefixed(public);
        }
        out.varint(sealed_len as u64);
        out.finish()
    }
}

/// What the seal binds besides the plaintext: the Space and the whole header.
pub fn associated_data(space: &SpaceId, header_bytes: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(64 + header_bytes.len());
    aad.extend_from_slice(b"veilfold/v1/entry-aad\0");
    aad.extend_from_slice(&space.0);
    aad.extend_from_slice(header_bytes);
    aad
}

/// An Entry that has parsed. Its author, seal and signature are not checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedEntry {
    bytes: Bytes,
    header: Header,
    header_len: usize,
    public: core::ops::Range<usize>,
}

impl SealedEntry {
    /// Parses an Entry; accepts exactly the bytes that [`SealedEntry::assemble`] can make.
    ///
    /// # Errors
    /// A [`WireError`] naming the field at fault.
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, WireError> {
        let bytes = bytes.into();
        if bytes.len() > ENTRY_BYTES_MAX {
            let (max, found) = (ENTRY_BYTES_MAX as u64, bytes.len() as u64);
            return Err(WireError::TooLarge { field: "entry", max, found });
        }
        let mut input = Reader::new(&bytes);
        let version = input.u8("entry.version")?;
        if version != ENVELOPE_VERSION {
            return Err(WireError::Unknown { field: "entry.version", found: version.into() });
        }
        let kind = Kind::from_byte(input.u8("entry.kind")?)?;
        let flags = input.u8("entry.flags")?;
        let explicit_wanted = kind != Kind::Data;
        if flags != if explicit_wanted { FLAG_EXPLICIT } else { 0 } {
            return Err(WireError::Unknown { field: "entry.flags", found: flags.into() });
        }
        let member_no = MemberNo(input.varint("entry.member_no")?);
        let author_seq = input.varint("entry.author_seq")?;
        let seen_seq = input.varint("entry.seen_seq")?;
        let epoch = input.varint("entry.epoch")?;
        let prev_tag = input.array("entry.prev_tag")?;
        let seen_tag = input.array("entry.seen_tag")?;
        let explicit = if explicit_wanted {
            let context = ExplicitContext {
                prev_author_hash: EntryHash(input.array("entry.prev_author_hash")?),
                seen_chain: ChainHash(input.array("entry.seen_chain")?),
            };
            // A tag that contradicts the full hash beside it would be a second spelling.
            if context.prev_author_hash.tag() != prev_tag || context.seen_chain.tag() != seen_tag {
                return Err(WireError::Inconsistent { field: "entry.explicit_context" });
            }
            Some(context)
        } else {
            None
        };
        let nonce = input.array("entry.nonce")?;
        let public = if explicit_wanted {
            let len = input.prefixed(PUBLIC_BYTES_MAX, "entry.public")?.len();
            let end = bytes.len() - input.remaining();
            end - len..end
        } else {
            0..0
        };
        let sealed_len = input.varint_max(ENTRY_BYTES_MAX as u64, "entry.sealed")? as usize;
        if sealed_len < TAG_LEN {
            return Err(WireError::TooShort { field: "entry.sealed" });
        }
        let header_len = bytes.len() - input.remaining();
        input.take(sealed_len, "entry.sealed")?;
        input.take(SIGNATURE_LEN, "entry.signature")?;
        input.end()?;
        let header =
            Header { kind, member_no, author_seq, seen_seq, epoch, prev_tag, seen_tag, explicit, nonce };
        Ok(Self { bytes, header, header_len, public })
    }

    /// Joins the parts that an author made: header bytes, sealed part with tag, signature.
    ///
    /// # Errors
    /// As [`SealedEntry::decode`], which it runs, so that what is sent is what others will parse.
    pub fn assemble(header_bytes: &[u8], sealed: &[u8], signature: &[u8; 64]) -> Result<Self, WireError> {
        let mut bytes = Vec::with_capacity(header_bytes.len() + sealed.len() + SIGNATURE_LEN);
        bytes.extend_from_slice(header_bytes);
        bytes.extend_from_slice(sealed);
        bytes.extend_from_slice(signature);
        Self::decode(bytes)
    }

    /// The whole Entry as stored and sent.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The clear fields.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes before the sealed part.
    pub fn header_bytes(&self) -> &[u8] {
        &self.bytes[..self.header_len]
    }

    /// The public part of a control Entry; empty for data.
    pub fn public(&self) -> &[u8] {
        &self.bytes[self.public.clone()]
    }

    /// The sealed part with its tag.
    pub fn sealed(&self) -> &[u8] {
        &self.bytes[self.header_len..self.bytes.len() - SIGNATURE_LEN]
    }

    /// The author's signature over the Entry's hash.
    pub fn signature(&self) -> [u8; SIGNATURE_LEN] {
        let mut out = [0; SIGNATURE_LEN];
        out.copy_from_slice(&self.bytes[self.bytes.len() - SIGNATURE_LEN..]);
        out
    }

    /// All bytes but the signature.
    pub fn unsigned_bytes(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - SIGNATURE_LEN]
    }

    /// The Entry's hash in the context that its author claims (`e_s`).
    pub fn hash(
        &self,
        space: &SpaceId,
        author: &MemberKey,
        prev_author_hash: &EntryHash,
        seen_chain: &ChainHash,
    ) -> EntryHash {
        entry_hash(space, author, prev_author_hash, seen_chain, self.unsigned_bytes())
    }

    /// The hash of an Entry whose context is unusable; its author's head does not move.
    pub fn odd_hash(&self, space: &SpaceId) -> EntryHash {
        EntryHash(Hasher::new("entry-odd").fixed(&space.0).fixed(self.unsigned_bytes()).finish())
    }
}

/// `e_s` over the bytes before the signature (protocol 4.2).
pub fn entry_hash(
    space: &SpaceId,
    author: &MemberKey,
    prev_author_hash: &EntryHash,
    seen_chain: &ChainHash,
    unsigned_bytes: &[u8],
) -> EntryHash {
    EntryHash(
        Hasher::new("entry")
            .fixed(&space.0)
            .fixed(&author.0)
            .fixed(&prev_author_hash.0)
            .fixed(&seen_chain.0)
            .fixed(unsigned_bytes)
            .finish(),
    )
}

/// `C_0`, where the running hash of a Space starts.
pub fn chain_start(space: &SpaceId) -> ChainHash {
    ChainHash(Hasher::new("chain0").fixed(&space.0).finish())
}

/// `C_s` from `C_{s-1}` and the hash of the Entry at `seq`.
pub fn chain_next(seq: u64, previous: &ChainHash, entry: &EntryHash) -> ChainHash {
    ChainHash(Hasher::new("chain").u64(seq).fixed(&previous.0).fixed(&entry.0).finish())
}
