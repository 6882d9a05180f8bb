//! The anomalies that isolation levels are named for, each tried for real: two people who are apart,
//! what each reads and writes, and what the order makes of it.
//!
//! Names as in Adya, "Weak Consistency" (1999) and Berenson et al., "A Critique of ANSI SQL Isolation
//! Levels" (1995).

use crate::story::{ALICE, BOB, increment, key, pass, path, rest, shown, write};
use veilfold_core::engine::{Committed, Draft};
use veilfold_core::model::{Action, Condition, DocumentKey, Fields, Op, RejectReason, Value};
use veilfold_core::outbox::Fate;
use veilfold_core::wire::SpaceId;
use veilfold_tests::harness::{Protections, Rng, World};

const APART_MS: u64 = 60_000;

/// A function that reads and writes, as an app gives it to `transact`: run until it is committed here.
struct Tx<'a> {
    world: &'a mut World,
    device: usize,
    space: SpaceId,
    draft: Draft,
}

impl<'a> Tx<'a> {
    fn begin(world: &'a mut World, device: usize, space: SpaceId) -> Self {
        Self { world, device, space, draft: Draft::default() }
    }

    fn number(&mut self, of: &DocumentKey) -> i64 {
        let (space, actions) = (self.space, self.draft.actions.clone());
        let read = self.world.call(self.device, |engine| engine.preview(space, &actions, of));
        let (fields, token) = read.expect("a read");
        self.draft.reads.push(token);
        number(&fields.unwrap_or_default())
    }

    /// Ids of all documents of a collection.
    fn all(&mut self, collection: &str) -> Vec<String> {
        let (space, actions) = (self.space, self.draft.actions.clone());
        let read = self
            .world
            .call(self.device, |engine| engine.preview_page(space, &actions, collection, None, 1000));
        let (rows, token) = read.expect("a read");
        self.draft.reads.push(token);
        rows.into_iter().map(|(id, _)| id).collect()
    }

    fn set(&mut self, of: &DocumentKey, number: i64) {
        let op = Op::Set { path: path("n"), value: Value::Int(number) };
        self.draft.actions.push(Action { key: of.clone(), op });
    }

    fn commit(self) -> Committed {
        let Self { world, device, space, draft } = self;
        let now = world.now_ms;
        let committed = world.call(device, |engine| engine.transact(space, draft, now));
        committed.expect("a commit").expect("nothing changed since it was read")
    }
}

fn number(fields: &Fields) -> i64 {
    match fields.get("n") {
        Some(Value::Int(number)) => *number,
        _ => 0,
    }
}

fn value(world: &mut World, device: usize, space: SpaceId, of: &DocumentKey) -> i64 {
    number(&world.call(device, |engine| engine.read(space, of)).expect("a read").unwrap_or_default())
}

fn fate(world: &mut World, device: usize, space: SpaceId, of: &Committed) -> Fate {
    world.call(device, |engine| engine.fate(space, of.tx_id)).expect("a read").expect("a fate").fate
}

fn is_conflict(fate: &Fate) -> bool {
    matches!(fate, Fate::Rejected(_, rejection) if rejection.reason == RejectReason::ReadChanged)
}

/// Two people with a Space in which documents have these numbers.
fn two_people(seed: u64, numbers: &[(&DocumentKey, i64)]) -> (World, SpaceId) {
    let mut world = World::new(seed, 2, Protections::default());
    let space = world.share_space();
    for (of, number) in numbers {
        let op = Op::Set { path: path("n"), value: Value::Int(*number) };
        write(&mut world, ALICE, space, vec![Action { key: (*of).clone(), op }]);
    }
    rest(&mut world, space);
    (world, space)
}

/// Both are offline and write.
fn apart(world: &mut World) {
    world.take_offline(ALICE, APART_MS);
    world.take_offline(BOB, APART_MS * 100);
}

/// Alice comes back and sends what she wrote, then Bob, and all have everything.
fn alice_first(world: &mut World, space: SpaceId) {
    let waits =
        |world: &mut World| world.call(ALICE, |engine| engine.status(space)).expect("a status").outbox_count;
    while waits(world) > 0 {
        pass(world, 1_000);
    }
    rest(world, space);
}

