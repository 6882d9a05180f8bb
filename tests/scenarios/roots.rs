//! Devices that came to different documents: noticed, named, and mended from each one's own log alone.

use crate::resolvers::{Watched, call, gig, update};
use crate::story::{ALICE, BOB, increment, key, rest, write};
use std::sync::atomic::Ordering;
use veilfold_core::engine::{EngineConfig, Event};
use veilfold_core::model::{DocumentKey, Fields, Value};
use veilfold_core::resolver::{Call, Refusal, Resolver, Resolvers};
use veilfold_core::wire::SpaceId;
use veilfold_tests::harness::{Protections, World};
use veilfold_tests::simulation::resolver::{First, TICKETS, resolvers};

const CAROL: usize = 2;

/// Version 1 with a mistake: a ticket is counted twice.
struct Mistaken;

impl Resolver for Mistaken {
    fn resolve(&self, state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
        let mut state = First.resolve(state, call)?;
        if let Some(Value::Int(left)) = state.as_mut().and_then(|state| state.get_mut("left")) {
            *left -= 1;
        }
        Ok(state)
    }
}

/// Three people in one Space, whose Devices compare roots at multiples of `every`.
fn meet(seed: u64, every: u64, bobs: Resolvers) -> (World, SpaceId) {
    let device = EngineConfig { root_every: every, ..EngineConfig::default() };
    let mut world = World::new(seed, 3, Protections { device, ..Protections::default() });
    update(&mut world, ALICE, resolvers(1));
    update(&mut world, BOB, bobs);
    update(&mut world, CAROL, resolvers(1));
    let space = world.share_space();
    world.quiet(space);
    (world, space)
}

/// Everybody writes so many times, about something that no resolver is for.
fn go_on(world: &mut World, space: SpaceId, times: usize) {
    for _ in 0..times {
        for device in [ALICE, BOB, CAROL] {
            write(world, device, space, vec![increment(&format!("of {device}"), 1)]);
            world.quiet(space);
        }
    }
}

/// What a Device reported of others' documents: whose, in which bucket, and which.
fn reported(world: &World, of: usize) -> Vec<(u64, Option<u64>, Vec<DocumentKey>)> {
    let reports = world.events.iter().filter_map(|(device, event)| match event {
        Event::Diverged { author, bucket, documents, .. } if *device == of => {
            Some((author.0, *bucket, documents.clone()))
        }
        _ => None,
    });
    reports.collect()
}

fn healed(world: &World) -> Vec<(usize, Vec<DocumentKey>)> {
    let healed = world.events.iter().filter_map(|(device, event)| match event {
        Event::Healed { documents, .. } => Some((*device, documents.clone())),
        _ => None,
    });
    healed.collect()
}

fn root(world: &mut World, device: usize, space: SpaceId) -> veilfold_core::model::StateRoot {
    world.call(device, |engine| engine.state_root(space)).expect("a root")
}

#[test]
fn a_mistaken_resolver_is_noticed_named_and_mended_by_the_next_version() {
    let (mut world, space) = meet(61, 8, Resolvers::default().with(TICKETS, 1, Mistaken));
    write(&mut world, ALICE, space, vec![call("buy")]);
    world.quiet(space);
    assert_ne!(gig(&mut world, ALICE, space), gig(&mut world, BOB, space), "that is the mistake");
    let before = gig(&mut world, BOB, space);
    go_on(&mut world, space, 24);
    // Everybody folded the own log once more, found nothing wrong with it, and kept what it has.
    assert_eq!(healed(&world), []);
    assert_eq!(gig(&mut world, BOB, space), before, "nobody takes over what more Devices say");
    let one = vec![key(TICKETS, "gig")];
    for device in [ALICE, CAROL] {
        let reports = reported(&world, device);
        assert_eq!(reports.first(), Some(&(2, None, vec![])), "device {device}: {reports:?}");
        assert_eq!(reports.last(), Some(&(2, Some(0), one.clone())), "device {device}: {reports:?}");
        assert!(reports.iter().all(|(author, ..)| *author == 2), "device {device}: {reports:?}");
    }
    let of_bob = reported(&world, BOB);
    assert!(of_bob.contains(&(1, Some(0), one.clone())) && of_bob.contains(&(3, Some(0), one.clone())));
    for device in [ALICE, BOB, CAROL] {
        assert_eq!(world.call(device, |engine| Ok(engine.refolds())), Ok(1), "device {device}");
    }
    // The app is mended: its first start folds again, and finds the document that was wrong.
    world.devices[BOB].app = [2; 8];
    update(&mut world, BOB, resolvers(1));
    world.quiet(space);
    assert_eq!(healed(&world), [(BOB, one)]);
    rest(&mut world, space);
    // From here on all is well, and nobody hears of it any more.
    let events = world.events.len();
    go_on(&mut world, space, 12);
    rest(&mut world, space);
    assert_eq!(world.events[events..], []);
}

