//! The fold of the public parts of control Entries: who is a Member, with which role and keys.
//!
//! The only fold of membership there is: a Relay and a Device run this same code, on public parts
//! alone, so that keys which one of them lacks can never make them disagree (protocol 3.3).

use crate::codec::{Reader, Writer};
use crate::entry::SealedEntry;
use crate::error::{AuthoredFault, WireError};
use crate::ids::{EntryHash, KemKey, MemberKey, MemberNo, RelayKey, UserTag};

/// Most Members a Space may ever have had.
pub const MEMBERS_MAX: usize = 10_000;
/// Smallest and largest padding floor in bytes (protocol 4.3).
pub const PADDING_FLOOR: core::ops::RangeInclusive<u64> = 128..=4096;

/// What a Member may do. A higher role may do all that a lower one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Reader,
    /// Reads and writes.
    Writer,
    /// Also adds and removes readers and writers.
    Admin,
    /// Also adds and removes admins and owners.
    Owner,
}

impl Role {
    /// The byte on the wire.
    pub fn byte(self) -> u8 {
        match self {
            Self::Reader => 1,
            Self::Writer => 2,
            Self::Admin => 3,
            Self::Owner => 4,
        }
    }

    /// # Errors
    /// `Unknown` for any byte that names no role.
    pub fn from_byte(byte: u8) -> Result<Self, WireError> {
        match byte {
            1 => Ok(Self::Reader),
            2 => Ok(Self::Writer),
            3 => Ok(Self::Admin),
            4 => Ok(Self::Owner),
            found => Err(WireError::Unknown { field: "role", found: found.into() }),
        }
    }

    /// True when a Member of this role may give `role` to another.
    pub fn may_grant(self, role: Role) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => role <= Self::Writer,
            Self::Writer | Self::Reader => false,
        }
    }
}

/// An epoch secret sealed to one Member's key (HPKE base mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochBox {
    /// Encapsulated key.
    pub enc: [u8; 32],
    /// The sealed secret with its tag.
    pub ciphertext: [u8; 48],
}

/// The keys with which somebody becomes a Member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberKeys {
    /// Signs Entries.
    pub sign: MemberKey,
    /// Opens epoch boxes.
    pub kem: KemKey,
    /// Groups the devices of one user in this Space.
    pub user_tag: UserTag,
}

/// The first Entry of a Space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The creator, who becomes owner and member 1.
    pub creator: MemberKeys,
    /// Smallest padded plaintext in bytes.
    pub padding_floor: u64,
    /// Commitment to the secret of epoch 0.
    pub epoch_commit: [u8; 32],
    /// The secret of epoch 0, sealed to the creator.
    pub epoch_box: EpochBox,
    /// The Relay whose signed heads this Space expects, when one is pinned.
    pub relay: Option<RelayKey>,
    /// Makes the Space's id unique; also the context of the creator's member keys.
    pub random: [u8; 32],
}

/// A new Member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddMember {
    /// Its number: the control number of this operation.
    pub member_no: MemberNo,
    /// Its keys.
    pub keys: MemberKeys,
    /// Its role.
    pub role: Role,
    /// The secret of the current epoch, sealed to it.
    pub epoch_box: EpochBox,
}

/// What the Space accepts from here on. Which resolvers is for Members alone, in the sealed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The newest body format that is accepted, from 1.
    pub body_format: u64,
}

/// What a control Entry does. Later operations get their own numbers (protocol 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlOp {
    /// Creates the Space.
    Genesis(Genesis),
    /// Adds a Member.
    AddMember(AddMember),
    /// Raises what the Space accepts.
    Settings(Settings),
}

/// The public part of a control Entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlPublic {
    /// 1 for genesis, then one more each.
    pub control_seq: u64,
    /// Hash of the previous control Entry, zero for genesis: two changes made at once cannot both hold.
    pub prev_control_hash: EntryHash,
    /// What it does.
    pub op: ControlOp,
}

impl MemberKeys {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&self.sign.0).fixed(&self.kem.0).fixed(&self.user_tag.0);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            sign: MemberKey(input.array("member.sign")?),
            kem: KemKey(input.array("member.kem")?),
            user_tag: UserTag(input.array("member.user_tag")?),
        })
    }
}

impl EpochBox {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&self.enc).fixed(&self.ciphertext);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self { enc: input.array("epoch_box.enc")?, ciphertext: input.array("epoch_box.ciphertext")? })
    }
}

