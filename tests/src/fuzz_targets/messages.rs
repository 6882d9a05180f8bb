//! Good frames, Entries, changes of membership, cards and tickets, by chance.
//!
//! For the corpora and for the mutators of the decoders' targets.

use super::values::{enables, number};
use crate::harness::Rng;
use bytes::Bytes;
use std::sync::OnceLock;
use veilfold_core::keys::{ContactCard, DeviceSeed, SeededEntropy};
use veilfold_core::members::{Roster, SpaceTicket};
use veilfold_core::resolver::Enabled;
use veilfold_core::wire::entry::{NONCE_LEN, TAG_LEN};
use veilfold_core::wire::frame::{DeviceFrame, RefuseReason, Refused, RelayFrame, SignedHead};
use veilfold_core::wire::membership::{AddMember, EpochBox, Genesis, MemberKeys, Settings};
use veilfold_core::wire::{
    ChainHash, ConnectionKey, ControlOp, ControlPublic, EntryHash, ExplicitContext, Header, KemKey, Kind,
    Limits, MemberKey, MemberNo, Membership, RelayKey, Role, SealedEntry, SpaceId, UserTag,
};
use veilfold_relay::testing::{Author, Seen};

/// Any bytes.
pub(super) fn bytes<const N: usize>(rng: &mut Rng) -> [u8; N] {
    core::array::from_fn(|_| rng.draw() as u8)
}

fn blob(rng: &mut Rng, max: u64) -> Bytes {
    (0..rng.below(max)).map(|_| rng.draw() as u8).collect()
}

fn head(rng: &mut Rng) -> SignedHead {
    SignedHead {
        seq: number(rng, 62),
        chain: ChainHash(bytes(rng)),
        time_ms: number(rng, 62),
        signature: bytes(rng),
    }
}

fn signature(rng: &mut Rng) -> [u8; 64] {
    bytes(rng)
}

/// What a Relay sends.
pub(super) fn relay_frame(rng: &mut Rng) -> Vec<u8> {
    let space = SpaceId(bytes(rng));
    let frame = match rng.below(10) {
        0 => {
            let (relay, nonce) = (RelayKey(bytes(rng)), bytes(rng));
            RelayFrame::Hello { relay, nonce, limits: Limits::default(), time_ms: number(rng, 62) }
        }
        1 => RelayFrame::Welcome { signature: signature(rng) },
        2 => RelayFrame::Created { space, head: head(rng) },
        3 => RelayFrame::Subscribed { space, head: head(rng) },
        4 => {
            let entries = (0..rng.below(4)).map(|_| entry(rng).into()).collect();
            RelayFrame::Page { space, first_seq: number(rng, 62), head_seq: number(rng, 62), entries }
        }
        5 => RelayFrame::Ordered {
            space,
            id: bytes(rng),
            hash: EntryHash(bytes(rng)),
            seq: number(rng, 62),
            chain: ChainHash(bytes(rng)),
        },
        6 => {
            let what = match rng.below(4) {
                0 => Refused::Connection,
                1 => Refused::Subscribe(space),
                2 => Refused::CreateSpace(space),
                _ => Refused::Append(space, bytes(rng)),
            };
            let reason = *rng.pick(&[RefuseReason::Malformed, RefuseReason::Unavailable]);
            RelayFrame::Refused { what, reason, retry_after_ms: number(rng, 62) }
        }
        7 => RelayFrame::Head { space, head: head(rng) },
        8 => RelayFrame::Pong { token: number(rng, 62) },
        _ => RelayFrame::Goodbye { retry_after_ms: number(rng, 62) },
    };
    frame.encode().to_vec()
}

/// What a Device sends.
pub(super) fn device_frame(rng: &mut Rng) -> Vec<u8> {
    let space = SpaceId(bytes(rng));
    let frame = match rng.below(6) {
        0 => DeviceFrame::Hello {
            connection: ConnectionKey(bytes(rng)),
            nonce: bytes(rng),
            signature: signature(rng),
        },
        1 => DeviceFrame::CreateSpace { entry: entry(rng).into() },
        2 => {
            let (member, have_seq) = (MemberKey(bytes(rng)), number(rng, 62));
            DeviceFrame::Subscribe { space, member, have_seq, signature: signature(rng) }
        }
        3 => DeviceFrame::Unsubscribe { space },
        4 => DeviceFrame::Append { space, entry: entry(rng).into() },
        _ => DeviceFrame::Ping { token: number(rng, 62) },
    };
    frame.encode().to_vec()
}

/// An Entry that parses; half of them are control Entries, some of them signed genesis Entries.
pub(super) fn entry(rng: &mut Rng) -> Vec<u8> {
    if rng.chance(100) {
        return Author::found(rng.below(1000)).1.bytes().to_vec();
    }
    let kind = *rng.pick(&[Kind::Data, Kind::Control]);
    let explicit = (kind == Kind::Control).then(|| ExplicitContext {
        prev_author_hash: EntryHash(bytes(rng)),
        seen_chain: ChainHash(bytes(rng)),
    });
    let header = Header {
        kind,
        member_no: MemberNo(number(rng, 62)),
        author_seq: number(rng, 62),
        seen_seq: number(rng, 62),
        epoch: rng.below(3),
        prev_tag: explicit.map_or_else(|| bytes(rng), |context| context.prev_author_hash.tag()),
        seen_tag: explicit.map_or_else(|| bytes(rng), |context| context.seen_chain.tag()),
        explicit,
        nonce: bytes::<NONCE_LEN>(rng),
    };
    let public = if kind == Kind::Control { control(rng) } else { Vec::new() };
    let sealed = [&blob(rng, 200)[..], &bytes::<TAG_LEN>(rng)].concat();
    let header_bytes = header.encode(&public, sealed.len());
    match SealedEntry::assemble(&header_bytes, &sealed, &signature(rng)) {
        Ok(entry) => entry.bytes().to_vec(),
        Err(error) => unreachable!("made of sound parts: {error}"),
    }
}

