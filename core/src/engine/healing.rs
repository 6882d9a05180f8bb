//! A Space that is folded again because another writer came to other documents.
//!
//! What counts is what this Device's own verified log makes of the documents, never what more Devices
//! say. The log is folded once more beside the Space, a little at a time; where that gives something
//! else, as after an app whose resolver had a mistake, the documents are replaced by it. Otherwise the
//! difference is reported. Each version of the app does this at most once for a Space, so a writer who
//! invents roots costs one pass over the log.

use super::engine::Engine;
use super::output::{Event, Output};
use super::refold::Refold;
use super::settle::Batch;
use super::space::Space;
use crate::documents::{DocumentHashes, document_hash};
use crate::error::Error;
use crate::keys::{Entropy, random};
use crate::model::DocumentKey;
use crate::sorted::{SortedMap, SortedSet};
use crate::store::{Store, StoreError};
use bytes::Bytes;
use veilfold_wire::SpaceId;
use veilfold_wire::hash::Hasher;

/// Entries folded again in one go, so that calls of the app come in between.
const SLICE: usize = 256;
/// Documents that an event names.
const NAMED_MAX: usize = 16;

/// Which Spaces are to be folded again, and how far that is.
#[derive(Default)]
pub(super) struct Healing {
    wanted: SortedSet<SpaceId>,
    running: Option<(SpaceId, Box<Refold>)>,
    /// Begun and not brought to an end; not tried again before the app starts next.
    given_up: SortedSet<SpaceId>,
    #[cfg(feature = "testing")]
    begun: u64,
}

impl Healing {
    pub(super) fn want(&mut self, id: SpaceId) {
        let running = self.running.as_ref().is_some_and(|(running, _)| *running == id);
        if !running && !self.given_up.contains(&id) {
            self.wanted.insert(id);
        }
    }

    /// When it wants to go on: at once, while there is something to do.
    pub(super) fn deadline(&self) -> Option<u64> {
        (self.running.is_some() || !self.wanted.is_empty()).then_some(0)
    }
}

/// Bytes for the few keys that the copy wraps, in memory alone.
struct Drawn {
    seed: [u8; 32],
    blocks: u64,
}

impl Entropy for Drawn {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let block = Hasher::new("refold-entropy").fixed(&self.seed).u64(self.blocks).finish();
            self.blocks += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

impl Engine {
    /// Folds a little of what is to be folded again.
    ///
    /// # Errors
    /// As the store says. It is begun anew when the Space is opened next.
    pub(super) fn heal_on(&mut self) -> Result<(), Error> {
        let (id, mut refold) = match self.healing.running.take() {
            Some(running) => running,
            None => {
                let Some(id) = self.healing.wanted.pop_first() else { return Ok(()) };
                if self.space(id)?.roots.suspicion().is_none() {
                    return Ok(());
                }
                tracing::info!(space = %id, "another writer has another root: folding the log again");
                let entropy = Drawn { seed: random(self.entropy.as_mut()), blocks: 0 };
                #[cfg(feature = "testing")]
                (self.healing.begun += 1);
                (id, Box::new(self.refold(id, Box::new(entropy))?))
            }
        };
        let (done, _) = refold.log_head()?;
        let cursor = self.space(id)?.cursor();
        if done < cursor.folded {
            let limit = SLICE.min((cursor.folded - done) as usize);
            let stored = self.stored_log(id, done, limit)?;
            let entries: Vec<Bytes> = stored.iter().map(|entry| entry.entry().bytes().clone()).collect();
            let damaged = entries.is_empty() || refold.feed(done + 1, entries)?.is_some();
            if damaged {
                let detail = StoreError::Corrupt("the log does not verify any more").to_string();
                self.outputs.push_back(Output::Event(Event::StoreFailed { detail }));
                self.healing.given_up.insert(id);
                return Ok(());
            }
            if refold.held()?.is_some() {
                // A resolver gives no answer, or is missing.
                self.healing.given_up.insert(id);
                return Ok(());
            }
            self.healing.running = Some((id, refold));
            return Ok(());
        }
        if !cursor.is_folded() {
            // Entries wait for a key or an update; looked at again when they are folded.
            return Ok(());
        }
        self.step(|engine| engine.compare_with(id, &mut refold))
    }

