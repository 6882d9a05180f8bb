//! What became of all writes of a Space, for an app that wants to hear of each.

use super::space::Space;
use crate::error::Error;
use crate::io::{Bell, Driver, is_closed};
use crate::outbox::FateBatch;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    bell: Bell,
    taken: AtomicU64,
    cancelled: AtomicBool,
}

impl FateStream {
    pub(super) async fn open(space: &Space) -> Result<Self, Error> {
        let (id, driver) = (space.id(), space.driver().clone());
        let bell = driver.call(move |core| Ok(core.watch_status(id))).await?;
        let (taken, cancelled) = (AtomicU64::new(0), AtomicBool::new(false));
        Ok(Self { driver, space: id, bell, taken, cancelled })
    }

    /// Takes the batch before and waits for the next, of at most `max` fates; `None` after the end of
    /// the client or [`FateStream::cancel`]. Dropping the future takes nothing.
    ///
    /// # Errors
    /// `Corrupt` when the disk fails.
    pub async fn next_batch(&self, max: usize) -> Result<Option<FateBatch>, Error> {
        loop {
            let rung = self.bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            if self.cancelled.load(Ordering::Acquire) {
                return Ok(None);
            }
            let (space, taken) = (self.space, self.taken.load(Ordering::Acquire));
            match self.driver.call(move |core| core.engine.next_fates(space, taken, max.max(1))).await {
                Ok(batch) if batch.fates.is_empty() => rung.await,
                Ok(batch) => {
                    self.taken.store(batch.next, Ordering::Release);
                    return Ok(Some(batch));
                }
                Err(error) if is_closed(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends the stream, also for whoever waits in [`FateStream::next_batch`].
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.bell.notify_waiters();
    }
}
