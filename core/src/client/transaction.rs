//! A Transaction being made: what it read, what it will do, and the commit that says whether what
//! was read still holds. `Space::transact` runs the app's function until it does.

use super::data::{IntoFields, IntoPath, IntoValue};
use super::ops;
use super::receipt::Receipt;
use super::space::Space;
use crate::engine::{Draft, GiveUp, Mutation, ReadToken};
use crate::error::Error;
use crate::io::Core;
use crate::model::{Action, Condition, DocumentKey, ElementId, Fields, Op, Place, TextSplice};

/// How many documents one call to the engine's thread reads.
const PAGE: usize = 512;

type Page = (Vec<(String, Fields)>, ReadToken);

/// Actions that will happen together or not at all, and what they are based on.
///
/// Reads see the Actions so far. Every document and every collection that was read becomes a
/// precondition: if anybody changes it before the order has this Transaction, the Transaction is rejected on every Device,
/// and its [`Receipt`] says so. Nothing is written until it is committed.
#[derive(Debug)]
pub struct Transaction {
    space: Space,
    reads: Vec<(DocumentKey, ReadToken)>,
    actions: Vec<Action>,
    mutation: Option<Mutation>,
}

impl Transaction {
    pub(super) fn of(space: Space, mutation: Option<Mutation>) -> Self {
        Self { space, reads: Vec::new(), actions: Vec::new(), mutation }
    }

    /// A document as it is visible with the Actions so far.
    ///
    /// # Errors
    /// `Invalid` when the Actions so far are rejected (code `rejected`) or the client is closed;
    /// `Corrupt` when the disk fails.
    pub async fn get(&mut self, collection: &str, id: &str) -> Result<Option<Fields>, Error> {
        let key = DocumentKey::new(collection, id);
        let read = self.space.driver().call(self.preview(key.clone())).await?;
        Ok(self.note(key, read))
    }