    /// How often a Space was begun to be folded again since the start.
    #[cfg(feature = "testing")]
    pub fn refolds(&self) -> u64 {
        self.healing.begun
    }

    /// True while a Space is being folded again.
    #[cfg(feature = "testing")]
    pub fn is_healing(&self) -> bool {
        self.healing.deadline().is_some()
    }

    /// Notes that a Space may have to be folded again.
    pub(super) fn consider_healing(&mut self, id: SpaceId) -> Result<(), Error> {
        let app = self.config.app;
        let space = self.space(id)?;
        if space.roots.reconsider(app) {
            self.healing.want(id);
        }
        Ok(())
    }

    /// Takes over what the log makes of the documents, where that is something else.
    fn compare_with(&mut self, id: SpaceId, refold: &mut Refold) -> Result<(), Error> {
        let app = self.config.app;
        let mut parts = self.parts(id)?;
        let Some((position, author)) = parts.space.roots.suspicion() else { return Ok(()) };
        let again = refold.engine().parts(id)?;
        let (fresh, store) = (again.space, &*again.store);
        let seq = parts.space.row.folded;
        let different = differing(parts.space, parts.store, fresh, store, seq)?;
        let beside = parts.space.authors != fresh.authors || parts.space.enabled != fresh.enabled;
        let mended = beside || !different.is_empty();
        parts.space.roots.checked(app, mended);
        parts.space.dirty.roots = true;
        if !mended {
            let event = Event::Diverged { space: id, position, author, bucket: None, documents: Vec::new() };
            parts.outputs.push_back(Output::Event(event));
            return Ok(());
        }
        let hashes = DocumentHashes::of(&fresh.documents, store, seq)?;
        let bucket = different.first().map(|key| hashes.bucket_of(key));
        let mut batch = Batch::begin();
        for key in &different {
            let image = fresh.documents.confirmed(store, key)?.clone();
            parts.space.documents.replace(parts.store, key, image)?;
        }
        if parts.space.enabled != fresh.enabled {
            parts.space.enabled = fresh.enabled.clone();
            parts.space.dirty.settings = true;
            parts.space.documents.set_reader(parts.resolvers, &parts.space.enabled);
        }
        parts.space.dirty.authors.extend(fresh.authors.keys().chain(parts.space.authors.keys()).copied());
        parts.space.authors.clone_from(&fresh.authors);
        batch.changed(different.clone());
        let rebased = batch.finish(&mut parts)?;
        let (count, named) = (different.len() as u64, different.into_iter().take(NAMED_MAX).collect());
        let event = Event::Healed { space: id, position: seq, bucket, documents: named, count };
        parts.outputs.push_back(Output::Event(event));
        self.shown(id, rebased);
        Ok(())
    }
}

/// The documents that are not the same in both.
fn differing(
    space: &Space,
    store: &dyn Store,
    fresh: &Space,
    fresh_store: &dyn Store,
    seq: u64,
) -> Result<Vec<DocumentKey>, StoreError> {
    let mut ours = SortedMap::new();
    space.documents.for_each_confirmed(store, |key, image| {
        if let Some(hash) = document_hash(&key, &image, seq) {
            ours.insert(key, hash);
        }
    })?;
    let mut different = SortedSet::new();
    fresh.documents.for_each_confirmed(fresh_store, |key, image| {
        let Some(hash) = document_hash(&key, &image, seq) else { return };
        if ours.remove(&key) != Some(hash) {
            different.insert(key);
        }
    })?;
    different.extend(ours.into_iter().map(|(key, _)| key));
    Ok(different.into_iter().collect())
}
