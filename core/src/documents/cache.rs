//! Decoded images of one Space: what a step reads and changes, written once when the step ends.
//!
//! The confirmed layer is the fold of the order. The overlay holds a second image for exactly the
//! documents that pending Transactions touch. Both layers share this cache's discipline: a dirty
//! image is written by [`Documents::flush`], and after a failed step everything is dropped.

use crate::model::{DocumentKey, Fields, Image};
use crate::resolver::{Enabled, Governed, Resolvers};
use crate::sorted::SortedMap;
use crate::store::rows::SpaceNo;
use crate::store::{Store, StoreError, Table};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Clean images are dropped above this many bytes, so that memory follows use and not history.
const CACHE_BYTES_MAX: usize = 4 << 20;

/// One layer's image: `None` in the overlay means that nothing is pending for the document.
struct Slot {
    key: DocumentKey,
    image: Option<Image>,
    bytes: usize,
    dirty: bool,
}

/// The images of one layer.
struct Layer {
    table: Table,
    /// Where in `slots` a document is, by a hash of its key, or by the next free number after it.
    index: SortedMap<u64, usize>,
    slots: Vec<Slot>,
    /// The slot used last: one Action looks at its document several times in a row.
    last: usize,
    /// The slots to be written. A step touches few documents, whatever else is in memory.
    dirty: Vec<usize>,
    bytes: usize,
    /// Whether neither the table nor `slots` has an image; `None` until somebody asks.
    empty: Option<bool>,
}

/// Both layers of one Space.
pub struct Documents {
    space: SpaceNo,
    reader: (Resolvers, Enabled),
    confirmed: Layer,
    overlay: Layer,
}

impl Layer {
    fn new(table: Table) -> Self {
        let (index, slots, dirty) = (SortedMap::new(), Vec::new(), Vec::new());
        Self { table, index, slots, last: 0, dirty, bytes: 0, empty: None }
    }

    fn slot(
        &mut self,
        store: &dyn Store,
        space: SpaceNo,
        key: &DocumentKey,
    ) -> Result<&mut Slot, StoreError> {
        if self.slots.get(self.last).is_none_or(|slot| slot.key != *key) {
            self.last = match self.find(key) {
                Ok(at) => at,
                Err(free) => self.load(store, space, key, free)?,
            };
        }
        self.slots.get_mut(self.last).ok_or(StoreError::Corrupt("document cache"))
    }

    /// True when there is no image at all. A Device that only reads has no overlay, and need not
    /// look for one with every document.
    fn is_empty(&mut self, store: &dyn Store, space: SpaceNo) -> Result<bool, StoreError> {
        if let Some(empty) = self.empty {
            return Ok(empty);
        }
        let empty = store.last(self.table, &space.first(), &space.end())?.is_none();
        self.empty = Some(empty);
        Ok(empty)
    }

    /// The slot to change: it will be written when the step ends.
    fn slot_mut(
        &mut self,
        store: &dyn Store,
        space: SpaceNo,
        key: &DocumentKey,
    ) -> Result<&mut Slot, StoreError> {
        if !self.slot(store, space, key)?.dirty {
            self.dirty.push(self.last);
        }
        self.empty = Some(false);
        let slot = self.slots.get_mut(self.last).ok_or(StoreError::Corrupt("document cache"))?;
        slot.dirty = true;
        Ok(slot)
    }

    /// Where the document's slot is, or the number under which it would be found.
    fn find(&self, key: &DocumentKey) -> Result<usize, u64> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let mut number = hasher.finish();
        loop {
            match self.index.get(&number) {
                None => return Err(number),
                Some(at) if self.slots.get(*at).is_some_and(|slot| slot.key == *key) => return Ok(*at),
                Some(_) => number = number.wrapping_add(1),
            }
        }
    }

    fn load(
        &mut self,
        store: &dyn Store,
        space: SpaceNo,
        key: &DocumentKey,
        free: u64,
    ) -> Result<usize, StoreError> {
        let stored = store.get(self.table, &space.document(key))?;
        let bytes = stored.as_ref().map_or(0, Vec::len) + key.collection.len() + key.document.len();
        let image = match stored {
            Some(stored) => {
                Some(Image::from_bytes(&stored).map_err(|_| StoreError::Corrupt("document image"))?)
            }
            None => None,
        };
        let at = self.slots.len();
        self.bytes += bytes;
        self.index.insert(free, at);
        self.slots.push(Slot { key: key.clone(), image, bytes, dirty: false });
        Ok(at)
    }

    fn flush(&mut self, store: &mut dyn Store, space: SpaceNo) -> Result<(), StoreError> {
        let dirty = core::mem::take(&mut self.dirty).into_iter();
        // In the order of the table, so that neighbours are written together.
        let rows: SortedMap<Vec<u8>, usize> =
            dirty.map(|at| (space.document(&self.slots[at].key), at)).collect();
        for (row_key, at) in rows {
            let slot = &mut self.slots[at];
            self.bytes -= slot.bytes;
            slot.bytes = slot.key.collection.len() + slot.key.document.len();
            match &slot.image {
                // Looked at to be changed, and not changed after all. Whoever asks next must not find in
                // memory what is not in the store: an absent image here would hide a confirmed one.
                Some(image) if image.version.seq == 0 => {
                    store.delete(self.table, &row_key)?;
                    slot.image = None;
                    self.empty = None;
                }
                Some(image) => {
                    let bytes = image.to_bytes();
                    slot.bytes += bytes.len();
                    store.put(self.table, &row_key, &bytes)?;
                }
                None => {
                    store.delete(self.table, &row_key)?;
                    self.empty = None;
                }
            }
            self.bytes += slot.bytes;
            slot.dirty = false;
        }
        if self.bytes > CACHE_BYTES_MAX {
            self.index.clear();
            self.slots.clear();
            self.bytes = 0;
        }
        Ok(())
    }
}

