//! Somebody who is added late reads everything from the start, and writes.

use crate::story::{ALICE, BOB, increment, key, rest, shown, write};
use veilfold_core::engine::{Event, SyncState};
use veilfold_core::wire::Role;
use veilfold_tests::harness::{Protections, World};

#[test]
fn a_newcomer_reads_what_was_written_before_it_was_added() {
    let mut world = World::new(3, 2, Protections::default());
    let now = world.now_ms;
    let space = world.call(ALICE, |engine| engine.create_space("space", "Alice", now)).expect("a space");
    for _ in 0..40 {
        write(&mut world, ALICE, space, vec![increment("all", 1)]);
    }
    let card = world.call(BOB, |engine| engine.contact_card("Bob")).expect("a card");
    let (wish, ticket) =
        world.call(ALICE, |engine| engine.add_member(space, card, Role::Writer, now)).expect("an addition");
    world.call(BOB, |engine| engine.join(&ticket, "from Alice", now)).expect("a join");
    rest(&mut world, space);
    assert_eq!(shown(&mut world, BOB, space, &key("stats", "all")), r#"{"n":40}"#);
    assert!(world.events.contains(&(BOB, Event::Admitted { space })));
    let fate = world.call(ALICE, |engine| engine.fate(space, wish)).expect("a fate");
    assert!(fate.is_some_and(|settled| settled.fate.is_settled()));
    let names: Vec<_> = world
        .call(BOB, |engine| engine.members(space))
        .expect("members")
        .into_iter()
        .map(|member| (member.name, member.role, member.me))
        .collect();
    let alice = (Some("Alice".to_owned()), Role::Owner, false);
    assert_eq!(names, [alice, (Some("Bob".to_owned()), Role::Writer, true)]);
    write(&mut world, BOB, space, vec![increment("all", 2)]);
    rest(&mut world, space);
    assert_eq!(shown(&mut world, ALICE, space, &key("stats", "all")), r#"{"n":42}"#);
}

#[test]
fn a_newcomer_waits_until_it_is_added_and_a_reader_cannot_write() {
    let mut world = World::new(4, 2, Protections::default());
    let now = world.now_ms;
    let space = world.call(ALICE, |engine| engine.create_space("space", "Alice", now)).expect("a space");
    let card = world.call(BOB, |engine| engine.contact_card("Bob")).expect("a card");
    // Alice is offline when she adds Bob, so Bob asks in vain at first.
    world.take_offline(ALICE, 60_000);
    let (_, ticket) =
        world.call(ALICE, |engine| engine.add_member(space, card, Role::Reader, now)).expect("an addition");
    world.call(BOB, |engine| engine.join(&ticket, "from Alice", now)).expect("a join");
    crate::story::pass(&mut world, 20_000);
    assert_eq!(world.call(BOB, |engine| engine.status(space)).expect("a status").state, SyncState::Refused);
    rest(&mut world, space);
    let draft = veilfold_core::engine::Draft { actions: vec![increment("all", 1)], ..Default::default() };
    let refused = world.call(BOB, |engine| engine.transact(space, draft, now)).expect_err("a refusal");
    assert_eq!(refused.code, "read_only");
}
