//! What pending Transactions come to when the order has moved on below them.

use super::*;
use crate::documents::{FoldPlace, Pending};
use crate::model::{
    Action, Condition, DocumentRead, Fields, Image, Path, Position, RejectReason, Stamp, Text, TextSplice,
    TxId, TxNos, Value,
};
use crate::resolver::{Enable, Enabled, Resolvers};
use crate::store::MemoryStore;
use crate::store::rows::SpaceNo;

const ME: MemberNo = MemberNo(2);
const OTHER: MemberNo = MemberNo(3);

fn key(document: &str) -> DocumentKey {
    DocumentKey::new("notes", document)
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn add(document: &str, by: i64) -> Action {
    Action { key: key(document), op: Op::Increment { path: path("n"), by } }
}

fn at_least(document: &str, least: i64) -> Action {
    let condition = Condition::AtLeast(least);
    Action { key: key(document), op: Op::Expect { path: path("n"), condition } }
}

fn insert(document: &str, offset: u64, insert: &str) -> Action {
    let splices = vec![TextSplice { offset, delete: 0, insert: insert.to_owned() }];
    Action { key: key(document), op: Op::TextEdit { path: path("t"), splices } }
}

fn transaction(tx_no: u64, actions: Vec<Action>) -> Transaction {
    let (tx_id, reads, depends) = (TxId([tx_no as u8; 8]), Vec::new(), TxNos::default());
    Transaction { tx_no, tx_id, base_seq: 1, time_ms: 0, reads, depends, actions }
}

fn read(document: &str, seq: u64) -> DocumentRead {
    let version = Position { seq, index: 0 };
    DocumentRead { key: key(document), version, own: TxNos::default(), absent: TxNos::default() }
}

fn keys<'a>(documents: impl IntoIterator<Item = &'a str>) -> SortedSet<DocumentKey> {
    documents.into_iter().map(key).collect()
}

/// A Space in which everything confirmed comes from somebody else.
struct Space {
    store: MemoryStore,
    documents: Documents,
    outbox: PendingSet,
    enabled: Enabled,
    seen: SeenTexts,
}

impl Space {
    /// Documents `a` to `f` have the number 1 and the text "hello" since the first Entry.
    fn new() -> Self {
        let (store, mut documents) = (MemoryStore::new(), Documents::new(SpaceNo(1)));
        for document in ["a", "b", "c", "d", "e", "f"] {
            let text = Value::Text(Text::new("hello", Stamp { author: OTHER, seq: 1 }));
            let fields = Fields::from([("n".to_owned(), Value::Int(1)), ("t".to_owned(), text)]);
            let mut image = Image { fields: Some(fields), ..Image::ABSENT };
            image.touch(OTHER, Position { seq: 1, index: 0 });
            documents.replace(&store, &key(document), image).unwrap();
        }
        let (outbox, enabled, seen) = Default::default();
        Self { store, documents, outbox, enabled, seen }
    }

    fn commit(&mut self, transaction: Transaction) {
        self.outbox.insert(transaction.tx_no, Pending::new(transaction));
    }

    /// Somebody else's Transaction comes at that place.
    fn fold(&mut self, seq: u64, action: Action) {
        let author = FoldAuthor { member: OTHER, row: &AuthorRow::NEW, preconditions: true };
        let place = FoldPlace { position: Position { seq, index: 0 }, base_seq: seq - 1, seen_seq: seq - 1 };
        let resolvers = Resolvers::default();
        let mut governed = Governed::new(&resolvers, &self.enabled);
        let folded =
            self.documents.fold(&self.store, &transaction(1, vec![action]), &author, place, &mut governed);
        assert!(matches!(folded, Ok(Ok(_))), "{folded:?}");
    }

    fn rebase<'a>(&mut self, new_head: u64, dirty: impl IntoIterator<Item = &'a str>) -> Rebased {
        let (resolvers, row) = (Resolvers::default(), AuthorRow::NEW);
        let mut governed = Governed::new(&resolvers, &self.enabled);
        let context = RebaseContext { me: ME, row: &row, preconditions: true, new_head };
        let (store, outbox) = (&self.store, &mut self.outbox);
        rebase(&mut self.documents, store, outbox, &context, keys(dirty), &self.seen, &mut governed).unwrap()
    }

    fn shown(&mut self, document: &str) -> (i64, String) {
        let fields = self.documents.visible(&self.store, &key(document)).unwrap().fields.clone().unwrap();
        match (&fields["n"], &fields["t"]) {
            (Value::Int(number), Value::Text(text)) => (*number, text.to_string()),
            other => panic!("{other:?}"),
        }
    }

    fn numbers<const N: usize>(&mut self, documents: [&str; N]) -> [i64; N] {
        documents.map(|document| self.shown(document).0)
    }

    fn has_overlay(&mut self, document: &str) -> bool {
        self.documents.overlay(&self.store, &key(document)).unwrap().is_some()
    }

    fn base_of(&self, tx_no: u64) -> u64 {
        self.outbox.get(tx_no).unwrap().transaction.base_seq
    }
}

