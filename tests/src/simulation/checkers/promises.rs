//! Nothing that was promised is lost or there twice: every Transaction whose commit returned is in the
//! order once, with the outcome that was told.

use crate::harness::World;
use crate::reference::Outcome;
use std::collections::BTreeMap;
use veilfold_core::model::TxId;
use veilfold_core::outbox::Fate;
use veilfold_core::wire::SpaceId;

pub(super) fn check(world: &mut World, space: SpaceId, outcomes: &BTreeMap<TxId, Vec<Outcome>>) {
    for device in 0..world.devices.len() {
        let promised: Vec<TxId> = world.devices[device].promised.keys().copied().collect();
        for tx_id in promised {
            let fate = match world.call(device, |engine| engine.fate(space, tx_id)) {
                Ok(settled) => settled.map(|settled| settled.fate),
                Err(error) => return world.violated(format!("promises: {error}")),
            };
            let none = Vec::new();
            let said = outcomes.get(&tx_id).unwrap_or(&none);
            let accepted = said.iter().filter(|outcome| **outcome == Outcome::Accepted).count();
            let rejected = said.iter().any(|outcome| matches!(outcome, Outcome::Rejected(_)));
            let kept = match fate {
                Some(Fate::Confirmed(_)) => accepted == 1,
                Some(Fate::Rejected(..)) => accepted == 0 && rejected,
                _ => false,
            };
            if !kept {
                let what = format!("promises: {tx_id} of device {device} was told {fate:?}, and is {said:?}");
                return world.violated(what);
            }
        }
    }
}
