//! What is visible follows from what is stored: a device shows of each document by itself, which is
//! answered from memory, what its collections show, which are read from the store; and the same after
//! it was killed and started.

use crate::harness::World;
use veilfold_core::model::{DocumentKey, fields_to_json};
use veilfold_core::wire::SpaceId;

const COLLECTIONS: [&str; 8] =
    ["accounts", "lists", "notes", "records", "seats", "stats", "tickets", "turns"];

/// Everything visible, as JSON.
pub(super) fn visible(world: &mut World, device: usize, space: SpaceId) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for collection in COLLECTIONS {
        let rows = world.call(device, |engine| engine.read_collection(space, collection, None, 1000));
        match rows {
            Ok(rows) => all.extend(
                rows.into_iter().map(|(id, fields)| (format!("{collection}/{id}"), fields_to_json(&fields))),
            ),
            Err(error) => world.violated(format!("device {device} cannot read: {error}")),
        }
    }
    all
}

/// The first document that memory and store do not agree on.
fn differs(world: &mut World, device: usize, space: SpaceId, rows: &[(String, Vec<u8>)]) -> Option<String> {
    rows.iter().find_map(|(name, json)| {
        let (collection, document) = name.split_once('/')?;
        let key = DocumentKey::new(collection, document);
        let read = world.call(device, |engine| engine.read(space, &key)).ok()?;
        let read = read.map(|fields| fields_to_json(&fields));
        (read.as_ref() != Some(json)).then(|| {
            let [read, stored] = [read.as_deref().unwrap_or(b"missing"), json].map(String::from_utf8_lossy);
            format!("{name} is {read} in memory and {stored} in the store")
        })
    })
}

/// Compares what a device shows with what it has stored, and with what it shows after a restart.
pub fn rebase_equals_reopen(world: &mut World, device: usize, space: SpaceId) {
    if world.devices[device].engine.is_none() {
        return;
    }
    let before = visible(world, device, space);
    if let Some(differs) = differs(world, device, space, &before) {
        world.violated(format!("rebase: device {device}: {differs}"));
    }
    world.kill_device(device);
    world.start(device);
    if world.devices[device].engine.is_some() && visible(world, device, space) != before {
        world.violated(format!("rebase: device {device} shows something else after a restart"));
    }
}
