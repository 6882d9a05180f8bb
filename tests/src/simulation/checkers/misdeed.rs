//! A Relay that misbehaves is noticed, named for what it did, and costs nobody a written word.
//!
//! Nobody may have silently another order than the others: a device either has the same running
//! hash at the same position, or has said what is wrong.

use crate::harness::{Misdeed, World};
use crate::simulation::user;
use veilfold_core::wire::{SpaceId, TransportFault};

/// Events of honest traffic after the misdeeds, in which each of them must show.
const AFTERMATH: u64 = 400;
/// Longer than a device waits before it connects again.
const LONGEST_WAIT_MS: u64 = 120_000;

pub(in super::super) fn misdeed_is_named(world: &mut World, space: SpaceId) {
    world.faults = crate::harness::Faults::NONE;
    let Some(hostile) = &mut world.hostile else { return };
    hostile.stopped = true;
    let (misdeed, victim, done) = (hostile.misdeed, hostile.victim, hostile.done);
    world.counts.misdeeds += done;
    for device in &mut world.devices {
        device.offline_until_ms = device.offline_until_ms.min(world.now_ms);
    }
    // Everybody writes and everybody hears of it, so whatever is hidden comes to light.
    for round in 0..6 {
        for device in 0..world.devices.len() {
            user::act(world, device, space);
        }
        for _ in 0..AFTERMATH {
            let within_ms = if round == 5 { LONGEST_WAIT_MS } else { 2_000 };
            if !world.tick(world.now_ms + within_ms) {
                break;
            }
        }
    }
    for device in 0..world.devices.len() {
        if world.devices[device].engine.is_none() {
            world.start(device);
        }
    }
    if done == 0 {
        world.hostile = None;
        world.quiet(space);
        return super::check_all(world, space, &[]);
    }
    let mut honest = None;
    for device in 0..world.devices.len() {
        let blamed = world.blames(device);
        if device != victim && blamed.is_none() {
            match world.call(device, |engine| engine.log_head(space)) {
                Ok(head) => {
                    honest =
                        Some(honest.map_or(head, |best: (u64, _)| if head.0 > best.0 { head } else { best }))
                }
                Err(error) => return world.violated(format!("misdeed: device {device}: {error}")),
            }
        }
        let altered = misdeed == Misdeed::Alter;
        if let Some(fault @ (TransportFault::BadSignature { .. } | TransportFault::Malformed(_))) = blamed
            && !altered
        {
            return world.violated(format!("misdeed: {misdeed:?} is called {fault:?} by device {device}"));
        }
    }
    if world.blames(victim).is_none() {
        let head = world.call(victim, |engine| engine.log_head(space));
        if head.ok() != honest {
            world.violated(format!("misdeed: {misdeed:?} gave device {victim} another order, unnoticed"));
        }
    }
}
