//! What became of a write.

use crate::cancel::{Cancel, until};
use crate::error::Result;
use crate::records::{Fate, signed};
use crate::runtime::{guard, run_abortable};
use std::sync::Arc;
use veilfold_core::client;

/// A write that this Device keeps, and the way to ask for its fate.
#[derive(Debug, uniffi::Object)]
pub struct Receipt {
    inner: client::Receipt,
}

impl Receipt {
    pub(crate) fn new(inner: client::Receipt) -> Arc<Self> {
        Arc::new(Self { inner })
    }
}

#[uniffi::export]
impl Receipt {
    /// The write's id, 16 hex digits.
    pub fn tx_id(&self) -> Result<String> {
        guard(|| Ok(self.inner.tx_id().to_string()))
    }

    /// Ids of the list elements that it made, in order.
    pub fn elements(&self) -> Result<Vec<String>> {
        guard(|| Ok(self.inner.elements().iter().map(ToString::to_string).collect()))
    }

    /// What became of it so far.
    pub async fn fate(&self) -> Result<Fate> {
        let receipt = self.inner.clone();
        run_abortable(async move { Ok(receipt.fate().await?.into()) }).await
    }

    /// How many Transactions were tried for it so far; more than 1 only for a mutator.
    pub async fn attempts(&self) -> Result<i64> {
        let receipt = self.inner.clone();
        run_abortable(async move { Ok(signed(receipt.attempts().await?)) }).await
    }

    /// Waits until nothing will change the fate any more, or until it is cancelled.
    #[uniffi::method(default(cancel = None))]
    pub async fn settled(&self, cancel: Option<Arc<Cancel>>) -> Result<Fate> {
        let receipt = self.inner.clone();
        run_abortable(until(cancel, async move { Ok(receipt.settled().await?.into()) })).await
    }
}
