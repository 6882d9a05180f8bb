//! The set of pending Transactions: what is found by document and by collection, what is stored, and what
//! the fold will know when all of it is folded.

use super::*;
use crate::model::{Action, Condition, DocumentRead, Path, Position};
use crate::store::MemoryStore;
use veilfold_wire::AuthorHead;

const SPACE: SpaceNo = SpaceNo(1);

fn key(collection: &str, document: &str) -> DocumentKey {
    DocumentKey::new(collection, document)
}

/// Writes to one document, has a condition on another, and has read a third.
fn transaction(tx_no: u64, writes: &DocumentKey, expects: &DocumentKey, reads: &DocumentKey) -> Transaction {
    let expect = Op::Expect { path: Path::default(), condition: Condition::Exists };
    let read = DocumentRead {
        key: reads.clone(),
        version: Position::START,
        own: TxNos::default(),
        absent: TxNos::default(),
    };
    Transaction {
        tx_no,
        tx_id: TxId(tx_no.to_be_bytes()),
        base_seq: 0,
        time_ms: 0,
        reads: vec![read],
        depends: TxNos::default(),
        actions: vec![
            Action { key: writes.clone(), op: Op::Delete },
            Action { key: writes.clone(), op: Op::Delete },
            Action { key: expects.clone(), op: expect },
        ],
    }
}

fn simple(tx_no: u64, writes: &DocumentKey) -> Pending {
    let mut transaction = transaction(tx_no, writes, writes, writes);
    transaction.reads.clear();
    Pending::new(transaction)
}

fn of(numbers: TxNos) -> Vec<(u64, u64)> {
    numbers.ranges().to_vec()
}

#[test]
fn transactions_are_found_by_what_they_write_expect_and_read() {
    let (a, b, c) = (key("notes", "a"), key("tags", "b"), key("other", "c"));
    let whole = DocumentKey::whole("notes");
    let mut set = PendingSet::default();
    assert!(set.is_empty() && set.last() == 0);
    set.insert(3, Pending::new(transaction(3, &a, &b, &c)));
    set.insert(4, Pending { shown: false, ..simple(4, &a) });
    set.insert(6, simple(6, &key("notes", "d")));
    set.insert(7, Pending::new(transaction(7, &c, &c, &whole)));
    assert!(!set.is_empty() && set.len() == 4 && set.last() == 7);
    assert_eq!(set.iter().map(|(tx_no, _)| tx_no).collect::<Vec<_>>(), [3, 4, 6, 7]);
    assert_eq!(set.from(4).map(|(tx_no, _)| tx_no).collect::<Vec<_>>(), [4, 6, 7]);
    assert_eq!(set.get(6).map(|pending| pending.transaction.tx_no), Some(6));
    assert!(set.get(5).is_none() && set.get_mut(5).is_none() && set.get_mut(7).is_some());
    assert!(set.touches(&a) && set.touches(&b) && set.touches(&c));
    assert!(!set.touches(&whole) && !set.touches(&key("notes", "b")));
    // A condition touches a document, but writes to no collection.
    assert_eq!(of(set.shown_on(&a)), [(3, 1)]);
    assert_eq!(of(set.hidden_on(&a)), [(4, 1)]);
    assert_eq!(of(set.shown_on(&b)), [(3, 1)]);
    assert_eq!(of(set.shown_on(&whole)), [(3, 1), (6, 1)]);
    assert_eq!(of(set.hidden_on(&whole)), [(4, 1)]);
    assert_eq!(of(set.shown_on(&DocumentKey::whole("tags"))), []);
    let concerned = |set: &PendingSet, key: &DocumentKey| set.concerned(key).collect::<Vec<_>>();
    assert_eq!(concerned(&set, &a), [3, 4, 7], "who has read the whole collection too");
    assert_eq!(concerned(&set, &b), [3]);
    assert_eq!(concerned(&set, &c), [3, 7]);
    assert_eq!(concerned(&set, &key("notes", "new")), [7]);
    assert!(set.remove(9).is_none());
    assert_eq!(set.remove(7).map(|pending| pending.transaction.tx_no), Some(7));
    assert_eq!((concerned(&set, &a), concerned(&set, &c)), (vec![3, 4], vec![3]));
    assert!(set.touches(&a) && !set.touches(&c));
    set.remove(4);
    assert_eq!((of(set.hidden_on(&a)), of(set.hidden_on(&whole))), (vec![], vec![]));
    set.remove(3);
    assert_eq!(of(set.shown_on(&whole)), [(6, 1)]);
    set.remove(6);
    assert!(set.is_empty() && !set.touches(&a));
    assert!(set.touching.is_empty() && set.concerned.is_empty() && set.in_collection.is_empty());
    assert!(set.hidden.is_empty());
}

#[test]
fn what_is_shown_moves_with_a_rebase() {
    let a = key("notes", "a");
    let mut set = PendingSet::default();
    set.insert(1, simple(1, &a));
    let moved = Transaction { base_seq: 9, ..simple(1, &a).transaction };
    set.replace(1, moved.clone(), false);
    assert_eq!((of(set.shown_on(&a)), of(set.hidden_on(&a))), (vec![], vec![(1, 1)]));
    assert_eq!(set.get(1).map(|pending| (pending.transaction.base_seq, pending.shown)), Some((9, false)));
    set.replace(1, moved.clone(), true);
    assert_eq!((of(set.shown_on(&a)), of(set.hidden_on(&a))), (vec![(1, 1)], vec![]));
    set.replace(2, moved, false);
    assert!(set.len() == 1 && set.hidden.is_empty(), "what is not there cannot move");
}

