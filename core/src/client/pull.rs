//! The wait that all pulled streams share: look, and if there is nothing, wait until a bell rings.
//!
//! Live queries, statuses, events, fates and retries each have one; what they look at is theirs.

use crate::error::Error;
use crate::io::{Bell, is_closed};
use std::any::Any;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};

/// A stream's bell, and whether the stream was cancelled.
#[derive(Debug)]
pub(super) struct Pull {
    bell: Bell,
    cancelled: AtomicBool,
}

/// A look and what it found, without their types: all streams share one loop.
type Look<'a> = Pin<Box<dyn Future<Output = Result<Option<Found>, Error>> + Send + 'a>>;
type Found = Box<dyn Any + Send>;

impl Pull {
    pub(super) fn new(bell: Bell) -> Self {
        Self { bell, cancelled: AtomicBool::new(false) }
    }

    /// Looks until it finds something; `None` when the stream was cancelled or the client closed.
    /// Dropping the future loses what a look took, so a look takes nothing that is not found again.
    ///
    /// # Errors
    /// What a look said.
    pub(super) async fn next<'a, T, L>(
        &'a self,
        look: impl Fn() -> L + Send + Sync,
    ) -> Result<Option<T>, Error>
    where
        T: Send + 'static,
        L: Future<Output = Result<Option<T>, Error>> + Send + 'a,
    {
        let look = || -> Look<'a> {
            let look = look();
            Box::pin(async move { Ok(look.await?.map(|found| Box::new(found) as Found)) })
        };
        let found = self.next_untyped(&look).await?;
        Ok(found.and_then(|found| found.downcast().ok()).map(|found| *found))
    }

    async fn next_untyped<'a>(
        &'a self,
        look: &(dyn Fn() -> Look<'a> + Send + Sync),
    ) -> Result<Option<Found>, Error> {
        loop {
            let rung = self.bell.notified();
            tokio::pin!(rung);
            // From here on no ringing is missed.
            rung.as_mut().enable();
            if self.cancelled.load(Ordering::Acquire) {
                return Ok(None);
            }
            match look().await {
                Ok(None) => rung.await,
                Err(error) if is_closed(&error) => return Ok(None),
                found => return found,
            }
        }
    }

    /// Ends the stream, also for whoever waits for it. Any thread may call it, more than once.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.bell.notify_waiters();
    }
}
