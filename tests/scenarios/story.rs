//! What the stories share: short words for what users do and see.

use veilfold_core::engine::{Committed, Draft};
use veilfold_core::model::{Action, DocumentKey, Op, Path, TextSplice, fields_to_json};
use veilfold_core::wire::SpaceId;
use veilfold_tests::harness::World;

pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 1;

pub(crate) fn key(collection: &str, document: &str) -> DocumentKey {
    DocumentKey::new(collection, document)
}

pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).expect("a path")
}

pub(crate) fn increment(document: &str, by: i64) -> Action {
    Action { key: key("stats", document), op: Op::Increment { path: path("n"), by } }
}

pub(crate) fn typed(offset: u64, delete: u64, insert: &str) -> Action {
    let splices = vec![TextSplice { offset, delete, insert: insert.to_owned() }];
    Action { key: key("notes", "one"), op: Op::TextEdit { path: path("body"), splices } }
}

/// Commits Actions as one Transaction.
pub(crate) fn write(world: &mut World, device: usize, space: SpaceId, actions: Vec<Action>) -> Committed {
    let now = world.now_ms;
    world
        .call(device, |engine| engine.transact(space, Draft { actions, ..Draft::default() }, now))
        .expect("a commit")
        .expect("nothing was read")
}

/// What a device shows of a document, as JSON.
pub(crate) fn shown(world: &mut World, device: usize, space: SpaceId, key: &DocumentKey) -> String {
    let fields = world.call(device, |engine| engine.read(space, key)).expect("a read");
    fields.map_or_else(String::new, |fields| String::from_utf8(fields_to_json(&fields)).expect("UTF-8"))
}

/// Rests, and checks that all devices have the same root.
pub(crate) fn rest(world: &mut World, space: SpaceId) {
    world.quiet(space);
    assert_eq!(world.violation, None);
    let first = world.call(ALICE, |engine| engine.state_root(space)).expect("a root");
    for device in 1..world.devices.len() {
        assert_eq!(world.call(device, |engine| engine.state_root(space)), Ok(first), "device {device}");
    }
}

/// Lets everything happen that is due within `ms` milliseconds.
pub(crate) fn pass(world: &mut World, ms: u64) {
    let until = world.now_ms + ms;
    while world.tick(until) {}
    world.now_ms = until;
}
