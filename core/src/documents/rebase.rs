//! Replays the Outbox on new confirmed state, touching only what it must.
//!
//! Called once per batch of ordered Entries by the engine's `remote.rs`. Documents that only own
//! Transactions changed, in the order in which they were shown, are a promotion and not its business.

use super::apply::{Accepted, FoldAuthor, Undecided};
use super::cache::Documents;
use super::pending::PendingSet;
use super::reissue::{SeenTexts, move_splices};
use crate::model::{DocumentKey, Op, Rejection, Transaction};
use crate::resolver::{Governed, Silent};
use crate::sorted::SortedSet;
use crate::store::rows::AuthorRow;
use crate::store::{Store, StoreError};
use veilfold_wire::MemberNo;
use veilfold_wire::limits::SEEN_WINDOW;

/// The two ends of the batch, and who we are.
pub struct RebaseContext<'a> {
    /// Own member number.
    pub me: MemberNo,
    /// What the fold knows of us, after the batch.
    pub row: &'a AuthorRow,
    /// False only in tests that show what read sets and dependencies are for.
    pub preconditions: bool,
    /// Newest folded position now.
    pub new_head: u64,
}

/// What a rebase did.
#[derive(Debug, Default)]
pub struct Rebased {
    /// Pending Transactions whose Actions were rewritten or that are shown or hidden now: to be stored.
    pub rewritten: SortedSet<u64>,
    /// Documents whose visible image may be another one now.
    pub changed: SortedSet<DocumentKey>,
    /// Pending Transactions that do not hold any more, and why.
    pub hidden: Vec<(u64, Rejection)>,
    /// A resolver that gave no answer. What asked it is not shown for now.
    pub silent: Option<Silent>,
}

/// Replays what the changed documents `dirty` concern.
///
/// Transactions in `seen` are reissued: their text edits move from the text that they were made on
/// to the one that is there now.
///
/// # Errors
/// As the store says.
pub fn rebase(
    documents: &mut Documents,
    store: &dyn Store,
    outbox: &mut PendingSet,
    context: &RebaseContext<'_>,
    dirty: SortedSet<DocumentKey>,
    seen: &SeenTexts,
    governed: &mut Governed<'_>,
) -> Result<Rebased, StoreError> {
    let (affected, closure) = close(outbox, &dirty);
    for key in &closure {
        documents.set_overlay(store, key, None)?;
    }
    let mut rebased = Rebased { changed: closure, ..Rebased::default() };
    rebased.changed.extend(dirty);
    for tx_no in affected {
        let Some(pending) = outbox.get(tx_no) else { continue };
        let was_shown = pending.shown;
        let edits_text = pending.edits_text();
        let mut transaction = pending.transaction.clone();
        let reissued = seen.moves(tx_no);
        if reissued {
            for index in 0..transaction.actions.len() {
                let (moved, key) = (&seen, transaction.actions[index].key.clone());
                let fields = documents.visible(store, &key)?.fields.as_ref();
                move_splices(&mut transaction.actions[index].op, moved.text(tx_no, index), fields);
            }
        }
        // What was reissued reads for what is visible now, everything else for the order that it was
        // last expressed for. What is hidden cannot be expressed anew and keeps its own.
        let old_base = transaction.base_seq;
        let base_seq = if reissued { context.new_head } else { old_base };
        let row = outbox.as_if_folded(context.row);
        let author = FoldAuthor { member: context.me, row: &row, preconditions: context.preconditions };
        let result = if pending.superseded {
            None
        } else {
            match documents.show(store, &transaction, &author, base_seq, governed) {
                Ok(Ok(accepted)) => Some(accepted),
                Ok(Err(rejection)) => {
                    rebased.hidden.push((tx_no, rejection));
                    None
                }
                Err(Undecided::Silent(silent)) => {
                    rebased.silent = Some(silent);
                    None
                }
                Err(Undecided::Store(error)) => return Err(error),
            }
        };
        let shown = result.is_some();
        let moved = result.is_some_and(|accepted| rewrite(&mut transaction, accepted));
        if shown {
            transaction.base_seq = context.new_head;
        }
        // An Action that reads the same for both orders need not be stored for each of them, as long
        // as the stored order stays within the window. An edit of a text is: what it counts depends on the
        // edits before it, and on the order that those are expressed for.
        let stored_within = if edits_text { 0 } else { SEEN_WINDOW / 4 };
        let stale = shown && context.new_head.saturating_sub(old_base) > stored_within;
        if moved || reissued || shown != was_shown || stale {
            rebased.rewritten.insert(tx_no);
        }
        outbox.replace(tx_no, transaction, shown);
    }
    for key in &rebased.changed {
        if !outbox.touches(key) {
            documents.set_overlay(store, key, None)?;
        }
    }
    Ok(rebased)
}

/// The Transactions that must be replayed, in order, and the documents that start over for it.
fn close(outbox: &PendingSet, dirty: &SortedSet<DocumentKey>) -> (SortedSet<u64>, SortedSet<DocumentKey>) {
    let mut affected = SortedSet::new();
    let mut closure = SortedSet::new();
    let mut queue: Vec<DocumentKey> = dirty.iter().cloned().collect();
    while let Some(key) = queue.pop() {
        if outbox.touches(&key) && !closure.insert(key.clone()) {
            continue;
        }
        for tx_no in outbox.concerned(&key) {
            if affected.insert(tx_no) {
                let touched = outbox.get(tx_no).into_iter().flat_map(|pending| pending.touched());
                queue.extend(touched.filter(|key| !closure.contains(*key)).cloned());
            }
        }
    }
    (affected, closure)
}

/// Puts the rebased Actions into the Transaction; true when any differed.
fn rewrite(transaction: &mut Transaction, accepted: Accepted) -> bool {
    let mut moved = false;
    for (index, op) in accepted.rebased {
        let slot: Option<&mut Op> = transaction.actions.get_mut(index).map(|action| &mut action.op);
        if let Some(slot) = slot {
            *slot = op;
            moved = true;
        }
    }
    moved
}

#[cfg(test)]
mod tests;
