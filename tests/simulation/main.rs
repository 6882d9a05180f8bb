//! Seeded histories: those that once failed, a few new ones, and one written by hand.
//!
//! Many more run by `cargo xtask sim`.

mod proofs;

use veilfold_core::engine::Draft;
use veilfold_core::model::{Action, DocumentKey, Op, Path, Value};
use veilfold_core::wire::signature::ideal;
use veilfold_tests::harness::{Protections, World};
use veilfold_tests::simulation::{REAL_SIGNATURES_EVERY, run_history};

#[test]
fn seeds_that_once_failed_stay_mended() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/simulation/seeds");
    for file in std::fs::read_dir(folder).expect("the seeds") {
        let name = file.expect("a seed").file_name().into_string().expect("a name");
        let Some(seed) = name.strip_suffix(".txt") else { continue };
        let seed = seed.parse().expect("a file named after its seed");
        assert_eq!(run_history(seed, Protections::default()).violation, None, "seed {seed}");
    }
}

#[test]
fn a_hundred_histories_hold() {
    for seed in 500_000..500_100 {
        assert_eq!(run_history(seed, Protections::default()).violation, None, "seed {seed}");
    }
}

#[test]
fn the_same_seed_makes_the_same_history() {
    let twice = [0, 1].map(|_| run_history(42, Protections::default()).counts);
    assert_eq!(format!("{:?}", twice[0]), format!("{:?}", twice[1]));
}

#[test]
fn ideal_signatures_make_the_same_history() {
    for seed in (1..=12).map(|number| number * REAL_SIGNATURES_EVERY) {
        let real = run_history(seed, Protections::default());
        let _ideal = ideal::begin();
        let ideal = run_history(seed, Protections::default());
        assert_eq!(format!("{real:?}"), format!("{ideal:?}"));
    }
}

#[test]
fn three_devices_share_a_space_and_converge() {
    let mut world = World::new(1, 3, Protections::default());
    let space = world.share_space();
    let key = DocumentKey::new("stats", "all");
    for device in 0..3 {
        for _ in 0..10 {
            let op = Op::Increment { path: Path::parse("n").expect("a path"), by: 1 };
            let draft = Draft { actions: vec![Action { key: key.clone(), op }], ..Draft::default() };
            let now = world.now_ms;
            let committed = world.call(device, |engine| engine.transact(space, draft, now));
            assert!(matches!(committed, Ok(Some(_))));
        }
    }
    world.quiet(space);
    assert_eq!(world.violation, None);
    let roots = [0, 1, 2].map(|device| world.call(device, |engine| engine.state_root(space)));
    assert_eq!(roots[0], roots[1]);
    assert_eq!(roots[0], roots[2]);
    let fields = world.call(1, |engine| engine.read(space, &key)).expect("a read").expect("a document");
    assert_eq!(fields.get("n"), Some(&Value::Int(30)));
}
