//! A Space as an app holds it: its collections, Transactions, Members and how it stands.

use super::collection::Collection;
use super::fates::FateStream;
use super::mutators::Mutators;
use super::receipt::Receipt;
use super::streams::StatusStream;
use super::transaction::Transaction;
use crate::engine::{Committed, Draft, MemberInfo, SpaceStatus, SyncState};
use crate::error::{Error, ErrorKind};
use crate::io::Driver;
use crate::keys::ContactCard;
use crate::members::SpaceTicket;
use crate::model::{Action, StateRoot, TxId};
use std::sync::Arc;
use veilfold_wire::{Role, SpaceId};

/// A Space of this Device. Cheap to clone; all clones and their collections keep the client open.
#[derive(Clone, Debug)]
pub struct Space {
    driver: Driver,
    id: SpaceId,
    name: Arc<str>,
    mutators: Mutators,
}

/// Somebody who is being added.
#[derive(Clone, Debug)]
pub struct Added {
    /// Tells when the order contains the change. Until then the Relay turns the newcomer away.
    pub receipt: Receipt,
    /// For the holder of the card, by any means; it holds no secret.
    pub ticket: SpaceTicket,
}

impl Space {
    pub(super) fn new(driver: Driver, id: SpaceId, name: String, mutators: Mutators) -> Self {
        Self { driver, id, name: name.into(), mutators }
    }

    pub(super) fn mutators(&self) -> &Mutators {
        &self.mutators
    }

    pub(super) fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Its id, 32 bytes, the same on every Device.
    pub fn id(&self) -> SpaceId {
        self.id
    }

    /// This Device's own name for it; other Members do not see it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A collection of it, by its name (1 to 128 bytes). Nothing has to be declared.
    pub fn collection(&self, name: impl Into<String>) -> Collection {
        Collection::new(self.clone(), name.into())
    }

