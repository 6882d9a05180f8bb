//! How a Space stands and what happened, pulled: a slow reader misses steps, never the newest state.

use super::pull::Pull;
use super::space::Space;
use crate::engine::SpaceStatus;
use crate::error::Error;
use crate::io::{Driver, DriverEvent, EventQueue};
use futures_util::Stream;
use std::sync::{Arc, Mutex, PoisonError};
use veilfold_wire::SpaceId;

/// The status of one Space as it changes. Dropping it ends it.
#[derive(Debug)]
pub struct StatusStream {
    driver: Driver,
    space: SpaceId,
    pull: Pull,
    newest: Mutex<Option<SpaceStatus>>,
}

/// What happened that no call was waiting for. Dropping it ends it.
#[derive(Debug)]
pub struct EventStream {
    driver: Driver,
    queue: Arc<EventQueue>,
    pull: Pull,
}

/// An event, and how many before it were dropped because nobody asked for them in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What happened.
    pub event: DriverEvent,
    /// Events lost just before it; 256 are kept.
    pub missed: u64,
}

impl StatusStream {
    pub(super) async fn open(space: &Space) -> Result<Self, Error> {
        let (id, driver) = (space.id(), space.driver().clone());
        let bell = driver.call(move |core| Ok(core.watch_status(id))).await?;
        Ok(Self { driver, space: id, pull: Pull::new(bell), newest: Mutex::new(None) })
    }

    /// The status now, the first time; then waits until it is different from the last one given.
    /// `None` when the stream was cancelled or the client closed.
    ///
    /// # Errors
    /// `Corrupt` when the disk fails, `Internal` when the client broke.
    pub async fn next(&self) -> Result<Option<SpaceStatus>, Error> {
        let space = self.space;
        let look = || async {
            let status = self.driver.call(move |core| core.engine.status(space)).await?;
            Ok(self.is_news(&status).then_some(status))
        };
        self.pull.next(look).await
    }

    /// Ends the stream; a call that waits returns `None`. Any thread may call it, more than once.
    pub fn cancel(&self) {
        self.pull.cancel();
    }

    /// The changes as a [`Stream`].
    pub fn into_stream(self) -> impl Stream<Item = Result<SpaceStatus, Error>> + Send {
        futures_util::stream::unfold(self, |status| async move {
            let next = status.next().await.transpose()?;
            Some((next, status))
        })
    }

    fn is_news(&self, status: &SpaceStatus) -> bool {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let news = newest.as_ref() != Some(status);
        *newest = Some(status.clone());
        news
    }
}

impl EventStream {
    pub(super) async fn open(driver: &Driver) -> Result<Self, Error> {
        let queue = driver.call(|core| Ok(core.watch_events())).await?;
        let pull = Pull::new(queue.bell().clone());
        Ok(Self { driver: driver.clone(), queue, pull })
    }

    /// Waits for the next event. `None` when the stream was cancelled or the client ended.
    pub async fn next(&self) -> Option<Happened> {
        let look = || async {
            match self.try_next() {
                None if self.driver.is_ended() => Err(self.driver.why_ended()),
                happened => Ok(happened),
            }
        };
        // However the client ended, its events have.
        self.pull.next(look).await.unwrap_or_default()
    }

    /// An event that has come already.
    pub fn try_next(&self) -> Option<Happened> {
        self.queue.take().map(|(event, missed)| Happened { event, missed })
    }

    /// Ends the stream; a call that waits returns `None`. Any thread may call it, more than once.
    pub fn cancel(&self) {
        self.pull.cancel();
    }

    /// The events as a [`Stream`].
    pub fn into_stream(self) -> impl Stream<Item = Happened> + Send {
        futures_util::stream::unfold(self, |events| async move { Some((events.next().await?, events)) })
    }
}
