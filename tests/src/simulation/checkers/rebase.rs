//! What is visible follows from what is stored: a device that is killed and started shows the same.

use crate::harness::World;
use veilfold_core::model::fields_to_json;
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

/// Compares what a device shows with what it shows after a restart.
pub(in super::super) fn rebase_equals_reopen(world: &mut World, device: usize, space: SpaceId) {
    if world.devices[device].engine.is_none() {
        return;
    }
    let before = visible(world, device, space);
    world.kill_device(device);
    world.start(device);
    if world.devices[device].engine.is_some() && visible(world, device, space) != before {
        world.violated(format!("rebase: device {device} shows something else after a restart"));
    }
}
