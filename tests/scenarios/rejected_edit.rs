//! Typing that stands on own text which the order rejects is moved, issued again, and not lost.

use crate::story::{ALICE, BOB, increment, key, path, rest, shown, typed, write};
use veilfold_core::model::{Action, Condition, Op};
use veilfold_core::outbox::Fate;
use veilfold_tests::harness::{Protections, World};

#[test]
fn typing_into_text_that_was_rejected_is_kept_at_its_place() {
    let mut world = World::new(11, 2, Protections::default());
    let space = world.share_space();
    write(&mut world, ALICE, space, vec![typed(0, 0, "start end")]);
    rest(&mut world, space);

    world.take_offline(BOB, 100_000);
    // Bob's insertion has a condition that Alice is about to break; what he types next stands on it.
    let stock = Op::Expect { path: path("n"), condition: Condition::Missing };
    let condition = Action { key: key("stats", "all"), op: stock };
    let conditional = write(&mut world, BOB, space, vec![condition, typed(6, 0, "[maybe] ")]);
    let more = write(&mut world, BOB, space, vec![typed(13, 0, "!")]);
    let last = write(&mut world, BOB, space, vec![typed(18, 0, " fin")]);
    assert_eq!(shown(&mut world, BOB, space, &key("notes", "one")), r#"{"body":"start [maybe]! end fin"}"#);
    write(&mut world, ALICE, space, vec![increment("all", 1)]);
    write(&mut world, ALICE, space, vec![typed(0, 0, ">> ")]);

    rest(&mut world, space);
    assert_eq!(shown(&mut world, ALICE, space, &key("notes", "one")), r#"{"body":">> start! end fin"}"#);
    let mut fate = |tx_id| {
        let settled = world.call(BOB, |engine| engine.fate(space, tx_id)).expect("a fate");
        settled.map(|settled| settled.fate)
    };
    assert!(matches!(fate(conditional.tx_id), Some(Fate::Rejected(..))));
    assert!(matches!(fate(more.tx_id), Some(Fate::Confirmed(_))));
    assert!(matches!(fate(last.tx_id), Some(Fate::Confirmed(_))));
}
