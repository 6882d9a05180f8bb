//! A collection of one Space: reads of what is visible, and writes that are one intent each.

use super::data::{IntoFields, IntoPath, IntoValue, elements_at};
use super::live::LiveQuery;
use super::ops;
use super::receipt::Receipt;
use super::space::Space;
use crate::error::Error;
use crate::model::{Action, DocumentKey, ElementId, Fields, Op, Place, TextSplice, Value, fields_to_json};

/// How many documents one call to the engine's thread reads.
const PAGE: usize = 256;

/// A collection of one Space. Cheap to make and to clone; it exists as soon as a document is in it.
///
/// **Writes** return when a killed process cannot lose them ([`Config::durability`]), and reads see
/// them at once, also offline. Other Devices see them after the Relay has ordered them; the
/// [`Receipt`] tells what became of them. Each is an intent: two that increment add up, whoever was
/// offline. Dropping a write's future after it was polled once does not take the write back.
///
/// All of them give these errors: `NotAllowed` before this Device was added as a writer; `Invalid`
/// for what is malformed, too large, or rejected by the state as it is visible here (code
/// `rejected`), for a full Outbox (`outbox_full`) and for a closed client (`closed`); `Corrupt` when
/// the disk fails.
///
/// [`Config::durability`]: super::Config::durability
#[derive(Clone, Debug)]
pub struct Collection {
    space: Space,
    name: String,
}

impl Collection {
    pub(super) fn new(space: Space, name: String) -> Self {
        Self { space, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its Space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// A document as it is visible, `None` when there is none of that id.
    ///
    /// # Errors
    /// `Invalid` for a closed client; `Corrupt` when the disk fails.
    pub async fn get(&self, id: &str) -> Result<Option<Fields>, Error> {
        let (space, key) = (self.space.id(), self.key(id));
        self.space.driver().call(move |core| core.engine.read(space, &key)).await
    }

    /// As [`Collection::get`], as UTF-8 JSON: lists and sets are arrays, texts are strings.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub async fn get_json(&self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.get(id).await?.map(|fields| fields_to_json(&fields)))
    }

    /// Up to `limit` documents with ids after `after`, in byte order of their ids.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub async fn page(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, Fields)>, Error> {
        let (space, name, after) = (self.space.id(), self.name.clone(), after.map(str::to_owned));
        let read = move |core: &mut crate::io::Core| {
            core.engine.read_collection(space, &name, after.as_deref(), limit)
        };
        self.space.driver().call(read).await
    }

