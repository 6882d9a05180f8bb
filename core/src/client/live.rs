//! Watched collections and documents, pulled: the app asks for what has changed since it last
//! asked, so a slow one gets the newest state and holds nobody up.

use super::pull::Pull;
use super::space::Space;
use crate::error::Error;
use crate::io::{Core, Driver};
use crate::model::Fields;
use crate::query::{LiveBatch, LiveId, LiveScope};
use crate::sorted::{SortedMap, SortedSet};
use futures_util::Stream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many documents [`LiveQuery::next`] asks for at a time.
const BATCH: usize = 256;

/// A live query. Dropping it ends it.
///
/// Batches come from one consistent state to the next; while [`LiveBatch::complete`] is false, more
/// of the same state follows. The first complete state comes at once, even when it is empty, online
/// or not. Changes between two calls are merged, so nothing queues up for a slow reader.
#[derive(Debug)]
pub struct LiveQuery {
    driver: Driver,
    id: LiveId,
    pull: Pull,
    inbox: Arc<Mutex<Inbox>>,
    /// What [`LiveQuery::next`] has so far of a state that is not complete yet.
    change: Mutex<Change>,
}

/// What the engine gave and nobody has taken: a reader that gives up half-way loses nothing.
#[derive(Debug)]
struct Inbox {
    taken: Option<LiveBatch>,
    /// True while the state that was delivered last is not complete, as is the case before the
    /// first; then an empty batch tells the reader that it is.
    incomplete: bool,
}

/// Batches of one state, put together.
#[derive(Debug, Default)]
struct Change {
    inserted: SortedMap<String, Fields>,
    updated: SortedMap<String, Fields>,
    removed: SortedSet<String>,
}

impl LiveQuery {
    pub(super) async fn open(
        space: &Space,
        collection: String,
        document: Option<String>,
    ) -> Result<Self, Error> {
        let scope = LiveScope { space: space.id(), collection, document };
        let driver = space.driver().clone();
        let guard = driver.clone();
        let opened = driver.call(move |core| {
            let id = core.engine.live(scope)?;
            // Made here, so that it is closed again if the caller has gone.
            Ok(Self {
                driver: guard,
                id,
                pull: Pull::new(core.watch_live(id)),
                inbox: Arc::new(Mutex::new(Inbox { taken: None, incomplete: true })),
                change: Mutex::default(),
            })
        });
        opened.await
    }

    /// Waits for changes and gives them, about `max` documents at most. `None`: the query has ended,
    /// because it was cancelled or the client closed.
    ///
    /// Dropping the future loses nothing: the next call gives what this one would have given. With
    /// several callers at once each batch goes to one of them.
    ///
    /// # Errors
    /// `Corrupt` when the disk fails, `Internal` when the client broke. Trying again is allowed.
    pub async fn next_batch(&self, max: usize) -> Result<Option<LiveBatch>, Error> {
        let look = || async {
            loop {
                if let Some(batch) = self.take() {
                    return Ok(Some(batch));
                }
                let (id, inbox) = (self.id, self.inbox.clone());
                if !self.driver.call(move |core| fill(core, id, max.max(1), &inbox)).await? {
                    return Ok(None);
                }
            }
        };
        self.pull.next(look).await
    }

    /// The next complete change, of whatever size. `None` when the query has ended.
    ///
    /// # Errors
    /// As [`LiveQuery::next_batch`].
    pub async fn next(&self) -> Result<Option<LiveBatch>, Error> {
        loop {
            let Some(batch) = self.next_batch(BATCH).await? else { return Ok(None) };
            let complete = batch.complete;
            let mut change = locked(&self.change);
            change.add(batch);
            if complete {
                return Ok(Some(core::mem::take(&mut *change).into_batch()));
            }
        }
    }

    /// Ends the query; a call that waits returns `None`. Any thread may call it, more than once.
    pub fn cancel(&self) {
        self.pull.cancel();
    }

    /// The complete changes as a [`Stream`], which ends with the query.
    pub fn into_stream(self) -> impl Stream<Item = Result<LiveBatch, Error>> + Send {
        futures_util::stream::unfold(self, |query| async move {
            let next = query.next().await.transpose()?;
            Some((next, query))
        })
    }

    fn take(&self) -> Option<LiveBatch> {
        let mut inbox = locked(&self.inbox);
        let batch = inbox.taken.take()?;
        inbox.incomplete = !batch.complete;
        Some(batch)
    }
}

impl Change {
    fn add(&mut self, batch: LiveBatch) {
        for (id, fields) in batch.inserted {
            let was_there = self.removed.remove(&id);
            let into = if was_there { &mut self.updated } else { &mut self.inserted };
            into.insert(id, fields);
        }
        for (id, fields) in batch.updated {
            let new = self.inserted.contains_key(&id);
            let into = if new { &mut self.inserted } else { &mut self.updated };
            into.insert(id, fields);
        }
        for id in batch.removed {
            self.updated.remove(&id);
            if self.inserted.remove(&id).is_none() {
                self.removed.insert(id);
            }
        }
    }

    fn into_batch(self) -> LiveBatch {
        LiveBatch {
            complete: true,
            inserted: self.inserted.into_iter().collect(),
            updated: self.updated.into_iter().collect(),
            removed: self.removed.into_iter().collect(),
        }
    }
}

impl Drop for LiveQuery {
    fn drop(&mut self) {
        let id = self.id;
        // After the client's end there is nothing to close.
        let _ = self.driver.post(move |core| core.close_live(id));
    }
}

/// Puts what is due into the inbox; false when nothing is, and the bell will ring.
fn fill(core: &mut Core, id: LiveId, max: usize, inbox: &Mutex<Inbox>) -> Result<bool, Error> {
    let mut inbox = locked(inbox);
    if inbox.taken.is_some() {
        return Ok(true);
    }
    while let Some(batch) = core.engine.take_live(id, max)? {
        let empty = batch.inserted.is_empty() && batch.updated.is_empty() && batch.removed.is_empty();
        if !empty || (inbox.incomplete && batch.complete) {
            inbox.taken = Some(batch);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Nothing panics under these locks, so a poisoned one holds nothing half-done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_of_one_state_add_up_to_one_change() {
        let rows = |ids: &[&str]| ids.iter().map(|id| ((*id).to_owned(), Fields::new())).collect::<Vec<_>>();
        let mut change = Change::default();
        change.add(LiveBatch {
            complete: false,
            inserted: rows(&["a", "b"]),
            updated: rows(&["c"]),
            removed: vec!["d".to_owned(), "e".to_owned()],
        });
        change.add(LiveBatch {
            complete: true,
            inserted: rows(&["d"]),
            updated: rows(&["a"]),
            removed: vec!["b".to_owned(), "c".to_owned()],
        });
        let batch = change.into_batch();
        assert_eq!(batch.inserted, rows(&["a"]));
        assert_eq!(batch.updated, rows(&["d"]));
        assert_eq!(batch.removed, ["c", "e"]);
    }
}
