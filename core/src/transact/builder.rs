//! Puts a Transaction together and holds it to the limits that every Device will hold it to.

use crate::documents::PendingSet;
use crate::model::{ACTIONS_MAX, Action, DocumentRead, Encoder, Op, READS_MAX, Transaction, TxId, TxNos};
use crate::sorted::SortedSet;
use thiserror::Error;

/// Largest encoded Transaction in bytes; it has to fit into one Entry with its padding.
pub const TRANSACTION_BYTES_MAX: usize = 192 * 1024;

/// Why a Transaction cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unbuildable {
    /// No Actions, or too many.
    #[error("a transaction has 1 to {ACTIONS_MAX} actions, this one has {0}")]
    Actions(usize),
    /// Too many documents were read.
    #[error("a transaction reads at most {READS_MAX} documents, this one read {0}")]
    Reads(usize),
    /// Too many bytes.
    #[error(
        "a transaction has at most {TRANSACTION_BYTES_MAX} bytes, this one has {0}; large values belong in blobs"
    )]
    Bytes(usize),
    /// A name, path or literal is outside of its limits.
    #[error("a collection, id, path or value is empty, too long or nested too deeply")]
    NotWellFormed,
}

impl Unbuildable {
    /// Stable, for programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Actions(_) | Self::Reads(_) | Self::Bytes(_) => "too_large",
            Self::NotWellFormed => "bad_action",
        }
    }
}

/// Makes the Transaction of that number and name for the order up to `base_seq`.
///
/// # Errors
/// An [`Unbuildable`] with the limit in it.
pub fn build(
    pending: &PendingSet,
    (tx_no, tx_id): (u64, TxId),
    base_seq: u64,
    time_ms: u64,
    reads: Vec<DocumentRead>,
    actions: Vec<Action>,
) -> Result<Transaction, Unbuildable> {
    if !(1..=ACTIONS_MAX).contains(&actions.len()) {
        return Err(Unbuildable::Actions(actions.len()));
    }
    if reads.len() > READS_MAX {
        return Err(Unbuildable::Reads(reads.len()));
    }
    if !actions.iter().all(|action| action.key.is_valid() && action.op.is_well_formed()) {
        return Err(Unbuildable::NotWellFormed);
    }
    let depends = depends_on(pending, &actions, u64::MAX);
    let transaction = Transaction { tx_no, tx_id, base_seq, time_ms, reads, depends, actions };
    let mut out = Encoder::with_capacity(256);
    transaction.encode(&mut out);
    if out.len() > TRANSACTION_BYTES_MAX {
        return Err(Unbuildable::Bytes(out.len()));
    }
    Ok(transaction)
}

/// Own Transactions below `before` that text edits among the Actions stand on: offsets count what
/// those inserted, so without them they would hit other characters.
pub fn depends_on(pending: &PendingSet, actions: &[Action], before: u64) -> TxNos {
    let mut all = SortedSet::new();
    for action in actions.iter().filter(|action| matches!(action.op, Op::TextEdit { .. })) {
        let shown = pending.shown_on(&action.key);
        all.extend(shown.ranges().iter().flat_map(|(first, count)| *first..(first + count).min(before)));
    }
    let mut depends = TxNos::default();
    all.into_iter().for_each(|tx_no| depends.push(tx_no));
    depends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Pending;
    use crate::model::{DocumentKey, Fields, Path, Position, TextSplice, Value};

    const ID: TxId = TxId([7; 8]);

    fn key(document: &str) -> DocumentKey {
        DocumentKey::new("notes", document)
    }

    fn delete(document: &str) -> Action {
        Action { key: key(document), op: Op::Delete }
    }

    fn edit(document: &str) -> Action {
        let splices = vec![TextSplice { offset: 0, delete: 0, insert: "x".to_owned() }];
        Action { key: key(document), op: Op::TextEdit { path: Path::parse("t").unwrap(), splices } }
    }

    fn read(number: usize) -> DocumentRead {
        let (own, absent) = (TxNos::default(), TxNos::default());
        DocumentRead { key: key(&number.to_string()), version: Position::START, own, absent }
    }

    fn of(reads: Vec<DocumentRead>, actions: Vec<Action>) -> Result<Transaction, Unbuildable> {
        build(&PendingSet::default(), (3, ID), 8, 9, reads, actions)
    }

    #[test]
    fn a_transaction_says_what_was_given() {
        let (reads, actions) = (vec![read(1), read(2)], vec![delete("a"), edit("b")]);
        let depends = TxNos::default();
        let expected = Transaction { tx_no: 3, tx_id: ID, base_seq: 8, time_ms: 9, reads, depends, actions };
        assert_eq!(of(expected.reads.clone(), expected.actions.clone()), Ok(expected));
    }

    #[test]
    fn actions_and_reads_are_counted() {
        let actions = |count| vec![delete("a"); count];
        let reads = |count| (0..count).map(read).collect::<Vec<_>>();
        assert!(of(vec![], actions(1)).is_ok() && of(reads(1024), actions(256)).is_ok());
        for count in [0, 257] {
            assert_eq!(of(vec![], actions(count)), Err(Unbuildable::Actions(count)));
        }
        assert_eq!(of(reads(1025), actions(1)), Err(Unbuildable::Reads(1025)));
    }

    #[test]
    fn names_and_operations_have_to_be_within_their_limits() {
        let odd_name = delete("");
        let odd_op = Action { op: Op::Unset { path: Path::default() }, ..delete("a") };
        for odd in [odd_name, odd_op] {
            assert_eq!(of(vec![], vec![delete("a"), odd]), Err(Unbuildable::NotWellFormed));
        }
    }

    #[test]
    fn a_transaction_may_have_192_kib_and_not_a_byte_more() {
        let with = |bytes| {
            let fields = Fields::from([("t".to_owned(), Value::String("x".repeat(bytes)))]);
            let create = Op::Create { fields: Value::Map(fields) };
            of(vec![], vec![Action { op: create, ..delete("a") }])
        };
        let Err(Unbuildable::Bytes(bytes)) = with(192 * 1024) else { panic!("the rest takes room") };
        let most = 2 * 192 * 1024 - bytes;
        assert!(with(most).is_ok());
        assert_eq!(with(most + 1), Err(Unbuildable::Bytes(192 * 1024 + 1)));
    }

    #[test]
    fn text_edits_stand_on_what_is_shown_of_the_same_document() {
        let mut pending = PendingSet::default();
        let mut add = |tx_no, document: &str, shown| {
            let transaction = Transaction { tx_no, ..of(vec![], vec![delete(document)]).unwrap() };
            pending.insert(tx_no, Pending { shown, ..Pending::new(transaction) });
        };
        for tx_no in [3, 4, 5, 9] {
            add(tx_no, "a", true);
        }
        add(6, "a", false);
        add(7, "b", true);
        add(8, "c", true);
        let on = |actions: &[Action], before| depends_on(&pending, actions, before).ranges().to_vec();
        assert_eq!(on(&[edit("a")], u64::MAX), [(3, 3), (9, 1)]);
        assert_eq!(on(&[edit("b"), edit("a"), edit("b")], u64::MAX), [(3, 3), (7, 1), (9, 1)]);
        assert_eq!((on(&[edit("a")], 9), on(&[edit("a")], 5)), (vec![(3, 3)], vec![(3, 2)]));
        assert_eq!(on(&[delete("a"), edit("x")], u64::MAX), []);
        let built = build(&pending, (10, ID), 8, 9, vec![], vec![edit("a"), delete("c")]).unwrap();
        assert_eq!(built.depends.ranges(), [(3, 3), (9, 1)]);
    }
}
