//! Copies of a device's store: a restored backup, and two that run at once.

use crate::story::{ALICE, BOB, increment, key, rest, shown, write};
use veilfold_core::engine::Event;
use veilfold_tests::harness::{Hostile, Misdeed, Protections, World};

/// Events that a copied store causes are no violation in these stories.
fn tolerant(world: &mut World) {
    world.hostile = Some(Hostile::new(Misdeed::RepeatInOrder, usize::MAX));
}

#[test]
fn a_restored_backup_loses_nothing_and_repeats_nothing() {
    let mut world = World::new(21, 2, Protections::default());
    let space = world.share_space();
    tolerant(&mut world);
    world.take_offline(BOB, 5_000);
    write(&mut world, BOB, space, vec![increment("all", 1)]);
    let backup = world.devices[BOB].store.copy();
    rest(&mut world, space);
    write(&mut world, BOB, space, vec![increment("all", 10)]);
    rest(&mut world, space);
    assert_eq!(shown(&mut world, ALICE, space, &key("stats", "all")), r#"{"n":11}"#);

    // The backup still has the first increment waiting, and has never heard of the second.
    world.kill_device(BOB);
    world.devices[BOB].store.restore(backup);
    world.start(BOB);
    write(&mut world, BOB, space, vec![increment("all", 100)]);
    rest(&mut world, space);
    assert_eq!(shown(&mut world, ALICE, space, &key("stats", "all")), r#"{"n":111}"#);
    assert!(world.events.contains(&(BOB, Event::DeviceCloned { space })));
}

#[test]
fn two_copies_of_a_device_take_turns_and_both_are_told() {
    let mut world = World::new(22, 3, Protections::default());
    let space = world.share_space();
    tolerant(&mut world);
    const COPY: usize = 2;
    let disk = world.devices[BOB].store.copy();
    world.kill_device(COPY);
    world.devices[COPY].store.restore(disk);
    // The copy opens with Bob's keys.
    world.devices[COPY].become_copy_of(BOB, 22);
    world.start(COPY);
    for round in 0..5 {
        for device in [BOB, COPY] {
            write(&mut world, device, space, vec![increment("all", 1)]);
        }
        if round % 2 == 0 {
            crate::story::pass(&mut world, 3_000);
        }
    }
    rest(&mut world, space);
    assert_eq!(shown(&mut world, ALICE, space, &key("stats", "all")), r#"{"n":10}"#);
    assert!(world.events.iter().any(|(_, event)| *event == Event::DeviceCloned { space }));
}
