//! A real Relay against devices that send anything, some of it well-formed and signed.
//!
//! Whatever was sent, the log it serves at the end verifies from genesis, and its owner can write.

use super::Outcome;
use super::page::Log;
use super::script::Script;
use crate::harness::{AUTHORITY, ConnectionId, RelayOutput, SimRelay};
use bytes::Bytes;
use std::collections::BTreeMap;
use veilfold_core::wire::frame::{DeviceFrame, RelayFrame, append_id};
use veilfold_core::wire::login::Transcript;
use veilfold_core::wire::{AuthorHead, EntryHash, MemberNo, Role, SealedEntry, SpaceId};
use veilfold_relay::store::MemoryStore;
use veilfold_relay::testing::{Author, Seen, connection_key, hello, signing_key, subscribe};

const STEPS_MAX: usize = 64;
const CONNECTIONS: u64 = 3;

struct Crowd {
    relay: SimRelay<MemoryStore>,
    now_ms: u64,
    connections: BTreeMap<u64, Connection>,
    authors: Vec<Author>,
    genesis: Bytes,
    control: (u64, EntryHash),
    /// The newest position that the Relay has named.
    seen: Seen,
    /// Heads that authors have once their offered Entries are ordered, and who was added by them.
    offered: BTreeMap<[u8; 32], (usize, AuthorHead, Option<Author>)>,
    sent: Vec<Bytes>,
    pages: Vec<Bytes>,
    parsed: bool,
}

/// What a device knows of its connection.
struct Connection {
    number: u64,
    transcript: Option<Transcript>,
}

pub(super) fn run(input: &[u8]) -> Outcome {
    let (owner, genesis) = Author::found(1);
    let head = owner.head.hash;
    let mut crowd = Crowd {
        relay: SimRelay::start(MemoryStore::new(), veilfold_relay::Protections::ALL),
        now_ms: 1_700_000_000_000,
        connections: BTreeMap::new(),
        seen: Seen::start(&owner.space).then(&head),
        authors: vec![owner],
        genesis: genesis.bytes().clone(),
        control: (1, head),
        offered: BTreeMap::new(),
        sent: Vec::new(),
        pages: Vec::new(),
        parsed: false,
    };
    crowd.log_in(0);
    let entry = crowd.genesis.clone();
    crowd.send(0, &DeviceFrame::CreateSpace { entry });
    crowd.subscribe(0, 0, 0);
    let mut script = Script::new(input);
    for _ in 0..STEPS_MAX {
        if script.is_over() {
            break;
        }
        crowd.step(&mut script);
    }
    crowd.check();
    Outcome::parsed(crowd.parsed)
}

impl Crowd {
    fn step(&mut self, script: &mut Script<'_>) {
        let who = u64::from(script.byte()) % CONNECTIONS;
        let author = script.below(self.authors.len());
        match script.below(16) {
            0 => self.log_in(who),
            1 | 2 => {
                let have_seq = if script.byte() < 200 { 0 } else { script.number() };
                self.subscribe(who, author, have_seq);
            }
            3..6 => self.append(who, author, script, false),
            6 | 7 => self.append(who, author, script, true),
            8 => self.add(who, author, script),
            9 => {
                let frame = self.sent.get(script.below(self.sent.len())).cloned().unwrap_or_default();
                let altered = script.damage(&frame);
                self.try_bytes(who, altered.into());
            }
            10 => {
                let frame = self.sent.get(script.below(self.sent.len())).cloned().unwrap_or_default();
                self.try_bytes(who, frame);
            }
            11 => {
                let len = script.below(300);
                let raw = Bytes::copy_from_slice(script.take(len));
                self.try_bytes(who, raw);
            }
            12 => {
                let space = self.space();
                self.send(who, &DeviceFrame::Unsubscribe { space });
            }
            13 => {
                let (_, genesis) = Author::found(u64::from(script.byte() % 4));
                let altered = script.damage(genesis.bytes());
                self.send(who, &DeviceFrame::CreateSpace { entry: altered.into() });
                self.send(who, &DeviceFrame::CreateSpace { entry: genesis.bytes().clone() });
            }
            14 => {
                self.now_ms += 1 << script.below(18);
                self.work();
            }
            _ => self.send(who, &DeviceFrame::Ping { token: script.number() }),
        }
    }

    fn space(&self) -> SpaceId {
        self.authors[0].space
    }

    /// A new connection in place of the one of that number.
    fn log_in(&mut self, who: u64) {
        let number = self.connections.get(&who).map_or(who, |before| before.number + CONNECTIONS);
        if let Some(before) = self.connections.insert(who, Connection { number, transcript: None }) {
            self.relay.disconnect(ConnectionId(before.number));
        }
        self.relay.connect(ConnectionId(number), self.now_ms);
        self.work();
        let transcript = self.connections.get(&who).and_then(|connection| connection.transcript.clone());
        if let Some(transcript) = transcript {
            self.send(who, &hello(&transcript, &signing_key(900 + who)));
        }
    }

