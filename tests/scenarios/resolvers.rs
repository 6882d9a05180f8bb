//! Resolvers of the app's own: what they refuse, versions side by side, and resolvers that misbehave.

use crate::story::{ALICE, BOB, increment, key, pass, path, rest, shown, write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use veilfold_core::ErrorKind;
use veilfold_core::engine::{Committed, Draft, Event, HeldFor};
use veilfold_core::model::{Action, CallOp, Fields, Op, RejectReason, Transaction, TxId, Value};
use veilfold_core::outbox::Fate;
use veilfold_core::resolver::{Outcome, Resolvers, Run, RunResolver, Stuck};
use veilfold_core::wire::SpaceId;
use veilfold_tests::harness::{Protections, World};
use veilfold_tests::simulation::resolver::{First, TICKETS, resolvers};

/// Starts the device again with another version of the app.
pub(crate) fn update(world: &mut World, device: usize, resolvers: Resolvers) {
    world.kill_device(device);
    world.devices[device].resolvers = resolvers;
    world.start(device);
}

/// People whose apps are all of that version, in one Space.
fn meet(seed: u64, people: usize, app_version: u64) -> (World, SpaceId) {
    let mut world = World::new(seed, people, Protections::default());
    for device in 0..people {
        update(&mut world, device, resolvers(app_version));
    }
    let space = world.share_space();
    rest(&mut world, space);
    (world, space)
}

pub(crate) fn call(name: &str) -> Action {
    versioned(0, name)
}

fn versioned(version: u64, name: &str) -> Action {
    let op = Op::Call(CallOp { version, name: name.to_owned(), args: Value::Null });
    Action { key: key(TICKETS, "gig"), op }
}

pub(crate) fn gig(world: &mut World, device: usize, space: SpaceId) -> String {
    shown(world, device, space, &key(TICKETS, "gig"))
}

pub(crate) fn held(world: &mut World, device: usize, space: SpaceId) -> Option<HeldFor> {
    world.call(device, |engine| engine.status(space)).expect("a status").held
}

#[test]
fn three_tickets_are_sold_three_times_whoever_was_offline() {
    let (mut world, space) = meet(41, 4, 1);
    (0..4).for_each(|device| world.take_offline(device, 30_000));
    let bought: Vec<Committed> =
        (0..4).map(|device| write(&mut world, device, space, vec![call("buy")])).collect();
    for device in 0..4 {
        assert!(gig(&mut world, device, space).contains(r#""left":2"#), "each sees its own at once");
    }
    rest(&mut world, space);
    assert!(gig(&mut world, ALICE, space).contains(r#""left":0"#));
    let mut fates = bought.iter().enumerate().map(|(device, bought)| {
        world.call(device, |engine| engine.fate(space, bought.tx_id)).expect("a read").expect("a fate").fate
    });
    let lost = fates.find(|fate| matches!(fate, Fate::Rejected(..))).expect("one of four has none");
    let Fate::Rejected(_, why) = lost else { unreachable!("found as rejected") };
    let words = (why.reason, why.detail.as_deref());
    assert_eq!(words, (RejectReason::RefusedByResolver, Some("sold out")));
    // On one's own device the refusal is an error of the call, in the resolver's words.
    let draft = Draft { actions: vec![call("buy")], ..Draft::default() };
    let now = world.now_ms;
    let refused = world.call(ALICE, |engine| engine.transact(space, draft, now)).expect_err("sold out");
    assert_eq!(
        (refused.kind, refused.code, refused.detail.as_str()),
        (ErrorKind::Invalid, "rejected", "sold out")
    );
}

#[test]
fn nothing_gets_around_a_resolver() {
    let (mut world, space) = meet(42, 2, 1);
    let set = Op::Set { path: path("left"), value: Value::Int(1000) };
    let draft = Draft { actions: vec![Action { key: key(TICKETS, "gig"), op: set }], ..Draft::default() };
    let now = world.now_ms;
    let refused = world.call(ALICE, |engine| engine.transact(space, draft, now)).expect_err("not that way");
    assert_eq!(refused.code, "rejected");
    // Documents of other collections, and conditions on these, are as ever.
    let condition = Op::Expect { path: path("left"), condition: veilfold_core::model::Condition::Missing };
    let condition = Action { key: key(TICKETS, "gig"), op: condition };
    write(&mut world, ALICE, space, vec![condition, call("buy"), increment("sales", 1)]);
    rest(&mut world, space);
    assert_eq!(shown(&mut world, BOB, space, &key("stats", "sales")), r#"{"n":1}"#);
}

#[test]
fn a_pending_call_has_no_place_and_is_resolved_anew_when_it_gets_one() {
    let (mut world, space) = meet(43, 2, 1);
    world.take_offline(BOB, 20_000);
    write(&mut world, BOB, space, vec![call("note")]);
    assert!(gig(&mut world, BOB, space).contains(r#""noted":-1"#));
    rest(&mut world, space);
    let seen = gig(&mut world, BOB, space);
    assert!(!seen.contains("-1"), "{seen}");
    assert_eq!(gig(&mut world, ALICE, space), seen);
}

#[test]
fn a_resolver_that_breaks_rejects_alike_and_its_developer_hears_of_it() {
    let (mut world, space) = meet(44, 2, 1);
    // Its own device rejects it at the call; one that does not, as another app's, has it ordered.
    let now = world.now_ms;
    let transaction = forged(&mut world, BOB, space, versioned(1, "break"));
    assert_eq!(world.call(BOB, |engine| engine.seal_copies(space, vec![transaction], now)), Ok(true));
    write(&mut world, ALICE, space, vec![call("buy")]);
    rest(&mut world, space);
    for device in [ALICE, BOB] {
        let failed = |(at, event): &(usize, Event)| {
            *at == device
                && matches!(event, Event::ResolverFailed { collection, .. } if collection == TICKETS)
        };
        assert!(world.events.iter().any(failed), "device {device}");
        assert!(gig(&mut world, device, space).contains(r#""left":2"#));
    }
}

/// A Transaction as a writer would send it whose app checks nothing.
fn forged(world: &mut World, device: usize, space: SpaceId, action: Action) -> Transaction {
    let head = world.call(device, |engine| engine.log_head(space)).expect("a head").0;
    Transaction {
        tx_no: 1_000,
        tx_id: TxId([9; 8]),
        base_seq: head,
        time_ms: 0,
        reads: Vec::new(),
        depends: Default::default(),
        actions: vec![action],
    }
}

#[test]
fn a_version_that_nobody_enabled_is_rejected_for_ever_and_nobody_holds() {
    let (mut world, space) = meet(45, 3, 1);
    let now = world.now_ms;
    for (tx_no, version) in [(1_000, 999_999), (1_001, 2)] {
        let mut transaction = forged(&mut world, BOB, space, versioned(version, "buy"));
        transaction.tx_no = tx_no;
        assert_eq!(world.call(BOB, |engine| engine.seal_copies(space, vec![transaction], now)), Ok(true));
        pass(&mut world, 2_000);
    }
    write(&mut world, ALICE, space, vec![call("buy")]);
    rest(&mut world, space);
    for device in 0..3 {
        assert_eq!(held(&mut world, device, space), None);
        assert!(gig(&mut world, device, space).contains(r#""left":2"#), "one was sold");
    }
    // Enabling version 2 later does not bring back what named it before.
    (0..3).for_each(|device| update(&mut world, device, resolvers(2)));
    let now = world.now_ms;
    world.call(ALICE, |engine| engine.enable_resolvers(space, now)).expect("an owner").expect("news");
    rest(&mut world, space);
    assert!(gig(&mut world, BOB, space).contains(r#""free":2"#));
}

#[test]
fn two_versions_of_the_app_side_by_side() {
    let (mut world, space) = meet(46, 3, 1);
    write(&mut world, BOB, space, vec![call("buy")]);
    rest(&mut world, space);
    let carol = 2;
    // Carol writes while version 1 is all there is, and is away when it is raised.
    world.take_offline(carol, 100_000);
    let carols = write(&mut world, carol, space, vec![call("buy")]);
    update(&mut world, ALICE, resolvers(2));
    let now = world.now_ms;
    world.call(ALICE, |engine| engine.enable_resolvers(space, now)).expect("an owner").expect("news");
    let alices = write(&mut world, ALICE, space, vec![call("buy")]);
    assert!(gig(&mut world, ALICE, space).contains(r#""free":1"#), "her own view is of the new version");
    pass(&mut world, 40_000);

    // Bob's app does not know version 2: what he sees stays readable, what he writes waits.
    let update_required = HeldFor::Update { collection: TICKETS.to_owned(), version: 2 };
    assert_eq!(held(&mut world, BOB, space), Some(update_required.clone()));
    let told = Event::Held { space, why: update_required };
    assert_eq!(world.events.iter().filter(|(device, event)| (*device, event) == (BOB, &told)).count(), 1);
    assert!(gig(&mut world, BOB, space).contains(r#""left":2"#));
    let bobs = write(&mut world, BOB, space, vec![increment("all", 1)]);
    let bobs_call = write(&mut world, BOB, space, vec![call("buy")]);
    pass(&mut world, 20_000);
    assert_eq!(world.call(BOB, |engine| engine.status(space)).expect("a status").outbox_count, 2);

    update(&mut world, BOB, resolvers(2));
    update(&mut world, carol, resolvers(2));
    rest(&mut world, space);
    for device in 0..3 {
        assert_eq!(held(&mut world, device, space), None);
        assert!(gig(&mut world, device, space).contains(r#""free":0"#));
    }
    for (device, of) in [(ALICE, alices), (BOB, bobs)] {
        let fate =
            world.call(device, |engine| engine.fate(space, of.tx_id)).expect("a read").expect("a fate");
        assert!(matches!(fate.fate, Fate::Confirmed(_)), "device {device}: {fate:?}");
    }
    // Bob's second was judged by version 2 though it was made for version 1. He or Carol has the last one.
    let fate = |world: &mut World, device: usize, of: &Committed| {
        world.call(device, |engine| engine.fate(space, of.tx_id)).expect("a read").expect("a fate").fate
    };
    let fates = [(BOB, bobs_call), (carol, carols)].map(|(device, of)| fate(&mut world, device, &of));
    let sold = fates.iter().filter(|fate| matches!(fate, Fate::Confirmed(_))).count();
    let refused = |fate: &&Fate| matches!(fate, Fate::Rejected(_, why) if why.reason == RejectReason::RefusedByResolver);
    assert_eq!((sold, fates.iter().filter(refused).count()), (1, 1), "{fates:?}");
}

#[test]
fn an_updated_app_goes_on_with_what_it_has_kept_also_offline() {
    let (mut world, space) = meet(50, 2, 1);
    write(&mut world, BOB, space, vec![call("buy")]);
    rest(&mut world, space);
    update(&mut world, ALICE, resolvers(2));
    let now = world.now_ms;
    world.call(ALICE, |engine| engine.enable_resolvers(space, now)).expect("an owner").expect("news");
    write(&mut world, ALICE, space, vec![call("buy")]);
    pass(&mut world, 20_000);
    assert!(held(&mut world, BOB, space).is_some());
    // Everything is there already, and nothing comes any more.
    update(&mut world, BOB, resolvers(2));
    world.take_offline(BOB, 60_000);
    assert!(gig(&mut world, BOB, space).contains(r#""left":2"#));
    pass(&mut world, 1_000);
    assert_eq!(held(&mut world, BOB, space), None);
    assert!(gig(&mut world, BOB, space).contains(r#""free":1"#));
}

#[test]
fn a_collection_gets_its_resolver_later_and_old_documents_are_read_as_new_ones() {
    let mut world = World::new(47, 2, Protections::default());
    let space = world.share_space();
    let op = Op::Set { path: path("left"), value: Value::Int(2) };
    write(&mut world, BOB, space, vec![Action { key: key(TICKETS, "gig"), op }]);
    rest(&mut world, space);
    (0..2).for_each(|device| update(&mut world, device, Resolvers::default().with(TICKETS, 2, Renaming)));
    assert_eq!(gig(&mut world, BOB, space), r#"{"left":2}"#);
    let now = world.now_ms;
    world.call(ALICE, |engine| engine.enable_resolvers(space, now)).expect("an owner").expect("news");
    rest(&mut world, space);
    assert_eq!(gig(&mut world, BOB, space), r#"{"free":2}"#, "a copy is migrated");
    let rows = world.call(BOB, |engine| engine.read_collection(space, TICKETS, None, 9)).expect("rows");
    assert!(rows[0].1.contains_key("free"));
    write(&mut world, BOB, space, vec![call("buy")]);
    rest(&mut world, space);
    assert_eq!(gig(&mut world, ALICE, space), r#"{"free":1}"#, "the document itself is migrated");
    // A Space without news has nothing to enable, and who is no admin may not.
    let now = world.now_ms;
    assert_eq!(world.call(ALICE, |engine| engine.enable_resolvers(space, now)), Ok(None));
    let refused = world.call(BOB, |engine| engine.enable_resolvers(space, now)).expect_err("a writer");
    assert_eq!(refused.kind, ErrorKind::NotAllowed);
}

/// Reads what is `left` as `free`, and sells one.
struct Renaming;

impl veilfold_core::resolver::Resolver for Renaming {
    fn resolve(
        &self,
        state: Option<Fields>,
        _: &veilfold_core::resolver::Call,
    ) -> Result<Option<Fields>, veilfold_core::resolver::Refusal> {
        let mut state = state.unwrap_or_default();
        if let Some(Value::Int(free)) = state.get_mut("free") {
            *free -= 1;
        }
        Ok(Some(state))
    }

    fn migrate(&self, from: u64, mut state: Fields) -> Result<Fields, veilfold_core::resolver::Refusal> {
        assert_eq!(from, 0);
        if let Some(left) = state.remove("left") {
            state.insert("free".to_owned(), left);
        }
        Ok(state)
    }
}

/// Counts how often it is asked, and gives no answer while it is stuck.
#[derive(Clone, Default)]
pub(crate) struct Watched {
    pub(crate) stuck: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
}

impl RunResolver for Watched {
    fn run(&self, version: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.stuck.load(Ordering::Relaxed) {
            return Err(Stuck("a test"));
        }
        self.calls.fetch_add(runs.iter().map(|run| run.calls.len()).sum(), Ordering::Relaxed);
        RunResolver::run(&First, version, runs)
    }

    fn migrate(&self, _: u64, _: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        Err(Stuck("not asked here"))
    }
}

#[test]
fn a_resolver_without_an_answer_holds_its_space_alone_and_decides_nothing() {
    let (mut world, space) = meet(48, 2, 1);
    let watched = Watched::default();
    update(&mut world, BOB, Resolvers::default().with(TICKETS, 1, watched.clone()));
    rest(&mut world, space);
    let other = world.share_space();
    watched.stuck.store(true, Ordering::Relaxed);
    write(&mut world, ALICE, space, vec![increment("before", 1)]);
    pass(&mut world, 5_000);
    let bought = write(&mut world, ALICE, space, vec![call("buy")]);
    write(&mut world, ALICE, space, vec![increment("after", 1)]);
    write(&mut world, ALICE, other, vec![increment("other", 1)]);
    pass(&mut world, 30_000);
    let stuck = HeldFor::Resolver { collection: TICKETS.to_owned(), version: 1 };
    assert_eq!(held(&mut world, BOB, space), Some(stuck));
    assert_eq!(shown(&mut world, BOB, space, &key("stats", "before")), r#"{"n":1}"#);
    assert_eq!(shown(&mut world, BOB, space, &key("stats", "after")), "");
    assert_eq!(shown(&mut world, BOB, other, &key("stats", "other")), r#"{"n":1}"#, "the other goes on");
    let asked = watched.asked.load(Ordering::Relaxed);
    assert!((1..40).contains(&asked), "asked again, with pauses: {asked} times in 30 seconds");
    // A call of its own has no answer either, and is an error that changes nothing.
    let draft = Draft { actions: vec![call("buy")], ..Draft::default() };
    let now = world.now_ms;
    let error = world.call(BOB, |engine| engine.transact(space, draft, now)).expect_err("no answer");
    assert_eq!(error.code, "resolver_stuck");

    watched.stuck.store(false, Ordering::Relaxed);
    rest(&mut world, space);
    assert_eq!(held(&mut world, BOB, space), None);
    assert!(gig(&mut world, BOB, space).contains(r#""left":2"#));
    let fate = world.call(ALICE, |engine| engine.fate(space, bought.tx_id)).expect("a read").expect("a fate");
    assert!(matches!(fate.fate, Fate::Confirmed(_)));
}

#[test]
fn a_run_of_calls_is_one_question() {
    let (mut world, space) = meet(49, 2, 1);
    let watched = Watched::default();
    update(&mut world, BOB, Resolvers::default().with(TICKETS, 1, watched.clone()));
    rest(&mut world, space);
    world.take_offline(BOB, 60_000);
    for round in 0..60 {
        for name in ["buy", "give back"] {
            let mut action = call(name);
            action.key.document = format!("gig {}", round % 7);
            write(&mut world, ALICE, space, vec![action]);
        }
        pass(&mut world, 300);
    }
    rest(&mut world, space);
    let (asked, calls) = (watched.asked.load(Ordering::Relaxed), watched.calls.load(Ordering::Relaxed));
    assert_eq!(calls, 120, "each call once, none for nothing");
    assert!(asked <= 12, "{asked} questions for {calls} calls");
}