#[test]
fn lost_update() {
    let stock = key("stats", "stock");
    let (mut world, space) = two_people(1, &[(&stock, 10)]);
    apart(&mut world);
    let sell = |world: &mut World, device, count| {
        let mut tx = Tx::begin(world, device, space);
        let left = tx.number(&stock);
        tx.set(&stock, left - count);
        tx.commit()
    };
    let (alice, bob) = (sell(&mut world, ALICE, 3), sell(&mut world, BOB, 4));
    alice_first(&mut world, space);
    assert!(matches!(fate(&mut world, ALICE, space, &alice), Fate::Confirmed(_)));
    assert!(is_conflict(&fate(&mut world, BOB, space, &bob)), "the second does not write over the first");
    assert_eq!(value(&mut world, BOB, space, &stock), 7);

    // As intents both count, and nobody conflicts.
    apart(&mut world);
    let alice = write(&mut world, ALICE, space, vec![increment("stock", -3)]);
    let bob = write(&mut world, BOB, space, vec![increment("stock", -4)]);
    alice_first(&mut world, space);
    for (device, committed) in [(ALICE, alice), (BOB, bob)] {
        assert!(matches!(fate(&mut world, device, space, &committed), Fate::Confirmed(_)));
        assert_eq!(value(&mut world, device, space, &stock), 0);
    }
}

#[test]
fn write_skew() {
    // Two doctors are on call; each may leave while the other stays.
    let (ann, ben) = (key("on_call", "ann"), key("on_call", "ben"));
    let (mut world, space) = two_people(2, &[(&ann, 1), (&ben, 1)]);
    apart(&mut world);
    let leave = |world: &mut World, device, own: &DocumentKey| {
        let mut tx = Tx::begin(world, device, space);
        assert_eq!(tx.number(&ann) + tx.number(&ben), 2);
        tx.set(own, 0);
        tx.commit()
    };
    let (alice, bob) = (leave(&mut world, ALICE, &ann), leave(&mut world, BOB, &ben));
    alice_first(&mut world, space);
    assert!(matches!(fate(&mut world, ALICE, space, &alice), Fate::Confirmed(_)));
    assert!(is_conflict(&fate(&mut world, BOB, space, &bob)));
    assert_eq!(value(&mut world, BOB, space, &ann) + value(&mut world, BOB, space, &ben), 1);
}

#[test]
fn read_skew() {
    // Alice moves 50 from one account to the other while Bob writes down the sum of both.
    let (one, two, sum) = (key("accounts", "one"), key("accounts", "two"), key("stats", "sum"));
    let (mut world, space) = two_people(3, &[(&one, 100), (&two, 100)]);
    apart(&mut world);
    let mut tx = Tx::begin(&mut world, ALICE, space);
    let (from, to) = (tx.number(&one), tx.number(&two));
    tx.set(&one, from - 50);
    tx.set(&two, to + 50);
    tx.commit();
    // Bob has read the first account when Alice's Transaction arrives: what he reads next would not fit.
    let mut tx = Tx::begin(&mut world, BOB, space);
    let first = tx.number(&one);
    let draft = tx.draft;
    world.quiet(space);
    let mut tx = Tx { world: &mut world, device: BOB, space, draft };
    let second = tx.number(&two);
    assert_eq!(first + second, 250, "a sum that never was");
    tx.set(&sum, first + second);
    let Tx { draft, .. } = tx;
    let now = world.now_ms;
    let committed = world.call(BOB, |engine| engine.transact(space, draft, now)).expect("a commit");
    assert_eq!(committed, None, "what was read does not hold together, so the function runs again");
    rest(&mut world, space);
    assert_eq!(shown(&mut world, BOB, space, &sum), "");
}

