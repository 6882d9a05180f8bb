//! Messages between a Device and a Relay: one WebSocket binary message each, both ways.
//!
//! `docs/protocol/frames.md` lists the bytes. Who may send what when is the session's business.

use crate::codec::{Reader, Writer};
use crate::error::WireError;
use crate::ids::{ChainHash, ConnectionKey, EntryHash, MemberKey, RelayKey, SpaceId};
use crate::limits::{ENTRY_BYTES_MAX, FRAME_BYTES_MAX, Limits, PAGE_ENTRIES_MAX};
use crate::login::{LOGIN_NONCE_LEN, head_hash};
use crate::signature::{SignatureDomain, verify};
use bytes::Bytes;

/// Version of the message set; the first byte of both hellos.
pub const FRAME_VERSION: u8 = 1;

/// What a Device sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceFrame {
    /// Answers the Relay's challenge.
    Hello {
        /// The installation's key towards this Relay.
        connection: ConnectionKey,
        /// The Device's challenge to the Relay.
        nonce: [u8; LOGIN_NONCE_LEN],
        /// Over the transcript, by `connection`.
        signature: [u8; 64],
    },
    /// Offers the genesis Entry of a new Space.
    CreateSpace {
        /// The Entry.
        entry: Bytes,
    },
    /// Asks for everything of a Space after a position, from now on.
    Subscribe {
        /// The Space.
        space: SpaceId,
        /// The Member that asks.
        member: MemberKey,
        /// Newest position that the Device has.
        have_seq: u64,
        /// Over the transcript, the Space and the member key, by that key.
        signature: [u8; 64],
    },
    /// Ends a subscription.
    Unsubscribe {
        /// The Space.
        space: SpaceId,
    },
    /// Offers an Entry.
    Append {
        /// The Space.
        space: SpaceId,
        /// The Entry.
        entry: Bytes,
    },
    /// Asks for a sign of life.
    Ping {
        /// Returned in the pong.
        token: u64,
    },
}

/// A Relay's statement of its newest position, which it cannot take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// Newest position; 0 when the Space is empty.
    pub seq: u64,
    /// Running hash there.
    pub chain: ChainHash,
    /// The Relay's clock in milliseconds since 1970; for display only.
    pub time_ms: u64,
    /// By the Relay's key.
    pub signature: [u8; 64],
}

impl SignedHead {
    /// True when `relay` signed this head for `space`.
    #[must_use]
    pub fn verify(&self, relay: &RelayKey, space: &SpaceId) -> bool {
        let hash = head_hash(space, self.seq, &self.chain, self.time_ms);
        verify(SignatureDomain::Head, &relay.0, &hash, &self.signature)
    }
}

/// Why a Relay did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefuseReason {
    /// The bytes do not parse, or the message does not belong here.
    Malformed,
    /// The Space is not known here.
    UnknownSpace,
    /// The member key is not (any more) a Member, or its signature does not verify.
    NotAMember,
    /// The role does not allow it.
    NotAllowed,
    /// The Entry is larger than the Relay takes.
    TooLarge,
    /// The Entry is by another Member than the one that subscribed.
    WrongAuthor,
    /// The Entry's signature does not verify.
    BadSignature,
    /// The author's number is not the next one: fetch own newer Entries first.
    AuthorConflict,
    /// Sealed for an old epoch: catch up and seal again.
    StaleEpoch,
    /// Too far behind: catch up and seal again.
    SeenTooOld,
    /// The author names a log that is not the one here.
    SeenMismatch,
    /// Another change of membership came first.
    ControlConflict,
    /// Too much in too short a time; see `retry_after_ms`.
    RateLimited,
    /// The Relay's own store failed; see `retry_after_ms`.
    Unavailable,
}