    /// Commits Actions as one Transaction that has read nothing, so it never conflicts with what
    /// others write. Otherwise as [`Collection`]'s writes.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn commit(&self, actions: Vec<Action>) -> Result<Receipt, Error> {
        let id = self.id;
        let committed: Option<Committed> = self
            .driver
            .call(move |core| {
                let now_ms = core.now_ms();
                core.engine.transact(id, Draft { actions, ..Draft::default() }, now_ms)
            })
            .await?;
        // Only what was read can have changed.
        let committed =
            committed.ok_or_else(|| Error::internal("a write that read nothing has to be repeated"))?;
        Ok(Receipt::new(self.clone(), committed))
    }

    /// Starts a Transaction by hand; [`Space::transact`] is the way with the loop around it.
    pub fn begin(&self) -> Transaction {
        Transaction::of(self.clone(), None)
    }

    /// Runs `function` and commits what it asked for, all or nothing. Works offline.
    ///
    /// `function` may run more than once: until nothing that it read has changed meanwhile on this
    /// Device. It runs in the caller's task, with no lock held, and must have no side effects. If
    /// somebody else changes what it read before the order has it, its fate is `Rejected`. When it
    /// fails, nothing is written. No receipt comes when it asked for no Action.
    ///
    /// # Errors
    /// What `function` said, or as [`Collection`] says.
    pub async fn transact<T>(
        &self,
        mut function: impl AsyncFnMut(&mut Transaction) -> Result<T, Error>,
    ) -> Result<(T, Option<Receipt>), Error> {
        loop {
            let mut transaction = self.begin();
            match function(&mut transaction).await {
                Ok(value) => {
                    if let Some(receipt) = transaction.commit().await? {
                        return Ok((value, receipt));
                    }
                }
                // What it was made of may have changed under its hands; then it is run again.
                Err(error) => {
                    if transaction.is_current().await? {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// The receipt of a write whose id the app kept, also from an earlier run of the process.
    pub fn receipt(&self, tx_id: TxId) -> Receipt {
        Receipt::of(self.clone(), tx_id)
    }

    /// Has the Space accept the newest version of every resolver in [`Config`](super::Config), so that
    /// calls of those versions are folded. Works offline; a Space that this client founds accepts them
    /// from its start. `None` when there is nothing new. Devices without such a version then hold, with
    /// the status `update_required`, until their app is updated.
    ///
    /// # Errors
    /// `NotAllowed` for a role below admin.
    pub async fn enable_resolvers(&self) -> Result<Option<Receipt>, Error> {
        let id = self.id;
        let enable = self.driver.call(move |core| {
            let now_ms = core.now_ms();
            core.engine.enable_resolvers(id, now_ms)
        });
        Ok(enable.await?.map(|tx_id| self.receipt(tx_id)))
    }

    /// What became of this Device's writes in the Space, from the first that nobody has taken yet.
    ///
    /// # Errors
    /// `Invalid` when the client is closed.
    pub async fn fates(&self) -> Result<FateStream, Error> {
        FateStream::open(self).await
    }

    /// Adds the holder of a contact card. Works offline; the order decides between changes made at
    /// the same time.
    ///
    /// # Errors
    /// `NotAllowed` when this Device's role may not give `role` (`role_too_low`) or it was not added
    /// itself yet (`not_admitted`); `Invalid` when the card was added before (`already_member`).
    pub async fn add_member(&self, card: ContactCard, role: Role) -> Result<Added, Error> {
        let id = self.id;
        let add = self.driver.call(move |core| {
            let now_ms = core.now_ms();
            core.engine.add_member(id, card, role, now_ms)
        });
        let (tx_id, ticket) = add.await?;
        Ok(Added { receipt: self.receipt(tx_id), ticket })
    }

    /// Who is in the Space, as far as this Device has folded the order; empty before anything came.
    ///
    /// # Errors
    /// `Invalid` for a closed client; `Corrupt` when the disk fails.
    pub async fn members(&self) -> Result<Vec<MemberInfo>, Error> {
        let id = self.id;
        self.driver.call(move |core| core.engine.members(id)).await
    }

    /// How it stands with the Relay, and how much waits in the Outbox.
    ///
    /// # Errors
    /// As [`Space::members`].
    pub async fn status(&self) -> Result<SpaceStatus, Error> {
        let id = self.id;
        self.driver.call(move |core| core.engine.status(id)).await
    }

    /// The status as it changes, the present one first.
    ///
    /// # Errors
    /// As [`Space::members`].
    pub async fn status_stream(&self) -> Result<StatusStream, Error> {
        StatusStream::open(self).await
    }

    /// Hash over the whole ordered state: equal on all Devices at the same position. Reads every
    /// document.
    ///
    /// # Errors
    /// `Invalid` with `not_folded` while something ordered cannot be opened yet.
    pub async fn state_root(&self) -> Result<StateRoot, Error> {
        let id = self.id;
        self.driver.call(move |core| core.engine.state_root(id)).await
    }

    /// Waits until the order contains all own writes and this Device has folded it to its end as
    /// the Relay told it. What others write a moment later is not waited for.
    ///
    /// # Errors
    /// `Offline` with `no_relay` when no Relay is named; `RelayMisbehaved` when the Relay was caught;
    /// `Invalid` for a closed client.
    pub async fn synced(&self) -> Result<SpaceStatus, Error> {
        let done = |status: &SpaceStatus| status.state == SyncState::Live && status.outbox_count == 0;
        self.wait_for(done).await
    }

    /// Waits until this Device has folded the order up to position `seq`, for instance the one of
    /// another Device's confirmed write.
    ///
    /// # Errors
    /// As [`Space::synced`].
    pub async fn reached(&self, seq: u64) -> Result<SpaceStatus, Error> {
        self.wait_for(move |status: &SpaceStatus| status.seq >= seq).await
    }

    async fn wait_for(&self, done: impl Fn(&SpaceStatus) -> bool) -> Result<SpaceStatus, Error> {
        let changes = self.status_stream().await?;
        while let Some(status) = changes.next().await? {
            if done(&status) {
                return Ok(status);
            }
            if let SyncState::Forked(fault) = status.state {
                return Err(fault.into());
            }
            if !self.driver.call(|core| Ok(core.relay().is_some())).await? {
                let text = "no relay is named, so nothing is sent or fetched; name one with set_relay";
                return Err(Error::new(ErrorKind::Offline, "no_relay", text));
            }
        }
        // The stream ended because the client did; this says how.
        self.status().await
    }
}
