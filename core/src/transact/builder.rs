//! Puts a Transaction together and holds it to the limits that every Device will hold it to.

use crate::documents::PendingSet;
use crate::model::{ACTIONS_MAX, Action, DocumentRead, Encoder, Op, READS_MAX, Transaction, TxId, TxNos};
use thiserror::Error;

/// Largest encoded Transaction in bytes; it has to fit into one Entry with its padding.
pub const TRANSACTION_BYTES_MAX: usize = 192 * 1024;

/// Why a Transaction cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TransactionTooLarge {
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

/// Makes the Transaction of that number and name for the order up to `base_seq`.
///
/// # Errors
/// A [`TransactionTooLarge`] with the limit in it.
pub fn build(
    pending: &PendingSet,
    (tx_no, tx_id): (u64, TxId),
    base_seq: u64,
    time_ms: u64,
    reads: Vec<DocumentRead>,
    actions: Vec<Action>,
) -> Result<Transaction, TransactionTooLarge> {
    if !(1..=ACTIONS_MAX).contains(&actions.len()) {
        return Err(TransactionTooLarge::Actions(actions.len()));
    }
    if reads.len() > READS_MAX {
        return Err(TransactionTooLarge::Reads(reads.len()));
    }
    if !actions.iter().all(|action| action.key.is_valid() && action.op.is_well_formed()) {
        return Err(TransactionTooLarge::NotWellFormed);
    }
    let depends = depends_on(pending, &actions, u64::MAX);
    let transaction = Transaction { tx_no, tx_id, base_seq, time_ms, reads, depends, actions };
    let mut out = Encoder::with_capacity(256);
    transaction.encode(&mut out);
    if out.len() > TRANSACTION_BYTES_MAX {
        return Err(TransactionTooLarge::Bytes(out.len()));
    }
    Ok(transaction)
}

/// Own Transactions below `before` that text edits among the Actions stand on: offsets count what
/// those inserted, so without them they would hit other characters.
pub fn depends_on(pending: &PendingSet, actions: &[Action], before: u64) -> TxNos {
    let mut all = std::collections::BTreeSet::new();
    for action in actions.iter().filter(|action| matches!(action.op, Op::TextEdit { .. })) {
        let shown = pending.shown_on(&action.key);
        all.extend(shown.ranges().iter().flat_map(|(first, count)| *first..(first + count).min(before)));
    }
    let mut depends = TxNos::default();
    all.into_iter().for_each(|tx_no| depends.push(tx_no));
    depends
}
