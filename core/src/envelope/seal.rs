//! Seals a body as the author's next Entry, and founds Spaces (docs/protocol/envelope.md, sealing).
//!
//! Called by `engine/local.rs` when an Entry is about to be sent, so it is made for the log as the
//! author knows it then. What goes into a body, and whether the author may write it, is left to others.

use super::plain::{BODY_BYTES_MAX, pad};
use super::verified::LogHead;
use crate::keys::{
    AeadKey, BadRecipient, BoxContext, DeviceSeed, Entropy, EpochSecret, HedgeKey, KeyMissing, Keyring,
    MemberSecret, random,
};
use thiserror::Error;
use veilfold_wire::check::genesis_space;
use veilfold_wire::entry::{NONCE_LEN, TAG_LEN, associated_data, entry_hash};
use veilfold_wire::limits::{ENTRY_BYTES_MAX, PUBLIC_BYTES_MAX};
use veilfold_wire::membership::{Genesis, PADDING_FLOOR};
use veilfold_wire::signature::{SIGNATURE_LEN, SignatureDomain};
use veilfold_wire::{
    AuthorHead, ChainHash, ControlOp, ControlPublic, EntryHash, ExplicitContext, Header, Kind, MemberNo,
    Membership, RelayKey, SealedEntry, SpaceId, TransportFault, UserTag, WireError,
};

/// The author of an Entry that is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author {
    /// Its number in the Space.
    pub member_no: MemberNo,
    /// Its newest Entry, including those that are sent and not ordered yet.
    pub head: AuthorHead,
}

/// Where an Entry that is being made will stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealContext {
    /// Who writes it.
    pub author: Author,
    /// The log up to which the author has verified.
    pub seen: LogHead,
    /// The current epoch.
    pub epoch: u64,
    /// The Space's padding floor in bytes.
    pub padding_floor: u64,
}

