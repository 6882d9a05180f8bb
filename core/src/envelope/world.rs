//! A small Space for this folder's tests: authors with keys, an honest order, a log that takes pages.
//!
//! Slower and simpler than the code under test; every Entry is verified singly when it is ordered.

use super::{
    Author, Founding, LogHead, PageOutcome, SealContext, Sealed, found_space, seal_control, seal_data,
    verify_first_page, verify_page,
};
use crate::keys::{ContactCard, DeviceRootKey, DeviceSeed, Entropy, HedgeKey, Keyring, SeededEntropy};
use crate::model::{Action, Body, DocumentKey, Op, Transaction, TxId, TxNos};
use bytes::Bytes;
use std::collections::BTreeMap;
use veilfold_wire::membership::AddMember;
use veilfold_wire::{
    AuthorHead, AuthoredFault, ChainHash, Checks, ControlOp, ControlPublic, LogView, MemberNo, Membership,
    Role, SpaceId, UserTag,
};

/// What a Device keeps of a log.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Log {
    pub(super) space: SpaceId,
    membership: Option<Membership>,
    chains: Vec<ChainHash>,
    heads: BTreeMap<MemberNo, AuthorHead>,
    entries: BTreeMap<(MemberNo, u64), Bytes>,
    pub(super) faults: Vec<Option<AuthoredFault>>,
}

impl Log {
    pub(super) fn new(space: SpaceId) -> Self {
        let chains = vec![LogHead::start(&space).chain];
        let (heads, entries, faults) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { space, membership: None, chains, heads, entries, faults }
    }

    pub(super) fn head_at(&self, seq: u64) -> LogHead {
        LogHead { seq, chain: self.chains[seq as usize] }
    }

    pub(super) fn head(&self) -> LogHead {
        self.head_at(self.chains.len() as u64 - 1)
    }

    pub(super) fn verify(&self, checks: Checks, page: &[Bytes]) -> PageOutcome {
        match self.membership {
            None => verify_first_page(checks, &self.space, page),
            Some(_) => verify_page(self, checks, &self.space, self.head(), page),
        }
    }

    pub(super) fn take(&mut self, outcome: &PageOutcome) {
        for verified in &outcome.verified {
            assert_eq!(verified.seq(), self.chains.len() as u64);
            self.chains.push(verified.chain());
            self.faults.push(verified.fault());
            let header = verified.entry().header();
            if matches!(verified.judgement(), veilfold_wire::Judgement::Chained { .. }) {
                let key = (header.member_no, header.author_seq);
                self.entries.insert(key, verified.entry().bytes().clone());
            }
        }
        self.heads.extend(outcome.author_heads.iter().copied());
        self.membership = outcome.membership.clone().or(self.membership.take());
        assert_eq!(self.head(), outcome.head);
    }
}

impl LogView for Log {
    fn membership(&self) -> &Membership {
        self.membership.as_ref().expect("asked after genesis")
    }

    fn author_head(&self, author: MemberNo) -> AuthorHead {
        self.heads.get(&author).copied().unwrap_or(AuthorHead::NONE)
    }

    fn chain_at(&self, seq: u64) -> Option<ChainHash> {
        self.chains.get(usize::try_from(seq).ok()?).copied()
    }

    fn has_same_bytes(&self, author: MemberNo, author_seq: u64, bytes: &[u8]) -> bool {
        self.entries.get(&(author, author_seq)).is_some_and(|entry| entry == bytes)
    }
}

/// A Member's device.
pub(super) struct Device {
    pub(super) member_no: MemberNo,
    pub(super) keyring: Keyring,
}

/// Devices, a Relay that orders honestly, and what it ordered.
pub(super) struct World {
    pub(super) devices: Vec<Device>,
    pub(super) log: Log,
    pub(super) entries: Vec<Bytes>,
    pub(super) entropy: SeededEntropy,
}

pub(super) const FLOOR: u64 = 128;

impl World {
    /// A Space with its creator as member 1, at `devices[0]`.
    pub(super) fn founded(seed: u64) -> Self {
        let mut entropy = SeededEntropy::new(seed);
        let device = DeviceSeed::generate(&mut entropy);
        let user_tag = UserTag([1; 16]);
        let founding = Founding { user_tag, padding_floor: FLOOR, relay: None, body: b"creator" };
        let founded = found_space(&device, hedge(&mut entropy), &founding, &mut entropy).unwrap();
        let log = Log::new(founded.space);
        let devices = vec![Device { member_no: MemberNo(1), keyring: founded.keyring }];
        let mut world = Self { devices, log, entries: Vec::new(), entropy };
        world.order(founded.entry.bytes());
        world
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        u64::from_le_bytes(crate::keys::random(&mut self.entropy)) % bound
    }

    /// Gives an Entry the next place, as a Relay that does not judge.
    pub(super) fn order(&mut self, bytes: &Bytes) -> Option<AuthoredFault> {
        let outcome = self.log.verify(Checks::ALL, std::slice::from_ref(bytes));
        assert_eq!(outcome.fault, None, "the honest order has no transport faults");
        self.log.take(&outcome);
        self.entries.push(bytes.clone());
        self.log.faults.last().copied().flatten()
    }

    /// Where the next Entry of a device stands, when it has seen all but `lag` Entries.
    pub(super) fn context(&self, device: usize, lag: u64) -> SealContext {
        let member_no = self.devices[device].member_no;
        SealContext {
            author: Author { member_no, head: self.log.author_head(member_no) },
            seen: self.log.head_at(self.log.head().seq.saturating_sub(lag)),
            epoch: 0,
            padding_floor: FLOOR,
        }
    }