fn reasons(rebased: &Rebased) -> Vec<(u64, RejectReason)> {
    rebased.hidden.iter().map(|(tx_no, rejection)| (*tx_no, rejection.reason)).collect()
}

#[test]
fn what_is_pending_is_replayed_on_what_is_confirmed_now() {
    let mut space = Space::new();
    space.commit(transaction(1, vec![add("a", 2)]));
    space.rebase(1, ["a"]);
    assert_eq!(space.numbers(["a", "b"]), [3, 1]);
    space.fold(2, add("a", 10));
    assert_eq!(space.numbers(["a"]), [3], "the overlay is as it was");
    let rebased = space.rebase(2, ["a"]);
    assert_eq!((space.numbers(["a"]), space.base_of(1)), ([13], 2));
    assert_eq!(rebased.changed, keys(["a"]));
    assert_eq!((rebased.rewritten, rebased.hidden, rebased.silent), (SortedSet::new(), vec![], None));
}

#[test]
fn everything_that_hangs_together_starts_over_once() {
    let mut space = Space::new();
    space.commit(transaction(1, vec![add("a", 2), add("b", 2)]));
    space.commit(transaction(2, vec![add("b", 4), add("c", 4)]));
    space.commit(transaction(3, vec![add("d", 8)]));
    space.commit(transaction(4, vec![add("c", 16), add("b", 16)]));
    space.rebase(1, ["a", "d"]);
    assert_eq!(space.numbers(["a", "b", "c", "d"]), [3, 23, 21, 9]);
    space.fold(2, add("a", 100));
    space.fold(2, add("d", 100));
    let rebased = space.rebase(2, ["a"]);
    assert_eq!(rebased.changed, keys(["a", "b", "c"]));
    assert_eq!(space.numbers(["a", "b", "c", "d"]), [103, 23, 21, 9]);
    assert_eq!([1, 2, 3, 4].map(|tx_no| space.base_of(tx_no)), [2, 2, 1, 2]);
}

#[test]
fn a_document_for_which_nothing_is_pending_any_more_is_shown_as_it_is_confirmed() {
    let mut space = Space::new();
    space.commit(transaction(1, vec![add("a", 2)]));
    space.commit(transaction(2, vec![add("b", 2)]));
    space.rebase(1, ["a", "b"]);
    space.outbox.remove(1);
    let rebased = space.rebase(2, ["a", "b", "c"]);
    assert_eq!(rebased.changed, keys(["a", "b", "c"]));
    assert_eq!(space.numbers(["a", "b", "c"]), [1, 3, 1]);
    assert!(!space.has_overlay("a") && space.has_overlay("b") && !space.has_overlay("c"));
}

#[test]
fn what_does_not_hold_is_left_out_until_it_holds_again() {
    let mut space = Space::new();
    space.commit(transaction(1, vec![at_least("a", 1), add("b", 2)]));
    assert_eq!(space.rebase(1, ["a"]).rewritten, SortedSet::new());
    assert_eq!(space.numbers(["a", "b"]), [1, 3]);
    space.fold(2, add("a", -1));
    let rebased = space.rebase(2, ["a"]);
    assert_eq!((reasons(&rebased), rebased.rewritten), (vec![(1, RejectReason::ExpectFailed)], [1].into()));
    assert_eq!((space.numbers(["a", "b"]), space.base_of(1)), ([0, 1], 1));
    assert!(space.outbox.get(1).is_some_and(|pending| !pending.shown));
    // Still, and a long time later.
    let rebased = space.rebase(5000, ["a"]);
    assert_eq!((reasons(&rebased), rebased.rewritten), (vec![(1, RejectReason::ExpectFailed)], [].into()));
    assert_eq!(rebased.changed, keys(["a", "b"]));
    space.fold(6000, add("a", 7));
    let rebased = space.rebase(6000, ["a"]);
    assert_eq!((reasons(&rebased), rebased.rewritten), (vec![], [1].into()));
    assert_eq!((space.numbers(["a", "b"]), space.base_of(1)), ([7, 3], 6000));
}

#[test]
fn what_has_read_a_document_is_left_out_when_others_changed_it() {
    let mut space = Space::new();
    let reads = vec![read("a", 1)];
    space.commit(Transaction { reads, ..transaction(1, vec![add("b", 2)]) });
    let mut on_it = transaction(2, vec![add("c", 4)]);
    on_it.depends.push(1);
    space.commit(on_it);
    // What stands on it is concerned only with the documents that both touch.
    space.commit(transaction(3, vec![add("b", 8), add("c", 8)]));
    space.rebase(1, ["a", "b", "c"]);
    assert_eq!(space.numbers(["a", "b", "c"]), [1, 11, 13]);
    space.fold(2, add("a", 1));
    let rebased = space.rebase(2, ["a"]);
    let expected = vec![(1, RejectReason::ReadChanged), (2, RejectReason::DependencyRejected)];
    assert_eq!((reasons(&rebased), rebased.rewritten), (expected, [1, 2].into()));
    assert_eq!(space.numbers(["a", "b", "c"]), [2, 9, 9]);
    assert_eq!(rebased.changed, keys(["a", "b", "c"]));
}