#[test]
fn a_kill_in_the_middle_of_mending_leaves_the_old_or_the_new() {
    let (mut world, space) = meet(62, 8, Resolvers::default().with(TICKETS, 1, Mistaken));
    write(&mut world, CAROL, space, vec![call("buy")]);
    go_on(&mut world, space, 8);
    world.devices[BOB].app = [2; 8];
    let wrong = gig(&mut world, BOB, space);
    for _ in 0..4 {
        update(&mut world, BOB, resolvers(1));
        // The first look opens the Space; what is to be folded again is begun by the clock.
        assert_eq!(gig(&mut world, BOB, space), wrong);
        let now = world.now_ms;
        world.call(BOB, |engine| engine.handle_timeout(now)).expect("a slice");
        assert_eq!(gig(&mut world, BOB, space), wrong, "the log is folded, nothing is replaced yet");
    }
    // A write that waits stays on top of what is replaced below it.
    world.take_offline(BOB, 5_000);
    write(&mut world, BOB, space, vec![call("buy"), increment("with it", 1)]);
    world.quiet(space);
    assert_eq!(healed(&world), [(BOB, vec![key(TICKETS, "gig")])]);
    rest(&mut world, space);
    assert!(gig(&mut world, ALICE, space).contains(r#""left":1"#));
}

#[test]
fn ten_invented_roots_cost_one_pass_over_the_log() {
    let (mut world, space) = meet(63, 8, resolvers(1));
    let (mut invented, wanted) = (0, root(&mut world, CAROL, space));
    assert_eq!(root(&mut world, BOB, space), wanted);
    while invented < 10 {
        let bogus = world.call(BOB, |engine| engine.invent_root(space)).expect("a step");
        invented += usize::from(bogus);
        go_on(&mut world, space, 1);
    }
    go_on(&mut world, space, 6);
    for device in [ALICE, CAROL] {
        assert_eq!(reported(&world, device), [(2, None, vec![])], "device {device}");
        assert_eq!(world.call(device, |engine| Ok(engine.refolds())), Ok(1), "device {device}");
    }
    assert_eq!(healed(&world), []);
    rest(&mut world, space);
}

#[test]
fn a_pass_that_cannot_end_is_begun_again_by_the_next_start_alone() {
    let watched = Watched::default();
    let (mut world, space) = meet(65, 8, Resolvers::default().with(TICKETS, 1, watched.clone()));
    write(&mut world, ALICE, space, vec![call("buy")]);
    world.quiet(space);
    watched.stuck.store(true, Ordering::Relaxed);
    while !world.call(ALICE, |engine| engine.invent_root(space)).expect("a step") {
        go_on(&mut world, space, 1);
    }
    go_on(&mut world, space, 12);
    assert_eq!(world.call(BOB, |engine| Ok(engine.refolds())), Ok(1), "the resolver gave no answer");
    assert_eq!(reported(&world, BOB), []);
    update(&mut world, BOB, resolvers(1));
    world.quiet(space);
    assert_eq!(reported(&world, BOB), [(1, None, vec![])], "the pass came to its end");
}

#[test]
fn every_256_positions_a_root_is_attached_and_all_agree() {
    let every = EngineConfig::default().root_every;
    assert_eq!(every, 256, "protocol: body.md, the state root");
    let (mut world, space) = meet(64, every, resolvers(1));
    go_on(&mut world, space, 90);
    rest(&mut world, space);
    assert_eq!(world.events.iter().filter(|(_, event)| matches!(event, Event::Diverged { .. })).count(), 0);
    // It was compared: an invented one is noticed.
    assert_eq!(world.call(BOB, |engine| engine.invent_root(space)), Ok(false), "it was attached already");
    go_on(&mut world, space, 75);
    let point = world.call(ALICE, |engine| engine.log_head(space)).expect("a head").0;
    assert!(point < 2 * every, "{point}");
    while world.call(ALICE, |engine| engine.log_head(space)).expect("a head").0 < 2 * every {
        write(&mut world, ALICE, space, vec![increment("a", 1)]);
        world.quiet(space);
    }
    assert_eq!(world.call(BOB, |engine| engine.invent_root(space)), Ok(true));
    go_on(&mut world, space, 1);
    assert_eq!(reported(&world, ALICE), [(2, None, vec![])]);
}