    fn subscribe(&mut self, who: u64, author: usize, have_seq: u64) {
        let transcript = self.connections.get(&who).and_then(|connection| connection.transcript.clone());
        if let Some(transcript) = transcript {
            self.send(who, &subscribe(&transcript, &self.authors[author], have_seq));
        }
    }

    fn append(&mut self, who: u64, author: usize, script: &mut Script<'_>, damaged: bool) {
        let mut writer = self.authors[author].clone();
        let mut seen = self.seen;
        match script.below(12) {
            0 => writer.epoch = script.number(),
            1 => writer.head.author_seq = script.number() >> 1,
            2 => seen.seq = script.number(),
            3 => writer.member_no = MemberNo(script.number()),
            _ => {}
        }
        let entry = writer.write(seen, script.below(400));
        let bytes = if damaged { script.damage(entry.bytes()).into() } else { entry.bytes().clone() };
        self.parsed |= damaged && SealedEntry::decode(bytes.clone()).is_ok();
        self.offered.insert(append_id(&bytes), (author, writer.head, None));
        let frame = DeviceFrame::Append { space: self.space(), entry: bytes };
        self.send(who, &frame);
    }

    fn add(&mut self, who: u64, author: usize, script: &mut Script<'_>) {
        let mut writer = self.authors[author].clone();
        let other = writer.join(50 + u64::from(script.byte()), self.control.0 + 1);
        let role = [Role::Reader, Role::Writer, Role::Admin, Role::Owner][script.below(4)];
        let entry = writer.add(self.seen, self.control.0, self.control.1, &other, role);
        self.offered.insert(append_id(entry.bytes()), (author, writer.head, Some(other)));
        let frame = DeviceFrame::Append { space: self.space(), entry: entry.bytes().clone() };
        self.send(who, &frame);
    }

    fn send(&mut self, who: u64, frame: &DeviceFrame) {
        let bytes = frame.encode();
        self.sent.push(bytes.clone());
        self.receive(who, &bytes);
    }

    fn try_bytes(&mut self, who: u64, bytes: Bytes) {
        self.parsed |= DeviceFrame::decode(&bytes).is_ok();
        self.receive(who, &bytes);
    }

    fn receive(&mut self, who: u64, bytes: &Bytes) {
        if let Some(connection) = self.connections.get(&who) {
            self.relay.receive(ConnectionId(connection.number), bytes, self.now_ms);
        }
        self.work();
    }

    fn work(&mut self) {
        for output in self.relay.work(self.now_ms) {
            match output {
                RelayOutput::Send(id, frame) => self.heard(id.0, &frame),
                RelayOutput::Close(id) => self.connections.retain(|_, connection| connection.number != id.0),
            }
        }
    }

    fn heard(&mut self, number: u64, frame: &Bytes) {
        let decoded = RelayFrame::decode(frame);
        assert!(decoded.is_ok(), "a relay sends what parses: {decoded:?}");
        let Ok(decoded) = decoded else { return };
        match decoded {
            RelayFrame::Hello { relay, nonce, .. } => {
                let key = signing_key(900 + number % CONNECTIONS);
                let transcript = Transcript {
                    relay,
                    authority: AUTHORITY.to_owned(),
                    server_nonce: nonce,
                    client_nonce: [5; 32],
                    connection: connection_key(&key),
                };
                for connection in self.connections.values_mut().filter(|other| other.number == number) {
                    connection.transcript = Some(transcript.clone());
                }
            }
            RelayFrame::Ordered { space, id, seq, chain, .. } if space == self.space() => {
                if seq > self.seen.seq {
                    self.seen = Seen { seq, chain };
                }
                if let Some((author, head, added)) = self.offered.remove(&id) {
                    self.authors[author].head = head;
                    if let Some(added) = added {
                        self.control = (self.control.0 + 1, head.hash);
                        self.authors.push(added);
                    }
                }
            }
            RelayFrame::Page { space, first_seq, entries, .. } if space == self.space() => {
                // What one subscription was given and another was given is one log.
                for (index, entry) in entries.into_iter().enumerate() {
                    match self.pages.get(first_seq as usize - 1 + index) {
                        Some(known) => assert_eq!(*known, entry, "a position has one entry"),
                        None if first_seq as usize - 1 + index == self.pages.len() => self.pages.push(entry),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// The owner reads everything and writes something.
    fn check(&mut self) {
        self.log_in(0);
        self.subscribe(0, 0, 0);
        let mut log = Log::new(self.space());
        assert_eq!(log.take(&self.pages), None, "what is served verifies");
        assert_eq!(log.head().seq, self.seen.seq, "all that was acknowledged is served");
        assert!(log.verified.iter().all(|entry| entry.fault().is_none()), "nothing idle was ordered");
        let mut owner = self.authors[0].clone();
        owner.head = log.heads.get(&MemberNo(1)).copied().unwrap_or(AuthorHead::NONE);
        let seen = Seen { seq: log.head().seq, chain: log.head().chain };
        let entry = owner.write(seen, 20).bytes().clone();
        let frame = DeviceFrame::Append { space: self.space(), entry };
        self.send(0, &frame);
        assert_eq!(self.seen.seq, seen.seq + 1, "the owner can write");
    }
}
