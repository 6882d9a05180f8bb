//! Spaces that pin a resolver by the bytes of its module.

use crate::resolvers::{call, gig, held, update};
use crate::story::{ALICE, BOB, increment, key, pass, rest, shown, write};
use veilfold_core::engine::HeldFor;
use veilfold_core::outbox::Fate;
use veilfold_core::resolver::{Module, Resolvers};
use veilfold_tests::harness::{Protections, World};
use veilfold_tests::simulation::resolver::{Second, TICKETS, resolvers};

const CAROL: usize = 2;

/// Version 1 as ever, and version 2 compiled from that language.
fn compiled(language: &str) -> Resolvers {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/pinned");
    let bytes = std::fs::read(folder.join(format!("tickets-{language}.wasm"))).expect("a pinned module");
    resolvers(1).with(TICKETS, 2, Module::new(&bytes).expect("a module"))
}

#[test]
fn who_has_other_bytes_of_the_same_version_waits_for_an_update() {
    let mut world = World::new(71, 3, Protections::default());
    (0..3).for_each(|device| update(&mut world, device, resolvers(1)));
    let space = world.share_space();
    rest(&mut world, space);
    write(&mut world, BOB, space, vec![call("buy")]);
    rest(&mut world, space);

    update(&mut world, ALICE, compiled("rust"));
    update(&mut world, BOB, compiled("rust"));
    update(&mut world, CAROL, compiled("zig"));
    let now = world.now_ms;
    world.call(ALICE, |engine| engine.enable_resolvers(space, now)).expect("an owner").expect("news");
    let alices = write(&mut world, ALICE, space, vec![call("buy")]);
    let bobs = write(&mut world, BOB, space, vec![call("buy")]);
    let carols = write(&mut world, CAROL, space, vec![increment("all", 1)]);
    pass(&mut world, 60_000);
    for device in [ALICE, BOB] {
        assert_eq!(held(&mut world, device, space), None);
        assert!(gig(&mut world, device, space).contains(r#""free":0"#), "migrated, and two more were sold");
    }
    let required = Some(HeldFor::Update { collection: TICKETS.to_owned(), version: 2 });
    assert_eq!(held(&mut world, CAROL, space), required, "the same rules in other bytes");
    assert!(gig(&mut world, CAROL, space).contains(r#""left":1"#), "what was there stays readable");

    // The same rules once more, but not by their bytes: the fold cannot know that.
    update(&mut world, CAROL, resolvers(1).with(TICKETS, 2, Second));
    write(&mut world, ALICE, space, vec![increment("all", 1)]);
    pass(&mut world, 20_000);
    assert_eq!(held(&mut world, CAROL, space), required);

    update(&mut world, CAROL, compiled("rust"));
    write(&mut world, BOB, space, vec![increment("all", 1)]);
    rest(&mut world, space);
    for device in 0..3 {
        assert_eq!(held(&mut world, device, space), None);
        assert!(gig(&mut world, device, space).contains(r#""free":0"#));
        assert_eq!(shown(&mut world, device, space, &key("stats", "all")), r#"{"n":3}"#);
    }
    for (device, of) in [(ALICE, alices), (BOB, bobs), (CAROL, carols)] {
        let told =
            world.call(device, |engine| engine.fate(space, of.tx_id)).expect("a read").expect("a fate");
        assert!(matches!(told.fate, Fate::Confirmed(_)), "device {device}: {told:?}");
    }
}

#[test]
fn a_module_in_any_language_folds_a_space_as_the_reference_model_does() {
    for (seed, language) in [(72, "rust"), (73, "assemblyscript"), (74, "zig")] {
        let mut world = World::new(seed, 3, Protections::default());
        (0..3).for_each(|device| update(&mut world, device, compiled(language)));
        let space = world.share_space();
        rest(&mut world, space);
        for round in 0..12 {
            for device in 0..3 {
                if round % 3 == device {
                    world.take_offline(device, 4_000);
                }
                let name = ["buy", "give back", "note"][(round * 5 + device * 3) % 3];
                // What is sold out here and now is an error of the call, which is not what this is about.
                let actions = vec![call(name)];
                let draft = veilfold_core::engine::Draft { actions, ..Default::default() };
                let now = world.now_ms;
                let _ = world.call(device, |engine| engine.transact(space, draft, now));
            }
            pass(&mut world, 1_500);
        }
        rest(&mut world, space);
        let seen = gig(&mut world, ALICE, space);
        assert!(seen.contains(r#""free":"#) && seen.contains(r#""of "#), "{language}: {seen}");
    }
}

#[test]
fn an_app_that_changes_the_bytes_of_a_version_waits_too() {
    let mut world = World::new(75, 2, Protections::default());
    (0..2).for_each(|device| update(&mut world, device, compiled("rust")));
    let space = world.share_space();
    rest(&mut world, space);
    write(&mut world, ALICE, space, vec![call("buy")]);
    rest(&mut world, space);
    update(&mut world, BOB, compiled("zig"));
    write(&mut world, ALICE, space, vec![call("buy")]);
    pass(&mut world, 20_000);
    let required = Some(HeldFor::Update { collection: TICKETS.to_owned(), version: 2 });
    assert_eq!(held(&mut world, BOB, space), required);
    update(&mut world, BOB, compiled("rust"));
    rest(&mut world, space);
    assert!(gig(&mut world, BOB, space).contains(r#""free":1"#));
}