const OP_GENESIS: u8 = 0;
const OP_ADD_MEMBER: u8 = 1;
const OP_SETTINGS: u8 = 2;
/// Largest body format that can be named.
const BODY_FORMAT_MAX: u64 = 255;

impl ControlPublic {
    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(320);
        out.varint(self.control_seq).fixed(&self.prev_control_hash.0);
        match &self.op {
            ControlOp::Genesis(op) => {
                out.u8(OP_GENESIS);
                op.creator.encode(&mut out);
                out.varint(op.padding_floor).fixed(&op.epoch_commit);
                op.epoch_box.encode(&mut out);
                match &op.relay {
                    Some(relay) => out.u8(1).fixed(&relay.0),
                    None => out.u8(0),
                };
                out.fixed(&op.random);
            }
            ControlOp::AddMember(op) => {
                out.u8(OP_ADD_MEMBER).varint(op.member_no.0);
                op.keys.encode(&mut out);
                out.u8(op.role.byte());
                op.epoch_box.encode(&mut out);
            }
            ControlOp::Settings(op) => {
                out.u8(OP_SETTINGS).varint(op.body_format);
            }
        }
        out.finish()
    }

    /// # Errors
    /// A [`WireError`] naming the field at fault.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let control_seq = input.varint("control.seq")?;
        let prev_control_hash = EntryHash(input.array("control.prev_hash")?);
        let op = match input.u8("control.op")? {
            OP_GENESIS => ControlOp::Genesis(Genesis {
                creator: MemberKeys::decode(&mut input)?,
                padding_floor: input.varint_max(*PADDING_FLOOR.end(), "genesis.padding_floor")?,
                epoch_commit: input.array("genesis.epoch_commit")?,
                epoch_box: EpochBox::decode(&mut input)?,
                relay: match input.u8("genesis.relay")? {
                    0 => None,
                    1 => Some(RelayKey(input.array("genesis.relay")?)),
                    found => {
                        return Err(WireError::Unknown { field: "genesis.relay", found: found.into() });
                    }
                },
                random: input.array("genesis.random")?,
            }),
            OP_ADD_MEMBER => ControlOp::AddMember(AddMember {
                member_no: MemberNo(input.varint("add_member.member_no")?),
                keys: MemberKeys::decode(&mut input)?,
                role: Role::from_byte(input.u8("add_member.role")?)?,
                epoch_box: EpochBox::decode(&mut input)?,
            }),
            OP_SETTINGS => ControlOp::Settings(Settings {
                body_format: input.varint_max(BODY_FORMAT_MAX, "settings.body_format")?,
            }),
            found => return Err(WireError::Unknown { field: "control.op", found: found.into() }),
        };
        input.end()?;
        Ok(Self { control_seq, prev_control_hash, op })
    }
}

/// One Member as the public parts show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Keys and user tag.
    pub keys: MemberKeys,
    /// Role at this position.
    pub role: Role,
}

/// The membership of a Space at one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// By number: a newcomer's is higher than all before it.
    members: Vec<(MemberNo, Member)>,
    epoch: u64,
    epoch_commit: [u8; 32],
    padding_floor: u64,
    relay: Option<RelayKey>,
    control_seq: u64,
    control_head: EntryHash,
}

impl Membership {
    /// Membership after the genesis Entry whose hash is `hash`.
    ///
    /// # Errors
    /// `BadControl` when the public part is not a well-formed genesis.
    pub fn from_genesis(entry: &SealedEntry, hash: EntryHash) -> Result<Self, AuthoredFault> {
        let public = ControlPublic::decode(entry.public()).map_err(|_| AuthoredFault::BadControl)?;
        let header = entry.header();
        let ControlOp::Genesis(genesis) = public.op else { return Err(AuthoredFault::BadControl) };
        let well_formed = public.control_seq == 1
            && public.prev_control_hash == EntryHash::ZERO
            && header.member_no == MemberNo(1)
            && header.author_seq == 1
            && header.seen_seq == 0
            && header.epoch == 0
            && PADDING_FLOOR.contains(&genesis.padding_floor);
        if !well_formed {
            return Err(AuthoredFault::BadControl);
        }
        Ok(Self {
            members: vec![(MemberNo(1), Member { keys: genesis.creator, role: Role::Owner })],
            epoch: 0,
            epoch_commit: genesis.epoch_commit,
            padding_floor: genesis.padding_floor,
            relay: genesis.relay,
            control_seq: 1,
            control_head: hash,
        })
    }

