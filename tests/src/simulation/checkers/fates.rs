//! A fate, once told, stays, also after a restart; and nothing that was promised has none.

use crate::harness::World;
use veilfold_core::outbox::Fate;
use veilfold_core::wire::SpaceId;

pub(in super::super) fn check(world: &mut World, device: usize, space: SpaceId) {
    if world.devices[device].engine.is_none() {
        return;
    }
    let promised: Vec<_> =
        world.devices[device].promised.iter().map(|(tx_id, told)| (*tx_id, told.clone())).collect();
    for (tx_id, told) in promised {
        let Ok(settled) = world.call(device, |engine| engine.fate(space, tx_id)) else { return };
        let fate = settled.map(|settled| settled.fate);
        match (told, fate) {
            (None, Some(Fate::Pending)) => {}
            // Whoever was to be told was killed before.
            (None, Some(fate)) => {
                world.devices[device].promised.insert(tx_id, Some(fate));
            }
            (Some(told), Some(fate)) if told == fate => {}
            (told, fate) => {
                let what = format!("fates: that of {tx_id} of device {device} was {told:?}, is {fate:?}");
                return world.violated(what);
            }
        }
    }
}