impl Documents {
    /// An empty cache over the documents of `space`.
    pub fn new(space: SpaceNo) -> Self {
        let (confirmed, overlay) = (Layer::new(Table::Confirmed), Layer::new(Table::Overlay));
        Self { space, reader: Default::default(), confirmed, overlay }
    }

    /// From now on documents of older resolver versions are read as those of the newest one.
    pub fn set_reader(&mut self, resolvers: &Resolvers, enabled: &Enabled) {
        self.reader = (resolvers.clone(), enabled.clone());
    }

    /// Documents of one collection, with their formats, as readers see them.
    pub(super) fn present(&self, collection: &str, documents: &mut [(u64, &mut Fields)]) {
        let (resolvers, enabled) = &self.reader;
        Governed::new(resolvers, enabled).present(collection, documents);
    }

    /// Bytes that both caches say they hold, that they do hold, images that are to be written, and the
    /// bytes above which they are emptied.
    #[cfg(feature = "testing")]
    pub fn held(&self) -> (usize, usize, usize, usize) {
        let layers = [&self.confirmed, &self.overlay];
        let counted = layers.iter().flat_map(|layer| &layer.slots).map(|slot| slot.bytes).sum();
        let said = layers.iter().map(|layer| layer.bytes).sum();
        let dirty = layers.iter().map(|layer| layer.dirty.len()).sum();
        (said, counted, dirty, layers.len() * CACHE_BYTES_MAX)
    }

    /// The Space's local number.
    pub(super) fn space(&self) -> SpaceNo {
        self.space
    }

    /// The confirmed image, to look at.
    ///
    /// # Errors
    /// As the store says.
    pub fn confirmed(&mut self, store: &dyn Store, key: &DocumentKey) -> Result<&Image, StoreError> {
        let slot = self.confirmed.slot(store, self.space, key)?;
        Ok(slot.image.get_or_insert(Image::ABSENT))
    }

    /// The confirmed image, to change: it will be written when the step ends.
    ///
    /// # Errors
    /// As the store says.
    pub(super) fn confirmed_mut(
        &mut self,
        store: &dyn Store,
        key: &DocumentKey,
    ) -> Result<&mut Image, StoreError> {
        let slot = self.confirmed.slot_mut(store, self.space, key)?;
        Ok(slot.image.get_or_insert(Image::ABSENT))
    }

    /// Puts another confirmed image in the place of the one that was there.
    ///
    /// # Errors
    /// As the store says.
    pub fn replace(&mut self, store: &dyn Store, key: &DocumentKey, image: Image) -> Result<(), StoreError> {
        *self.confirmed_mut(store, key)? = image;
        Ok(())
    }

    /// The image with the Outbox on top, when something is pending for the document.
    ///
    /// # Errors
    /// As the store says.
    pub(super) fn overlay(
        &mut self,
        store: &dyn Store,
        key: &DocumentKey,
    ) -> Result<Option<&Image>, StoreError> {
        if self.overlay.is_empty(store, self.space)? {
            return Ok(None);
        }
        Ok(self.overlay.slot(store, self.space, key)?.image.as_ref())
    }

    /// The overlay image to change, started from the confirmed one when nothing was pending.
    ///
    /// # Errors
    /// As the store says.
    pub(super) fn overlay_mut(
        &mut self,
        store: &dyn Store,
        key: &DocumentKey,
    ) -> Result<&mut Image, StoreError> {
        if self.overlay.slot(store, self.space, key)?.image.is_none() {
            let start = self.confirmed(store, key)?.clone();
            self.overlay.slot_mut(store, self.space, key)?.image = Some(start);
        }
        let slot = self.overlay.slot_mut(store, self.space, key)?;
        Ok(slot.image.get_or_insert(Image::ABSENT))
    }

    /// Puts an overlay image, or takes it away when nothing is pending any more.
    ///
    /// # Errors
    /// As the store says.
    pub(super) fn set_overlay(
        &mut self,
        store: &dyn Store,
        key: &DocumentKey,
        image: Option<Image>,
    ) -> Result<(), StoreError> {
        if image.is_none() && self.overlay.is_empty(store, self.space)? {
            return Ok(());
        }
        if image.is_some() || self.overlay.slot(store, self.space, key)?.image.is_some() {
            self.overlay.slot_mut(store, self.space, key)?.image = image;
        }
        Ok(())
    }

    /// Writes every changed image, once.
    ///
    /// # Errors
    /// As the store says; the step is then rolled back and this cache dropped.
    pub fn flush(&mut self, store: &mut dyn Store) -> Result<(), StoreError> {
        self.confirmed.flush(store, self.space)?;
        self.overlay.flush(store, self.space)
    }
}

#[cfg(test)]
mod tests;