#[test]
fn phantom() {
    // A room takes two; each counts the bookings and adds one more.
    let booking = |who: &str| key("bookings", who);
    let (mut world, space) = two_people(4, &[(&booking("first"), 1)]);
    apart(&mut world);
    let book = |world: &mut World, device, who: &str| {
        let mut tx = Tx::begin(world, device, space);
        assert_eq!(tx.all("bookings"), ["first"], "there is room for one more");
        tx.set(&booking(who), 1);
        tx.commit()
    };
    let (alice, bob) = (book(&mut world, ALICE, "alice"), book(&mut world, BOB, "bob"));
    alice_first(&mut world, space);
    assert!(matches!(fate(&mut world, ALICE, space, &alice), Fate::Confirmed(_)));
    assert!(
        is_conflict(&fate(&mut world, BOB, space, &bob)),
        "a document that he had not seen came in between"
    );
    let mut tx = Tx::begin(&mut world, BOB, space);
    assert_eq!(tx.all("bookings"), ["alice", "first"]);

    // A change elsewhere is no conflict, nor is an own one.
    apart(&mut world);
    let other = write(&mut world, ALICE, space, vec![increment("visits", 1)]);
    let mut tx = Tx::begin(&mut world, BOB, space);
    tx.all("bookings");
    tx.set(&booking("bob"), 0);
    let own = tx.commit();
    let mut tx = Tx::begin(&mut world, BOB, space);
    assert_eq!(tx.all("bookings"), ["alice", "bob", "first"], "what is pending is read too");
    tx.set(&key("stats", "bookings"), 3);
    let next = tx.commit();
    alice_first(&mut world, space);
    assert!(matches!(fate(&mut world, ALICE, space, &other), Fate::Confirmed(_)));
    for committed in [own, next] {
        assert!(matches!(fate(&mut world, BOB, space, &committed), Fate::Confirmed(_)));
    }
}

#[test]
fn a_phantom_is_forgotten_with_the_window() {
    let (mut world, space) = two_people(5, &[(&key("bookings", "first"), 1)]);
    // So many Entries that nobody may look back to the booking any more.
    for _ in 0..1100 {
        write(&mut world, ALICE, space, vec![increment("visits", 1)]);
        pass(&mut world, 200);
    }
    rest(&mut world, space);
    let mut tx = Tx::begin(&mut world, BOB, space);
    assert_eq!(tx.all("bookings"), ["first"]);
    tx.set(&key("bookings", "bob"), 1);
    let bob = tx.commit();
    rest(&mut world, space);
    assert!(matches!(fate(&mut world, BOB, space, &bob), Fate::Confirmed(_)));
}

#[test]
fn long_fork_between_spaces_is_not_promised() {
    // One order for each Space and none between them: of two writes to two Spaces one person may
    // see the first alone and another the second alone.
    let mut world = World::new(6, 2, Protections::default());
    let spaces = [world.share_space(), world.share_space()];
    let visits = key("stats", "visits");
    world.take_offline(BOB, APART_MS);
    write(&mut world, ALICE, spaces[0], vec![increment("visits", 1)]);
    pass(&mut world, 10_000);
    write(&mut world, BOB, spaces[1], vec![increment("visits", 1)]);
    let seen = |world: &mut World, device| spaces.map(|space| value(world, device, space, &visits));
    assert_eq!(seen(&mut world, ALICE), [1, 0]);
    assert_eq!(seen(&mut world, BOB), [0, 1]);
    for space in spaces {
        rest(&mut world, space);
    }
    assert_eq!([seen(&mut world, ALICE), seen(&mut world, BOB)], [[1, 1], [1, 1]], "it heals");
}

#[test]
fn double_spend_of_one_seat_by_ten_devices() {
    let devices = 10;
    let mut world = World::new(7, devices, Protections::default());
    let space = world.share_space();
    let seat = key("seats", "7a");
    rest(&mut world, space);
    (0..devices).for_each(|device| world.take_offline(device, APART_MS));
    let wishes: Vec<Committed> = (0..devices)
        .map(|device| {
            let mut tx = Tx::begin(&mut world, device, space);
            assert_eq!(tx.number(&seat), 0, "it is free");
            tx.set(&seat, device as i64 + 1);
            tx.commit()
        })
        .collect();
    rest(&mut world, space);
    let fates: Vec<Fate> =
        wishes.iter().enumerate().map(|(device, wish)| fate(&mut world, device, space, wish)).collect();
    let winners: Vec<usize> =
        (0..devices).filter(|device| matches!(fates[*device], Fate::Confirmed(_))).collect();
    assert_eq!(winners.len(), 1, "{fates:?}");
    assert_eq!(fates.iter().filter(|fate| is_conflict(fate)).count(), devices - 1, "{fates:?}");
    for device in 0..devices {
        assert_eq!(value(&mut world, device, space, &seat), winners[0] as i64 + 1);
    }
}

