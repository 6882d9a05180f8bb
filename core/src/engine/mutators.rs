//! What became of own writes, and mutators that are run again when the order said no.
//!
//! Called by `fold.rs`, `settle.rs`, `sending.rs` and `connection.rs` with what they found out. The
//! engine runs no mutator: whoever holds the app's functions takes a [`Retry`], runs it on a new
//! Transaction and commits that, or gives it up.

use super::engine::{Engine, Parts};
use super::output::Output;
use crate::documents::Pending;
use crate::error::Error;
use crate::model::{Position, Rejection, TxId};
use crate::outbox::{
    Fate, FateBatch, RefusedReason, Retry, Settled, drop_retry, fate_of, keep_retry, retries, retry_of,
    settle, take_fates, untaken_fates,
};
use crate::sorted::SortedSet;
use crate::store::StoreError;
use veilfold_wire::SpaceId;

/// Which mutators wait to be run again, and which of them somebody has taken.
#[derive(Debug, Default)]
pub(super) struct Retries {
    /// Spaces that may have some; `None` until somebody asks, or after a step failed.
    spaces: Option<SortedSet<SpaceId>>,
    /// Taken and not committed or given up yet. A killed process forgets this, so they come again.
    taken: SortedSet<(SpaceId, TxId)>,
}

impl Retries {
    /// A step failed: what it noted may not be so.
    pub(super) fn forget_spaces(&mut self) {
        self.spaces = None;
    }
}

/// Why a mutator is not run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// This version of the app has none of that name.
    Missing,
    /// It failed.
    Failed,
    /// It found nothing to do any more; what it wanted stays rejected.
    NothingToDo,
}

impl Parts<'_> {
    /// Keeps a fate and tells who waits for it.
    pub(super) fn tell(&mut self, settled: Settled) -> Result<(), StoreError> {
        settle(self.store, self.space.no, &settled)?;
        let Settled { tx_id, fate, .. } = settled;
        self.outputs.push_back(Output::Settled { space: self.space.id, tx_id, fate });
        Ok(())
    }

    /// An own Transaction has left the Outbox with this fate. A mutator that has tries left is run
    /// again instead of being rejected.
    pub(super) fn tell_of(&mut self, pending: &Pending, fate: Fate) -> Result<(), StoreError> {
        let Some(run) = &pending.mutator else {
            return self.tell(Settled::once(pending.transaction.tx_id, fate));
        };
        if let Fate::Rejected(position, rejection) = fate {
            if run.attempt < self.config.mutator_tries {
                return self.run_again(pending, position, rejection);
            }
            return self.tell(of_run(run, Fate::Rejected(position, rejection)));
        }
        self.tell(of_run(run, fate))
    }

    /// Keeps the mutator of a Transaction that has left the Outbox, to be run again.
    pub(super) fn run_again(
        &mut self,
        pending: &Pending,
        position: Position,
        rejection: Rejection,
    ) -> Result<(), StoreError> {
        let Some(run) = pending.mutator.clone() else { return Ok(()) };
        keep_retry(self.store, self.space.no, &Retry { run, position, rejection })?;
        if let Some(spaces) = &mut self.retries.spaces {
            spaces.insert(self.space.id);
        }
        self.outputs.push_back(Output::Retry);
        Ok(())
    }

    /// The kept mutator of that name becomes an attempt: the caller commits it in this step.
    pub(super) fn take_up(&mut self, first: TxId) -> Result<Option<Retry>, StoreError> {
        let retry = retry_of(self.store, self.space.no, first)?;
        if retry.is_some() {
            drop_retry(self.store, self.space.no, first)?;
            self.retries.taken.remove(&(self.space.id, first));
        }
        Ok(retry)
    }
}

impl Engine {
    /// A mutator that has to be run again, if there is one that nobody has taken. It comes again
    /// after a restart, until [`Engine::transact`] has committed its next attempt or
    /// [`Engine::give_up`] its end.
    ///
    /// # Errors
    /// As the store says.
    pub fn take_retry(&mut self) -> Result<Option<(SpaceId, Retry)>, Error> {
        let Self { retries: known, numbers, store, .. } = self;
        let mut spaces = known.spaces.take().unwrap_or_else(|| numbers.keys().copied().collect());
        let mut found = None;
        while let Some(id) = spaces.first().copied() {
            let waiting = match numbers.get(&id) {
                Some(no) => retries(store.as_ref(), *no)?,
                None => Vec::new(),
            };
            let taken = &mut known.taken;
            found = waiting.into_iter().find(|retry| !taken.contains(&(id, retry.run.first)));
            if let Some(retry) = found.take() {
                taken.insert((id, retry.run.first));
                found = Some(retry);
                break;
            }
            spaces.remove(&id);
        }
        let space = spaces.first().copied();
        known.spaces = Some(spaces);
        Ok(space.zip(found))
    }

    /// Somebody who took a mutator has not run it: it is handed out again.
    pub fn put_back(&mut self, id: SpaceId, first: TxId) {
        self.retries.taken.remove(&(id, first));
        self.retries.forget_spaces();
        self.outputs.push_back(Output::Retry);
    }

    /// Gives a mutator its final fate without running it again.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn give_up(&mut self, id: SpaceId, first: TxId, why: GiveUp) -> Result<(), Error> {
        self.step(|engine| {
            let mut parts = engine.parts(id)?;
            let Some(retry) = parts.take_up(first)? else { return Ok(()) };
            let fate = match why {
                GiveUp::Missing => Fate::Refused(RefusedReason::MutatorMissing),
                GiveUp::Failed => Fate::Refused(RefusedReason::MutatorFailed),
                GiveUp::NothingToDo => Fate::Rejected(retry.position, retry.rejection),
            };
            parts.tell(of_run(&retry.run, fate))?;
            Ok(())
        })
    }

    /// What became of a write or of a change of membership, and how many attempts it took so far;
    /// `None` when it was settled too long ago.
    ///
    /// # Errors
    /// As the store says.
    pub fn fate(&mut self, id: SpaceId, tx_id: TxId) -> Result<Option<Settled>, Error> {
        let Parts { space, store, .. } = self.parts(id)?;
        if let Some(settled) = fate_of(store, space.no, tx_id)? {
            return Ok(Some(settled));
        }
        let pending = |attempts| Settled { attempts, ..Settled::once(tx_id, Fate::Pending) };
        if let Some((_, found)) = space.pending.iter().find(|(_, pending)| pending.receipt() == tx_id) {
            return Ok(Some(pending(found.mutator.as_ref().map_or(1, |run| run.attempt.max(1)))));
        }
        if let Some(retry) = retry_of(store, space.no, tx_id)? {
            return Ok(Some(pending(retry.run.attempt.max(1))));
        }
        Ok(space.wishes.iter().any(|wish| wish.id == tx_id).then(|| pending(1)))
    }

    /// Up to `limit` fates of a Space that were not taken yet, in the order in which they were
    /// settled. `taken` is the [`FateBatch::next`] of the batch that the app is done with.
    ///
    /// # Errors
    /// As the store says.
    pub fn next_fates(&mut self, id: SpaceId, taken: u64, limit: usize) -> Result<FateBatch, Error> {
        self.step(|engine| {
            let Parts { space, store, .. } = engine.parts(id)?;
            take_fates(store, space.no, taken)?;
            Ok(untaken_fates(store, space.no, limit)?)
        })
    }
}

fn of_run(run: &crate::documents::MutatorRun, fate: Fate) -> Settled {
    Settled { tx_id: run.first, fate, attempts: run.attempt, mutator: Some(run.name.clone()) }
}
