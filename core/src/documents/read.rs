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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::counted::CountedStore;
    use crate::model::{Position, Value};
    use crate::resolver::{Call, Enable, Enabled, Refusal, Resolver, Resolvers};
    use crate::store::Durability;

    const SPACE: SpaceNo = SpaceNo(1);

    fn fields(n: i64) -> Fields {
        [("n".to_owned(), Value::Int(n))].into()
    }

    fn image(n: Option<i64>) -> Image {
        Image { fields: n.map(fields), version: Position { seq: 1, index: 0 }, ..Image::ABSENT }
    }

    fn flush(store: &mut CountedStore, documents: &mut Documents) {
        store.begin().unwrap();
        documents.flush(store).unwrap();
        store.commit(Durability::Process).unwrap();
        store.asked();
    }

    /// A collection with these confirmed documents and these pending ones; `None` is a deleted one.
    fn collection(
        confirmed: &[(&str, Option<i64>)],
        pending: &[(&str, Option<i64>)],
    ) -> (CountedStore, Documents) {
        let (mut store, mut documents) = (CountedStore::default(), Documents::new(SPACE));
        for (id, n) in confirmed {
            documents.replace(&store, &DocumentKey::new("notes", *id), image(*n)).unwrap();
        }
        for (id, n) in pending {
            documents.set_overlay(&store, &DocumentKey::new("notes", *id), Some(image(*n))).unwrap();
        }
        flush(&mut store, &mut documents);
        (store, documents)
    }

    #[test]
    fn a_collection_is_read_in_order_with_what_is_pending_on_top() {
        let confirmed = [("b", Some(1)), ("c", Some(1)), ("d", None), ("e", Some(1)), ("f", Some(1))];
        let pending = [("a", Some(2)), ("c", Some(2)), ("d", Some(2)), ("e", None), ("g", Some(2))];
        let (mut store, mut documents) = collection(&confirmed, &pending);
        for beside in [DocumentKey::new("note", "sb"), DocumentKey::new("notesb", "b")] {
            documents.replace(&store, &beside, image(Some(3))).unwrap();
            documents.set_overlay(&store, &beside, Some(image(Some(4)))).unwrap();
        }
        flush(&mut store, &mut documents);
        let read = |after, limit| {
            let rows = documents.read_collection(&store, "notes", after, limit).unwrap();
            rows.into_iter().map(|(id, fields)| (id, fields["n"].clone())).collect::<Vec<_>>()
        };
        let row = |(id, n): (&str, i64)| (id.to_owned(), Value::Int(n));
        let all = [("a", 2), ("b", 1), ("c", 2), ("d", 2), ("f", 1), ("g", 2)].map(row);
        assert_eq!(read(None, 100), all);
        assert_eq!((read(None, 2), read(None, 0)), (all[..2].to_vec(), vec![]));
        assert_eq!((read(Some("b"), 3), read(Some("bb"), 100)), (all[2..5].to_vec(), all[2..].to_vec()));
        assert_eq!(read(Some("g"), 100), []);
    }

    #[test]
    fn a_document_is_read_as_it_is_visible() {
        let (store, mut documents) =
            collection(&[("a", Some(1)), ("b", Some(1)), ("c", Some(1))], &[("b", Some(2)), ("c", None)]);
        let mut read = |id: &str| documents.read(&store, &DocumentKey::new("notes", id));
        assert_eq!((read("a"), read("b")), (Ok(Some(fields(1))), Ok(Some(fields(2)))));
        assert_eq!((read("c"), read("x")), (Ok(None), Ok(None)));
    }

    /// Says of a document which version it was written by.
    struct Newer;

    impl Resolver for Newer {
        fn resolve(&self, state: Option<Fields>, _: &Call) -> Result<Option<Fields>, Refusal> {
            Ok(state)
        }

        fn migrate(&self, from: u64, _: Fields) -> Result<Fields, Refusal> {
            Ok(fields(-(from as i64)))
        }
    }

    #[test]
    fn documents_of_older_versions_are_read_as_ones_of_the_newest() {
        let (mut store, mut documents) = collection(&[("a", Some(1))], &[]);
        let of = |format| Image { format, ..image(Some(7)) };
        for (id, format) in [("b", 2), ("c", 4)] {
            documents.replace(&store, &DocumentKey::new("notes", id), of(format)).unwrap();
        }
        flush(&mut store, &mut documents);
        let mut enabled = Enabled::default();
        enabled.enable(&[Enable { collection: "notes".to_owned(), version: 4, module: None }]);
        documents.set_reader(&Resolvers::default().with("notes", 4, Newer), &enabled);
        let rows = documents.read_collection(&store, "notes", None, 9).unwrap();
        let expected = [("a", 0), ("b", -2), ("c", 7)].map(|(id, n)| (id.to_owned(), fields(n)));
        assert_eq!(rows, expected);
        for (id, expected) in expected {
            assert_eq!(documents.read(&store, &DocumentKey::new("notes", id)), Ok(Some(expected)));
        }
    }

    #[test]
    fn a_large_collection_is_fetched_a_page_at_a_time_and_no_page_twice() {
        let ids: Vec<String> = (0..2 * SCAN_ROWS).map(|number| format!("{number:06}")).collect();
        let confirmed: Vec<_> = ids.iter().map(|id| (id.as_str(), Some(1))).collect();
        let pending: Vec<_> = ids.iter().step_by(3).map(|id| (id.as_str(), Some(2))).collect();
        let (store, documents) = collection(&confirmed, &pending);
        let rows = documents.read_collection(&store, "notes", None, usize::MAX).unwrap();
        assert!(rows.iter().map(|(id, _)| id).eq(&ids));
        assert!(rows.iter().enumerate().all(|(at, row)| row.1 == fields(if at % 3 == 0 { 2 } else { 1 })));
        // Two full pages and the end of them; one that is not full, which is the end itself.
        assert_eq!(store.asked(), 3 + 1);
        documents.read_collection(&store, "notes", None, SCAN_ROWS - 1).unwrap();
        assert_eq!(store.asked(), 2);
    }

    #[test]
    fn every_confirmed_document_of_the_space_is_visited_and_no_other() {
        let ids: Vec<String> = (0..SCAN_ROWS + 1).map(|number| format!("{number:06}")).collect();
        let confirmed: Vec<_> = ids.iter().map(|id| (id.as_str(), Some(1))).collect();
        let (mut store, mut documents) = collection(&confirmed, &[("pending", Some(2))]);
        documents.replace(&store, &DocumentKey::new("zones", "gone"), image(None)).unwrap();
        flush(&mut store, &mut documents);
        for other in [SpaceNo(0), SpaceNo(2)] {
            let mut documents = Documents::new(other);
            documents.replace(&store, &DocumentKey::new("notes", "other"), image(Some(3))).unwrap();
            flush(&mut store, &mut documents);
        }
        let mut visited = Vec::new();
        documents
            .for_each_confirmed(&store, |key, image| visited.push((key, image.fields.is_some())))
            .unwrap();
        assert_eq!(visited.pop(), Some((DocumentKey::new("zones", "gone"), false)));
        assert!(visited.iter().all(|(key, exists)| key.collection == "notes" && *exists));
        assert!(visited.iter().map(|(key, _)| &key.document).eq(&ids));
    }
}
