//! Live queries, pulled in batches.

use crate::call::{Answer, AsyncCall};
use crate::error::Result;
use crate::space::write_rows;
use std::sync::Arc;
use veilfold_core::client;
use veilfold_core::model::{Value, value_to_json};

/// A live query. It ends with this object.
#[derive(Debug, uniffi::Object)]
pub struct LiveQuery {
    inner: Arc<client::LiveQuery>,
}

impl LiveQuery {
    pub(crate) fn new(inner: client::LiveQuery) -> Arc<Self> {
        Arc::new(Self { inner: Arc::new(inner) })
    }
}

#[uniffi::export]
impl LiveQuery {
    /// Waits for changes and gives them as JSON, about `max` documents at most:
    /// `{"complete": true, "inserted": [[id, document], …], "updated": […], "removed": [id, …]}`.
    /// Nothing: the query has ended. While `complete` is false, more of the same state follows.
    pub fn next_batch(&self, max: u32) -> Result<Arc<AsyncCall>> {
        let live = self.inner.clone();
        AsyncCall::read(async move {
            let batch = live.next_batch(max as usize).await?;
            Ok(Answer::Json(batch.map(|batch| batch_json(&batch))))
        })
    }

    /// Ends the query; a waiting call returns nothing. Any thread may call it, more than once.
    pub fn cancel(&self) -> Result<()> {
        self.inner.cancel();
        Ok(())
    }
}

fn batch_json(batch: &client::LiveBatch) -> Vec<u8> {
    let mut out = format!("{{\"complete\":{},\"inserted\":", batch.complete).into_bytes();
    write_rows(&mut out, &batch.inserted);
    out.extend_from_slice(b",\"updated\":");
    write_rows(&mut out, &batch.updated);
    out.extend_from_slice(b",\"removed\":");
    let removed = batch.removed.iter().cloned().map(Value::String).collect();
    out.extend_from_slice(&value_to_json(&Value::Array(removed)));
    out.push(b'}');
    out
}
