//! Status and events, pulled.

use crate::call::{Answer, AsyncCall};
use crate::error::Result;
use crate::records::{Event, SettledFate, SpaceStatus, signed};
use std::sync::Arc;
use veilfold_core::client;

/// The status of one Space as it changes.
#[derive(Debug, uniffi::Object)]
pub struct StatusStream {
    inner: Arc<client::StatusStream>,
}

/// What happens that no call waits for.
#[derive(Debug, uniffi::Object)]
pub struct EventStream {
    inner: Arc<client::EventStream>,
}

/// Events in the order in which they happened.
#[derive(Clone, Debug, uniffi::Record)]
pub struct EventBatch {
    /// At least one.
    pub events: Vec<Event>,
    /// How many were lost because nobody asked in time.
    pub missed: i64,
}

/// What became of a Space's writes. One reader: the store keeps one place in it.
#[derive(Debug, uniffi::Object)]
pub struct FateStream {
    inner: Arc<client::FateStream>,
}

/// Fates in the order in which they were settled.
#[derive(Clone, Debug, uniffi::Record)]
pub struct FateBatch {
    /// At least one.
    pub fates: Vec<SettledFate>,
    /// How many were forgotten because nobody asked in time.
    pub missed: i64,
}

impl FateStream {
    pub(crate) fn new(inner: client::FateStream) -> Arc<Self> {
        Arc::new(Self { inner: Arc::new(inner) })
    }
}

#[uniffi::export]
impl FateStream {
    /// Takes the batch before and waits for the next, of up to `max`. Nothing: the stream has ended.
    pub fn next_batch(&self, max: u32) -> Result<Arc<AsyncCall>> {
        let stream = self.inner.clone();
        AsyncCall::read(async move {
            let batch = stream.next_batch(max as usize).await?;
            Ok(Answer::FateBatch(batch.map(|batch| FateBatch {
                fates: batch.fates.into_iter().map(SettledFate::from).collect(),
                missed: signed(batch.missed),
            })))
        })
    }

    /// Ends the stream; a waiting call returns nothing. Any thread may call it, more than once.
    pub fn cancel(&self) -> Result<()> {
        self.inner.cancel();
        Ok(())
    }
}

impl StatusStream {
    pub(crate) fn new(inner: client::StatusStream) -> Arc<Self> {
        Arc::new(Self { inner: Arc::new(inner) })
    }
}

impl EventStream {
    pub(crate) fn new(inner: client::EventStream) -> Arc<Self> {
        Arc::new(Self { inner: Arc::new(inner) })
    }
}

#[uniffi::export]
impl StatusStream {
    /// The present status, then each that is different. Nothing: the stream has ended.
    pub fn next(&self) -> Result<Arc<AsyncCall>> {
        let status = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::SpaceStatus(status.next().await?.map(SpaceStatus::from))) })
    }

    /// Ends the stream; a waiting call returns nothing. Any thread may call it, more than once.
    pub fn cancel(&self) -> Result<()> {
        self.inner.cancel();
        Ok(())
    }
}

#[uniffi::export]
impl EventStream {
    /// Waits for an event and gives up to `max` of them. Nothing: the stream has ended.
    pub fn next_batch(&self, max: u32) -> Result<Arc<AsyncCall>> {
        let stream = self.inner.clone();
        AsyncCall::read(async move {
            let Some(first) = stream.next().await else { return Ok(Answer::EventBatch(None)) };
            let mut missed = first.missed;
            let mut events = vec![Event::from(first.event)];
            while events.len() < max as usize
                && let Some(next) = stream.try_next()
            {
                missed += next.missed;
                events.push(next.event.into());
            }
            Ok(Answer::EventBatch(Some(EventBatch { events, missed: signed(missed) })))
        })
    }

    /// Ends the stream; a waiting call returns nothing. Any thread may call it, more than once.
    pub fn cancel(&self) -> Result<()> {
        self.inner.cancel();
        Ok(())
    }
}
