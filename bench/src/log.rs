//! Logs for catching up: written by engines through the real Relay's decisions, kept in memory, and
//! the pages in which a newcomer receives them.

use super::order::{Line, Order};
use super::{actions, device};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use veilfold_core::engine::{Draft, Engine};
use veilfold_core::store::Durability;
use veilfold_wire::{Role, SpaceId};

/// Entries that an author writes before it is another's turn; every page has all authors.
const TURN: usize = 8;

/// How the actions are distributed.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How many actions.
    pub actions: usize,
    /// Who write in turns.
    pub authors: usize,
    /// Actions per Entry, each a Transaction of its own.
    pub per_entry: usize,
}

/// A Relay that holds a log, and a Device that has joined and received nothing.
pub struct Log {
    order: Order,
    space: SpaceId,
    actions: usize,
    // Deletes the folder when dropped.
    _folder: TempDir,
    joined: PathBuf,
}

/// A Device just before it catches up.
pub struct Newcomer {
    /// The Device, subscribed.
    pub engine: Engine,
    /// What it will receive.
    pub pages: Vec<Bytes>,
    now_ms: u64,
    space: SpaceId,
    actions: usize,
}

struct Writer {
    engine: Engine,
    line: Line,
}

impl Log {
    /// Has `shape` written.
    pub fn write(shape: Shape, folder: TempDir) -> Self {
        let mut order = Order::new(device::START_MS);
        let mut writers: Vec<Writer> = (0..shape.authors)
            .map(|_| Writer { engine: device::in_memory(), line: Line::default() })
            .collect();
        let (founder, others) = writers.split_first_mut().expect("there is an author");
        let now = order.tick();
        let space = founder.engine.create_space("bench", "author 1", now).expect("a new space");
        for writer in others.iter_mut() {
            admit(founder, &mut writer.engine, space, Role::Writer, now);
        }
        let joined = folder.path().join("joined.db");
        let mut reader = device::open(&joined, Durability::Process);
        admit(founder, &mut reader, space, Role::Reader, now);
        drop(reader);
        for writer in &mut writers {
            order.dial(&mut writer.engine);
            order.settle(&mut writer.engine, &mut writer.line);
        }
        let mut next = 0;
        for turn in 0.. {
            if next == shape.actions {
                break;
            }
            let until = (next + TURN * shape.per_entry).min(shape.actions);
            let writer = &mut writers[turn % shape.authors];
            order.settle(&mut writer.engine, &mut writer.line);
            while next < until {
                let end = (next + shape.per_entry).min(until);
                writer.write(&mut order, space, next..end);
                next = end;
            }
        }
        Self { order, space, actions: shape.actions, _folder: folder, joined }
    }

    /// The Device that joined, as it is before its first page, with its store at `path`.
    pub fn newcomer(&mut self, path: &Path) -> Newcomer {
        device::copy(&self.joined, path);
        let (mut engine, mut line) = (device::open(path, Durability::Process), Line::default());
        self.order.dial(&mut engine);
        let pages = self.order.settle_holding_pages(&mut engine, &mut line);
        device::discard_outputs(&mut engine);
        Newcomer { engine, pages, now_ms: self.order.tick(), space: self.space, actions: self.actions }
    }
}

impl Newcomer {
    /// Bytes that travel.
    pub fn wire_bytes(&self) -> usize {
        self.pages.iter().map(Bytes::len).sum()
    }

    /// Receives everything.
    // By itself in a profile.
    #[inline(never)]
    pub fn catch_up(&mut self) {
        for page in &self.pages {
            self.engine.received(page, self.now_ms).expect("the scratch store takes it");
            device::discard_outputs(&mut self.engine);
        }
    }

    /// Makes sure that all of it is there; a fast wrong answer is none.
    pub fn check(&mut self) {
        let newest = self.actions - 1;
        let fields = self.engine.read(self.space, &actions::document(newest)).expect("the store reads");
        assert_eq!(fields.as_ref().and_then(actions::value_of), Some(actions::value(newest).as_str()));
        let all = self.engine.read_collection(self.space, actions::COLLECTION, None, usize::MAX);
        assert_eq!(all.expect("the store reads").len(), self.actions.min(actions::KEYS));
    }
}

impl Writer {
    /// Writes one Entry with an action of each index.
    fn write(&mut self, order: &mut Order, space: SpaceId, indexes: std::ops::Range<usize>) {
        // What is written while offline is sealed together.
        let offline = indexes.len() > 1;
        if offline {
            order.hang_up(&mut self.engine, &mut self.line);
        }
        for index in indexes {
            let draft = Draft { actions: vec![actions::action(index)], ..Draft::default() };
            let now = order.tick();
            device::commit(&mut self.engine, space, draft, now);
        }
        if offline {
            order.dial(&mut self.engine);
        }
        order.settle(&mut self.engine, &mut self.line);
    }
}

fn admit(founder: &mut Writer, newcomer: &mut Engine, space: SpaceId, role: Role, now_ms: u64) {
    let card = newcomer.contact_card("newcomer").expect("a good name");
    let (_, ticket) = founder.engine.add_member(space, card, role, now_ms).expect("an owner may add");
    newcomer.join(&ticket, "bench", now_ms).expect("a good ticket");
}
