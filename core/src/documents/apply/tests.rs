//! The fold of one Transaction, on the confirmed layer: who may have what accepted, and what is left of
//! what was not.

use super::*;
use crate::documents::Documents;
use crate::model::{CallOp, Condition, DocumentRead, Fields, Path, TxId, Value};
use crate::resolver::{Call, Enable, Enabled, Refusal, Resolver, Resolvers};
use crate::store::MemoryStore;
use crate::store::rows::SpaceNo;
use veilfold_wire::AuthorHead;

const ME: MemberNo = MemberNo(2);
const OTHER: MemberNo = MemberNo(3);
const WINDOW: u64 = SEEN_WINDOW;

fn numbers(of: impl IntoIterator<Item = u64>) -> TxNos {
    let mut numbers = TxNos::default();
    of.into_iter().for_each(|number| numbers.push(number));
    numbers
}

#[test]
fn folded_numbers_are_known_as_a_list_of_them_would_know_them() {
    const COUNT: u32 = 6;
    for history in 0..3u32.pow(COUNT) {
        let mut row = AuthorRow::NEW;
        // By number: where it was noted, if it was not accepted. Every third one ends an Entry.
        let mut known: Vec<(u64, Option<u64>)> = Vec::new();
        for tx_no in 1..=u64::from(COUNT) {
            let seq = tx_no.div_ceil(3);
            let skipped = |known: &Vec<(u64, Option<u64>)>| known.len() as u64 + 1..tx_no;
            match history / 3u32.pow(tx_no as u32 - 1) % 3 {
                0 => continue,
                fate => {
                    let gap: Vec<u64> = skipped(&known).collect();
                    known.extend(gap.into_iter().map(|number| (number, Some(seq))));
                    known.push((tx_no, (fate == 1).then_some(seq)));
                    row.mark(tx_no, fate == 2, seq);
                }
            }
        }
        let mut ranges: Vec<(u64, u64, u64)> = Vec::new();
        for (number, noted) in &known {
            let Some(at) = noted else { continue };
            match ranges.last_mut() {
                Some((first, count, seq)) if *first + *count == *number && seq == at => *count += 1,
                _ => ranges.push((*number, 1, *at)),
            }
        }
        assert_eq!((row.tx_mark, &row.unaccepted), (known.len() as u64, &ranges), "history {history}");
        let accepted = |number: u64| known.contains(&(number, None));
        for asked in 0..1u64 << (COUNT + 1) {
            let asked: Vec<u64> =
                (1..=u64::from(COUNT) + 1).filter(|number| asked >> (number - 1) & 1 == 1).collect();
            let as_ranges = numbers(asked.iter().copied());
            let all = asked.iter().all(|number| accepted(*number));
            assert_eq!(row.accepted(&as_ranges), all, "history {history}: all of {asked:?}");
            let any = asked.iter().any(|number| accepted(*number));
            assert_eq!(row.accepted_any(&as_ranges), any, "history {history}: any of {asked:?}");
        }
    }
}

#[test]
fn what_was_not_accepted_is_remembered_for_the_window() {
    let mut row = AuthorRow::NEW;
    row.mark(1, false, 10);
    row.mark(2, true, 10 + WINDOW - 1);
    assert_eq!(row.unaccepted, [(1, 1, 10)]);
    row.mark(3, true, 10 + WINDOW);
    assert_eq!(row.unaccepted, []);
    assert!(row.accepted(&numbers([1])), "as far as the window tells");
}

/// Takes calls that are not "no"; writes down who called.
struct Seats;

impl Resolver for Seats {
    fn resolve(&self, _: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
        match &*call.name {
            "no" => Err(Refusal::new("no")),
            _ => Ok(Some([("by".to_owned(), Value::Int(call.author.0 as i64))].into())),
        }
    }
}

/// A Space in which `seats` has a resolver of its own.
struct Space {
    store: MemoryStore,
    documents: Documents,
    resolvers: Resolvers,
    row: AuthorRow,
    preconditions: bool,
}