#[test]
fn rows_are_stored_as_they_are_and_deleted_when_they_are_gone() {
    let a = key("notes", "a");
    let run = MutatorRun { name: "buy".to_owned(), args: b"{}".to_vec(), attempt: 2, first: TxId([9; 8]) };
    let mut store = MemoryStore::new();
    store.begin().unwrap();
    let mut set = PendingSet::default();
    for flags in 0..8u64 {
        let mutator = (flags & 4 != 0).then(|| run.clone());
        let pending = Pending {
            shown: flags & 1 != 0,
            superseded: flags & 2 != 0,
            mutator,
            ..Pending::new(transaction(flags + 1, &a, &a, &a))
        };
        let receipt = if flags & 4 != 0 { TxId([9; 8]) } else { TxId((flags + 1).to_be_bytes()) };
        assert_eq!(pending.receipt(), receipt);
        set.insert(flags + 1, pending);
        set.save(&mut store, SPACE, flags + 1).unwrap();
    }
    let loaded = PendingSet::load(&store, SPACE).unwrap();
    let rows = |set: &PendingSet| set.iter().map(|(_, pending)| pending.clone()).collect::<Vec<_>>();
    assert_eq!(rows(&loaded), rows(&set));
    assert_eq!(loaded.hidden, set.hidden);
    set.remove(3);
    set.save(&mut store, SPACE, 3).unwrap();
    assert_eq!(rows(&PendingSet::load(&store, SPACE).unwrap()), rows(&set));
    assert!(PendingSet::load(&store, SpaceNo(2)).unwrap().is_empty());
    store.put(Table::Outbox, &SPACE.numbered(20), b"junk").unwrap();
    assert_eq!(PendingSet::load(&store, SPACE).unwrap_err(), StoreError::Corrupt("outbox row"));
}

#[test]
fn a_mutator_may_have_64_kib_of_arguments_and_128_bytes_of_name() {
    let reads_back = |name: usize, args: usize| {
        let (name, args) = ("n".repeat(name), vec![7; args]);
        let run = MutatorRun { name, args, attempt: 1, first: TxId([9; 8]) };
        let mut out = Encoder::with_capacity(64);
        run.encode(&mut out);
        MutatorRun::decode(&mut Decoder::new(&out.finish())).is_ok_and(|read| read == run)
    };
    assert!(reads_back(128, 64 * 1024));
    assert!(!reads_back(129, 1) && !reads_back(1, 64 * 1024 + 1));
}

#[test]
fn numbers_that_left_the_outbox_count_as_not_accepted() {
    let row = AuthorRow { head: AuthorHead::NONE, tx_mark: 3, unaccepted: vec![(1, 1, 8)] };
    let as_if = |numbers: &[(u64, bool)]| {
        let mut set = PendingSet::default();
        for (tx_no, shown) in numbers {
            set.insert(*tx_no, Pending { shown: *shown, ..simple(*tx_no, &key("notes", "a")) });
        }
        let row = set.as_if_folded(&row);
        (row.tx_mark, row.unaccepted)
    };
    assert_eq!(as_if(&[]), (3, vec![(1, 1, 8)]));
    assert_eq!(as_if(&[(4, true), (5, true)]), (5, vec![(1, 1, 8)]));
    assert_eq!(as_if(&[(4, true), (5, false)]), (5, vec![(1, 1, 8), (5, 1, 0)]));
    assert_eq!(as_if(&[(4, true), (6, true)]), (6, vec![(1, 1, 8), (5, 1, 0)]));
    assert_eq!(as_if(&[(4, true), (7, true)]), (7, vec![(1, 1, 8), (5, 2, 0)]));
    assert_eq!(
        as_if(&[(6, true), (7, true), (10, false)]),
        (10, vec![(1, 1, 8), (4, 2, 0), (8, 2, 0), (10, 1, 0)])
    );
    // Folded already, and still here until its own return is settled.
    assert_eq!(as_if(&[(2, true), (3, true)]), (3, vec![(1, 1, 8)]));
}

#[cfg(feature = "testing")]
#[test]
fn the_simulation_is_told_what_the_indexes_hold() {
    let (a, b, c) = (key("notes", "a"), key("tags", "b"), key("other", "c"));
    let mut set = PendingSet::default();
    assert_eq!(set.indexed(), (0, 0));
    // Touches two documents, is concerned with three, writes to one collection, and is hidden.
    set.insert(1, Pending { shown: false, ..Pending::new(transaction(1, &a, &b, &c)) });
    assert_eq!(set.indexed(), (2 + 3 + 1 + 1, 2 + 3 + 1 + 1));
    set.insert(2, simple(2, &a));
    assert_eq!(set.indexed(), (7 + 3, 7 + 3));
    set.rows.remove(&2);
    assert_eq!(set.indexed(), (7 + 3, 7));
}
