//! A Transaction under construction. The loop that runs the app's function again lives in each
//! language's package, where the function is.

use crate::action::{actions_from_json, path_from_json};
use crate::call::{Answer, AsyncCall};
use crate::error::Result;
use crate::receipt::Receipt;
use crate::space::{elements_json, write_rows};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use veilfold_core::Error;
use veilfold_core::client::{Transaction, elements_at};
use veilfold_core::model::{Fields, fields_to_json};

/// One run of an app's function. Used up by `commit`.
#[derive(Debug, uniffi::Object)]
pub struct TransactionBuilder {
    inner: Mutex<Option<Transaction>>,
}

/// A commit that held.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Outcome {
    /// Nothing when there was nothing to write.
    pub receipt: Option<Arc<Receipt>>,
}

impl TransactionBuilder {
    pub(crate) fn new(inner: Transaction) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::new(Some(inner)) })
    }

    fn locked(&self) -> MutexGuard<'_, Option<Transaction>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, collection: &str, id: &str) -> Result<Option<Fields>, Error> {
        self.locked().as_mut().ok_or_else(used_up)?.get_blocking(collection, id)
    }
}

#[uniffi::export]
impl TransactionBuilder {
    /// A document as JSON with the Actions so far. Blocks the caller for a moment.
    pub fn get(&self, collection: String, id: String) -> Result<Option<Vec<u8>>> {
        Ok(self.read(&collection, &id)?.map(|fields| fields_to_json(&fields)))
    }

    /// Up to `limit` documents of a collection with the Actions so far and ids after `after`, as a JSON
    /// array of `[id, document]`; fewer come only at the end. Blocks the caller for a moment.
    pub fn page(&self, collection: String, after: Option<String>, limit: u32) -> Result<Vec<u8>> {
        let mut inner = self.locked();
        let transaction = inner.as_mut().ok_or_else(used_up)?;
        let rows = transaction.page_blocking(&collection, after.as_deref(), limit as usize)?;
        let mut json = Vec::new();
        write_rows(&mut json, &rows);
        Ok(json)
    }

    /// The elements of the list at a path (JSON), as a JSON array of `[element, value]`. Blocks the
    /// caller for a moment.
    pub fn elements(&self, collection: String, id: String, path: &[u8]) -> Result<Vec<u8>> {
        let path = path_from_json(path)?;
        let fields = self.read(&collection, &id)?.unwrap_or_default();
        Ok(elements_json(elements_at(&fields, &path).unwrap_or_default()))
    }

    /// Adds a JSON array of Actions.
    pub fn stage(&self, actions: &[u8]) -> Result<()> {
        let actions = actions_from_json(actions)?;
        let mut inner = self.locked();
        let transaction = inner.as_mut().ok_or_else(used_up)?;
        Ok(actions.into_iter().try_for_each(|action| transaction.act(action))?)
    }

    /// True while nothing that was read has changed on this Device: an error of the app's function
    /// is its own only then.
    pub fn is_current(&self) -> Result<Arc<AsyncCall>> {
        let transaction = self.locked().take().ok_or_else(used_up)?;
        AsyncCall::read(async move { transaction.is_current().await.map(Answer::Flag) })
    }

    /// Commits, unless what was read has changed: then the function has to run again.
    pub fn commit(&self) -> Result<Arc<AsyncCall>> {
        let transaction = self.locked().take().ok_or_else(used_up)?;
        AsyncCall::write(async move {
            let committed = transaction.commit().await?;
            Ok(Answer::Outcome(committed.map(|receipt| Outcome { receipt: receipt.map(Receipt::new) })))
        })
    }
}

fn used_up() -> Error {
    Error::invalid("transaction_over", "this transaction is over; start another")
}