    pub(super) fn seal(&mut self, device: usize, context: &SealContext, body: &[u8]) -> Sealed {
        seal_data(&self.devices[device].keyring, context, body, &mut self.entropy).unwrap()
    }

    /// Seals a body at the end of the log and orders it.
    pub(super) fn write(&mut self, device: usize, lag: u64, body: &[u8]) -> Option<AuthoredFault> {
        let sealed = self.seal(device, &self.context(device, lag), body);
        self.order(sealed.entry.bytes())
    }

    /// The public part with which `by` adds the holder of a new card.
    pub(super) fn addition(&mut self, by: usize, role: Role) -> (ControlPublic, Device) {
        let seed = DeviceSeed::generate(&mut self.entropy);
        let card = ContactCard::generate(&seed, "Somebody", &mut self.entropy).unwrap();
        let (membership, keyring) = (self.log.membership.as_ref().unwrap(), &self.devices[by].keyring);
        let commit = membership.epoch_commit();
        let epoch_box =
            keyring.seal_box(0, commit, card.sign_key(), card.kem_key(), &mut self.entropy).unwrap();
        let control_seq = membership.control_seq() + 1;
        let member = card.secret(&seed).unwrap();
        let member_no = MemberNo(control_seq);
        let keys = member.keys(UserTag([9; 16]));
        let op = ControlOp::AddMember(AddMember { member_no, keys, role, epoch_box });
        let mut keyring = Keyring::new(self.log.space, member, hedge(&mut self.entropy));
        let author = self.devices[by].keyring.member().sign_key();
        keyring.open_box(0, commit, &author, &epoch_box).unwrap();
        let prev_control_hash = *membership.control_head();
        (ControlPublic { control_seq, prev_control_hash, op }, Device { member_no, keyring })
    }

    /// Adds a Member; its device is the last of `devices` then.
    pub(super) fn add_member(&mut self, by: usize, role: Role, lag: u64) -> Option<AuthoredFault> {
        let (public, device) = self.addition(by, role);
        let sealed = self.seal_control(by, lag, &public);
        let fault = self.order(sealed.entry.bytes());
        if fault.is_none() {
            self.devices.push(device);
        }
        fault
    }

    /// The public part of the next change, whatever it is.
    pub(super) fn control(&self, op: ControlOp) -> ControlPublic {
        let membership = self.log.membership.as_ref().unwrap();
        let (control_seq, prev_control_hash) = (membership.control_seq() + 1, *membership.control_head());
        ControlPublic { control_seq, prev_control_hash, op }
    }

    pub(super) fn seal_control(&mut self, by: usize, lag: u64, public: &ControlPublic) -> Sealed {
        let (context, keyring) = (self.context(by, lag), &self.devices[by].keyring);
        seal_control(keyring, &context, public, b"sealed", &mut self.entropy).unwrap()
    }

    /// A log of `len` random Entries by several authors, control and skipped ones among them.
    pub(super) fn random(seed: u64, len: usize) -> Self {
        let mut world = Self::founded(seed);
        world.add_member(0, Role::Writer, 0);
        world.add_member(0, Role::Admin, 0);
        world.add_member(2, Role::Reader, 0);
        while world.entries.len() < len {
            let device = world.below(world.devices.len() as u64) as usize;
            let lag = world.below(6);
            let kind = world.below(20);
            world.random_entry(kind, device, lag);
        }
        world
    }

    fn random_entry(&mut self, kind: u64, device: usize, lag: u64) {
        let mut context = self.context(device, lag);
        match kind {
            0 => {
                self.add_member(0, Role::Writer, lag);
            }
            // Readers and writers may not; who names an old control head comes too late.
            1 => {
                let (mut public, _) = self.addition(device, Role::Writer);
                public.prev_control_hash.0[0] ^= u8::from(lag > 2);
                let sealed = self.seal_control(device, lag, &public);
                self.order(sealed.entry.bytes());
            }
            2 => {
                let earlier = self.below(self.entries.len() as u64) as usize;
                let bytes = self.entries[earlier].clone();
                self.order(&bytes);
            }
            3 => {
                context.author.head.author_seq = context.author.head.author_seq.saturating_sub(1);
                let sealed = self.seal(device, &context, b"again");
                self.order(sealed.entry.bytes());
            }
            4 => {
                context.author.member_no = MemberNo(77);
                let sealed = self.seal(device, &context, b"stranger");
                self.order(sealed.entry.bytes());
            }
            5 => {
                self.devices[device].keyring.insert(7, crate::keys::EpochSecret::generate(&mut self.entropy));
                context.epoch = 7;
                let sealed = self.seal(device, &context, b"another epoch");
                self.order(sealed.entry.bytes());
            }
            _ => {
                let body = body(1 + self.log.head().seq, "notes");
                self.write(device, lag, &body);
            }
        }
    }
}

/// The bytes of a body with one small Transaction.
pub(super) fn body(tx_no: u64, collection: &str) -> Vec<u8> {
    let actions = vec![Action { key: DocumentKey::new(collection, "1"), op: Op::Delete }];
    let tx_id = TxId(tx_no.to_be_bytes());
    let (reads, depends) = (Vec::new(), TxNos::default());
    let transaction = Transaction { tx_no, tx_id, base_seq: 0, time_ms: 0, reads, depends, actions };
    Body { transactions: vec![transaction], root: None }.encode()
}

pub(super) fn hedge(entropy: &mut dyn Entropy) -> HedgeKey {
    DeviceRootKey::generate(entropy).hedge()
}