#[test]
fn a_text_edit_is_stored_for_the_order_that_those_beside_it_are_for() {
    let mut space = Space::new();
    space.commit(transaction(1, vec![add("a", 1), insert("a", 5, "!")]));
    space.commit(transaction(2, vec![insert("b", 0, ">")]));
    space.commit(transaction(3, vec![add("a", 1)]));
    space.rebase(1, ["a", "b"]);
    space.fold(2, insert("a", 0, "oh, "));
    space.fold(2, insert("b", 5, "?"));
    let rebased = space.rebase(2, ["a", "b"]);
    assert_eq!(rebased.rewritten, [1, 2].into(), "what a number reads like depends on nobody");
    assert_eq!((space.shown("a").1, space.shown("b").1), ("oh, hello!".to_owned(), ">hello?".to_owned()));
    let actions = |space: &Space, tx_no| space.outbox.get(tx_no).unwrap().transaction.actions.clone();
    assert_eq!(actions(&space, 1), [add("a", 1), insert("a", 9, "!")]);
    assert_eq!(actions(&space, 2), [insert("b", 0, ">")]);
    assert_eq!([1, 2, 3].map(|tx_no| space.base_of(tx_no)), [2, 2, 2]);
}

#[test]
fn an_order_that_lags_far_behind_is_stored_anew() {
    for (head, stored) in [(1 + SEEN_WINDOW / 4, false), (2 + SEEN_WINDOW / 4, true)] {
        let mut space = Space::new();
        space.commit(transaction(1, vec![add("a", 1)]));
        assert_eq!(space.rebase(head, ["a"]).rewritten.contains(&1), stored);
        assert_eq!(space.base_of(1), head);
    }
}

#[test]
fn what_is_issued_again_moves_from_the_text_that_it_was_made_on() {
    let mut space = Space::new();
    let before = [transaction(1, vec![insert("a", 0, "lost ")]), transaction(2, vec![insert("a", 10, "!")])];
    let resolvers = Resolvers::default();
    let mut governed = Governed::new(&resolvers, &space.enabled);
    let mut documents = Documents::new(SpaceNo(1));
    let confirmed = space.documents.confirmed(&space.store, &key("a")).unwrap().clone();
    documents.replace(&space.store, &key("a"), confirmed).unwrap();
    let renumbered = [(2, 3)].into();
    space.seen =
        SeenTexts::rebuild(documents, &space.store, ME, &before, &renumbered, &mut governed).unwrap();
    space.commit(Transaction { tx_no: 3, ..before[1].clone() });
    space.commit(transaction(4, vec![insert("a", 6, "?")]));
    space.fold(2, insert("a", 0, "oh, "));
    let rebased = space.rebase(2, ["a"]);
    assert_eq!((space.shown("a").1, reasons(&rebased)), ("oh, hello!?".to_owned(), vec![]));
    let actions = space.outbox.get(3).unwrap().transaction.actions.clone();
    assert_eq!((actions, space.base_of(3)), (vec![insert("a", 9, "!")], 2));
    // Issued again is to be stored, also where nothing moves.
    assert!(space.rebase(2, ["a"]).rewritten.contains(&3));
}

#[test]
fn what_was_issued_under_another_number_is_not_shown() {
    let mut space = Space::new();
    let old = Pending { superseded: true, ..Pending::new(transaction(1, vec![add("a", 2)])) };
    space.outbox.insert(1, old);
    space.commit(transaction(2, vec![add("a", 2)]));
    let rebased = space.rebase(1, ["a"]);
    assert_eq!((space.numbers(["a"]), reasons(&rebased), rebased.rewritten), ([3], vec![], [1].into()));
}

#[test]
fn a_resolver_that_this_app_lacks_leaves_its_transactions_out() {
    let mut space = Space::new();
    space.enabled.enable(&[Enable { collection: "seats".to_owned(), version: 1, module: None }]);
    let call = crate::model::CallOp { version: 1, name: "take".to_owned(), args: Value::Null };
    let call = Action { key: DocumentKey::new("seats", "1"), op: Op::Call(call) };
    space.commit(transaction(1, vec![add("a", 2), call]));
    space.commit(transaction(2, vec![add("a", 4)]));
    let rebased = space.rebase(1, ["a"]);
    assert_eq!((space.numbers(["a"]), reasons(&rebased)), ([5], vec![]));
    assert_eq!(rebased.silent, Some(Silent { collection: "seats".to_owned(), version: 1, missing: true }));
}
