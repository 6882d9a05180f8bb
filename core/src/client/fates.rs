//! What became of all writes of a Space, for an app that wants to hear of each.

use super::pull::Pull;
use super::space::Space;
use crate::error::Error;
use crate::io::Driver;
use crate::outbox::FateBatch;
use std::sync::atomic::{AtomicU64, Ordering};
use veilfold_wire::SpaceId;

/// The fates of a Space's writes, in the order in which they were settled. Kept by the store until
/// they are taken, also over restarts, up to 10,000.
///
/// Asking for the next batch takes the one before. Whoever is killed in between gets that one again,
/// so each comes at least once. A Space has one place in the stream: use one reader.
#[derive(Debug)]
pub struct FateStream {
    driver: Driver,
    space: SpaceId,
    pull: Pull,
    taken: AtomicU64,
}

impl FateStream {
    pub(super) async fn open(space: &Space) -> Result<Self, Error> {
        let (id, driver) = (space.id(), space.driver().clone());
        let bell = driver.call(move |core| Ok(core.watch_status(id))).await?;
        Ok(Self { driver, space: id, pull: Pull::new(bell), taken: AtomicU64::new(0) })
    }

    /// Takes the batch before and waits for the next, of at most `max` fates; `None` after the end of
    /// the client or [`FateStream::cancel`]. Dropping the future takes nothing.
    ///
    /// # Errors
    /// `Corrupt` when the disk fails.
    pub async fn next_batch(&self, max: usize) -> Result<Option<FateBatch>, Error> {
        let look = || {
            let (space, taken) = (self.space, self.taken.load(Ordering::Acquire));
            self.driver.call(move |core| {
                let batch: FateBatch = core.engine.next_fates(space, taken, max.max(1))?;
                Ok((!batch.fates.is_empty()).then_some(batch))
            })
        };
        let batch = self.pull.next(look).await?;
        if let Some(batch) = &batch {
            self.taken.store(batch.next, Ordering::Release);
        }
        Ok(batch)
    }

    /// Ends the stream, also for whoever waits in [`FateStream::next_batch`].
    pub fn cancel(&self) {
        self.pull.cancel();
    }
}