/// An Entry ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The Entry.
    pub entry: SealedEntry,
    /// Its hash: the author's head once it is sent.
    pub hash: EntryHash,
}

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// Too many bytes; trying again does not help.
    #[error("the {what} has {found} bytes, at most {max} are allowed")]
    TooLarge {
        /// `body`, `public part` or `entry`.
        what: &'static str,
        /// The limit in bytes.
        max: usize,
        /// What was given, in bytes.
        found: usize,
    },
    /// The padding floor of a new Space is outside of what all accept.
    #[error("the padding floor is {found}, it must be 128 to 4096")]
    BadPaddingFloor {
        /// What was given, in bytes.
        found: u64,
    },
    /// This device was not given the epoch's secret yet.
    #[error(transparent)]
    KeyMissing(#[from] KeyMissing),
    /// A key to seal to is unusable.
    #[error(transparent)]
    BadRecipient(#[from] BadRecipient),
    /// The result is not an Entry that others would accept.
    #[error("the sealed entry does not parse: {0}")]
    Wire(#[from] WireError),
    /// The genesis is not one that others would accept.
    #[error("the sealed genesis is not valid: {0}")]
    Genesis(TransportFault),
}

/// Seals Transactions: the bytes of a [`crate::model::Body`].
///
/// # Errors
/// `TooLarge` above [`BODY_BYTES_MAX`]; `KeyMissing` without the epoch's secret.
pub fn seal_data(
    keyring: &Keyring,
    context: &SealContext,
    body: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Sealed, SealError> {
    let draft = Draft { context, kind: Kind::Data, public: &[], body };
    draft.seal(
        keyring.space(),
        keyring.member(),
        keyring.hedge(),
        keyring.key(Kind::Data, context.epoch)?,
        entropy,
    )
}

/// Seals a change of membership: a public part that all can check, and a part for Members.
///
/// # Errors
/// `TooLarge` when both parts do not fit into one Entry; `KeyMissing` without the epoch's secret.
pub fn seal_control(
    keyring: &Keyring,
    context: &SealContext,
    public: &ControlPublic,
    body: &[u8],
    entropy: &mut dyn Entropy,
) -> Result<Sealed, SealError> {
    let draft = Draft { context, kind: Kind::Control, public: &public.encode(), body };
    draft.seal(
        keyring.space(),
        keyring.member(),
        keyring.hedge(),
        keyring.key(Kind::Control, context.epoch)?,
        entropy,
    )
}

/// What the creator of a Space decides.
#[derive(Clone, Debug)]
pub struct Founding<'a> {
    /// Random per user and Space.
    pub user_tag: UserTag,
    /// Smallest padded plaintext in bytes, 128 to 4096.
    pub padding_floor: u64,
    /// The Relay's key, if the Space is bound to one.
    pub relay: Option<RelayKey>,
    /// The sealed part of the genesis Entry.
    pub body: &'a [u8],
}

/// A Space that was just founded.
#[derive(Debug)]
pub struct Founded {
    /// The genesis Entry.
    pub entry: SealedEntry,
    /// The Space's id, which is also the Entry's hash.
    pub space: SpaceId,
    /// Membership after it: the creator alone.
    pub membership: Membership,
    /// The context from which the creator derives its Member secret again.
    pub key_context: [u8; 32],
    /// The creator's secrets, with that of epoch 0.
    pub keyring: Keyring,
}

/// Makes the genesis Entry of a new Space.
///
/// Inside it the Space is 32 zero bytes wherever an id is needed, since it cannot name its own hash.
/// Draws, in this order: key context 32, epoch secret 32, HPKE 32, nonce 32 bytes.
///
/// # Errors
/// `BadPaddingFloor`, or `TooLarge` for a sealed part that does not fit.
pub fn found_space(
    seed: &DeviceSeed,
    hedge: HedgeKey,
    founding: &Founding<'_>,
    entropy: &mut dyn Entropy,
) -> Result<Founded, SealError> {
    if !PADDING_FLOOR.contains(&founding.padding_floor) {
        return Err(SealError::BadPaddingFloor { found: founding.padding_floor });
    }
    let key_context = random(entropy);
    let member = seed.member(&key_context, 0);
    let secret = EpochSecret::generate(entropy);
    let creator = member.keys(founding.user_tag);
    let epoch_commit = secret.commitment(&SpaceId::ZERO, 0);
    let place =
        BoxContext { space: &SpaceId::ZERO, epoch: 0, epoch_commit: &epoch_commit, author: &creator.sign };
    let genesis = Genesis {
        creator,
        padding_floor: founding.padding_floor,
        epoch_commit,
        epoch_box: secret.seal_box(&place, &creator.sign, &creator.kem, entropy)?,
        relay: founding.relay,
        random: key_context,
    };
    let public =
        ControlPublic { control_seq: 1, prev_control_hash: EntryHash::ZERO, op: ControlOp::Genesis(genesis) };
    let context = SealContext {
        author: Author { member_no: MemberNo(1), head: AuthorHead::NONE },
        seen: LogHead { seq: 0, chain: ChainHash::ZERO },
        epoch: 0,
        padding_floor: founding.padding_floor,
    };
    let draft =
        Draft { context: &context, kind: Kind::Control, public: &public.encode(), body: founding.body };
    let key = secret.control_key(&SpaceId::ZERO, 0);
    let sealed = draft.seal(&SpaceId::ZERO, &member, &hedge, &key, entropy)?;
    let (space, membership) = genesis_space(&sealed.entry).map_err(SealError::Genesis)?;
    let mut keyring = Keyring::new(space, member, hedge);
    keyring.insert(0, secret);
    Ok(Founded { entry: sealed.entry, space, membership, key_context, keyring })
}

/// An Entry before it is sealed.
struct Draft<'a> {
    context: &'a SealContext,
    kind: Kind,
    public: &'a [u8],
    body: &'a [u8],
}

impl Draft<'_> {
    fn seal(
        &self,
        space: &SpaceId,
        member: &MemberSecret,
        hedge: &HedgeKey,
        key: &AeadKey,
        entropy: &mut dyn Entropy,
    ) -> Result<Sealed, SealError> {
        within("body", self.body.len(), BODY_BYTES_MAX)?;
        within("public part", self.public.len(), PUBLIC_BYTES_MAX)?;
        let mut sealed = pad(self.body, self.context.padding_floor, TAG_LEN);
        let sealed_len = sealed.len() + TAG_LEN;
        let mut header = self.header();
        let without_nonce = associated_data(space, &header.encode(self.public, sealed_len));
        header.nonce = hedge.nonce(entropy, &without_nonce, &sealed);
        let header_bytes = header.encode(self.public, sealed_len);
        within("entry", header_bytes.len() + sealed_len + SIGNATURE_LEN, ENTRY_BYTES_MAX)?;
        key.seal(&header.nonce, &associated_data(space, &header_bytes), &mut sealed);

        let mut unsigned = header_bytes;
        let header_len = unsigned.len();
        unsigned.extend_from_slice(&sealed);
        let author = member.sign_key();
        let (head, seen) = (self.context.author.head.hash, self.context.seen.chain);
        let hash = entry_hash(space, &author, &head, &seen, &unsigned);
        let signature = member.sign(SignatureDomain::Entry, &hash.0);
        let entry = SealedEntry::assemble(&unsigned[..header_len], &sealed, &signature)?;
        Ok(Sealed { entry, hash })
    }

    /// The header with a nonce of zero bytes.
    fn header(&self) -> Header {
        let SealContext { author, seen, epoch, .. } = *self.context;
        let explicit = match self.kind {
            Kind::Data => None,
            Kind::Control => {
                Some(ExplicitContext { prev_author_hash: author.head.hash, seen_chain: seen.chain })
            }
        };
        Header {
            kind: self.kind,
            member_no: author.member_no,
            author_seq: author.head.author_seq + 1,
            seen_seq: seen.seq,
            epoch,
            prev_tag: author.head.hash.tag(),
            seen_tag: seen.chain.tag(),
            explicit,
            nonce: [0; NONCE_LEN],
        }
    }
}

