//! Reads that merge both layers: whole collections, in order of their ids.
//!
//! Called by `query/` after the step, when everything is written.

use super::cache::Documents;
use crate::model::{DocumentKey, Fields, Image, StoredImage};
use crate::store::rows::{SpaceNo, after_prefix};
use crate::store::{Store, StoreError, Table};

/// Rows fetched from the store at once.
const SCAN_ROWS: usize = 1024;

impl Documents {
    /// The fields that the user sees, `None` when the document does not exist.
    ///
    /// # Errors
    /// As the store says.
    pub fn read(&mut self, store: &dyn Store, key: &DocumentKey) -> Result<Option<Fields>, StoreError> {
        let Image { fields, format, .. } = self.visible(store, key)?;
        let (mut fields, format) = (fields.clone(), *format);
        if let Some(fields) = &mut fields {
            self.present(&key.collection, &mut [(format, fields)]);
        }
        Ok(fields)
    }

    /// Up to `limit` existing documents of a collection after the id `after`, by id.
    ///
    /// Reads the store, so the step that changed anything must have been written.
    ///
    /// # Errors
    /// As the store says.
    pub fn read_collection(
        &self,
        store: &dyn Store,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Fields)>, StoreError> {
        let prefix = self.space().collection(collection);
        let mut layers = [Table::Confirmed, Table::Overlay].map(|table| Rows::new(table, &prefix, after));
        let (mut out, mut formats) = (Vec::new(), Vec::new());
        while out.len() < limit {
            let [confirmed, overlay] = &mut layers;
            let (from_confirmed, from_overlay) = (confirmed.peek(store)?, overlay.peek(store)?);
            let image = match (from_confirmed, from_overlay) {
                (None, None) => break,
                (Some(a), Some(b)) if a < b => confirmed.next(),
                (Some(_), None) => confirmed.next(),
                (Some(a), Some(b)) if a == b => {
                    // What is pending hides what is confirmed.
                    confirmed.next();
                    overlay.next()
                }
                (_, Some(_)) => overlay.next(),
            };
            let Some((key, bytes)) = image else { break };
            let image = Image::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("document image"))?;
            if let Some(fields) = image.fields {
                formats.push(image.format);
                out.push((SpaceNo::parse_document(&key)?.document, fields));
            }
        }
        let rows = out.iter_mut().zip(formats);
        let mut rows: Vec<(u64, &mut Fields)> = rows.map(|((_, fields), format)| (format, fields)).collect();
        self.present(collection, &mut rows);
        Ok(out)
    }

    /// Calls `visit` with every confirmed image of the Space, in order of its key.
    ///
    /// # Errors
    /// As the store says.
    pub fn for_each_confirmed(
        &self,
        store: &dyn Store,
        mut visit: impl FnMut(DocumentKey, StoredImage<'_>),
    ) -> Result<(), StoreError> {
        let mut from = self.space().first();
        loop {
            let rows = store.scan(Table::Confirmed, &from, &self.space().end(), SCAN_ROWS)?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            from = [last.as_slice(), &[0]].concat();
            for (key, bytes) in rows {
                let image = StoredImage::read(&bytes).map_err(|_| StoreError::Corrupt("document image"))?;
                visit(SpaceNo::parse_document(&key)?, image);
            }
        }
    }
}

/// Rows of one layer, fetched a page at a time.
struct Rows {
    table: Table,
    from: Vec<u8>,
    to: Vec<u8>,
    page: std::collections::VecDeque<(Vec<u8>, Vec<u8>)>,
    ended: bool,
}

impl Rows {
    fn new(table: Table, prefix: &[u8], after: Option<&str>) -> Self {
        let from = match after {
            Some(id) => [prefix, id.as_bytes(), &[0]].concat(),
            None => prefix.to_vec(),
        };
        Self { table, from, to: after_prefix(prefix), page: Default::default(), ended: false }
    }

    /// The key of the next row.
    fn peek(&mut self, store: &dyn Store) -> Result<Option<&Vec<u8>>, StoreError> {
        if self.page.is_empty() && !self.ended {
            let rows = store.scan(self.table, &self.from, &self.to, SCAN_ROWS)?;
            self.ended = rows.len() < SCAN_ROWS;
            if let Some((last, _)) = rows.last() {
                self.from = [last.as_slice(), &[0]].concat();
            }
            self.page = rows.into();
        }
        Ok(self.page.front().map(|(key, _)| key))
    }

    fn next(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        self.page.pop_front()
    }
}
