//! The phone that was offline for a month: thousands of Entries behind, with edits of its own, one
//! of them sealed and sent before the connection broke.

use crate::story::{ALICE, BOB, increment, key, pass, rest, shown, typed, write};
use veilfold_tests::harness::{Protections, World};

const MONTH_MS: u64 = 30 * 24 * 3600 * 1000;

#[test]
fn what_was_typed_offline_is_whole_and_in_its_place_after_a_month() {
    let mut world = World::new(7, 2, Protections::default());
    let space = world.share_space();
    write(&mut world, ALICE, space, vec![typed(0, 0, "The end.")]);
    rest(&mut world, space);

    // Bob's first word is sealed and sent, and the connection breaks before it arrives.
    write(&mut world, BOB, space, vec![typed(4, 0, "happy ")]);
    let connection = world.devices[BOB].connection.expect("a connection");
    world.cut(connection);
    world.devices[BOB].offline_until_ms = world.now_ms + MONTH_MS;
    for character in "very ".chars().rev() {
        write(&mut world, BOB, space, vec![typed(4, 0, &character.to_string())]);
        write(&mut world, BOB, space, vec![increment("all", 1)]);
    }
    assert_eq!(shown(&mut world, BOB, space, &key("notes", "one")), r#"{"body":"The very happy end."}"#);

    // Meanwhile Alice writes far more than the seen window, before and behind Bob's place.
    for round in 0..1_500u64 {
        let action = match round % 3 {
            0 => increment("all", 1),
            1 => typed(0, 0, "<"),
            _ => typed(0, 1, ""),
        };
        write(&mut world, ALICE, space, vec![action]);
        pass(&mut world, 1_000);
    }
    let alone = world.call(ALICE, |engine| engine.log_head(space)).expect("a head").0;
    assert!(alone > 1_400, "each of Alice's edits is an Entry of its own, found {alone}");

    pass(&mut world, MONTH_MS);
    rest(&mut world, space);
    assert_eq!(shown(&mut world, ALICE, space, &key("notes", "one")), r#"{"body":"The very happy end."}"#);
    assert_eq!(shown(&mut world, BOB, space, &key("stats", "all")), r#"{"n":505}"#);
}