const REFUSE_REASONS: [RefuseReason; 14] = [
    RefuseReason::Malformed,
    RefuseReason::UnknownSpace,
    RefuseReason::NotAMember,
    RefuseReason::NotAllowed,
    RefuseReason::TooLarge,
    RefuseReason::WrongAuthor,
    RefuseReason::BadSignature,
    RefuseReason::AuthorConflict,
    RefuseReason::StaleEpoch,
    RefuseReason::SeenTooOld,
    RefuseReason::SeenMismatch,
    RefuseReason::ControlConflict,
    RefuseReason::RateLimited,
    RefuseReason::Unavailable,
];

impl RefuseReason {
    fn byte(self) -> u8 {
        REFUSE_REASONS.iter().position(|reason| *reason == self).map_or(0, |index| index as u8)
    }

    fn from_byte(byte: u8) -> Result<Self, WireError> {
        REFUSE_REASONS
            .get(usize::from(byte))
            .copied()
            .ok_or(WireError::Unknown { field: "refused.reason", found: byte.into() })
    }
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The connection as a whole; it closes after this.
    Connection,
    /// A subscription to a Space.
    Subscribe(SpaceId),
    /// The genesis of a Space; the hash is the Space's id.
    CreateSpace(SpaceId),
    /// An Entry, named by SHA-256 over its bytes in the domain `append` ([`append_id`]).
    Append(SpaceId, [u8; 32]),
}

/// Names an offered Entry by its bytes alone, so that both sides can, whatever its context.
pub fn append_id(entry: &[u8]) -> [u8; 32] {
    crate::hash::Hasher::new("append").fixed(entry).finish()
}

/// What a Relay sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayFrame {
    /// The challenge, first on every connection.
    Hello {
        /// The Relay's signing key.
        relay: RelayKey,
        /// The challenge.
        nonce: [u8; LOGIN_NONCE_LEN],
        /// What the Relay accepts.
        limits: Limits,
        /// The Relay's clock in milliseconds since 1970; for display only.
        time_ms: u64,
    },
    /// The login holds; the signature is the Relay's over the transcript.
    Welcome {
        /// By the Relay's key.
        signature: [u8; 64],
    },
    /// A Space was created, or existed with this genesis already.
    Created {
        /// The Space.
        space: SpaceId,
        /// Where its log ends.
        head: SignedHead,
    },
    /// A subscription holds; pages follow until the head is reached, then as Entries are ordered.
    Subscribed {
        /// The Space.
        space: SpaceId,
        /// Where its log ends now.
        head: SignedHead,
    },
    /// Entries in order, contiguous from `first_seq`.
    Page {
        /// The Space.
        space: SpaceId,
        /// Position of the first Entry.
        first_seq: u64,
        /// Newest position the Relay has, for progress.
        head_seq: u64,
        /// The Entries.
        entries: Vec<Bytes>,
    },
    /// An Entry has its place and survives a power cut.
    Ordered {
        /// The Space.
        space: SpaceId,
        /// The Entry's [`append_id`].
        id: [u8; 32],
        /// Its hash.
        hash: EntryHash,
        /// Its position.
        seq: u64,
        /// Running hash there.
        chain: ChainHash,
    },
    /// Something was refused.
    Refused {
        /// What.
        what: Refused,
        /// Why.
        reason: RefuseReason,
        /// When trying again can help, in milliseconds; 0 when waiting does not help.
        retry_after_ms: u64,
    },
    /// The newest position, signed; sent when a subscription has been quiet.
    Head {
        /// The Space.
        space: SpaceId,
        /// The head.
        head: SignedHead,
    },
    /// Answers a ping.
    Pong {
        /// From the ping.
        token: u64,
    },
    /// The Relay is about to close; come back after a while.
    Goodbye {
        /// In milliseconds.
        retry_after_ms: u64,
    },
}

const HELLO: u8 = 1;
const CREATE_SPACE: u8 = 2;
const SUBSCRIBE: u8 = 3;
const UNSUBSCRIBE: u8 = 4;
const APPEND: u8 = 5;
const PING: u8 = 6;

