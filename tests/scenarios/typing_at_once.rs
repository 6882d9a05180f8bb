//! Several people type at the same place at once.

use crate::story::{key, rest, shown, typed, write};
use veilfold_core::keys::SeededEntropy;
use veilfold_core::model::fields_to_json;
use veilfold_tests::harness::{Faults, Protections, World};

/// An edit that waits is expressed anew whenever others are ordered before it. Where it is shown then may
/// be on the other side of theirs than where the order puts it; once it is ordered, the order counts.
#[test]
fn what_is_typed_at_one_place_is_shown_as_the_order_has_it() {
    for seed in 1..=20 {
        let mut world = World::new(seed, 3, Protections::default());
        let space = world.share_space();
        world.faults = Faults { delay_ms: 1_000, ..Faults::NONE };
        for _ in 0..30 {
            let device = world.rng.below(3) as usize;
            write(&mut world, device, space, vec![typed(0, 0, ["a", "b", "c"][device])]);
            for _ in 0..world.rng.below(5) {
                let until = world.now_ms + 1_000;
                world.tick(until);
            }
            let now = shown(&mut world, device, space, &key("notes", "one"));
            let entropy = Box::new(SeededEntropy::new(1));
            let again = world.call(device, |engine| engine.refolded(space, entropy));
            let (documents, _) = again.expect("the log");
            let again = fields_to_json(&documents[&key("notes", "one")]);
            assert_eq!(now.as_bytes(), again, "seed {seed}, device {device}");
        }
        rest(&mut world, space);
    }
}