    /// Folds one control Entry by `author`, whose hash is `hash`.
    ///
    /// # Errors
    /// An [`AuthoredFault`]; membership is then unchanged.
    pub fn apply(&mut self, author: MemberNo, public: &[u8], hash: EntryHash) -> Result<(), AuthoredFault> {
        let control = ControlPublic::decode(public).map_err(|_| AuthoredFault::BadControl)?;
        let role = self.get(author).ok_or(AuthoredFault::NotAMember)?.role;
        let may = match &control.op {
            ControlOp::AddMember(op) => role.may_grant(op.role),
            ControlOp::Settings(_) => role >= Role::Admin,
            ControlOp::Genesis(_) => true,
        };
        if !may {
            return Err(AuthoredFault::NotAllowed);
        }
        if control.control_seq != self.control_seq + 1 || control.prev_control_hash != self.control_head {
            return Err(AuthoredFault::ControlConflict);
        }
        match control.op {
            ControlOp::Genesis(_) => return Err(AuthoredFault::BadControl),
            ControlOp::AddMember(op) => {
                let fits = op.member_no == MemberNo(control.control_seq)
                    && self.members.len() < MEMBERS_MAX
                    && self.find(&op.keys.sign).is_none();
                if !fits {
                    return Err(AuthoredFault::BadControl);
                }
                self.members.push((op.member_no, Member { keys: op.keys, role: op.role }));
            }
            ControlOp::Settings(op) => {
                if op.body_format == 0 {
                    return Err(AuthoredFault::BadControl);
                }
            }
        }
        self.control_seq = control.control_seq;
        self.control_head = hash;
        Ok(())
    }

    /// The Member of that number.
    pub fn get(&self, member_no: MemberNo) -> Option<&Member> {
        let at = self.members.binary_search_by_key(&member_no, |(no, _)| *no).ok()?;
        self.members.get(at).map(|(_, member)| member)
    }

    /// The Member that signs with `key`.
    pub fn find(&self, key: &MemberKey) -> Option<(MemberNo, &Member)> {
        self.members.iter().find(|(_, member)| member.keys.sign == *key).map(|(no, member)| (*no, member))
    }

    /// All Members by number.
    pub fn iter(&self) -> impl Iterator<Item = (MemberNo, &Member)> {
        self.members.iter().map(|(no, member)| (*no, member))
    }

    /// Current key generation.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Commitment to the current epoch's secret.
    pub fn epoch_commit(&self) -> &[u8; 32] {
        &self.epoch_commit
    }

    /// Smallest padded plaintext in bytes.
    pub fn padding_floor(&self) -> u64 {
        self.padding_floor
    }

    /// The pinned Relay.
    pub fn relay(&self) -> Option<&RelayKey> {
        self.relay.as_ref()
    }

    /// Number of the newest control Entry.
    pub fn control_seq(&self) -> u64 {
        self.control_seq
    }

    /// Hash of the newest control Entry.
    pub fn control_head(&self) -> &EntryHash {
        &self.control_head
    }

