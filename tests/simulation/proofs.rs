//! Every checker can fail: with something broken on purpose, it finds a violation by itself, with all
//! other checkers blind. `README.md` says what each is for.

use std::panic::catch_unwind;
use veilfold_core::engine::{Draft, EngineConfig};
use veilfold_core::model::{Action, DocumentKey, Op, Path, Value};
use veilfold_tests::harness::{Protections, World};
use veilfold_tests::simulation::{check_device, check_restart, run_history_for};

/// Seeds in which it must show.
const SEEDS: u64 = 1_000;

fn is_found_by(checker: &'static str, broken: fn(&mut Protections)) {
    let mut protections = Protections::default();
    broken(&mut protections);
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let found = (1..=SEEDS).find_map(|seed| {
        let result = catch_unwind(|| run_history_for(seed, protections, Some(checker)));
        result.ok().and_then(|result| result.violation).map(|violation| (seed, violation))
    });
    std::panic::set_hook(quiet);
    let Some((seed, violation)) = found else { panic!("{checker}: nothing found in {SEEDS} histories") };
    eprintln!("{checker}: seed {seed}: {violation}");
}

fn no_preconditions() -> EngineConfig {
    let mut config = EngineConfig::default();
    config.protections.preconditions = false;
    config
}

fn kills_tear_steps(protections: &mut Protections) {
    protections.whole_transactions = false;
}

#[test]
fn convergence_fails_when_one_device_decides_otherwise() {
    is_found_by("convergence", |all| all.odd_device = Some(no_preconditions()));
}

#[test]
fn serializability_fails_when_nobody_checks_read_sets() {
    is_found_by("serializability", |all| all.device = no_preconditions());
}

#[test]
fn root_and_reference_differ_when_nobody_checks_read_sets() {
    is_found_by("reference", |all| all.device = no_preconditions());
}

#[test]
fn atomicity_fails_when_kills_tear_steps() {
    is_found_by("atomicity", kills_tear_steps);
}

#[test]
fn rebase_is_not_a_refold_when_kills_tear_steps() {
    is_found_by("refold", kills_tear_steps);
}

#[test]
fn memory_is_not_bounded_when_kills_tear_steps() {
    is_found_by("memory", kills_tear_steps);
}

#[test]
fn roots_differ_when_one_device_decides_otherwise() {
    is_found_by("roots", |all| all.odd_device = Some(no_preconditions()));
}

#[test]
fn a_misdeed_is_called_something_else_when_nobody_compares_what_an_author_had_seen() {
    is_found_by("misdeed", |all| all.device.protections.checks.seen_tag = false);
}

#[test]
fn promises_are_broken_when_the_relay_orders_twice_and_nobody_notices() {
    is_found_by("promises", |all| {
        all.relay = all.relay.without_dedupe();
        all.device.protections.tx_mark = false;
        all.device.protections.checks.author_number = false;
    });
}

/// A world with one confirmed write on the first device.
fn settled() -> (World, veilfold_core::wire::SpaceId) {
    let mut world = World::new(3, 2, Protections::default());
    let space = world.share_space();
    world.watch(space, "records");
    (world, space)
}

fn write(world: &mut World, space: veilfold_core::wire::SpaceId, value: i64) {
    let key = DocumentKey::new("records", "r0");
    let op = Op::Set { path: Path::parse("title").expect("a path"), value: Value::Int(value) };
    let draft = Draft { actions: vec![Action { key, op }], ..Draft::default() };
    let now = world.clock(0);
    let committed = world.call(0, |engine| engine.transact(space, draft, now));
    let committed = committed.expect("a write").expect("nothing was read");
    world.devices[0].promised.insert(committed.tx_id, None);
}

#[test]
fn a_fate_that_a_backup_takes_back_is_noticed() {
    let (mut world, space) = settled();
    write(&mut world, space, 1);
    let before = world.devices[0].store.copy();
    world.quiet(space);
    check_device(&mut world, 0, space);
    assert_eq!(world.violation, None);
    world.kill_device(0);
    world.devices[0].store.restore(before);
    world.start(0);
    world.only = Some("fates");
    check_device(&mut world, 0, space);
    assert!(world.violation.is_some_and(|violation| violation.starts_with("fates")));
}

#[test]
fn a_change_that_a_live_query_was_not_told_is_noticed() {
    let (mut world, space) = settled();
    write(&mut world, space, 1);
    world.only = Some("live queries");
    check_device(&mut world, 0, space);
    assert_eq!(world.violation, None);
    world.devices[0].watch.as_mut().expect("it watches").rows.clear();
    check_device(&mut world, 0, space);
    assert!(world.violation.is_some_and(|violation| violation.starts_with("live queries")));
}

#[test]
fn what_a_disk_has_lost_under_a_running_device_is_noticed() {
    let (mut world, space) = settled();
    write(&mut world, space, 1);
    check_restart(&mut world, 0, space);
    assert_eq!(world.violation, None);
    let before = world.devices[0].store.copy();
    write(&mut world, space, 2);
    world.devices[0].store.restore(before);
    world.only = Some("rebase");
    check_restart(&mut world, 0, space);
    assert!(world.violation.is_some_and(|violation| violation.starts_with("rebase")));
}
