//! An ordered Entry on its way in: placed, verified, kept, folded, and the Outbox put on top again.

use super::engine::{Engine, Parts};
use super::output::{Event, Output};
use super::space::Space;
use crate::envelope::{OpenError, Opened, VerifiedEntry, open, verify_first_page, verify_page};
use crate::error::Error;
use crate::store::rows::AuthorRow;
use bytes::Bytes;
use veilfold_wire::{ControlOp, ControlPublic, Kind, SpaceId, TransportFault};

impl Engine {
    /// Entries in order from the Relay, contiguous from `first_seq`.
    pub(super) fn page(
        &mut self,
        id: SpaceId,
        first_seq: u64,
        entries: Vec<Bytes>,
        now_ms: u64,
    ) -> Result<(), Error> {
        let (mut first_seq, mut rest) = (first_seq, entries);
        loop {
            // A root is one of everything up to its position, so a step ends there.
            let root = self.root_within(id, first_seq, rest.len())?;
            let after = rest.split_off(root.unwrap_or(rest.len()));
            let fault = self.step_until_held(|engine| {
                let fault = engine.keep_page(id, first_seq, &rest)?;
                let head = engine.space(id)?.cursor().log.seq;
                match fault {
                    Some(fault) => engine.distrust(id, fault, now_ms),
                    None => {
                        if root.is_some() {
                            engine.take_root(id)?;
                        }
                        engine.subscriptions.get(id).advanced(head);
                        if after.is_empty() {
                            engine.outputs.push_back(Output::Status(id));
                        }
                    }
                }
                engine.attend(id, now_ms)?;
                Ok(fault)
            })?;
            if fault.is_some() || after.is_empty() {
                break;
            }
            first_seq += rest.len() as u64;
            rest = after;
        }
        if self.space(id)?.cursor().is_folded() {
            return Ok(());
        }
        self.fold_what_is_kept(id)?;
        self.step(|engine| engine.attend(id, now_ms))
    }

    /// Verifies a page and keeps the part of it that holds; gives what ended it early.
    fn keep_page(
        &mut self,
        id: SpaceId,
        first_seq: u64,
        entries: &[Bytes],
    ) -> Result<Option<TransportFault>, Error> {
        let checks = self.config.protections.checks;
        let parts = self.parts(id)?;
        let head = parts.space.cursor().log;
        // After a reconnect a page may overlap what is kept already; a gap is the Relay's fault.
        let known = (head.seq + 1).saturating_sub(first_seq) as usize;
        if first_seq > head.seq + 1 {
            let (expected, found) = (head.seq + 1, first_seq);
            return Ok(Some(TransportFault::WrongPosition { expected, found }));
        }
        let fresh = entries.get(known..).unwrap_or_default();
        if fresh.is_empty() {
            return Ok(None);
        }
        let Parts { space, store, .. } = parts;
        let outcome = match &space.membership {
            Some(membership) => {
                let view = space.tail.view(store, space.no, membership, &space.authors);
                verify_page(&view, checks, &id, head, fresh)
            }
            None => verify_first_page(checks, &id, fresh),
        };
        let mut verified = outcome.verified;
        let mut fault = outcome.fault.map(|(_, fault)| fault);
        if let Some(lost) = acknowledged_elsewhere(space, &verified) {
            // Nothing of a page that takes back an acknowledgement is believed.
            verified.clear();
            fault = Some(lost);
        }
        if verified.is_empty() {
            return Ok(fault);
        }
        space.tail.append(store, space.no, &verified)?;
        if let Some(membership) = outcome.membership {
            space.membership = Some(membership);
            space.dirty.membership = true;
        }
        for (member, author_head) in outcome.author_heads {
            space.authors.get_or_insert_with(member, || AuthorRow::NEW).head = author_head;
            space.dirty.authors.insert(member);
        }
        space.row.log_seq = outcome.head.seq;
        space.row.log_chain = outcome.head.chain.0;
        space.dirty.core = true;
        for entry in verified.iter().filter(|entry| entry.entry().header().kind == Kind::Control) {
            self.note_control(id, entry)?;
        }
        self.fold_kept(id, verified)?;
        Ok(fault)
    }

