//! Named mutators: run again by themselves when the order rejected them, also after a restart; and
//! the fates that their writers are told.

use crate::story::{ALICE, BOB, increment, key, pass, path, rest, shown, write};
use veilfold_core::engine::{Committed, Draft, GiveUp, Mutation};
use veilfold_core::model::{Action, Op, Position, TxId, Value};
use veilfold_core::outbox::{Fate, RefusedReason, Retry, Settled};
use veilfold_core::wire::SpaceId;
use veilfold_tests::harness::{Protections, World};

/// `bid(by)`: raises the price by that much; reads it, so that another bid in between is a conflict.
fn bid(world: &mut World, device: usize, space: SpaceId, by: i64, mutation: Mutation) -> Committed {
    let lot = key("lots", "1");
    let read = world.call(device, |engine| engine.preview(space, &[], &lot)).expect("a read");
    let price = match read.0.unwrap_or_default().get("price") {
        Some(Value::Int(price)) => *price,
        _ => 0,
    };
    let op = Op::Set { path: path("price"), value: Value::Int(price + by) };
    let actions = vec![Action { key: lot, op }];
    let draft = Draft { reads: vec![read.1], actions, mutation: Some(mutation) };
    let now = world.now_ms;
    let committed = world.call(device, |engine| engine.transact(space, draft, now));
    committed.expect("a commit").expect("nothing has changed since")
}

fn first(by: i64) -> Mutation {
    Mutation::First { name: "bid".to_owned(), args: by.to_string().into_bytes() }
}

fn by(retry: &Retry) -> i64 {
    String::from_utf8_lossy(&retry.run.args).parse().expect("the arguments that were kept")
}

fn take(world: &mut World, device: usize) -> Option<Retry> {
    world.devices[device].engine().take_retry().expect("a store that works").map(|(_, retry)| retry)
}

fn settled(world: &mut World, device: usize, space: SpaceId, tx_id: TxId) -> Settled {
    world.call(device, |engine| engine.fate(space, tx_id)).expect("a read").expect("a fate")
}

/// Alice and Bob bid while they are apart; Alice's is ordered first.
fn two_bids(world: &mut World, space: SpaceId) -> (Committed, Committed) {
    world.take_offline(BOB, 30_000);
    let bobs = bid(world, BOB, space, 5, first(5));
    let alices = bid(world, ALICE, space, 10, first(10));
    pass(world, 20_000);
    (alices, bobs)
}

