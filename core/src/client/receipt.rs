//! What became of a write.

use super::space::Space;
use crate::engine::Committed;
use crate::error::Error;
use crate::model::{ElementId, TxId};
use crate::outbox::Fate;
use tokio::sync::oneshot;

/// A write that this Device keeps, and the way to ask for its fate. Looking takes nothing away, and
/// dropping it changes nothing.
///
/// `Confirmed`: every Device has it. `Rejected`: every Device left it out, because a condition, a
/// read or the operation itself did not hold where the order put it. `Refused`: it never entered the
/// order.
#[derive(Clone, Debug)]
pub struct Receipt {
    space: Space,
    tx_id: TxId,
    elements: Vec<ElementId>,
}

impl Receipt {
    pub(super) fn new(space: Space, committed: Committed) -> Self {
        Self { space, tx_id: committed.tx_id, elements: committed.elements }
    }

    pub(super) fn of(space: Space, tx_id: TxId) -> Self {
        Self { space, tx_id, elements: Vec::new() }
    }

    /// The write's id. Kept by the app, it finds the fate again after a restart
    /// ([`Space::receipt`]).
    pub fn tx_id(&self) -> TxId {
        self.tx_id
    }

    /// Ids of the list elements that the write made, in the order in which it made them. Empty for
    /// a receipt that was found by id.
    pub fn elements(&self) -> &[ElementId] {
        &self.elements
    }

    /// What became of it so far.
    ///
    /// # Errors
    /// `Invalid` with `fate_forgotten` when it is unknown here or was settled more than 10,000
    /// writes ago, with `closed` for a closed client.
    pub async fn fate(&self) -> Result<Fate, Error> {
        let (space, tx_id) = (self.space.id(), self.tx_id);
        let settled = self.space.driver().call(move |core| core.engine.fate(space, tx_id)).await?;
        settled.map(|settled| settled.fate).ok_or_else(forgotten)
    }

    /// How many Transactions were tried for it so far; more than 1 only for a mutator.
    ///
    /// # Errors
    /// As [`Receipt::fate`].
    pub async fn attempts(&self) -> Result<u64, Error> {
        let (space, tx_id) = (self.space.id(), self.tx_id);
        let settled = self.space.driver().call(move |core| core.engine.fate(space, tx_id)).await?;
        settled.map(|settled| settled.attempts).ok_or_else(forgotten)
    }

    /// Waits until nothing will change the fate any more; for a mutator that is after its last try. Offline that may take as long as the
    /// Device is offline; dropping the future ends the waiting and nothing else.
    ///
    /// # Errors
    /// As [`Receipt::fate`].
    pub async fn settled(&self) -> Result<Fate, Error> {
        let (space, tx_id) = (self.space.id(), self.tx_id);
        let driver = self.space.driver();
        let waiting = driver.call(move |core| {
            let fate = core.engine.fate(space, tx_id)?.ok_or_else(forgotten)?.fate;
            if fate.is_settled() {
                return Ok(Err(fate));
            }
            let (told, waiting) = oneshot::channel();
            core.watch_settled(space, tx_id, told);
            Ok(Ok(waiting))
        });
        match waiting.await? {
            Err(fate) => Ok(fate),
            Ok(waiting) => match waiting.await {
                Ok(fate) => Ok(fate),
                // The thread has ended; asking it gives the reason.
                Err(_) => self.fate().await,
            },
        }
    }
}

fn forgotten() -> Error {
    Error::invalid("fate_forgotten", "unknown here, or settled too long ago to be still known")
}