    /// What a control Entry means for this Device: its admission, keys, names.
    fn note_control(&mut self, id: SpaceId, verified: &VerifiedEntry) -> Result<(), Error> {
        if verified.fault().is_some() {
            return Ok(());
        }
        let Parts { space, store, entropy, root, outputs, .. } = self.parts(id)?;
        let Ok(control) = ControlPublic::decode(verified.entry().public()) else { return Ok(()) };
        let author = verified.entry().header().member_no;
        let Some(membership) = &space.membership else { return Ok(()) };
        let author_key = membership.get(author).map(|member| member.keys.sign);
        let ControlOp::AddMember(added) = control.op else { return Ok(()) };
        if added.keys.sign == space.keyring.member().sign_key() && space.row.me.is_none() {
            space.row.me = Some(added.member_no.0);
            let (epoch, commit) = (membership.epoch(), *membership.epoch_commit());
            let opened = author_key.map(|key| space.keyring.open_box(epoch, &commit, &key, &added.epoch_box));
            if let Some(Ok(())) = opened {
                space.save_key(store, root, epoch, entropy)?;
                outputs.push_back(Output::Event(Event::Admitted { space: id }));
            }
        }
        Ok(())
    }

    /// Folds what is kept and not folded yet, as far as keys allow; a step for each page of it.
    pub(super) fn fold_what_is_kept(&mut self, id: SpaceId) -> Result<(), Error> {
        /// Entries folded in one store transaction.
        const FOLD_ENTRIES: usize = 512;
        loop {
            let advanced = self.step_until_held(|engine| {
                let Parts { space, store, .. } = engine.parts(id)?;
                let before = space.row.folded;
                let floor = space.membership.as_ref().map_or(0, |membership| membership.padding_floor());
                if space.cursor().is_folded() {
                    return Ok(false);
                }
                let kept = crate::log::read_log(store, space.no, before, FOLD_ENTRIES, floor)?;
                engine.fold_entries(id, kept.into_iter().map(|(_, entry)| entry).collect())?;
                Ok(engine.space(id)?.row.folded > before)
            })?;
            if !advanced {
                return Ok(());
            }
        }
    }

    /// Folds Entries that were just kept, when everything before them is folded.
    fn fold_kept(&mut self, id: SpaceId, verified: Vec<VerifiedEntry>) -> Result<(), Error> {
        let folded = self.space(id)?.row.folded;
        if verified.first().is_some_and(|first| first.seq() == folded + 1) {
            self.fold_entries(id, verified)?;
        }
        Ok(())
    }

    /// The Relay gave what it cannot have: halt before it, say so, ask again after a while.
    pub(super) fn distrust(&mut self, id: SpaceId, fault: TransportFault, now_ms: u64) {
        let random = self.random_u64();
        self.subscriptions.get(id).faulted(fault, now_ms, random);
        self.subscriptions.wake_when_due(id);
        self.unsubscribe(id);
        self.outputs.push_back(Output::Event(Event::RelayMisbehaved { space: Some(id), fault }));
        self.outputs.push_back(Output::Status(id));
    }
}

/// An own Entry whose place was acknowledged and where something else stands now.
fn acknowledged_elsewhere(space: &Space, verified: &[VerifiedEntry]) -> Option<TransportFault> {
    let first = verified.first()?.seq();
    space.in_flight.iter().filter(|row| row.acked_seq >= first).find_map(|row| {
        let found = verified.get((row.acked_seq - first) as usize)?;
        (found.hash() != row.hash)
            .then_some(TransportFault::Rollback { expected: row.acked_seq, found: found.seq() })
    })
}

/// Opens an Entry for the fold.
pub(super) enum Fold {
    /// Transactions to fold.
    Body(crate::model::Body),
    /// The part of a control Entry for Members.
    Control(Vec<u8>),
    /// Nothing to fold here.
    Skip,
    /// The key is missing: stop before it.
    Stop,
}

pub(super) fn open_for_fold(space: &Space, entry: &VerifiedEntry) -> Fold {
    match open(&space.keyring, entry) {
        Ok(Opened::Data(body)) => Fold::Body(body),
        Ok(Opened::Control(part)) => Fold::Control(part),
        Err(OpenError::KeyMissing(_)) => Fold::Stop,
        Err(OpenError::Authored(_)) => Fold::Skip,
    }
}
