//! What a run of ordered Entries means for own Transactions: fates, numbers, and what to issue again.
//!
//! An Outbox row is settled only by its own number and id together. A row whose number was passed
//! by without it gets a fresh number and stays; a text edit that stood on a rejected own edit is
//! moved and issued again.

use super::engine::Parts;
use crate::documents::{Accepted, Documents, Pending, PendingSet, RebaseContext, Rebased, SeenTexts, rebase};
use crate::error::Error;
use crate::model::{DocumentKey, Op, Position, RejectReason, Rejection, Transaction};
use crate::outbox::{Content, Fate};
use crate::resolver::Governed;
use crate::sorted::{SortedMap, SortedSet};
use crate::transact::depends_on;

/// One run of Entries being folded.
pub(super) struct Batch {
    /// Documents whose confirmed image changed in a way that the overlay has not shown already.
    dirty: SortedSet<DocumentKey>,
    /// Documents whose overlay may have become the same as the confirmed image.
    promoted: SortedSet<DocumentKey>,
    /// Own Transactions that left the Outbox in this run, as they were.
    settled: SortedMap<u64, Pending>,
    /// Numbers of own Transactions that were rejected.
    lost: SortedSet<u64>,
    /// Of `settled`, those to be issued again.
    again: SortedSet<u64>,
    unknown: bool,
}

impl Batch {
    pub(super) fn begin() -> Self {
        Self {
            dirty: SortedSet::new(),
            promoted: SortedSet::new(),
            settled: SortedMap::new(),
            lost: SortedSet::new(),
            again: SortedSet::new(),
            unknown: false,
        }
    }

    /// Somebody else changed documents.
    pub(super) fn changed(&mut self, documents: Vec<DocumentKey>) {
        self.dirty.extend(documents);
    }

    /// True once after an own Transaction came that this store did not know.
    pub(super) fn takes_unknown(&mut self) -> bool {
        core::mem::take(&mut self.unknown)
    }

    /// Transactions of an Entry that is not in flight any more; those still here are sealed anew.
    pub(super) fn unseal(&mut self, pending: &mut PendingSet, content: Content) {
        let Content::Transactions { first, last } = content else { return };
        for tx_no in first..=last {
            if let Some(pending) = pending.get_mut(tx_no) {
                pending.sealed = None;
            }
        }
    }

    /// An own Transaction was folded.
    pub(super) fn own(
        &mut self,
        parts: &mut Parts<'_>,
        transaction: &Transaction,
        position: Position,
        result: Result<Accepted, Rejection>,
    ) -> Result<(), Error> {
        let Parts { space, store, .. } = parts;
        let tx_no = transaction.tx_no;
        let same = |pending: &Pending| pending.transaction.tx_id == transaction.tx_id;
        let Some(pending) =
            space.pending.get(tx_no).is_some_and(same).then(|| space.pending.remove(tx_no)).flatten()
        else {
            self.unknown = true;
            self.dirty.extend(result.map(|accepted| accepted.changed).unwrap_or_default());
            return Ok(());
        };
        space.pending.save(*store, space.no, tx_no)?;
        let fate = match result {
            Ok(accepted) => {
                // A resolver may look at the place in the order, which is another one now.
                let calls = transaction.actions.iter().any(|action| matches!(action.op, Op::Call(_)));
                // An edit that was expressed anew after it was sealed can have been shown on the other
                // side of what somebody else put at the same place.
                let moved = pending.edits_text() && pending.transaction.base_seq > transaction.base_seq;
                if calls || moved {
                    self.dirty.extend(pending.touched().cloned());
                } else if pending.shown {
                    self.promoted.extend(pending.touched().cloned());
                } else {
                    self.dirty.extend(accepted.changed);
                }
                Some(Fate::Confirmed(position))
            }
            Err(rejection) => {
                self.lost.insert(tx_no);
                self.dirty.extend(pending.touched().cloned());
                let stood_on_lost = rejection.reason == RejectReason::DependencyRejected
                    && pending.transaction.reads.is_empty();
                if stood_on_lost && !pending.superseded {
                    self.again.insert(tx_no);
                }
                (!stood_on_lost).then_some(Fate::Rejected(position, rejection))
            }
        };
        if let Some(fate) = fate.filter(|_| !pending.superseded) {
            parts.tell_of(&pending, fate)?;
        }
        self.settled.insert(tx_no, pending);
        Ok(())
    }

