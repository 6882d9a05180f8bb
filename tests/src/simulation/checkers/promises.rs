//! Nothing that was promised is lost or there twice: every Transaction whose commit returned is in the
//! order once, with the outcome that was told.

use crate::harness::World;
use crate::reference::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use veilfold_core::model::{Position, TxId};
use veilfold_core::outbox::Fate;
use veilfold_core::wire::SpaceId;

pub(super) fn check(world: &mut World, space: SpaceId, outcomes: &BTreeMap<TxId, Vec<Outcome>>) {
    for device in 0..world.devices.len() {
        let mutators = &world.devices[device].mutators;
        let promised = world.devices[device].promised.keys();
        let promised: Vec<TxId> = promised.filter(|tx_id| !mutators.contains(*tx_id)).copied().collect();
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

/// A mutator's last attempt is what its receipt tells of: accepted at that place and nowhere else.
pub(super) fn check_mutators(world: &mut World, space: SpaceId, accepted: &BTreeSet<Position>) {
    let mut told = BTreeSet::new();
    for device in 0..world.devices.len() {
        for tx_id in world.devices[device].mutators.clone() {
            let settled = world.call(device, |engine| engine.fate(space, tx_id)).ok().flatten();
            let kept = match settled.as_ref().map(|settled| &settled.fate) {
                Some(Fate::Confirmed(position)) => accepted.contains(position) && told.insert(*position),
                Some(Fate::Rejected(position, _)) => !accepted.contains(position),
                Some(Fate::Refused(reason)) => reason.name() == "mutator_failed",
                Some(Fate::Pending) | None => false,
            };
            if !kept {
                return world
                    .violated(format!("promises: mutator {tx_id} of device {device} is {settled:?}"));
            }
        }
    }
}
