//! Seeded histories.

use veilfold_core::engine::Draft;
use veilfold_core::model::{Action, DocumentKey, Op, Path};
use veilfold_tests::harness::{Protections, World};

#[test]
fn three_devices_share_a_space_and_converge() {
    let mut world = World::new(1, 3, Protections::default());
    let space = world.share_space();
    assert_eq!(world.violation, None);
    for device in 0..3 {
        for _ in 0..10 {
            let now = world.now_ms;
            let draft = Draft {
                reads: vec![],
                actions: vec![Action {
                    key: DocumentKey::new("stats", "all"),
                    op: Op::Increment { path: Path::parse("n").unwrap(), by: 1 },
                }],
            };
            world.call(device, |engine| engine.transact(space, draft, now)).unwrap().unwrap();
        }
    }
    world.quiet(space);
    assert_eq!(world.violation, None);
    let roots: Vec<_> = (0..3).map(|d| world.call(d, |engine| engine.state_root(space)).unwrap()).collect();
    assert_eq!(roots[0], roots[1]);
    assert_eq!(roots[0], roots[2]);
    let fields = world.call(1, |e| e.read(space, &DocumentKey::new("stats", "all"))).unwrap().unwrap();
    assert_eq!(format!("{fields:?}"), r#"{"n": Int(30)}"#);
}
