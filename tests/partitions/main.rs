//! A recorded session of two people, typed again on devices that lose each other over and over.
//!
//! Every seed is another schedule of partitions, late and repeated frames, kills and power cuts. The
//! characters of the session have numbers (`meaning.rs`) and each author types as soon as its device
//! has what the edit was made for (`typist.rs`), so nothing depends on when that is.
//!
//! `VEILFOLD_SEEDS=n` plays n seeds, `VEILFOLD_FIRST_SEED=s` from s on.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod meaning;
mod typist;

use meaning::Meaning;
use std::path::Path as FilePath;
use std::time::Instant;
use typist::{Typist, document, field, number_of, shown};
use veilfold_core::engine::Draft;
use veilfold_core::model::{Action, Op};
use veilfold_core::wire::SpaceId;
use veilfold_tests::harness::{Faults, Protections, Rng, World};
use veilfold_tests::trace::Trace;

/// Schedules of a normal run; `cargo xtask test --full` plays 500.
const SEEDS: u64 = 3;
/// Turns in which a session must have been typed.
const TURNS_MAX: u64 = 2_000_000;

fn session() -> (Trace, Meaning) {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    let trace = Trace::read(&folder.join("friendsforever.json.gz")).unwrap();
    let meaning = Meaning::of(&trace).unwrap();
    (trace, meaning)
}

/// How a seed's network and devices behave, per thousand events.
fn weather(rng: &mut Rng) -> Faults {
    let mut some = |most: u64| if rng.chance(700) { rng.below(most) } else { 0 };
    Faults {
        cut: some(10),
        kill_device: some(5),
        kill_relay: some(3),
        repeat: some(40),
        delay_ms: some(3_000),
        offline: some(10),
        clock: 0,
    }
}

/// Types the whole session by the schedule of one seed.
fn play(meaning: &Meaning, ranks: &[usize], seed: u64) -> (World, SpaceId, u64) {
    let devices = meaning.by_author.len();
    let mut world = World::new(seed, devices, Protections::default());
    let space = world.share_space();
    let now = world.now_ms;
    let action = Action { key: document(), op: Op::TextCreate { path: field(), text: String::new() } };
    let draft = Draft { actions: vec![action], ..Draft::default() };
    world.call(0, |engine| engine.transact(space, draft, now)).unwrap().unwrap();
    world.quiet(space);
    let mut typists: Vec<Typist<'_>> =
        (0..devices).map(|author| Typist::start(&mut world, space, author, meaning, ranks)).collect();
    world.faults = weather(&mut world.rng);
    let (longest_away_ms, at_once) = (1_000 << world.rng.below(11), 1 << world.rng.below(10));
    for _ in 0..TURNS_MAX {
        if world.violation.is_some() || typists.iter().all(Typist::is_done) {
            break;
        }
        if world.rng.chance(20) {
            let device = world.rng.below(devices as u64) as usize;
            let away_ms = world.rng.below(longest_away_ms);
            world.take_offline(device, away_ms);
        }
        let author = world.rng.below(devices as u64) as usize;
        let most = 1 + world.rng.below(at_once);
        typists[author].type_some(&mut world, most);
        let horizon = world.now_ms + world.rng.below(10_000);
        for _ in 0..world.rng.below(60) {
            if !world.tick(horizon) {
                world.now_ms = horizon;
                break;
            }
        }
    }
    world.quiet(space);
    assert_eq!(world.violation, None, "seed {seed}");
    assert!(typists.iter().all(Typist::is_done), "seed {seed}: the session was not typed to its end");
    let displaced = typists.iter().map(|typist| typist.displaced).sum();
    (world, space, displaced)
}

#[test]
fn the_meaning_of_the_session_is_its_recorded_end() {
    let (trace, meaning) = session();
    assert!(meaning.end() == trace.end);
}

#[test]
fn a_session_comes_to_its_end_by_every_schedule_of_partitions() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (trace, meaning) = session();
    let mut ranks = vec![0; meaning.characters.len()];
    meaning.places.iter().enumerate().for_each(|(place, character)| ranks[*character] = place);
    let first = number("VEILFOLD_FIRST_SEED", 1);
    for seed in first..first + number("VEILFOLD_SEEDS", SEEDS) {
        let started = Instant::now();
        let (mut world, space, displaced) = play(&meaning, &ranks, seed);
        let text = shown(&mut world, 0, space).unwrap();
        let mut times = vec![0_u32; meaning.characters.len()];
        text.iter().for_each(|character| times[number_of(*character)] += 1);
        for (number, character) in meaning.characters.iter().enumerate() {
            let wanted = u32::from(character.deleted_by.is_empty());
            assert_eq!(times[number], wanted, "seed {seed}: how often character {number} is there");
        }
        let read: String = text.iter().map(|written| meaning.characters[number_of(*written)].shown).collect();
        // Who types where a neighbour is gone already means another place than was recorded.
        assert!(displaced > 0 || read == trace.end, "seed {seed}: the characters stand in another order");
        let root = world.call(0, |engine| engine.state_root(space)).unwrap();
        for device in 1..world.devices.len() {
            assert!(shown(&mut world, device, space).unwrap() == text, "seed {seed}: device {device}");
            assert!(world.call(device, |engine| engine.state_root(space)).unwrap() == root, "seed {seed}");
        }
        let entries = world.call(0, |engine| engine.status(space)).unwrap().seq;
        eprintln!(
            "seed {seed}: {entries} entries, {displaced} displaced, {:?}, {:?}",
            world.counts,
            started.elapsed()
        );
    }
}