    /// Bytes for a local store; never sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.varint(self.epoch).fixed(&self.epoch_commit).varint(self.padding_floor);
        out.prefixed(self.relay.as_ref().map_or(&[][..], |relay| &relay.0));
        out.varint(self.control_seq).fixed(&self.control_head.0).varint(self.members.len() as u64);
        for (no, member) in &self.members {
            out.varint(no.0);
            member.keys.encode(&mut out);
            out.u8(member.role.byte());
        }
        out.finish()
    }

    /// Reads what [`Membership::to_bytes`] wrote.
    ///
    /// # Errors
    /// A [`WireError`] naming the field at fault.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let epoch = input.varint("membership.epoch")?;
        let epoch_commit = input.array("membership.epoch_commit")?;
        let padding_floor = input.varint("membership.padding_floor")?;
        let relay = match input.prefixed(RelayKey::LEN, "membership.relay")? {
            [] => None,
            key => Some(
                RelayKey::try_from(key).map_err(|_| WireError::Inconsistent { field: "membership.relay" })?,
            ),
        };
        let control_seq = input.varint("membership.control_seq")?;
        let control_head = EntryHash(input.array("membership.control_head")?);
        let count = input.varint_max(MEMBERS_MAX as u64, "membership.count")?;
        let mut members: Vec<(MemberNo, Member)> = Vec::new();
        for _ in 0..count {
            let no = MemberNo(input.varint("member.no")?);
            if no.0 > control_seq || members.last().is_some_and(|(before, _)| *before >= no) {
                return Err(WireError::Inconsistent { field: "member.no" });
            }
            let keys = MemberKeys::decode(&mut input)?;
            members.push((no, Member { keys, role: Role::from_byte(input.u8("member.role")?)? }));
        }
        input.end()?;
        Ok(Self { members, epoch, epoch_commit, padding_floor, relay, control_seq, control_head })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(seed: u8) -> MemberKeys {
        MemberKeys { sign: MemberKey([seed; 32]), kem: KemKey([seed; 32]), user_tag: UserTag([seed; 16]) }
    }

    fn founded() -> Membership {
        Membership {
            members: vec![(MemberNo(1), Member { keys: keys(1), role: Role::Owner })],
            epoch: 0,
            epoch_commit: [9; 32],
            padding_floor: 128,
            relay: None,
            control_seq: 1,
            control_head: EntryHash([7; 32]),
        }
    }

    fn add(control_seq: u64, prev: EntryHash, seed: u8, role: Role) -> Vec<u8> {
        let op = ControlOp::AddMember(AddMember {
            member_no: MemberNo(control_seq),
            keys: keys(seed),
            role,
            epoch_box: EpochBox { enc: [0; 32], ciphertext: [0; 48] },
        });
        ControlPublic { control_seq, prev_control_hash: prev, op }.encode()
    }

    #[test]
    fn of_two_changes_made_at_once_the_first_in_order_holds() {
        let mut membership = founded();
        let head = *membership.control_head();
        assert_eq!(membership.apply(MemberNo(1), &add(2, head, 2, Role::Writer), EntryHash([8; 32])), Ok(()));
        let lost = membership.apply(MemberNo(1), &add(2, head, 3, Role::Writer), EntryHash([9; 32]));
        assert_eq!(lost, Err(AuthoredFault::ControlConflict));
        assert_eq!(membership.iter().count(), 2);
    }

    #[test]
    fn a_role_can_only_give_what_it_may() {
        let mut membership = founded();
        let head = *membership.control_head();
        membership.apply(MemberNo(1), &add(2, head, 2, Role::Admin), EntryHash([8; 32])).unwrap();
        let head = *membership.control_head();
        let by_admin = membership.apply(MemberNo(2), &add(3, head, 3, Role::Admin), EntryHash([9; 32]));
        assert_eq!(by_admin, Err(AuthoredFault::NotAllowed));
    }

    #[test]
    fn settings_are_raised_by_admins() {
        let mut membership = founded();
        let settings = |membership: &Membership, body_format| {
            let (control_seq, prev_control_hash) = (membership.control_seq() + 1, *membership.control_head());
            let op = ControlOp::Settings(Settings { body_format });
            ControlPublic { control_seq, prev_control_hash, op }.encode()
        };
        let head = *membership.control_head();
        membership.apply(MemberNo(1), &add(2, head, 2, Role::Writer), EntryHash([8; 32])).unwrap();
        let raised = settings(&membership, 1);
        let by_writer = membership.apply(MemberNo(2), &raised, EntryHash([9; 32]));
        assert_eq!(by_writer, Err(AuthoredFault::NotAllowed));
        assert_eq!(membership.apply(MemberNo(1), &raised, EntryHash([9; 32])), Ok(()));
        let never = settings(&membership, 0);
        assert_eq!(
            membership.apply(MemberNo(1), &never, EntryHash([10; 32])),
            Err(AuthoredFault::BadControl)
        );
    }

    #[test]
    fn stored_membership_reads_back() {
        let mut membership = founded();
        let head = *membership.control_head();
        membership.apply(MemberNo(1), &add(2, head, 2, Role::Reader), EntryHash([8; 32])).unwrap();
        assert_eq!(Membership::from_bytes(&membership.to_bytes()), Ok(membership));
    }

    #[test]
    fn stored_members_stand_in_the_order_of_their_numbers() {
        let mut membership = founded();
        let head = *membership.control_head();
        membership.apply(MemberNo(1), &add(2, head, 2, Role::Reader), EntryHash([8; 32])).unwrap();
        let bytes = membership.to_bytes();
        let row = 1 + 32 + 32 + 16 + 1;
        let (rest, members) = bytes.split_at(bytes.len() - 2 * row);
        let swapped = [rest, &members[row..], &members[..row]].concat();
        let error = WireError::Inconsistent { field: "member.no" };
        assert_eq!(Membership::from_bytes(&swapped), Err(error));
        let twice = [rest, &members[..row], &members[..row]].concat();
        assert_eq!(Membership::from_bytes(&twice), Err(error));
        // The number of a control Entry that is not there yet.
        let to_come = [rest, &members[..row], &[3], &members[row + 1..]].concat();
        assert_eq!(Membership::from_bytes(&to_come), Err(error));
    }
}
