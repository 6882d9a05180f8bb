//! What became of a write.

use crate::call::{Answer, AsyncCall};
use crate::error::Result;
use crate::records::signed;
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
        Ok(self.inner.tx_id().to_string())
    }

    /// Ids of the list elements that it made, in order.
    pub fn elements(&self) -> Result<Vec<String>> {
        Ok(self.inner.elements().iter().map(ToString::to_string).collect())
    }

    /// What became of it so far.
    pub fn fate(&self) -> Result<Arc<AsyncCall>> {
        let receipt = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::Fate(receipt.fate().await?.into())) })
    }

    /// How many Transactions were tried for it so far; more than 1 only for a mutator.
    pub fn attempts(&self) -> Result<Arc<AsyncCall>> {
        let receipt = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::Number(signed(receipt.attempts().await?))) })
    }

    /// Waits until nothing will change the fate any more.
    pub fn settled(&self) -> Result<Arc<AsyncCall>> {
        let receipt = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::Fate(receipt.settled().await?.into())) })
    }
}
