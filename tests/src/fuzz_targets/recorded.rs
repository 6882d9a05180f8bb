//! Two devices that have shared a Space for a while, as they are on their disks and at their Relay.
//!
//! Made once per process by the simulated world; `engine.rs` starts from it, and the corpora hold
//! what it contains.

use super::duo::{Duo, root_key};
use crate::harness::{Protections, SimRelay, World};
use crate::simulation::user::act;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use veilfold_core::model::{Body, Encoder, Image, Value};
use veilfold_core::store::{MemoryStore, Store as _, Table};
use veilfold_core::wire::frame::RelayFrame;
use veilfold_core::wire::{Kind, MemberNo, SealedEntry, SpaceId};
use veilfold_relay::store::{Durability, MemoryStore as RelayStore, Store as _};

const SEED: u64 = 11;
/// Kinds of messages kept of each sort for the corpora.
const KEPT: usize = 12;

/// Disks at one moment.
pub(super) struct Recorded {
    pub(super) space: SpaceId,
    pub(super) now_ms: u64,
    /// The Relay's.
    relay: RelayStore,
    /// Of the device that has everything.
    author: MemoryStore,
    /// Of the device that was offline, with an Outbox of its own.
    reader: MemoryStore,
}

impl Recorded {
    /// The Relay, running.
    pub(super) fn relay(&self) -> SimRelay<RelayStore> {
        SimRelay::start(self.relay.clone(), veilfold_relay::Protections::ALL)
    }

    /// The device that comes back, not connected yet.
    pub(super) fn reader(&self) -> Duo {
        Duo::new(self.reader.clone(), root_key(SEED * 64 + 1), self.relay(), self.now_ms, 0)
    }

    /// The other device, at a Relay that runs.
    pub(super) fn author(&self, relay: SimRelay<RelayStore>, now_ms: u64) -> Duo {
        Duo::new(self.author.clone(), root_key(SEED * 64), relay, now_ms, 1 << 32)
    }
}

/// The recording.
pub(super) fn recorded() -> &'static Recorded {
    static RECORDED: OnceLock<Recorded> = OnceLock::new();
    RECORDED.get_or_init(record)
}

fn record() -> Recorded {
    let mut world = World::new(SEED, 2, Protections::default());
    let space = world.share_space();
    for round in 0..40 {
        act(&mut world, round % 2, space);
        let horizon = world.now_ms + 200;
        while world.tick(horizon) {}
    }
    world.quiet(space);
    world.take_offline(1, 1 << 40);
    for round in 0..40 {
        // Few Transactions wait at the reader; most are the author's and on the Relay.
        act(&mut world, usize::from(round % 8 == 0), space);
        let horizon = world.now_ms + 200;
        while world.tick(horizon) {}
    }
    let horizon = world.now_ms + 10_000;
    while world.tick(horizon) {}
    assert_eq!(world.violation, None, "an honest world");
    let (author, reader) = (world.devices[0].store.copy(), world.devices[1].store.copy());
    let Some(running) = world.relay.take() else { unreachable!("nobody kills this relay") };
    let mut ordered = running.kill();
    let mut entries = Vec::new();
    for author in [1, 2] {
        for number in 1.. {
            let Ok(Some(entry)) = ordered.find(&space, MemberNo(author), number) else { break };
            entries.push(entry);
        }
    }
    entries.sort_by_key(|entry| entry.seq);
    let mut relay = RelayStore::new();
    assert!(relay.commit(&entries, Durability::PowerCut).is_ok(), "an empty store takes a whole log");
    Recorded { space, now_ms: world.now_ms, relay, author, reader }
}

/// Messages of a target's sort; empty when the recording has none.
pub(super) fn messages(target: &str) -> Vec<Vec<u8>> {
    let mut duo = recorded().reader();
    duo.connect();
    let settled = duo.settle(recorded().space);
    assert_eq!(settled, Ok(()), "an honest conversation");
    // A quiet connection shows its heads and its pings.
    for _ in 0..8 {
        duo.now_ms += 20_000;
        duo.wake();
        while let Some(frame) = duo.on_the_way.pop_front() {
            duo.hear(&frame);
        }
    }
    let mut found: Vec<Vec<u8>> = match target {
        "relay_frame" => of_each_kind(&duo.sent_by_relay),
        "device_frame" => of_each_kind(&duo.sent_by_device),
        "entry" => entries(&duo).iter().map(|entry| entry.bytes().to_vec()).collect(),
        "control" => {
            let controls = entries(&duo).into_iter().filter(|entry| entry.header().kind == Kind::Control);
            controls.map(|entry| entry.public().to_vec()).collect()
        }
        "membership" => rows(Table::Spaces)
            .into_iter()
            .filter(|bytes| veilfold_core::wire::Membership::from_bytes(bytes).is_ok())
            .collect(),
        "body" => bodies(&mut duo),
        "image" => rows(Table::Confirmed),
        "text" => rows(Table::Confirmed).iter().flat_map(|row| texts(row)).collect(),
        _ => Vec::new(),
    };
    found.retain(|message| message.len() <= 2048);
    found.dedup();
    found.truncate(KEPT);
    found
}

fn of_each_kind(frames: &[Bytes]) -> Vec<Vec<u8>> {
    let mut kinds: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    for frame in frames {
        if let Some(kind) = frame.first() {
            kinds.entry(*kind).or_insert_with(|| frame.to_vec());
        }
    }
    kinds.into_values().collect()
}

/// Genesis and the Entries that the reader had missed.
fn entries(duo: &Duo) -> Vec<SealedEntry> {
    let mut start = recorded().relay.clone();
    let first = start.page(&recorded().space, 0, 4, usize::MAX).unwrap_or_default();
    let pages = duo.sent_by_relay.iter().filter_map(|frame| match RelayFrame::decode(frame) {
        Ok(RelayFrame::Page { entries, .. }) => Some(entries),
        _ => None,
    });
    first.into_iter().chain(pages.flatten()).filter_map(|bytes| SealedEntry::decode(bytes).ok()).collect()
}

fn bodies(duo: &mut Duo) -> Vec<Vec<u8>> {
    let entries = duo.engine.log_entries(recorded().space, 0, 1_000).unwrap_or_default();
    let bodies = entries.into_iter().filter_map(|entry| entry.transactions);
    bodies.map(|transactions| Body { transactions, root: None }.encode()).collect()
}

fn rows(table: Table) -> Vec<Vec<u8>> {
    let rows = recorded().author.scan(table, &[], &[0xff; 8], usize::MAX >> 1).unwrap_or_default();
    rows.into_iter().map(|(_, value)| value).collect()
}

fn texts(row: &[u8]) -> Vec<Vec<u8>> {
    let fields = Image::from_bytes(row).ok().and_then(|image| image.fields).unwrap_or_default();
    let texts = fields.into_values().filter_map(|value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    });
    let encoded = texts.map(|text| {
        let mut out = Encoder::new();
        text.encode(&mut out);
        out.finish()
    });
    encoded.collect()
}