impl DeviceFrame {
    /// Canonical bytes.
    pub fn encode(&self) -> Bytes {
        let mut out = Writer::new();
        match self {
            Self::Hello { connection, nonce, signature } => {
                out.u8(HELLO).u8(FRAME_VERSION).fixed(&connection.0).fixed(nonce).fixed(signature);
            }
            Self::CreateSpace { entry } => {
                out.u8(CREATE_SPACE).prefixed(entry);
            }
            Self::Subscribe { space, member, have_seq, signature } => {
                out.u8(SUBSCRIBE).fixed(&space.0).fixed(&member.0).varint(*have_seq).fixed(signature);
            }
            Self::Unsubscribe { space } => {
                out.u8(UNSUBSCRIBE).fixed(&space.0);
            }
            Self::Append { space, entry } => {
                out.u8(APPEND).fixed(&space.0).prefixed(entry);
            }
            Self::Ping { token } => {
                out.u8(PING).varint(*token);
            }
        }
        out.finish().into()
    }

    /// # Errors
    /// A [`WireError`] naming the field at fault.
    pub fn decode(bytes: &Bytes) -> Result<Self, WireError> {
        let mut input = frame_reader(bytes)?;
        let frame = match input.u8("frame")? {
            HELLO => {
                frame_version(&mut input)?;
                Self::Hello {
                    connection: ConnectionKey(input.array("hello.connection")?),
                    nonce: input.array("hello.nonce")?,
                    signature: input.array("hello.signature")?,
                }
            }
            CREATE_SPACE => Self::CreateSpace { entry: entry(&mut input, bytes)? },
            SUBSCRIBE => Self::Subscribe {
                space: SpaceId(input.array("subscribe.space")?),
                member: MemberKey(input.array("subscribe.member")?),
                have_seq: input.varint("subscribe.have_seq")?,
                signature: input.array("subscribe.signature")?,
            },
            UNSUBSCRIBE => Self::Unsubscribe { space: SpaceId(input.array("unsubscribe.space")?) },
            APPEND => Self::Append {
                space: SpaceId(input.array("append.space")?),
                entry: entry(&mut input, bytes)?,
            },
            PING => Self::Ping { token: input.varint("ping.token")? },
            found => return Err(WireError::Unknown { field: "frame", found: found.into() }),
        };
        input.end()?;
        Ok(frame)
    }
}

const RELAY_HELLO: u8 = 65;
const WELCOME: u8 = 66;
const CREATED: u8 = 67;
const SUBSCRIBED: u8 = 68;
const PAGE: u8 = 69;
const ORDERED: u8 = 70;
const REFUSED: u8 = 71;
const HEAD: u8 = 72;
const PONG: u8 = 73;
const GOODBYE: u8 = 74;

impl RelayFrame {
    /// True for what speaks of a Space, and not of the connection alone.
    pub fn is_about_a_space(&self) -> bool {
        match self {
            Self::Hello { .. } | Self::Welcome { .. } | Self::Pong { .. } | Self::Goodbye { .. } => false,
            Self::Refused { what, .. } => *what != Refused::Connection,
            Self::Created { .. }
            | Self::Subscribed { .. }
            | Self::Page { .. }
            | Self::Ordered { .. }
            | Self::Head { .. } => true,
        }
    }

