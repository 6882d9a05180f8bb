//! The lies of a Relay: what it says instead of a frame.

use bytes::Bytes;
use veilfold_core::wire::frame::{RelayFrame, SignedHead};
use veilfold_core::wire::limits::{ENTRY_BYTES_MAX, FRAME_BYTES_MAX};
use veilfold_core::wire::{ChainHash, SpaceId};

/// What it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Sends bytes that mean nothing.
    Garbage,
    /// Sends half of a page.
    HalfPage,
    /// Sends a message larger than any.
    LargeMessage,
    /// Sends an Entry larger than any.
    LargeEntry,
    /// Signs the login with another key.
    ForgedLogin,
    /// Signs where its log ends with another key.
    ForgedHead,
    /// Says that its log ends before what it has shown.
    ShorterLog,
    /// Says that the log it has shown is another one.
    OtherLog,
    /// Leaves a position out and says so.
    SkippedPosition,
    /// Leaves an Entry out and moves the others up.
    LeftOut,
    /// Swaps two Entries.
    Swapped,
    /// Gives an Entry a second place.
    Repeated,
    /// Changes a byte that is sealed.
    AlteredBody,
    /// Changes a byte of a signature.
    AlteredSignature,
    /// Says that Bob wrote what Alice did.
    OtherAuthor,
    /// Says that somebody wrote it who is no Member.
    StrangeAuthor,
    /// Gives Entries of another Space.
    OtherSpace(Vec<Bytes>),
    /// Acknowledges another Entry than was offered.
    OtherReceipt,
    /// Acknowledges what it does not keep.
    Forgets,
    /// Talks of a Space that the device does not have.
    StrangeSpace,
}

/// What a lie can be made of.
pub struct Said<'a> {
    /// What the device has of the Space.
    pub have_seq: u64,
    /// The running hashes of the Space from position 1 on.
    pub chains: Vec<ChainHash>,
    /// The Relay's own signature.
    pub sign: Box<dyn Fn(SpaceId, u64, ChainHash) -> SignedHead + 'a>,
}

/// What is sent.
pub enum Told {
    /// The frame.
    Truth,
    /// These messages.
    Instead(Vec<Bytes>),
}

impl Lie {
    /// What is sent instead of `frame`.
    pub fn tell(&self, frame: &RelayFrame, said: &Said<'_>) -> Told {
        let altered = match frame {
            RelayFrame::Welcome { signature } if *self == Self::ForgedLogin => {
                RelayFrame::Welcome { signature: flipped(*signature) }
            }
            RelayFrame::Subscribed { space, head } => match self.other_head(*space, head, said) {
                Some(head) => RelayFrame::Subscribed { space: *space, head },
                None => return Told::Truth,
            },
            RelayFrame::Ordered { space, id, hash, seq, chain } if *self == Self::OtherReceipt => {
                let hash = veilfold_core::wire::EntryHash(flipped(hash.0));
                RelayFrame::Ordered { space: *space, id: *id, hash, seq: *seq, chain: *chain }
            }
            RelayFrame::Page { space, first_seq, head_seq, entries } => {
                return self.other_page(*space, *first_seq, *head_seq, entries);
            }
            _ => return Told::Truth,
        };
        Told::Instead(vec![altered.encode()])
    }

    fn other_head(&self, space: SpaceId, head: &SignedHead, said: &Said<'_>) -> Option<SignedHead> {
        match self {
            Self::ForgedHead => Some(SignedHead { signature: flipped(head.signature), ..*head }),
            Self::ShorterLog => Some((said.sign)(space, 1, said.chains[0])),
            Self::OtherLog => {
                let chain = said.chains[said.have_seq as usize - 1];
                Some((said.sign)(space, said.have_seq, ChainHash(flipped(chain.0))))
            }
            _ => None,
        }
    }

    fn other_page(&self, space: SpaceId, first_seq: u64, head_seq: u64, entries: &[Bytes]) -> Told {
        let page = |first_seq, entries: Vec<Bytes>| {
            RelayFrame::Page { space, first_seq, head_seq, entries }.encode()
        };
        let altered = |at: fn(usize) -> usize, flip: u8| {
            let mut entries = entries.to_vec();
            let mut bytes = entries[0].to_vec();
            let at = at(bytes.len());
            bytes[at] ^= flip;
            entries[0] = bytes.into();
            page(first_seq, entries)
        };
        let message = match self {
            Self::Garbage => Bytes::from_static(&[0xfe; 40]),
            Self::HalfPage => {
                let whole = page(first_seq, entries.to_vec());
                whole.slice(..whole.len() / 2)
            }
            Self::LargeMessage => vec![0; FRAME_BYTES_MAX + 1].into(),
            Self::LargeEntry => page(first_seq, vec![vec![1; ENTRY_BYTES_MAX + 1].into()]),
            Self::SkippedPosition => page(first_seq + 1, entries[1..].to_vec()),
            Self::LeftOut => page(first_seq, entries[1..].to_vec()),
            Self::Swapped => {
                let mut entries = entries.to_vec();
                entries.swap(0, 1);
                page(first_seq, entries)
            }
            Self::Repeated => {
                let mut entries = entries.to_vec();
                entries.insert(1, entries[0].clone());
                page(first_seq, entries)
            }
            // In front of the signature lies what is sealed, whatever the header's length.
            Self::AlteredBody => altered(|len| len - 65, 1),
            Self::AlteredSignature => altered(|len| len - 1, 1),
            // Version, kind and flags come first, one byte each.
            Self::OtherAuthor => altered(|_| 3, 1 ^ 2),
            Self::StrangeAuthor => altered(|_| 3, 1 ^ 9),
            Self::OtherSpace(other) => page(first_seq, other.clone()),
            Self::StrangeSpace => {
                let space = SpaceId([7; 32]);
                let strange = RelayFrame::Page { space, first_seq, head_seq, entries: entries.to_vec() };
                return Told::Instead(vec![strange.encode(), page(first_seq, entries.to_vec())]);
            }
            _ => return Told::Truth,
        };
        Told::Instead(vec![message])
    }
}

fn flipped<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    bytes[0] ^= 1;
    bytes
}