#[test]
fn a_mutator_runs_again_on_what_the_order_made_of_it() {
    let mut world = World::new(31, 2, Protections::default());
    let space = world.share_space();
    let (alices, bobs) = two_bids(&mut world, space);
    // Alice's bid reaches Bob before his was sent: it is taken back and runs again at once.
    pass(&mut world, 60_000);
    let retry = take(&mut world, BOB).expect("Bob's bid runs again");
    assert_eq!((retry.run.name.as_str(), by(&retry), retry.run.first), ("bid", 5, bobs.tx_id));
    assert_eq!(take(&mut world, BOB), None, "handed out once");
    assert_eq!(settled(&mut world, BOB, space, bobs.tx_id).fate, Fate::Pending);
    let again = bid(&mut world, BOB, space, by(&retry), Mutation::Again(retry.run.first));
    assert_eq!(again.tx_id, bobs.tx_id, "the receipt stays the same");
    rest(&mut world, space);
    assert_eq!(shown(&mut world, ALICE, space, &key("lots", "1")), r#"{"price":15}"#);
    for (device, bid) in [(ALICE, alices), (BOB, bobs)] {
        let told = settled(&mut world, device, space, bid.tx_id);
        assert!(matches!(told.fate, Fate::Confirmed(_)), "{told:?}");
        assert_eq!((told.attempts, told.mutator.as_deref()), (1, Some("bid")));
    }
}

/// Both send at the same moment, so that the order rejects one of them.
fn conflict(world: &mut World, space: SpaceId, devices: [(usize, i64); 2]) -> Vec<(usize, Committed)> {
    devices.map(|(device, by)| (device, bid(world, device, space, by, first(by)))).into()
}

#[test]
fn what_waits_to_run_again_survives_a_restart_and_counts_its_attempts() {
    let mut world = World::new(32, 2, Protections::default());
    let space = world.share_space();
    rest(&mut world, space);
    let bids = conflict(&mut world, space, [(ALICE, 10), (BOB, 5)]);
    rest(&mut world, space);
    let lost: Vec<_> = bids
        .iter()
        .filter(|(device, bid)| settled(&mut world, *device, space, bid.tx_id).fate == Fate::Pending)
        .collect();
    let [(device, bid_lost)] = lost[..] else { panic!("one of two is rejected: {lost:?}") };
    // Taken by a process that is killed before it ran it.
    let taken = take(&mut world, *device).expect("it runs again");
    world.kill_device(*device);
    world.start(*device);
    assert_eq!(take(&mut world, *device), Some(taken.clone()), "handed out again after the restart");
    assert_eq!(taken.run.attempt, 1);
    assert_ne!(taken.position, Position::START, "the order had it");
    bid(&mut world, *device, space, by(&taken), Mutation::Again(taken.run.first));
    rest(&mut world, space);
    assert_eq!(shown(&mut world, ALICE, space, &key("lots", "1")), r#"{"price":15}"#);
    let told = settled(&mut world, *device, space, bid_lost.tx_id);
    assert!(matches!(told.fate, Fate::Confirmed(_)), "{told:?}");
    assert_eq!(told.attempts, 2);
    assert_eq!(take(&mut world, *device), None);
}

#[test]
fn after_its_tries_a_rejection_is_final() {
    let mut protections = Protections::default();
    protections.device.mutator_tries = 3;
    let mut world = World::new(33, 2, protections);
    let space = world.share_space();
    rest(&mut world, space);
    // Bob's own bid goes out together with one of Alice's, again and again, until his are used up.
    let mut bobs = bid(&mut world, BOB, space, 5, first(5));
    let mut rejected = 0;
    for _ in 0..40 {
        bid(&mut world, ALICE, space, 1, first(1));
        rest(&mut world, space);
        while let Some(retry) = take(&mut world, ALICE) {
            world.call(ALICE, |engine| engine.give_up(space, retry.run.first, GiveUp::NothingToDo)).unwrap();
        }
        match take(&mut world, BOB) {
            Some(retry) => {
                rejected += 1;
                assert_eq!(retry.run.attempt, rejected);
                bobs = bid(&mut world, BOB, space, 5, Mutation::Again(retry.run.first));
            }
            None => match settled(&mut world, BOB, space, bobs.tx_id) {
                Settled { fate: Fate::Rejected(..), attempts, .. } => {
                    assert_eq!(attempts, 3);
                    return;
                }
                _ => {
                    rejected = 0;
                    bobs = bid(&mut world, BOB, space, 5, first(5));
                }
            },
        }
    }
    panic!("no bid of Bob's was rejected three times in a row");
}

#[test]
fn a_missing_or_failing_mutator_has_a_fate_that_says_so() {
    let mut world = World::new(34, 2, Protections::default());
    let space = world.share_space();
    for (why, reason) in
        [(GiveUp::Missing, RefusedReason::MutatorMissing), (GiveUp::Failed, RefusedReason::MutatorFailed)]
    {
        let (_, bobs) = two_bids(&mut world, space);
        pass(&mut world, 60_000);
        let retry = take(&mut world, BOB).expect("Bob's bid runs again");
        world.call(BOB, |engine| engine.give_up(space, retry.run.first, why)).expect("a fate");
        assert_eq!(settled(&mut world, BOB, space, bobs.tx_id).fate, Fate::Refused(reason));
    }
    rest(&mut world, space);
    assert_eq!(shown(&mut world, BOB, space, &key("lots", "1")), r#"{"price":20}"#);
}

#[test]
fn what_stood_on_a_taken_back_write_is_not_confirmed_without_it() {
    let mut world = World::new(35, 2, Protections::default());
    let space = world.share_space();
    rest(&mut world, space);
    world.take_offline(BOB, 30_000);
    bid(&mut world, BOB, space, 5, first(5));
    let second = bid(&mut world, BOB, space, 7, first(7));
    let counted = write(&mut world, BOB, space, vec![increment("bids", 1)]);
    bid(&mut world, ALICE, space, 10, first(10));
    pass(&mut world, 80_000);
    // Both of Bob's bids run again, each on the one before.
    while let Some(retry) = take(&mut world, BOB) {
        bid(&mut world, BOB, space, by(&retry), Mutation::Again(retry.run.first));
    }
    rest(&mut world, space);
    assert_eq!(take(&mut world, BOB), None);
    assert_eq!(shown(&mut world, ALICE, space, &key("lots", "1")), r#"{"price":22}"#);
    for tx_id in [second.tx_id, counted.tx_id] {
        assert!(matches!(settled(&mut world, BOB, space, tx_id).fate, Fate::Confirmed(_)));
    }
}

#[test]
fn fates_come_until_they_are_taken() {
    let mut world = World::new(36, 1, Protections::default());
    let space = world.share_space();
    let ids: Vec<TxId> =
        (0..3).map(|_| write(&mut world, ALICE, space, vec![increment("all", 1)]).tx_id).collect();
    rest(&mut world, space);
    let next = |world: &mut World, taken| {
        world.call(ALICE, |engine| engine.next_fates(space, taken, 2)).expect("a store that works")
    };
    let batch = next(&mut world, 0);
    assert_eq!(batch.fates.iter().map(|settled| settled.tx_id).collect::<Vec<_>>(), ids[..2]);
    world.kill_device(ALICE);
    world.start(ALICE);
    assert_eq!(next(&mut world, 0), batch, "not taken yet");
    let last = next(&mut world, batch.next);
    assert_eq!(last.fates.iter().map(|settled| settled.tx_id).collect::<Vec<_>>(), ids[2..]);
    assert!(next(&mut world, last.next).fates.is_empty());
}