    /// Puts the Outbox on top of the new confirmed state; gives the documents that look different.
    pub(super) fn finish(mut self, parts: &mut Parts<'_>) -> Result<Rebased, Error> {
        let enabled = parts.space.enabled_with_wishes();
        let mut governed = Governed::new(parts.resolvers, &enabled);
        let seen = self.issue_again(parts, &mut governed)?;
        let Parts { space, store, config, .. } = parts;
        let me = space.me().unwrap_or(veilfold_wire::MemberNo(0));
        let row = space.own_row();
        let context = RebaseContext {
            me,
            row: &row,
            preconditions: config.protections.preconditions,
            new_head: space.row.folded,
        };
        let rebased = rebase(
            &mut space.documents,
            *store,
            &mut space.pending,
            &context,
            self.dirty,
            &seen,
            &mut governed,
        )?;
        let renewed: SortedSet<u64> = seen.numbers().chain(rebased.rewritten.iter().copied()).collect();
        for tx_no in renewed {
            if seen.moves(tx_no)
                && let Some(pending) = space.pending.get(tx_no)
            {
                let (mut transaction, shown) = (pending.transaction.clone(), pending.shown);
                transaction.depends = depends_on(&space.pending, &transaction.actions, tx_no);
                space.pending.replace(tx_no, transaction, shown);
            }
            space.pending.save(*store, space.no, tx_no)?;
        }
        run_hidden_again(parts, &rebased)?;
        let Parts { space, store, .. } = parts;
        for key in &self.promoted {
            if !space.pending.touches(key) {
                space.documents.unshow(*store, key)?;
            }
        }
        Ok(rebased)
    }

    /// Gives fresh numbers to what must be issued again, and finds the texts its edits were made on.
    fn issue_again(
        &mut self,
        parts: &mut Parts<'_>,
        governed: &mut Governed<'_>,
    ) -> Result<SeenTexts, Error> {
        let Parts { space, store, .. } = parts;
        let mark = space.own_row().tx_mark;
        let overtaken = space.pending.iter().next().is_some_and(|(first, _)| first <= mark);
        if self.lost.is_empty() && self.again.is_empty() && !overtaken {
            return Ok(SeenTexts::default());
        }
        let mut before: SortedMap<u64, Pending> = self.settled.clone();
        before.extend(space.pending.iter().map(|(tx_no, pending)| (tx_no, pending.clone())));
        let mut renumbered = SortedMap::new();
        let mut next = space.next_tx_no();
        for (tx_no, pending) in &before {
            let passed = *tx_no <= mark && !self.settled.contains_key(tx_no);
            let stands_on_lost = pending.transaction.reads.is_empty()
                && pending
                    .transaction
                    .depends
                    .ranges()
                    .iter()
                    .any(|(first, count)| self.lost.range(first, &(first + count)).next().is_some());
            let again = self.again.contains(tx_no)
                || (!self.settled.contains_key(tx_no) && (passed || stands_on_lost));
            if pending.superseded || !again {
                if pending.superseded && passed {
                    space.pending.remove(*tx_no);
                    space.pending.save(*store, space.no, *tx_no)?;
                }
                continue;
            }
            self.lost.insert(*tx_no);
            self.dirty.extend(pending.touched().cloned());
            let mut transaction = pending.transaction.clone();
            transaction.tx_no = next;
            transaction.depends = Default::default();
            if pending.sealed.is_some() && !passed {
                // Its Entry may still be ordered; every Device will reject it there.
                if let Some(old) = space.pending.get_mut(*tx_no) {
                    old.superseded = true;
                }
            } else {
                space.pending.remove(*tx_no);
            }
            space.pending.save(*store, space.no, *tx_no)?;
            let mutator = pending.mutator.clone();
            space.pending.insert(next, Pending { mutator, ..Pending::new(transaction) });
            space.pending.save(*store, space.no, next)?;
            renumbered.insert(*tx_no, next);
            next += 1;
        }
        let before: Vec<Transaction> = before.into_iter().map(|(_, pending)| pending.transaction).collect();
        let me = space.me().unwrap_or(veilfold_wire::MemberNo(0));
        // The step has not written yet, so the store still has the state before the run.
        let documents = Documents::new(space.no);
        Ok(SeenTexts::rebuild(documents, *store, me, &before, &renumbered, governed)?)
    }
}

/// A mutator whose Transaction does not hold any more and was not sent: it runs again at once, and
/// that does not count as an attempt, since the order never had it.
fn run_hidden_again(parts: &mut Parts<'_>, rebased: &Rebased) -> Result<(), Error> {
    for (tx_no, rejection) in &rebased.hidden {
        let waits =
            |pending: &Pending| pending.mutator.is_some() && pending.sealed.is_none() && !pending.superseded;
        if !parts.space.pending.get(*tx_no).is_some_and(waits) {
            continue;
        }
        if let Some(mut pending) = parts.space.pending.remove(*tx_no) {
            parts.space.pending.save(parts.store, parts.space.no, *tx_no)?;
            if let Some(run) = &mut pending.mutator {
                run.attempt -= 1;
            }
            parts.run_again(&pending, Position::START, rejection.clone())?;
        }
    }
    Ok(())
}
