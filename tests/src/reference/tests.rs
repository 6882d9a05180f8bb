//! What the reference model makes of small histories, read as examples.

use super::*;
use std::collections::BTreeMap;
use veilfold_core::model::*;
use veilfold_core::wire::limits::SEEN_WINDOW;
use veilfold_core::wire::{AuthorHead, ChainHash, EntryHash, MemberNo};

const ANNA: MemberNo = MemberNo(1);
const BEN: MemberNo = MemberNo(2);

fn key(document: &str) -> DocumentKey {
    DocumentKey::new("things", document)
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn literal(json: &str) -> Value {
    value_from_json(json.as_bytes()).unwrap()
}

fn set(document: &str, at: &str, value: &str) -> Action {
    Action { key: key(document), op: Op::Set { path: path(at), value: literal(value) } }
}

fn increment(document: &str, by: i64) -> Action {
    Action { key: key(document), op: Op::Increment { path: path("n"), by } }
}

fn transaction(tx_no: u64, base_seq: u64, actions: Vec<Action>) -> Transaction {
    let (tx_id, reads, depends) = (TxId(tx_no.to_be_bytes()), Vec::new(), TxNos::default());
    Transaction { tx_no, tx_id, base_seq, time_ms: 0, reads, depends, actions }
}

fn numbers(numbers: &[u64]) -> TxNos {
    let mut tx_nos = TxNos::default();
    numbers.iter().for_each(|number| tx_nos.push(*number));
    tx_nos
}

fn at(seq: u64) -> Position {
    Position { seq, index: 0 }
}

fn read(document: &str, version: Position, own: &[u64]) -> DocumentRead {
    DocumentRead { key: key(document), version, own: numbers(own), absent: numbers(&[]) }
}

fn rejected(reason: RejectReason, document: &str) -> Outcome {
    Outcome::Rejected(reason.at(&key(document)))
}

/// Folds one Transaction by somebody who has seen everything.
fn fold(model: &mut ReferenceModel, seq: u64, author: MemberNo, transaction: Transaction) -> Outcome {
    let mut outcomes = model.fold_entry(seq, author, seq - 1, &[transaction]);
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

fn shown(model: &ReferenceModel, document: &str) -> String {
    model.document(&key(document)).map_or("none".into(), |json| String::from_utf8(json).unwrap())
}

fn root(model: &ReferenceModel, seq: u64) -> [u8; 32] {
    model.state_root(seq, &ChainHash::ZERO, &EntryHash::ZERO, &BTreeMap::new())
}

#[test]
fn intents_without_reads_never_conflict() {
    let mut model = ReferenceModel::new();
    for (seq, author) in [(1, ANNA), (2, BEN)] {
        assert_eq!(
            fold(&mut model, seq, author, transaction(1, 0, vec![increment("a", 1)])),
            Outcome::Accepted
        );
    }
    assert_eq!(shown(&model, "a"), r#"{"n":2}"#);
}

#[test]
fn a_rejected_action_takes_the_whole_transaction_with_it() {
    let mut model = ReferenceModel::new();
    let actions = vec![set("a", "x", "1"), set("b", "n", "true"), increment("b", 1)];
    let outcome = fold(&mut model, 1, ANNA, transaction(1, 0, actions));
    assert_eq!(outcome, rejected(RejectReason::TypeMismatch, "b"));
    assert_eq!(model.outcome(ANNA, 1), Some(&outcome));
    assert!(model.documents().is_empty());
}

#[test]
fn a_number_is_folded_once() {
    let mut model = ReferenceModel::new();
    fold(&mut model, 1, ANNA, transaction(3, 0, vec![increment("a", 1)]));
    for tx_no in [1, 3] {
        let again = transaction(tx_no, 1, vec![increment("a", 1)]);
        assert_eq!(fold(&mut model, 1 + tx_no, ANNA, again), Outcome::Duplicate);
    }
    assert_eq!(shown(&model, "a"), r#"{"n":1}"#);
    assert_eq!(model.outcome(ANNA, 1), None);
}

#[test]
fn a_read_is_spoiled_by_others_and_not_by_oneself() {
    let mut model = ReferenceModel::new();
    fold(&mut model, 1, ANNA, transaction(1, 0, vec![increment("a", 1)]));
    fold(&mut model, 2, BEN, transaction(1, 1, vec![increment("a", 1)]));
    fold(&mut model, 3, BEN, transaction(2, 1, vec![increment("a", 1)]));
    let reading = |tx_no, version| {
        let reads = vec![read("a", version, &[])];
        Transaction { reads, ..transaction(tx_no, 1, vec![set("b", "x", "1")]) }
    };
    assert_eq!(fold(&mut model, 4, BEN, reading(3, at(1))), Outcome::Accepted);
    assert_eq!(fold(&mut model, 5, ANNA, reading(2, at(2))), rejected(RejectReason::ReadChanged, "a"));
    assert_eq!(fold(&mut model, 6, ANNA, reading(3, at(3))), Outcome::Accepted);
}

#[test]
fn what_stands_on_a_rejected_transaction_is_rejected() {
    let mut model = ReferenceModel::new();
    fold(&mut model, 1, BEN, transaction(1, 0, vec![set("a", "n", "true")]));
    fold(&mut model, 2, ANNA, transaction(1, 0, vec![increment("a", 1)]));
    let depends = |tx_no, on: &[u64]| Transaction {
        depends: numbers(on),
        ..transaction(tx_no, 0, vec![set("b", "x", "1")])
    };
    let lost = Outcome::Rejected(RejectReason::DependencyRejected.into());
    assert_eq!(fold(&mut model, 3, ANNA, depends(2, &[1])), lost);
    assert_eq!(fold(&mut model, 4, ANNA, depends(3, &[2])), lost);
    assert_eq!(fold(&mut model, 5, ANNA, depends(4, &[])), Outcome::Accepted);
    assert_eq!(fold(&mut model, 6, ANNA, depends(5, &[4])), Outcome::Accepted);
    let reads = vec![read("c", Position::START, &[2])];
    let reading = Transaction { reads, ..transaction(6, 0, vec![set("b", "x", "1")]) };
    assert_eq!(fold(&mut model, 7, ANNA, reading), rejected(RejectReason::DependencyRejected, "c"));
    let itself = Outcome::Rejected(RejectReason::BadReadSet.into());
    assert_eq!(fold(&mut model, 8, ANNA, depends(7, &[7])), itself);
}

#[test]
fn the_fold_looks_back_no_further_than_the_window() {
    let mut model = ReferenceModel::new();
    let increments = |tx_no, base_seq| transaction(tx_no, base_seq, vec![increment("a", 1)]);
    let too_old = vec![Outcome::Rejected(RejectReason::BaseTooOld.into())];
    let seq = SEEN_WINDOW + 5;
    assert_eq!(model.fold_entry(seq, ANNA, seq - 1, &[increments(1, 5)]), [Outcome::Accepted]);
    assert_eq!(model.fold_entry(seq + 1, ANNA, seq, &[increments(2, 5)]), too_old);
    assert_eq!(model.fold_entry(seq + 2, ANNA, seq - 1, &[increments(3, seq)]), too_old);
}

#[test]
fn a_deleted_document_is_remembered_for_the_window() {
    let mut model = ReferenceModel::new();
    fold(&mut model, 1, ANNA, transaction(1, 0, vec![increment("a", 1)]));
    let delete = Action { key: key("a"), op: Op::Delete };
    fold(&mut model, 2, BEN, transaction(1, 0, vec![delete]));
    let mut late = model.clone();
    let last = 1 + SEEN_WINDOW;
    assert_ne!(root(&model, last), root(&model, last + 1));
    let reading = |base_seq| {
        let reads = vec![read("a", at(1), &[])];
        Transaction { reads, ..transaction(2, base_seq, vec![increment("a", 7)]) }
    };
    let spoiled = rejected(RejectReason::ReadChanged, "a");
    assert_eq!(fold(&mut model, last, ANNA, reading(1)), spoiled);
    assert_eq!(fold(&mut late, last + 1, ANNA, reading(2)), Outcome::Accepted);
    assert_eq!(shown(&late, "a"), r#"{"n":7}"#);
}

#[test]
fn a_document_has_at_most_a_mebibyte_and_32_levels() {
    let mut model = ReferenceModel::new();
    // A map of one field, its key of one byte, and a string with its header of five.
    let value = |bytes: usize| format!(r#""{}""#, "x".repeat(bytes - 8));
    let mut largest = |seq, bytes| {
        let actions = vec![set("a", "k", &value(bytes))];
        fold(&mut model, seq, ANNA, transaction(seq, seq - 1, actions))
    };
    assert_eq!(largest(1, 1 << 20), Outcome::Accepted);
    assert_eq!(largest(2, (1 << 20) + 1), rejected(RejectReason::TooLarge, "a"));
    let deep = |levels: usize| vec![set("b", &vec!["k"; levels].join("."), "1")];
    assert_eq!(fold(&mut model, 3, ANNA, transaction(3, 2, deep(32))), Outcome::Accepted);
    let list =
        Op::ListInsert { path: path(&vec!["k"; 31].join(".")), place: Place::default(), value: Value::Null };
    let in_list = vec![Action { key: key("c"), op: list.clone() }];
    assert_eq!(fold(&mut model, 4, ANNA, transaction(4, 3, in_list)), Outcome::Accepted);
    let Op::ListInsert { path: at, place, .. } = list else { unreachable!() };
    let op = Op::ListInsert { path: at, place, value: literal("[1]") };
    let deeper = vec![Action { key: key("c"), op }];
    assert_eq!(fold(&mut model, 5, ANNA, transaction(5, 4, deeper)), rejected(RejectReason::TooLarge, "c"));
}

#[test]
fn edits_of_a_text_made_side_by_side_both_land() {
    let mut model = ReferenceModel::new();
    let text = |op| vec![Action { key: key("a"), op }];
    let create = text(Op::TextCreate { path: path("t"), text: "one three".into() });
    fold(&mut model, 1, ANNA, transaction(1, 0, create));
    let edit = |offset, delete, insert: &str| {
        let splices = vec![TextSplice { offset, delete, insert: insert.into() }];
        text(Op::TextEdit { path: path("t"), splices })
    };
    fold(&mut model, 2, ANNA, transaction(2, 1, edit(0, 3, "1")));
    assert_eq!(model.seen_chars(&key("a"), &path("t"), BEN, 1), Some(9));
    fold(&mut model, 3, BEN, transaction(1, 1, edit(4, 0, "two ")));
    assert_eq!(shown(&model, "a"), r#"{"t":"1 two three"}"#);
    assert_eq!(
        fold(&mut model, 4, BEN, transaction(2, 1, edit(14, 0, "!"))),
        rejected(RejectReason::OutOfRange, "a")
    );
}

#[test]
fn the_root_changes_with_every_byte_that_a_later_fold_may_look_at() {
    let history = |value: &str, author, seq| {
        let mut model = ReferenceModel::new();
        fold(&mut model, 1, ANNA, transaction(1, 0, vec![set("a", "x", r#""same""#)]));
        fold(&mut model, seq, author, transaction(2, 1, vec![set("b", "x", value)]));
        model
    };
    let model = history(r#""text""#, ANNA, 2);
    let mut seen = vec![root(&model, 9)];
    let mut differs = |root| {
        assert!(!seen.contains(&root));
        seen.push(root);
    };
    for value in [r#""texu""#, r#""text ""#, "null", "0", "0.0", "-0.0", "[]", "[null]", "{}"] {
        differs(root(&history(value, ANNA, 2), 9));
    }
    differs(root(&history(r#""text""#, BEN, 2), 9));
    differs(root(&history(r#""text""#, ANNA, 3), 9));
    differs(root(&model, 10));
    differs(model.state_root(9, &ChainHash([1; 32]), &EntryHash::ZERO, &BTreeMap::new()));
    differs(model.state_root(9, &ChainHash::ZERO, &EntryHash([1; 32]), &BTreeMap::new()));
    let heads = BTreeMap::from([(BEN, AuthorHead { author_seq: 1, hash: EntryHash([1; 32]) })]);
    differs(model.state_root(9, &ChainHash::ZERO, &EntryHash::ZERO, &heads));
}

#[test]
fn one_changed_byte_in_any_document_changes_the_root() {
    let documents = 600;
    let model_with = |changed: Option<usize>| {
        let mut model = ReferenceModel::new();
        let value = |index| if changed == Some(index) { r#""b""# } else { r#""a""# };
        let actions = (0..documents).map(|index| set(&index.to_string(), "x", value(index))).collect();
        assert_eq!(fold(&mut model, 1, ANNA, transaction(1, 0, actions)), Outcome::Accepted);
        model
    };
    let same = root(&model_with(None), 1);
    assert_eq!(root(&model_with(None), 1), same);
    for changed in (0..documents).step_by(23) {
        assert_ne!(root(&model_with(Some(changed)), 1), same, "{changed}");
    }
}