    /// As [`Transaction::get`] for callers who have a thread to block.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub fn get_blocking(&mut self, collection: &str, id: &str) -> Result<Option<Fields>, Error> {
        let key = DocumentKey::new(collection, id);
        let read = self.space.driver().call_blocking(self.preview(key.clone()))?;
        Ok(self.note(key, read))
    }

    /// All documents of a collection with the Actions so far, by id. Which there are becomes a
    /// precondition too: a document that anybody else adds, changes or deletes is a conflict.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn all(&mut self, collection: &str) -> Result<Vec<(String, Fields)>, Error> {
        let mut all: Vec<(String, Fields)> = Vec::new();
        loop {
            let after = all.last().map(|(id, _)| id.clone());
            let page = self.space.driver().call(self.preview_page(collection, after, PAGE)).await?;
            let rows = self.note_page(collection, page);
            let is_last = rows.len() < PAGE;
            all.extend(rows);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Up to `limit` of [`Transaction::all`] with ids after `after`, for callers who have a thread to
    /// block. Fewer come only at the end.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub fn page_blocking(
        &mut self,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Fields)>, Error> {
        let wish = self.preview_page(collection, after.map(str::to_owned), limit);
        let page = self.space.driver().call_blocking(wish)?;
        Ok(self.note_page(collection, page))
    }

    /// Makes a document; rejected when one of that id exists.
    ///
    /// # Errors
    /// `Invalid` for what is malformed, as all that follow.
    pub fn create(&mut self, collection: &str, id: &str, fields: impl IntoFields) -> Result<(), Error> {
        self.push(collection, id, ops::create(fields)?)
    }

    /// Puts a whole document, replacing one of that id.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn put(&mut self, collection: &str, id: &str, fields: impl IntoFields) -> Result<(), Error> {
        self.push(collection, id, ops::put(fields)?)
    }

    /// Puts a value at a path, making the document and maps on the way.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn set(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        value: impl IntoValue,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::set(path, value)?)
    }

    /// Removes what is at a path; nothing there is no error.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn unset(&mut self, collection: &str, id: &str, path: impl IntoPath) -> Result<(), Error> {
        self.push(collection, id, ops::unset(path)?)
    }

    /// Puts fields into the map at a path (`""` for the document), leaving its others.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn merge(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        fields: impl IntoFields,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::merge(path, fields)?)
    }

    /// Adds to a whole number; a missing one counts as 0.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn increment(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        by: i64,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::increment(path, by)?)
    }

    /// Deletes a document; nothing happens when it is gone.
    ///
    /// # Errors
    /// None today.
    pub fn delete(&mut self, collection: &str, id: &str) -> Result<(), Error> {
        self.push(collection, id, Op::Delete)
    }

    /// Inserts an element into a list, at [`END`](super::END) or elsewhere; its id is among [`Receipt::elements`] after the commit.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn list_insert(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        place: Place,
        value: impl IntoValue,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::list_insert(path, place, value)?)
    }

    /// Moves an element of a list; nothing happens when it is gone.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn list_move(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        element: ElementId,
        place: Place,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::list_move(path, element, place)?)
    }

    /// Removes an element of a list; nothing happens when it is gone.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn list_remove(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        element: ElementId,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::list_remove(path, element)?)
    }

    /// Adds a truth value, whole number or string to a set.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn set_add(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        member: impl IntoValue,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::set_add(path, member)?)
    }

    /// Removes a member of a set.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn set_remove(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        member: impl IntoValue,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::set_remove(path, member)?)
    }

    /// Puts a new collaborative text at a path.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn text_create(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        text: &str,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::text_create(path, text)?)
    }

    /// Edits a collaborative text; see [`Collection::text_edit`](super::Collection::text_edit).
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn text_edit(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        splices: Vec<TextSplice>,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::text_edit(path, splices)?)
    }

    /// Rejects the whole Transaction, wherever it is folded, unless the condition holds then.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn expect(
        &mut self,
        collection: &str,
        id: &str,
        path: impl IntoPath,
        condition: Condition,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::expect(path, condition)?)
    }

    /// Asks the collection's own resolver to do `name` with `args`.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn call(
        &mut self,
        collection: &str,
        id: &str,
        name: &str,
        args: impl IntoValue,
    ) -> Result<(), Error> {
        self.push(collection, id, ops::call(name, args)?)
    }

    /// Adds an Action that was made elsewhere.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn act(&mut self, action: Action) -> Result<(), Error> {
        self.actions.push(action);
        Ok(())
    }

    /// True while nothing that was read has changed on this Device.
    ///
    /// # Errors
    /// As [`Transaction::get`].
    pub async fn is_current(&self) -> Result<bool, Error> {
        let (space, reads) = (self.space.id(), self.reads.clone());
        self.space.driver().call(move |core| is_current(core, space, &reads)).await
    }

    /// Commits it if what was read still holds on this Device. `None`: it does not, and nothing was
    /// written; read again. Without Actions nothing is written and there is no receipt.
    ///
    /// # Errors
    /// As [`Collection`](super::Collection) says.
    pub async fn commit(self) -> Result<Option<Option<Receipt>>, Error> {
        let Self { space, reads, actions, mutation } = self;
        let id = space.id();
        let commit = move |core: &mut Core| {
            if actions.is_empty() {
                let current = is_current(core, id, &reads)?;
                if let (true, Some(Mutation::Again(first))) = (current, mutation) {
                    core.engine.give_up(id, first, GiveUp::NothingToDo)?;
                }
                return Ok(current.then_some(None));
            }
            let reads = reads.into_iter().map(|(_, token)| token).collect();
            let draft = Draft { reads, actions, mutation };
            let now_ms = core.now_ms();
            Ok(core.engine.transact(id, draft, now_ms)?.map(Some))
        };
        let committed = space.driver().call(commit).await?;
        Ok(committed.map(|written| written.map(|committed| Receipt::new(space, committed))))
    }

    fn push(&mut self, collection: &str, id: &str, op: Op) -> Result<(), Error> {
        self.act(Action { key: DocumentKey::new(collection, id), op })
    }

    fn preview(
        &self,
        key: DocumentKey,
    ) -> impl FnOnce(&mut Core) -> Result<(Option<Fields>, ReadToken), Error> + Send + 'static {
        let space = self.space.id();
        let actions: Vec<Action> = self.actions.iter().filter(|action| action.key == key).cloned().collect();
        move |core| core.engine.preview(space, &actions, &key)
    }

    fn preview_page(
        &self,
        collection: &str,
        after: Option<String>,
        limit: usize,
    ) -> impl FnOnce(&mut Core) -> Result<Page, Error> + Send + 'static {
        let (space, collection) = (self.space.id(), collection.to_owned());
        let inside = self.actions.iter().filter(|action| action.key.collection == collection);
        let actions: Vec<Action> = inside.cloned().collect();
        move |core| core.engine.preview_page(space, &actions, &collection, after.as_deref(), limit)
    }

    fn note_page(&mut self, collection: &str, page: Page) -> Vec<(String, Fields)> {
        let (rows, token) = page;
        self.note(DocumentKey::whole(collection), (None, token));
        rows
    }

    fn note(&mut self, key: DocumentKey, read: (Option<Fields>, ReadToken)) -> Option<Fields> {
        let (fields, token) = read;
        if !self.reads.iter().any(|(_, known)| *known == token) {
            self.reads.push((key, token));
        }
        fields
    }
}

fn is_current(
    core: &mut Core,
    space: veilfold_wire::SpaceId,
    reads: &[(DocumentKey, ReadToken)],
) -> Result<bool, Error> {
    for (key, token) in reads {
        if core.engine.preview(space, &[], key)?.1 != *token {
            return Ok(false);
        }
    }
    Ok(true)
}