fn within(what: &'static str, found: usize, max: usize) -> Result<(), SealError> {
    if found <= max { Ok(()) } else { Err(SealError::TooLarge { what, max, found }) }
}

#[cfg(test)]
mod tests {
    use super::super::world::{FLOOR, World, body, hedge};
    use super::*;
    use crate::keys::{DeviceRootKey, SeededEntropy};
    use std::collections::BTreeSet;
    use veilfold_wire::Role;

    /// A random number generator that broke.
    struct Stuck;

    impl Entropy for Stuck {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(0xaa);
        }
    }

    #[test]
    fn a_space_is_named_by_its_genesis() {
        let mut entropy = SeededEntropy::new(1);
        let seed = DeviceSeed::generate(&mut entropy);
        let hedge = hedge(&mut entropy);
        let founding = Founding {
            user_tag: UserTag([2; 16]),
            padding_floor: 256,
            relay: Some(RelayKey([3; 32])),
            body: b"",
        };
        let founded = found_space(&seed, hedge.clone(), &founding, &mut entropy).unwrap();
        let again = found_space(&seed, hedge.clone(), &founding, &mut entropy).unwrap();
        assert_ne!(founded.space, again.space, "another key context makes another Space");
        assert_eq!(founded.membership.relay(), Some(&RelayKey([3; 32])));
        assert_eq!(founded.membership.get(MemberNo(1)).map(|member| member.role), Some(Role::Owner));
        let derived = seed.member(&founded.key_context, 0);
        assert_eq!(founded.membership.find(&derived.sign_key()).map(|(no, _)| no), Some(MemberNo(1)));
        let bad_floor = Founding { padding_floor: 127, ..founding };
        let refused = found_space(&seed, hedge, &bad_floor, &mut entropy).map(|founded| founded.space);
        assert_eq!(refused, Err(SealError::BadPaddingFloor { found: 127 }));
    }

    #[test]
    fn the_creator_can_open_its_own_box() {
        let mut entropy = SeededEntropy::new(2);
        let seed = DeviceSeed::generate(&mut entropy);
        let root = DeviceRootKey::generate(&mut entropy);
        let founding = Founding { user_tag: UserTag([2; 16]), padding_floor: 128, relay: None, body: b"" };
        let founded = found_space(&seed, root.hedge(), &founding, &mut entropy).unwrap();
        let public = ControlPublic::decode(founded.entry.public()).unwrap();
        let ControlOp::Genesis(genesis) = public.op else { panic!("not a genesis") };
        let place = BoxContext {
            space: &SpaceId::ZERO,
            epoch: 0,
            epoch_commit: &genesis.epoch_commit,
            author: &genesis.creator.sign,
        };
        let member = seed.member(&genesis.random, 0);
        let secret = EpochSecret::open_box(&member, &place, &genesis.epoch_box).unwrap();
        assert_eq!(secret.commitment(&founded.space, 0), genesis.epoch_commit);
    }

    #[test]
    fn nonces_differ_when_randomness_repeats_and_contents_do_not() {
        let mut world = World::founded(3);
        let mut nonces = BTreeSet::new();
        for number in 0..200u64 {
            let mut context = world.context(0, 0);
            // The same body at another place, then another body at the same place.
            context.author.head.author_seq = number % 100;
            let body = (number / 100).to_be_bytes();
            let sealed = seal_data(&world.devices[0].keyring, &context, &body, &mut Stuck).unwrap();
            assert!(nonces.insert(sealed.entry.header().nonce));
        }
        let again = seal_data(&world.devices[0].keyring, &world.context(0, 0), b"x", &mut world.entropy);
        let twice = seal_data(&world.devices[0].keyring, &world.context(0, 0), b"x", &mut world.entropy);
        assert_ne!(again.unwrap().entry.header().nonce, twice.unwrap().entry.header().nonce);
    }

    #[test]
    fn the_largest_body_fits_and_one_byte_more_is_refused() {
        let mut world = World::founded(4);
        let mut context = world.context(0, 0);
        let largest = vec![1; BODY_BYTES_MAX];
        assert_eq!(world.write(0, 0, &largest), None);
        // The longest header there can be.
        context.author.member_no = MemberNo(u64::MAX);
        context.author.head.author_seq = u64::MAX - 1;
        context.seen.seq = u64::MAX;
        let keyring = &world.devices[0].keyring;
        assert!(seal_data(keyring, &context, &largest, &mut world.entropy).is_ok());
        let error = seal_data(keyring, &context, &[largest, vec![1]].concat(), &mut world.entropy);
        let (max, found) = (BODY_BYTES_MAX, BODY_BYTES_MAX + 1);
        assert_eq!(error.unwrap_err(), SealError::TooLarge { what: "body", max, found });
    }

    #[test]
    fn two_parts_that_do_not_fit_together_are_refused() {
        let mut world = World::founded(5);
        let context = world.context(0, 0);
        let keyring = &world.devices[0].keyring;
        let key = keyring.key(Kind::Control, 0).unwrap();
        let mut seal = |public: &[u8], body: &[u8]| {
            let draft = Draft { context: &context, kind: Kind::Control, public, body };
            draft.seal(keyring.space(), keyring.member(), keyring.hedge(), key, &mut world.entropy)
        };
        let (half, most) = (vec![0; PUBLIC_BYTES_MAX], vec![0; BODY_BYTES_MAX]);
        assert!(seal(&half, &[]).is_ok());
        let refused = seal(&half, &most).unwrap_err();
        assert!(matches!(refused, SealError::TooLarge { what: "entry", max: ENTRY_BYTES_MAX, .. }));
        let refused = seal(&[half, vec![0]].concat(), &[]).unwrap_err();
        assert!(matches!(refused, SealError::TooLarge { what: "public part", .. }));
    }

    #[test]
    fn sealing_needs_the_epochs_secret() {
        let mut world = World::founded(6);
        let context = SealContext { epoch: 3, ..world.context(0, 0) };
        let sealed = seal_data(&world.devices[0].keyring, &context, b"", &mut world.entropy);
        assert_eq!(sealed.unwrap_err(), SealError::KeyMissing(KeyMissing { epoch: 3 }));
    }

    #[test]
    fn one_action_takes_257_bytes() {
        let mut world = World::founded(7);
        let context = world.context(0, 0);
        let sealed = world.seal(0, &context, &body(1, "notes"));
        assert_eq!(context.padding_floor, FLOOR);
        assert_eq!(sealed.entry.bytes().len(), 257);
    }
}