    /// Canonical bytes.
    pub fn encode(&self) -> Bytes {
        let mut out = Writer::new();
        match self {
            Self::Hello { relay, nonce, limits, time_ms } => {
                out.u8(RELAY_HELLO).u8(FRAME_VERSION).fixed(&relay.0).fixed(nonce);
                limits.encode(&mut out);
                out.varint(*time_ms);
            }
            Self::Welcome { signature } => {
                out.u8(WELCOME).fixed(signature);
            }
            Self::Created { space, head } => write_head(&mut out, CREATED, space, head),
            Self::Subscribed { space, head } => write_head(&mut out, SUBSCRIBED, space, head),
            Self::Head { space, head } => write_head(&mut out, HEAD, space, head),
            Self::Page { space, first_seq, head_seq, entries } => {
                out.u8(PAGE).fixed(&space.0).varint(*first_seq).varint(*head_seq);
                out.varint(entries.len() as u64);
                for entry in entries {
                    out.prefixed(entry);
                }
            }
            Self::Ordered { space, id, hash, seq, chain } => {
                out.u8(ORDERED).fixed(&space.0).fixed(id).fixed(&hash.0).varint(*seq).fixed(&chain.0);
            }
            Self::Refused { what, reason, retry_after_ms } => {
                out.u8(REFUSED);
                match what {
                    Refused::Connection => out.u8(0),
                    Refused::Subscribe(space) => out.u8(1).fixed(&space.0),
                    Refused::CreateSpace(space) => out.u8(2).fixed(&space.0),
                    Refused::Append(space, id) => out.u8(3).fixed(&space.0).fixed(id),
                };
                out.u8(reason.byte()).varint(*retry_after_ms);
            }
            Self::Pong { token } => {
                out.u8(PONG).varint(*token);
            }
            Self::Goodbye { retry_after_ms } => {
                out.u8(GOODBYE).varint(*retry_after_ms);
            }
        }
        out.finish().into()
    }

    /// # Errors
    /// A [`WireError`] naming the field at fault.
    pub fn decode(bytes: &Bytes) -> Result<Self, WireError> {
        let mut input = frame_reader(bytes)?;
        let frame = match input.u8("frame")? {
            RELAY_HELLO => {
                frame_version(&mut input)?;
                Self::Hello {
                    relay: RelayKey(input.array("hello.relay")?),
                    nonce: input.array("hello.nonce")?,
                    limits: Limits::decode(&mut input)?,
                    time_ms: input.varint("hello.time_ms")?,
                }
            }
            WELCOME => Self::Welcome { signature: input.array("welcome.signature")? },
            CREATED => {
                let (space, head) = read_head(&mut input)?;
                Self::Created { space, head }
            }
            SUBSCRIBED => {
                let (space, head) = read_head(&mut input)?;
                Self::Subscribed { space, head }
            }
            HEAD => {
                let (space, head) = read_head(&mut input)?;
                Self::Head { space, head }
            }
            PAGE => {
                let space = SpaceId(input.array("page.space")?);
                let first_seq = input.varint("page.first_seq")?;
                let head_seq = input.varint("page.head_seq")?;
                let count = input.varint_max(PAGE_ENTRIES_MAX as u64, "page.count")?;
                let mut entries = Vec::with_capacity(count as usize);
                for _ in 0..count {
                    entries.push(entry(&mut input, bytes)?);
                }
                Self::Page { space, first_seq, head_seq, entries }
            }
            ORDERED => Self::Ordered {
                space: SpaceId(input.array("ordered.space")?),
                id: input.array("ordered.id")?,
                hash: EntryHash(input.array("ordered.hash")?),
                seq: input.varint("ordered.seq")?,
                chain: ChainHash(input.array("ordered.chain")?),
            },
            REFUSED => {
                let what = match input.u8("refused.what")? {
                    0 => Refused::Connection,
                    1 => Refused::Subscribe(SpaceId(input.array("refused.space")?)),
                    2 => Refused::CreateSpace(SpaceId(input.array("refused.space")?)),
                    3 => Refused::Append(SpaceId(input.array("refused.space")?), input.array("refused.id")?),
                    found => {
                        return Err(WireError::Unknown { field: "refused.what", found: found.into() });
                    }
                };
                Self::Refused {
                    what,
                    reason: RefuseReason::from_byte(input.u8("refused.reason")?)?,
                    retry_after_ms: input.varint("refused.retry_after_ms")?,
                }
            }
            PONG => Self::Pong { token: input.varint("pong.token")? },
            GOODBYE => Self::Goodbye { retry_after_ms: input.varint("goodbye.retry_after_ms")? },
            found => return Err(WireError::Unknown { field: "frame", found: found.into() }),
        };
        input.end()?;
        Ok(frame)
    }
}

