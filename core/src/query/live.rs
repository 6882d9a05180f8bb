//! Watched collections and documents. Nothing is queued: a change marks an id, and the watcher
//! reads the newest state of the marked ids when it asks, so a slow one costs nothing but itself.
//!
//! Called by the engine after each step; `client/subscription.rs` pulls.

use crate::documents::Documents;
use crate::model::{DocumentKey, Fields};
use crate::sorted::{SortedMap, SortedSet};
use crate::store::{Store, StoreError};
use veilfold_wire::SpaceId;

/// Names a live query in its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveId(pub u64);

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveScope {
    /// The Space.
    pub space: SpaceId,
    /// The collection.
    pub collection: String,
    /// One document of it; `None` for all.
    pub document: Option<String>,
}

/// What changed since the last batch. Apply every batch; between two with `complete`, more of the
/// same state is still to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveBatch {
    /// True when the batches so far are the whole of one consistent state.
    pub complete: bool,
    /// Documents that are new, by id.
    pub inserted: Vec<(String, Fields)>,
    /// Documents that were there and may have changed, by id.
    pub updated: Vec<(String, Fields)>,
    /// Ids of documents that are gone.
    pub removed: Vec<String>,
}

struct Live {
    scope: LiveScope,
    /// Ids that were delivered and exist.
    known: SortedSet<String>,
    /// Ids to look at again.
    marked: SortedSet<String>,
    /// The first state is delivered up to this id; `None` once it is complete.
    first: Option<Option<String>>,
    notified: bool,
}

/// All live queries of one engine.
#[derive(Default)]
pub struct LiveQueries {
    next: u64,
    queries: SortedMap<LiveId, Live>,
}

impl LiveQueries {
    /// Starts watching. The first batch is due at once.
    pub fn open(&mut self, scope: LiveScope) -> LiveId {
        self.next += 1;
        let id = LiveId(self.next);
        let live = Live {
            scope,
            known: SortedSet::new(),
            marked: SortedSet::new(),
            first: Some(None),
            notified: true,
        };
        self.queries.insert(id, live);
        id
    }

    /// Stops watching.
    pub fn close(&mut self, id: LiveId) {
        self.queries.remove(&id);
    }

    /// How many queries are open, and how many ids they remember.
    #[cfg(feature = "testing")]
    pub fn held(&self) -> (usize, usize) {
        let ids = self.queries.values().map(|live| live.known.len() + live.marked.len());
        (self.queries.len(), ids.sum())
    }

    /// True while the query is open.
    pub fn is_open(&self, id: LiveId) -> bool {
        self.queries.contains_key(&id)
    }

    /// Marks changed documents; gives the queries that had nothing to deliver before.
    pub fn mark<'a>(
        &mut self,
        space: &SpaceId,
        changed: impl Iterator<Item = &'a DocumentKey> + Clone,
    ) -> Vec<LiveId> {
        let mut woken = Vec::new();
        for (id, live) in self.queries.iter_mut().filter(|(_, live)| live.scope.space == *space) {
            for key in changed.clone().filter(|key| key.collection == live.scope.collection) {
                if live.scope.document.as_ref().is_none_or(|document| *document == key.document) {
                    live.marked.insert(key.document.clone());
                }
            }
            if !live.marked.is_empty() && !live.notified {
                live.notified = true;
                woken.push(*id);
            }
        }
        woken
    }

    /// The Space of a query.
    pub fn space(&self, id: LiveId) -> Option<SpaceId> {
        self.queries.get(&id).map(|live| live.scope.space)
    }

    /// Reads what is due, at most about `max` documents; `None` when nothing is.
    ///
    /// # Errors
    /// As the store says; nothing is lost then.
    pub fn take(
        &mut self,
        id: LiveId,
        documents: &mut Documents,
        store: &dyn Store,
        max: usize,
    ) -> Result<Option<LiveBatch>, StoreError> {
        let Some(live) = self.queries.get_mut(&id) else { return Ok(None) };
        let mut batch = LiveBatch::default();
        if let Some(after) = live.first.clone() {
            live.read_first(after.as_deref(), documents, store, max, &mut batch)?;
            if live.first.is_some() {
                return Ok(Some(batch));
            }
        } else if live.marked.is_empty() {
            live.notified = false;
            return Ok(None);
        }
        let room = max.saturating_sub(batch.inserted.len()).max(1);
        let look: Vec<String> = live.marked.iter().take(room).cloned().collect();
        for document in &look {
            let key = DocumentKey::new(live.scope.collection.clone(), document.clone());
            let fields = documents.read(store, &key)?;
            match (fields, live.known.contains(document)) {
                (Some(fields), true) => batch.updated.push((document.clone(), fields)),
                (Some(fields), false) => {
                    live.known.insert(document.clone());
                    batch.inserted.push((document.clone(), fields));
                }
                (None, true) => {
                    live.known.remove(document);
                    batch.removed.push(document.clone());
                }
                (None, false) => {}
            }
        }
        for document in look {
            live.marked.remove(&document);
        }
        batch.complete = live.marked.is_empty();
        Ok(Some(batch))
    }
}

impl Live {
    fn read_first(
        &mut self,
        after: Option<&str>,
        documents: &mut Documents,
        store: &dyn Store,
        max: usize,
        batch: &mut LiveBatch,
    ) -> Result<(), StoreError> {
        let rows = match &self.scope.document {
            Some(document) => {
                let key = DocumentKey::new(self.scope.collection.clone(), document.clone());
                documents.read(store, &key)?.map(|fields| (document.clone(), fields)).into_iter().collect()
            }
            None => documents.read_collection(store, &self.scope.collection, after, max)?,
        };
        let ended = self.scope.document.is_some() || rows.len() < max;
        self.first = if ended { None } else { rows.last().map(|(id, _)| Some(id.clone())) };
        for (id, fields) in rows {
            // What was read now needs no second look; what was read before stays marked.
            self.marked.remove(&id);
            self.known.insert(id.clone());
            batch.inserted.push((id, fields));
        }
        Ok(())
    }
}