#[test]
fn bank_transfers_keep_their_sum_under_any_schedule() {
    let accounts: Vec<DocumentKey> = (0..5).map(|n| key("accounts", &n.to_string())).collect();
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let mut world = World::new(seed, 3, Protections::default());
        let space = world.share_space();
        for account in &accounts {
            let op = Op::Set { path: path("n"), value: Value::Int(100) };
            write(&mut world, ALICE, space, vec![Action { key: account.clone(), op }]);
        }
        rest(&mut world, space);
        let mut moved = 0;
        for _ in 0..60 {
            let device = rng.below(3) as usize;
            if rng.chance(100) {
                world.take_offline(device, 1 + rng.below(20_000));
            }
            let (from, to) = (rng.pick(&accounts).clone(), rng.pick(&accounts).clone());
            let mut tx = Tx::begin(&mut world, device, space);
            let (has, amount) = (tx.number(&from), 1 + rng.below(120) as i64);
            if from != to && has >= amount {
                let other = tx.number(&to);
                tx.set(&from, has - amount);
                tx.set(&to, other + amount);
                tx.commit();
                moved += 1;
            }
            pass(&mut world, rng.below(3_000));
            for device in 0..3 {
                // Also on the way, on every screen: nobody ever sees half of a transfer.
                let shown: i64 =
                    accounts.iter().map(|account| value(&mut world, device, space, account)).sum();
                assert_eq!(shown, 500, "seed {seed}, device {device}");
            }
        }
        rest(&mut world, space);
        assert!(moved > 10, "seed {seed}");
        let each: Vec<i64> = accounts.iter().map(|account| value(&mut world, BOB, space, account)).collect();
        assert!(each.iter().sum::<i64>() == 500 && each.iter().all(|has| *has >= 0), "seed {seed}: {each:?}");
    }
}

/// Bob's own write is left out of what he sees, because its condition does not hold; he reads what it would
/// have changed, and writes by that. Then the order has his first write after all.
#[test]
fn lost_update_of_an_own_write_that_was_confirmed_after_all() {
    let mut confirmed = 0;
    for seed in 0..20 {
        let mut world = World::new(7_000 + seed, 2, Protections::default());
        let space = world.share_space();
        let (account, turns) = (key("accounts", "bob"), key("turns", "next"));
        let add =
            |of: &DocumentKey, by| Action { key: of.clone(), op: Op::Increment { path: path("n"), by } };
        world.take_offline(BOB, 10_000);
        write(&mut world, ALICE, space, vec![add(&account, -10)]);
        let bears = Op::Expect { path: path("n"), condition: Condition::AtLeast(-4) };
        let bears = Action { key: account.clone(), op: bears };
        let turn = write(&mut world, BOB, space, vec![add(&turns, 1), add(&account, -1), bears]);
        let until = world.now_ms + APART_MS;
        while world.devices[BOB].engine().standings(space).iter().all(|standing| standing.shown) {
            assert!(world.tick(until), "it is never left out");
        }
        write(&mut world, ALICE, space, vec![add(&account, 10)]);
        let mut tx = Tx::begin(&mut world, BOB, space);
        assert_eq!(tx.number(&turns), 0, "his turn is not shown now");
        tx.set(&turns, 1);
        let by_what_he_saw = tx.commit();
        rest(&mut world, space);
        let turn = fate(&mut world, BOB, space, &turn);
        let other = fate(&mut world, BOB, space, &by_what_he_saw);
        if matches!(turn, Fate::Confirmed(_)) {
            confirmed += 1;
            assert!(is_conflict(&other), "seed {seed}: {other:?}");
        } else {
            assert!(matches!(other, Fate::Confirmed(_)), "seed {seed}: {other:?}");
        }
        assert_eq!(value(&mut world, ALICE, space, &turns), 1);
    }
    assert!(confirmed > 0, "in none of them it was confirmed after all");
}