fn frame_reader(bytes: &Bytes) -> Result<Reader<'_>, WireError> {
    if bytes.len() > FRAME_BYTES_MAX {
        let (max, found) = (FRAME_BYTES_MAX as u64, bytes.len() as u64);
        return Err(WireError::TooLarge { field: "frame", max, found });
    }
    Ok(Reader::new(bytes))
}

fn frame_version(input: &mut Reader<'_>) -> Result<(), WireError> {
    match input.u8("hello.version")? {
        FRAME_VERSION => Ok(()),
        found => Err(WireError::Unknown { field: "hello.version", found: found.into() }),
    }
}

/// Shares the message's memory instead of copying the Entry.
fn entry(input: &mut Reader<'_>, message: &Bytes) -> Result<Bytes, WireError> {
    let slice = input.prefixed(ENTRY_BYTES_MAX, "entry")?;
    Ok(message.slice_ref(slice))
}

fn write_head(out: &mut Writer, tag: u8, space: &SpaceId, head: &SignedHead) {
    out.u8(tag).fixed(&space.0).varint(head.seq).fixed(&head.chain.0);
    out.varint(head.time_ms).fixed(&head.signature);
}

fn read_head(input: &mut Reader<'_>) -> Result<(SpaceId, SignedHead), WireError> {
    let space = SpaceId(input.array("head.space")?);
    let head = SignedHead {
        seq: input.varint("head.seq")?,
        chain: ChainHash(input.array("head.chain")?),
        time_ms: input.varint("head.time_ms")?,
        signature: input.array("head.signature")?,
    };
    Ok((space, head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_reads_back() {
        let space = SpaceId([1; 32]);
        let head = SignedHead { seq: 7, chain: ChainHash([2; 32]), time_ms: 99, signature: [3; 64] };
        let relay = [
            RelayFrame::Hello {
                relay: RelayKey([4; 32]),
                nonce: [5; 32],
                limits: Limits::default(),
                time_ms: 1,
            },
            RelayFrame::Welcome { signature: [6; 64] },
            RelayFrame::Created { space, head },
            RelayFrame::Subscribed { space, head },
            RelayFrame::Head { space, head },
            RelayFrame::Page {
                space,
                first_seq: 300,
                head_seq: 301,
                entries: vec![Bytes::from_static(b"a"), Bytes::from_static(b"bc")],
            },
            RelayFrame::Ordered {
                space,
                id: [7; 32],
                hash: EntryHash([8; 32]),
                seq: 9,
                chain: ChainHash([1; 32]),
            },
            RelayFrame::Refused {
                what: Refused::Append(space, [7; 32]),
                reason: RefuseReason::Unavailable,
                retry_after_ms: 1000,
            },
            RelayFrame::Pong { token: 5 },
            RelayFrame::Goodbye { retry_after_ms: 5 },
        ];
        for frame in relay {
            assert_eq!(RelayFrame::decode(&frame.encode()), Ok(frame));
        }
        let device = [
            DeviceFrame::Hello { connection: ConnectionKey([1; 32]), nonce: [2; 32], signature: [3; 64] },
            DeviceFrame::CreateSpace { entry: Bytes::from_static(b"entry") },
            DeviceFrame::Subscribe { space, member: MemberKey([4; 32]), have_seq: 3, signature: [5; 64] },
            DeviceFrame::Unsubscribe { space },
            DeviceFrame::Append { space, entry: Bytes::from_static(b"entry") },
            DeviceFrame::Ping { token: 1 },
        ];
        for frame in device {
            assert_eq!(DeviceFrame::decode(&frame.encode()), Ok(frame));
        }
    }

    #[test]
    fn cut_or_lengthened_frames_are_refused() {
        let bytes =
            DeviceFrame::Append { space: SpaceId([1; 32]), entry: Bytes::from_static(b"entry") }.encode();
        for len in 0..bytes.len() {
            assert!(DeviceFrame::decode(&bytes.slice(..len)).is_err());
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert_eq!(DeviceFrame::decode(&longer.into()), Err(WireError::Trailing { bytes: 1 }));
    }
}