    /// All documents, in byte order of their ids. Read page by page, so what is written meanwhile
    /// may or may not be in it; a live query is consistent.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub async fn all(&self) -> Result<Vec<(String, Fields)>, Error> {
        let mut all: Vec<(String, Fields)> = Vec::new();
        loop {
            let page = self.page(all.last().map(|(id, _)| id.as_str()), PAGE).await?;
            let ended = page.len() < PAGE;
            all.extend(page);
            if ended {
                return Ok(all);
            }
        }
    }

    /// The elements of the list at `path`, with the ids under which they are moved and removed;
    /// empty when there is no list.
    ///
    /// # Errors
    /// As [`Collection::get`], and `Invalid` for what is no path.
    pub async fn elements(&self, id: &str, path: impl IntoPath) -> Result<Vec<(ElementId, Value)>, Error> {
        let path = path.into_path()?;
        let fields = self.get(id).await?.unwrap_or_default();
        Ok(elements_at(&fields, &path).unwrap_or_default().to_vec())
    }

    /// Watches all documents of the collection. The first batch is due at once, also offline.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub async fn live(&self) -> Result<LiveQuery, Error> {
        LiveQuery::open(&self.space, self.name.clone(), None).await
    }

    /// Watches one document, whether it exists or not.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub async fn live_document(&self, id: &str) -> Result<LiveQuery, Error> {
        LiveQuery::open(&self.space, self.name.clone(), Some(id.to_owned())).await
    }

    /// Makes a document; rejected when one of that id exists.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn create(&self, id: &str, fields: impl IntoFields) -> Result<Receipt, Error> {
        self.act(id, ops::create(fields)?).await
    }

    /// Puts a whole document, replacing one of that id.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn put(&self, id: &str, fields: impl IntoFields) -> Result<Receipt, Error> {
        self.act(id, ops::put(fields)?).await
    }

    /// Puts a value at a path, making the document and maps on the way.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn set(&self, id: &str, path: impl IntoPath, value: impl IntoValue) -> Result<Receipt, Error> {
        self.act(id, ops::set(path, value)?).await
    }

    /// Removes what is at a path; nothing there is no error.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn unset(&self, id: &str, path: impl IntoPath) -> Result<Receipt, Error> {
        self.act(id, ops::unset(path)?).await
    }

    /// Puts fields into the map at a path (`""` for the document), leaving its others.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn merge(
        &self,
        id: &str,
        path: impl IntoPath,
        fields: impl IntoFields,
    ) -> Result<Receipt, Error> {
        self.act(id, ops::merge(path, fields)?).await
    }

    /// Adds to a whole number; a missing one counts as 0.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn increment(&self, id: &str, path: impl IntoPath, by: i64) -> Result<Receipt, Error> {
        self.act(id, ops::increment(path, by)?).await
    }

    /// Asks the collection's own resolver to do `name` with `args`.
    ///
    /// # Errors
    /// As [`Collection`] says; `Invalid` with `resolver_not_enabled` when the Space accepts none for the
    /// collection, with `rejected` and the resolver's own words when it refuses here already;
    /// `NewerVersion` when this app lacks the version that the Space is at.
    pub async fn call(&self, id: &str, name: &str, args: impl IntoValue) -> Result<Receipt, Error> {
        self.act(id, ops::call(name, args)?).await
    }

    /// Deletes a document; nothing happens when it is gone.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn delete(&self, id: &str) -> Result<Receipt, Error> {
        self.act(id, Op::Delete).await
    }

    /// Inserts an element into a list, making the list when there is none: at its start by default,
    /// at [`END`](super::END), or beside others. Its id is the first of [`Receipt::elements`].
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn list_insert(
        &self,
        id: &str,
        path: impl IntoPath,
        place: Place,
        value: impl IntoValue,
    ) -> Result<Receipt, Error> {
        self.act(id, ops::list_insert(path, place, value)?).await
    }

    /// Moves an element of a list; nothing happens when it is gone.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn list_move(
        &self,
        id: &str,
        path: impl IntoPath,
        element: ElementId,
        place: Place,
    ) -> Result<Receipt, Error> {
        self.act(id, ops::list_move(path, element, place)?).await
    }

    /// Removes an element of a list; nothing happens when it is gone.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn list_remove(
        &self,
        id: &str,
        path: impl IntoPath,
        element: ElementId,
    ) -> Result<Receipt, Error> {
        self.act(id, ops::list_remove(path, element)?).await
    }

    /// Adds a truth value, whole number or string to a set, making the set when there is none.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn set_add(
        &self,
        id: &str,
        path: impl IntoPath,
        member: impl IntoValue,
    ) -> Result<Receipt, Error> {
        self.act(id, ops::set_add(path, member)?).await
    }

    /// Removes a member of a set.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn set_remove(
        &self,
        id: &str,
        path: impl IntoPath,
        member: impl IntoValue,
    ) -> Result<Receipt, Error> {
        self.act(id, ops::set_remove(path, member)?).await
    }

    /// Puts a new collaborative text at a path.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn text_create(&self, id: &str, path: impl IntoPath, text: &str) -> Result<Receipt, Error> {
        self.act(id, ops::text_create(path, text)?).await
    }

    /// Edits a collaborative text, in Unicode scalar values of the text as it is visible now: the
    /// splices in order, each on the text that the one before leaves. What others type meanwhile
    /// stays, and the edit lands where it was meant. Makes an empty text when there is none.
    ///
    /// # Errors
    /// As [`Collection`] says.
    pub async fn text_edit(
        &self,
        id: &str,
        path: impl IntoPath,
        splices: Vec<TextSplice>,
    ) -> Result<Receipt, Error> {
        self.act(id, ops::text_edit(path, splices)?).await
    }

    fn key(&self, id: &str) -> DocumentKey {
        DocumentKey::new(self.name.clone(), id)
    }

    async fn act(&self, id: &str, op: Op) -> Result<Receipt, Error> {
        self.space.commit(vec![Action { key: self.key(id), op }]).await
    }
}
