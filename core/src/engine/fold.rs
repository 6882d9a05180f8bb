//! Folds a run of ordered Entries into documents, then puts the Outbox back on top, once.

use super::engine::{Engine, Parts};
use super::output::{Event, Output};
use super::remote::{Fold, open_for_fold};
use super::settle::Batch;
use crate::documents::{FoldAuthor, FoldPlace};
use crate::envelope::VerifiedEntry;
use crate::error::Error;
use crate::model::{Position, Transaction};
use crate::outbox::{Content, Fate, Settled};
use crate::store::rows::AuthorRow;
use veilfold_wire::{ControlOp, ControlPublic, MemberNo, SpaceId};

impl Engine {
    /// Folds Entries from the one after the newest folded position on. Stops before the first whose
    /// key is missing.
    pub(super) fn fold_entries(&mut self, id: SpaceId, entries: Vec<VerifiedEntry>) -> Result<(), Error> {
        let mut parts = self.parts(id)?;
        let mut batch = Batch::begin();
        for entry in entries {
            let seq = entry.seq();
            let author = entry.entry().header().member_no;
            let own = parts.space.me() == Some(author);
            match open_for_fold(parts.space, &entry) {
                Fold::Stop => break,
                Fold::Skip => {}
                Fold::Control(part) => fold_control(&mut parts, &entry, &part)?,
                Fold::Body(body) => {
                    for (index, transaction) in body.transactions.iter().enumerate() {
                        let place = FoldPlace {
                            position: Position { seq, index: index as u64 },
                            base_seq: transaction.base_seq,
                            seen_seq: entry.entry().header().seen_seq,
                        };
                        fold_transaction(&mut parts, &mut batch, transaction, author, place)?;
                    }
                }
            }
            if own {
                came_back(&mut parts, &mut batch, &entry)?;
            }
            parts.space.row.folded = seq;
        }
        tracing::debug!(space = %id, seq = parts.space.row.folded, "folded");
        parts.space.dirty.core = true;
        let changed = batch.finish(&mut parts)?;
        self.mark_changed(id, changed.iter());
        Ok(())
    }
}

fn fold_transaction(
    parts: &mut Parts<'_>,
    batch: &mut Batch,
    transaction: &Transaction,
    author: MemberNo,
    place: FoldPlace,
) -> Result<(), Error> {
    let (space, protections) = (&mut *parts.space, &parts.config.protections);
    let row = space.authors.entry(author).or_insert(AuthorRow::NEW);
    if transaction.tx_no <= row.tx_mark && protections.tx_mark {
        return Ok(());
    }
    let fold_author = FoldAuthor { member: author, row, preconditions: protections.preconditions };
    let result = space.documents.fold(parts.store, transaction, &fold_author, place)?;
    row.mark(transaction.tx_no, result.is_ok(), place.position.seq);
    space.dirty.authors.insert(author);
    if space.me() == Some(author) {
        batch.own(parts, transaction, place.position, result)?;
    } else if let Ok(accepted) = result {
        batch.changed(accepted.changed);
    }
    Ok(())
}

/// The sealed part of a change of membership: names.
fn fold_control(parts: &mut Parts<'_>, entry: &VerifiedEntry, sealed_part: &[u8]) -> Result<(), Error> {
    let Ok(control) = ControlPublic::decode(entry.entry().public()) else { return Ok(()) };
    let member = match control.op {
        ControlOp::Genesis(_) => MemberNo(1),
        ControlOp::AddMember(added) => added.member_no,
    };
    // A sealed part that does not parse leaves the Member without a name; it stays a Member.
    if parts.space.roster.note(member, sealed_part).is_ok() {
        parts.space.dirty.membership = true;
    }
    Ok(())
}

/// An own Entry is in the order: it is no longer in flight, whatever became of it.
fn came_back(parts: &mut Parts<'_>, batch: &mut Batch, entry: &VerifiedEntry) -> Result<(), Error> {
    let Parts { space, store, .. } = parts;
    match space.in_flight.take_folded(*store, space.no, &entry.hash())? {
        Some(row) => {
            if let (Content::Control { wish }, None) = (row.content, entry.fault()) {
                let tx_id = crate::model::TxId(wish);
                space.wishes.retain(|other| other.id != tx_id);
                space.save_wish(*store, tx_id)?;
                let fate = Fate::Confirmed(Position { seq: entry.seq(), index: 0 });
                parts.tell(Settled::once(tx_id, fate))?;
            }
            batch.unseal(&mut parts.space.pending, row.content);
        }
        // Not one that waits here: a copy of this store wrote it, or this store was restored, or an
        // Entry that had been given up was ordered after all. It is the author's head now.
        None if entry.seq() > 1 => {
            let author_seq = entry.entry().header().author_seq;
            let given_up = space.in_flight.drop_from(*store, space.no, author_seq)?;
            for row in given_up {
                batch.unseal(&mut space.pending, row.content);
            }
            if batch.takes_unknown() {
                let cloned = Event::DeviceCloned { space: parts.space.id };
                parts.outputs.push_back(Output::Event(cloned));
            }
        }
        None => {}
    }
    Ok(())
}
