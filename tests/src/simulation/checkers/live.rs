//! What a live query has told, batch by batch, is what a read shows.

use crate::harness::World;

/// Compares when what was told is the whole of one state and nothing more is due.
pub(in super::super) fn check(world: &mut World, device: usize) {
    let Some((space, collection)) = world.watched() else { return };
    for _ in 0..100 {
        let Some(watch) = &world.devices[device].watch else { return };
        if watch.complete && !watch.has_news {
            break;
        }
        world.take_live(device, 3);
    }
    let Some(watch) = &world.devices[device].watch else { return };
    let told = watch.rows.clone();
    if world.devices[device].engine.is_none() {
        return;
    }
    let rows = world.call(device, |engine| engine.read_collection(space, &collection, None, 1000));
    let Ok(rows) = rows else { return };
    let shown = rows.into_iter().collect();
    if told != shown {
        let what = format!("live queries: device {device} was told {told:?} and shows {shown:?}");
        world.violated(what);
    }
}