impl Space {
    fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            documents: Documents::new(SpaceNo(1)),
            resolvers: Resolvers::default().with("seats", 1, Seats),
            row: AuthorRow { head: AuthorHead::NONE, tx_mark: 9, unaccepted: vec![(4, 2, 1)] },
            preconditions: true,
        }
    }

    fn fold(
        &mut self,
        author: MemberNo,
        transaction: &Transaction,
        place: FoldPlace,
    ) -> Result<Accepted, RejectReason> {
        let mut enabled = Enabled::default();
        enabled.enable(&[Enable { collection: "seats".to_owned(), version: 1, module: None }]);
        let mut governed = Governed::new(&self.resolvers, &enabled);
        let author = FoldAuthor { member: author, row: &self.row, preconditions: self.preconditions };
        let folded = self.documents.fold(&self.store, transaction, &author, place, &mut governed);
        folded.unwrap().map_err(|rejection| rejection.reason)
    }

    fn do_at(&mut self, seq: u64, actions: Vec<Action>) -> Result<Accepted, RejectReason> {
        self.fold(ME, &transaction(actions), at(seq))
    }

    fn image(&mut self, key: &DocumentKey) -> Image {
        self.documents.confirmed(&self.store, key).unwrap().clone()
    }
}

fn at(seq: u64) -> FoldPlace {
    FoldPlace { position: Position { seq, index: 1 }, base_seq: seq - 1, seen_seq: seq - 1 }
}

fn transaction(actions: Vec<Action>) -> Transaction {
    let (reads, depends) = (Vec::new(), TxNos::default());
    Transaction { tx_no: 10, tx_id: TxId([7; 8]), base_seq: 0, time_ms: 0, reads, depends, actions }
}

fn add(collection: &str, document: &str, by: i64) -> Action {
    let op = Op::Increment { path: Path::parse("n").unwrap(), by };
    Action { key: DocumentKey::new(collection, document), op }
}

fn expect_n(document: &str, at_least: i64) -> Action {
    let op = Op::Expect { path: Path::parse("n").unwrap(), condition: Condition::AtLeast(at_least) };
    Action { key: DocumentKey::new("notes", document), op }
}

fn call(name: &str) -> Action {
    let op = Op::Call(CallOp { version: 1, name: name.to_owned(), args: Value::Null });
    Action { key: DocumentKey::new("seats", "1"), op }
}

fn n(by: i64) -> Option<Fields> {
    Some([("n".to_owned(), Value::Int(by))].into())
}

#[test]
fn what_was_changed_is_told_once_and_has_its_version() {
    let mut space = Space::new();
    let nothing =
        Action { key: DocumentKey::new("notes", "2"), op: Op::Unset { path: Path::parse("n").unwrap() } };
    let told = space.do_at(5, vec![add("notes", "1", 2), nothing, add("notes", "1", 3), add("tags", "1", 1)]);
    let keys = [DocumentKey::new("notes", "1"), DocumentKey::new("tags", "1")];
    assert_eq!(told.map(|accepted| accepted.changed), Ok(keys.to_vec()));
    let position = Position { seq: 5, index: 1 };
    let image = space.image(&keys[0]);
    assert_eq!((image.fields, image.version, image.author), (n(5), position, ME));
    assert_eq!(space.image(&DocumentKey::new("notes", "2")), Image::ABSENT);
    // Who reads which documents there are is told by the collections.
    for key in keys {
        let whole = space.image(&DocumentKey::whole(key.collection));
        assert_eq!((whole.fields, whole.version, whole.author), (None, position, ME));
    }
}

#[test]
fn a_pending_transaction_touches_no_collection_and_may_be_of_any_age() {
    let mut space = Space::new();
    let pending = FoldPlace { position: Position::UNORDERED, base_seq: 5000, seen_seq: 1 };
    assert!(space.fold(ME, &transaction(vec![add("notes", "1", 2)]), pending).is_ok());
    assert_eq!(space.image(&DocumentKey::whole("notes")), Image::ABSENT);
}

#[test]
fn a_rejected_transaction_leaves_everything_as_it_was() {
    let mut space = Space::new();
    space.do_at(5, vec![add("notes", "1", 2)]).unwrap();
    let keys = [DocumentKey::new("notes", "1"), DocumentKey::new("notes", "2"), DocumentKey::whole("notes")];
    let before = keys.clone().map(|key| space.image(&key));
    let rejected = vec![add("notes", "1", 1), add("notes", "2", 1), add("notes", "1", 1), expect_n("1", 5)];
    assert_eq!(space.do_at(6, rejected), Err(RejectReason::ExpectFailed));
    assert_eq!(keys.clone().map(|key| space.image(&key)), before);
    assert_eq!(space.do_at(6, vec![add("notes", "1", i64::MAX)]), Err(RejectReason::Overflow));
    assert_eq!(keys.map(|key| space.image(&key)), before);
    assert!(space.do_at(7, vec![add("notes", "1", 1), expect_n("1", 3)]).is_ok());
}

