//! Decoded images of one Space: what a step reads and changes, written once when the step ends.
//!
//! The confirmed layer is the fold of the order. The overlay holds a second image for exactly the
//! documents that pending Transactions touch. Both layers share this cache's discipline: a dirty
//! image is written by [`Documents::flush`], and after a failed step everything is dropped.

use crate::model::{DocumentKey, Image};
use crate::store::rows::SpaceNo;
use crate::store::{Store, StoreError, Table};
use std::collections::BTreeMap;

/// Clean images are dropped above this many bytes, so that memory follows use and not history.
const CACHE_BYTES_MAX: usize = 4 << 20;

/// One layer's image: `None` in the overlay means that nothing is pending for the document.
struct Slot {
    image: Option<Image>,
    bytes: usize,
    dirty: bool,
}

/// The images of one layer.
struct Layer {
    table: Table,
    slots: BTreeMap<DocumentKey, Slot>,
    bytes: usize,
}

/// Both layers of one Space.
pub struct Documents {
    space: SpaceNo,
    confirmed: Layer,
    overlay: Layer,
}

impl Layer {
    fn new(table: Table) -> Self {
        Self { table, slots: BTreeMap::new(), bytes: 0 }
    }

    fn slot(
        &mut self,
        store: &dyn Store,
        space: SpaceNo,
        key: &DocumentKey,
    ) -> Result<&mut Slot, StoreError> {
        if !self.slots.contains_key(key) {
            let stored = store.get(self.table, &space.document(key))?;
            let bytes = stored.as_ref().map_or(0, Vec::len) + key.collection.len() + key.document.len();
            let image = match stored {
                Some(stored) => {
                    Some(Image::from_bytes(&stored).map_err(|_| StoreError::Corrupt("document image"))?)
                }
                None => None,
            };
            self.bytes += bytes;
            self.slots.insert(key.clone(), Slot { image, bytes, dirty: false });
        }
        self.slots.get_mut(key).ok_or(StoreError::Corrupt("document cache"))
    }

    fn flush(&mut self, store: &mut dyn Store, space: SpaceNo) -> Result<(), StoreError> {
        for (key, slot) in self.slots.iter_mut().filter(|(_, slot)| slot.dirty) {
            let row_key = space.document(key);
            self.bytes -= slot.bytes;
            slot.bytes = key.collection.len() + key.document.len();
            match &slot.image {
                // Looked at to be changed, and not changed after all.
                Some(image) if image.version.seq == 0 => store.delete(self.table, &row_key)?,
                Some(image) => {
                    let bytes = image.to_bytes();
                    slot.bytes += bytes.len();
                    store.put(self.table, &row_key, &bytes)?;
                }
                None => store.delete(self.table, &row_key)?,
            }
            self.bytes += slot.bytes;
            slot.dirty = false;
        }
        if self.bytes > CACHE_BYTES_MAX {
            self.slots.clear();
            self.bytes = 0;
        }
        Ok(())
    }
}

impl Documents {
    /// An empty cache over the documents of `space`.
    pub fn new(space: SpaceNo) -> Self {
        Self { space, confirmed: Layer::new(Table::Confirmed), overlay: Layer::new(Table::Overlay) }
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
        let slot = self.confirmed.slot(store, self.space, key)?;
        slot.dirty = true;
        Ok(slot.image.get_or_insert(Image::ABSENT))
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
            self.overlay.slot(store, self.space, key)?.image = Some(start);
        }
        let slot = self.overlay.slot(store, self.space, key)?;
        slot.dirty = true;
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
        let slot = self.overlay.slot(store, self.space, key)?;
        slot.dirty = slot.dirty || slot.image.is_some() || image.is_some();
        slot.image = image;
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
