//! One history: some devices, users who act, faults, then rest, then the checks.

use super::app::App;
use super::checkers;
use super::user;
use crate::harness::{Counts, Faults, Hostile, Misdeed, Protections, Rng, States, World};
use veilfold_core::wire::signature;

/// Of so many histories one has real signatures. The others have ideal ones: nothing in a history tells
/// them apart, and they cost next to nothing.
pub const REAL_SIGNATURES_EVERY: u64 = 50;

/// What became of a history.
#[derive(Clone, Debug)]
pub struct HistoryResult {
    /// The seed that makes it again.
    pub seed: u64,
    /// What happened in it.
    pub counts: Counts,
    /// Which states the engines were in.
    pub states: States,
    /// The first thing that must not be, if any.
    pub violation: Option<String>,
}

/// Runs the history of a seed: every fourth has a Relay that misbehaves.
#[must_use]
pub fn run_history(seed: u64, protections: Protections) -> HistoryResult {
    run_history_for(seed, protections, None)
}

/// The same, with eyes for what one checker finds and for nothing else.
#[must_use]
pub fn run_history_for(seed: u64, protections: Protections, checker: Option<&'static str>) -> HistoryResult {
    let _ideal = (!seed.is_multiple_of(REAL_SIGNATURES_EVERY)).then(signature::ideal::begin);
    let mut choice = Rng::new(seed ^ 0x5eed);
    let devices = 2 + choice.below(2) as usize;
    let misdeed = seed.is_multiple_of(4).then(|| *choice.pick(&Misdeed::ALL));
    let mut protections = protections;
    if misdeed == Some(Misdeed::RepeatInOrder) {
        protections.relay = protections.relay.without_dedupe();
    }
    let mut roots = Rng::new(seed ^ 0x2007);
    protections.device.root_every = *roots.pick(&[4, 16, 64]);
    if let Some(odd) = &mut protections.odd_device {
        odd.root_every = protections.device.root_every;
    }
    let mut world = World::new(seed, devices, protections);
    (world.only, world.looks) = (checker, true);
    let mut app = if misdeed.is_none() { App::install(&mut world, seed) } else { None };
    let space = world.share_space();
    world.watch(space, "records");
    if let Some(misdeed) = misdeed {
        world.hostile = Some(Hostile::new(misdeed, 1 + choice.below(devices as u64 - 1) as usize));
    }
    let acts = 10 + world.rng.below(50);
    world.faults = Faults::mixed(&mut world.rng);
    for _ in 0..acts {
        if world.violation.is_some() {
            break;
        }
        let device = world.rng.below(devices as u64) as usize;
        user::act(&mut world, device, space);
        if let Some(app) = &mut app {
            app.act(&mut world, device, space);
        }
        let events = world.rng.below(30);
        let horizon = world.now_ms + world.rng.below(3_000);
        for _ in 0..events {
            if !world.tick(horizon) {
                break;
            }
        }
        if roots.chance(60) {
            user::invent_root(&mut world, device, space);
        }
        if world.rng.chance(30) {
            user::write_again(&mut world, device, space);
        }
        if choice.chance(20) {
            checkers::refold::check(&mut world, device, space);
        }
        if world.rng.chance(30) {
            checkers::rebase_equals_reopen(&mut world, device, space);
        }
        if choice.chance(300) {
            world.take_live(device, 1 + choice.below(4) as usize);
        }
        if choice.chance(200) {
            checkers::fates::check(&mut world, device, space);
            checkers::live::check(&mut world, device);
        }
        checkers::atomicity::check(&mut world, device, space);
        checkers::memory::check(&mut world, device, space);
    }
    match misdeed {
        // What is skipped by all alike hinders nobody, and neither does what is noticed at once.
        None | Some(Misdeed::RepeatInOrder) => {
            match &mut app {
                Some(app) => app.settle(&mut world, space),
                None => world.quiet(space),
            }
            let enabled = app.map(|app| app.enabled(&mut world, space)).unwrap_or_default();
            if world.violation.is_none() {
                checkers::check_all(&mut world, space, &enabled);
            }
        }
        Some(_) => checkers::misdeed_is_named(&mut world, space),
    }
    HistoryResult { seed, counts: world.counts, states: world.states, violation: world.violation }
}