#[test]
fn what_a_rejected_transaction_deleted_is_put_back() {
    let mut space = Space::new();
    space.do_at(5, vec![add("notes", "1", 2)]).unwrap();
    let before = space.image(&DocumentKey::new("notes", "1"));
    let delete = Action { key: DocumentKey::new("notes", "1"), op: Op::Delete };
    assert!(space.do_at(6, vec![delete.clone(), expect_n("1", 1)]).is_err());
    assert_eq!(space.image(&DocumentKey::new("notes", "1")), before);
    space.do_at(6, vec![delete]).unwrap();
    let gone = space.image(&DocumentKey::new("notes", "1"));
    assert_eq!((gone.fields, gone.version.seq), (None, 6));
    // It is remembered for the window and then never was.
    let asks = |space: &mut Space, seq| {
        let _told = space.do_at(seq, vec![expect_n("1", 1)]);
        space.image(&DocumentKey::new("notes", "1")).version.seq
    };
    assert_eq!(asks(&mut space, 6 + WINDOW - 1), 6);
    assert_eq!(asks(&mut space, 6 + WINDOW), 0);
}

#[test]
fn only_what_was_made_for_an_order_that_its_author_had_seen_within_the_window_is_folded() {
    let mut space = Space::new();
    let mut fold = |seq, base_seq, seen_seq| {
        let place = FoldPlace { position: Position { seq, index: 0 }, base_seq, seen_seq };
        space.fold(ME, &transaction(vec![add("notes", "1", 1)]), place).map(drop)
    };
    assert_eq!(fold(3000, 3000 - WINDOW, 2999), Ok(()));
    assert_eq!(fold(3000, 3000 - WINDOW - 1, 2999), Err(RejectReason::BaseTooOld));
    assert_eq!(fold(3000, 2500, 2500), Ok(()));
    assert_eq!(fold(3000, 2501, 2500), Err(RejectReason::BaseTooOld));
}

#[test]
fn a_collection_with_a_resolver_takes_calls_and_conditions_alone() {
    let mut space = Space::new();
    assert_eq!(space.do_at(5, vec![add("seats", "1", 1)]), Err(RejectReason::NeedsResolver));
    assert_eq!(space.do_at(5, vec![call("no")]), Err(RejectReason::RefusedByResolver));
    assert!(space.do_at(5, vec![call("take")]).is_ok());
    let key = DocumentKey::new("seats", "1");
    let by_me: Fields = [("by".to_owned(), Value::Int(2))].into();
    let image = space.image(&key);
    assert_eq!((image.fields, image.format), (Some(by_me), 1));
    let by = |condition| Action {
        key: key.clone(),
        op: Op::Expect { path: Path::parse("by").unwrap(), condition },
    };
    assert!(space.do_at(6, vec![by(Condition::AtMost(2))]).is_ok());
    assert_eq!(space.do_at(6, vec![by(Condition::AtMost(1))]), Err(RejectReason::ExpectFailed));
    let elsewhere = Action { key: DocumentKey::new("notes", "1"), ..call("take") };
    assert_eq!(space.do_at(6, vec![elsewhere]), Err(RejectReason::VersionNotEnabled));
    // The same for whoever looks at what Actions would do.
    let resolvers = space.resolvers.clone();
    let mut enabled = Enabled::default();
    enabled.enable(&[Enable { collection: "seats".to_owned(), version: 1, module: None }]);
    let mut governed = Governed::new(&resolvers, &enabled);
    let mut context = FoldContext {
        author: ME,
        position: Position::UNORDERED,
        time_ms: 0,
        tx_id: TxId([0; 8]),
        base_seq: 0,
        elements: 0,
    };
    let mut image = space.image(&key);
    let mut told = |action: &Action| {
        act(&mut image, action, &mut context, &mut governed).unwrap().map_err(|rejection| rejection.reason)
    };
    assert_eq!(told(&by(Condition::AtMost(1))), Err(RejectReason::ExpectFailed));
    assert_eq!(told(&by(Condition::AtMost(2))), Ok(Effect::default()));
    assert_eq!(told(&add("seats", "1", 1)), Err(RejectReason::NeedsResolver));
    assert_eq!(told(&add("notes", "1", 1)), Ok(Effect { changed: true, rebased: None }));
}