fn keys(rng: &mut Rng) -> MemberKeys {
    let (sign, kem) = (MemberKey(bytes(rng)), KemKey(bytes(rng)));
    MemberKeys { sign, kem, user_tag: UserTag(bytes(rng)) }
}

fn epoch_box(rng: &mut Rng) -> EpochBox {
    EpochBox { enc: bytes(rng), ciphertext: bytes(rng) }
}

fn role(rng: &mut Rng) -> Role {
    *rng.pick(&[Role::Reader, Role::Writer, Role::Admin, Role::Owner])
}

/// The public part of a control Entry; half of them fit the membership that the target folds into.
pub(super) fn control(rng: &mut Rng) -> Vec<u8> {
    let op = if rng.chance(200) {
        ControlOp::Settings(Settings { body_format: number(rng, 10) })
    } else if rng.chance(300) {
        ControlOp::Genesis(Genesis {
            creator: keys(rng),
            padding_floor: number(rng, 12),
            epoch_commit: bytes(rng),
            epoch_box: epoch_box(rng),
            relay: rng.chance(500).then(|| RelayKey(bytes(rng))),
            random: bytes(rng),
        })
    } else {
        let (member_no, keys, role) = (MemberNo(2), keys(rng), role(rng));
        ControlOp::AddMember(AddMember { member_no, keys, role, epoch_box: epoch_box(rng) })
    };
    let fits = rng.chance(500);
    let control_seq = if fits { 2 } else { number(rng, 62) };
    let prev = if fits { *founded().control_head() } else { EntryHash(bytes(rng)) };
    ControlPublic { control_seq, prev_control_hash: prev, op }.encode()
}

/// A Space with its owner alone.
pub(super) fn founded() -> Membership {
    static FOUNDED: OnceLock<Membership> = OnceLock::new();
    let found = || {
        let (owner, genesis) = Author::found(1);
        match Membership::from_genesis(&genesis, owner.head.hash) {
            Ok(membership) => membership,
            Err(fault) => unreachable!("a sound genesis: {fault}"),
        }
    };
    FOUNDED.get_or_init(found).clone()
}

/// The sealed part of a control Entry, or the names of a whole Space.
pub(super) fn roster(rng: &mut Rng) -> Vec<u8> {
    let name = |rng: &mut Rng| {
        (*rng.pick(&["", "Ada", "Zoë 🌿", "a name of more than 31 bytes, which is long"])).to_owned()
    };
    match rng.below(4) {
        0 => return Roster::sealed_part(&name(rng)),
        1 => return Roster::founding_part(&name(rng), &enables(rng)),
        _ => {}
    }
    let mut roster = Roster::default();
    for member in 0..rng.below(5) {
        let noted = roster.note(MemberNo(1 + member), &Roster::sealed_part(&name(rng)));
        assert_eq!(noted, Ok(Vec::new()), "a sound sealed part");
    }
    roster.to_bytes()
}

/// The sealed part of a `Settings` Entry, or what they have come to.
pub(super) fn settings(rng: &mut Rng) -> Vec<u8> {
    let enables = enables(rng);
    if rng.chance(700) {
        return Enabled::sealed_part(&enables);
    }
    let mut enabled = Enabled::default();
    enabled.enable(&enables);
    enabled.to_bytes()
}

/// Membership of a few.
pub(super) fn membership(rng: &mut Rng) -> Vec<u8> {
    let mut membership = founded();
    for number in 2..2 + rng.below(4) {
        let (keys, role, epoch_box) = (keys(rng), role(rng), epoch_box(rng));
        let op = ControlOp::AddMember(AddMember { member_no: MemberNo(number), keys, role, epoch_box });
        let prev_control_hash = *membership.control_head();
        let public = ControlPublic { control_seq: number, prev_control_hash, op }.encode();
        let applied = membership.apply(MemberNo(1), &public, EntryHash(bytes(rng)));
        assert_eq!(applied, Ok(()), "an owner may add anybody");
    }
    membership.to_bytes()
}

fn some_card(rng: &mut Rng) -> ContactCard {
    let mut entropy = SeededEntropy::new(rng.draw());
    let seed = DeviceSeed::generate(&mut entropy);
    let name = *rng.pick(&["", "Ada", "Zoë 🌿", "somebody with a name that takes some room"]);
    match ContactCard::generate(&seed, name, &mut entropy) {
        Ok(card) => card,
        Err(error) => unreachable!("a sound name: {error}"),
    }
}

/// A contact card as bytes.
pub(super) fn card(rng: &mut Rng) -> Vec<u8> {
    some_card(rng).encode()
}

/// A contact card as text.
pub(super) fn card_text(rng: &mut Rng) -> Vec<u8> {
    some_card(rng).to_string().into_bytes()
}

/// A ticket as text.
pub(super) fn ticket(rng: &mut Rng) -> Vec<u8> {
    SpaceTicket { space: SpaceId(bytes(rng)), key_context: bytes(rng) }.to_string().into_bytes()
}

/// The head of an empty log, for authors that have seen nothing.
pub(super) fn nothing_seen() -> Seen {
    Seen { seq: 0, chain: ChainHash::ZERO }
}