#[test]
fn a_resolver_that_is_silent_decides_nothing() {
    let mut space = Space::new();
    space.resolvers = Resolvers::default();
    let mut enabled = Enabled::default();
    enabled.enable(&[Enable { collection: "seats".to_owned(), version: 1, module: None }]);
    let mut governed = Governed::new(&space.resolvers, &enabled);
    let author = FoldAuthor { member: ME, row: &space.row, preconditions: true };
    let both = transaction(vec![add("notes", "1", 1), call("take")]);
    let folded = space.documents.fold(&space.store, &both, &author, at(5), &mut governed);
    let silent = Silent { collection: "seats".to_owned(), version: 1, missing: true };
    assert_eq!(folded, Err(Undecided::Silent(silent)));
    assert_eq!(space.image(&DocumentKey::new("notes", "1")).fields, None);
}

#[test]
fn a_read_set_may_name_earlier_own_transactions_alone() {
    let mut space = Space::new();
    let read = |own: TxNos, absent: TxNos| DocumentRead {
        key: DocumentKey::new("notes", "1"),
        version: Position::START,
        own,
        absent,
    };
    let none = TxNos::default;
    let with = |depends: TxNos, reads: Vec<DocumentRead>| Transaction {
        depends,
        reads,
        ..transaction(vec![add("notes", "1", 1)])
    };
    for (depends, own, absent) in [(10, 1, 5), (1, 10, 5), (1, 1, 10), (11, 11, 11)] {
        let odd = with(numbers([depends]), vec![read(numbers([own]), numbers([absent]))]);
        assert_eq!(space.fold(ME, &odd, at(5)), Err(RejectReason::BadReadSet));
    }
    let mut told = |depends, reads| space.fold(ME, &with(depends, reads), at(5)).map(drop);
    assert_eq!(told(numbers([9]), vec![read(numbers([9]), numbers([5]))]), Ok(()));
    assert_eq!(told(numbers([4]), vec![]), Err(RejectReason::DependencyRejected));
    assert_eq!(told(none(), vec![read(numbers([5]), none())]), Err(RejectReason::DependencyRejected));
    assert_eq!(told(none(), vec![read(none(), numbers([3]))]), Err(RejectReason::ReadChanged));
    assert_eq!(told(none(), vec![read(none(), numbers([4]))]), Ok(()));
}

#[test]
fn a_read_that_somebody_else_has_changed_since_rejects() {
    let mut space = Space::new();
    let change = transaction(vec![add("notes", "1", 1)]);
    space.fold(OTHER, &change, at(5)).unwrap();
    let mut read = |document: &str, seq, index| {
        let key = DocumentKey { collection: "notes".to_owned(), document: document.to_owned() };
        let read = DocumentRead {
            key,
            version: Position { seq, index },
            own: TxNos::default(),
            absent: TxNos::default(),
        };
        let reads = vec![read];
        space.fold(ME, &Transaction { reads, ..transaction(vec![add("tags", "1", 1)]) }, at(6)).map(drop)
    };
    for document in ["1", ""] {
        assert_eq!(read(document, 5, 1), Ok(()), "{document:?}");
        assert_eq!(read(document, 6, 0), Ok(()));
        assert_eq!(read(document, 5, 0), Err(RejectReason::ReadChanged));
        assert_eq!(read(document, 4, 9), Err(RejectReason::ReadChanged));
    }
    assert_eq!(read("2", 0, 0), Ok(()));
    // Own changes are none of somebody else's.
    let mut space = Space::new();
    space.fold(ME, &change, at(5)).unwrap();
    let key = DocumentKey::new("notes", "1");
    let reads =
        vec![DocumentRead { key, version: Position::START, own: TxNos::default(), absent: TxNos::default() }];
    let reading = Transaction { reads, ..change.clone() };
    assert!(space.fold(ME, &reading, at(6)).is_ok());
    assert_eq!(space.fold(OTHER, &reading, at(7)), Err(RejectReason::ReadChanged));
    space.preconditions = false;
    assert!(space.fold(OTHER, &reading, at(7)).is_ok(), "the tests' switch");
}
