//! Mutators that have to be run again: handed to the language where their functions are.

use crate::call::{Answer, AsyncCall};
use crate::error::Result;
use crate::records::signed;
use crate::space::Space;
use crate::transaction::TransactionBuilder;
use std::sync::Arc;
use veilfold_core::client::{self, GiveUp};

/// Mutators that have to be run again, of all Spaces. It does not keep the client open.
#[derive(Debug, uniffi::Object)]
pub struct RetryStream {
    inner: Arc<client::RetryStream>,
}

/// One mutator to be run again. Dropped without an end, it is handed out again.
#[derive(Debug, uniffi::Object)]
pub struct RetryRun {
    inner: Arc<client::RetryRun>,
}

/// Why a mutator is not run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RetryEnd {
    /// This version of the app has none of that name.
    Missing,
    /// It failed.
    Failed,
    /// What it did is rejected on this Device already, and it had nothing else to try.
    NothingToDo,
}

impl RetryStream {
    pub(crate) fn new(inner: client::RetryStream) -> Arc<Self> {
        Arc::new(Self { inner: Arc::new(inner) })
    }
}

#[uniffi::export]
impl RetryStream {
    /// Waits for the next one. Nothing: the stream or the client has ended.
    pub fn next(&self) -> Result<Arc<AsyncCall>> {
        let stream = self.inner.clone();
        AsyncCall::read(async move {
            let run = stream.next().await?;
            Ok(Answer::Retry(run.map(|inner| Arc::new(RetryRun { inner: Arc::new(inner) }))))
        })
    }

    /// Ends the stream; a waiting call returns nothing. Any thread may call it, more than once.
    pub fn cancel(&self) -> Result<()> {
        self.inner.cancel();
        Ok(())
    }
}

#[uniffi::export]
impl RetryRun {
    /// The Space it writes to.
    pub fn space(&self) -> Result<Arc<Space>> {
        Ok(Space::new(self.inner.space().clone()))
    }

    /// The mutator's name.
    pub fn name(&self) -> Result<String> {
        Ok(self.inner.name().to_owned())
    }

    /// Its arguments, JSON.
    pub fn args(&self) -> Result<Vec<u8>> {
        Ok(self.inner.args().to_vec())
    }

    /// How many of its Transactions the order has rejected so far.
    pub fn attempts(&self) -> Result<i64> {
        Ok(signed(self.inner.attempts()))
    }

    /// A Transaction for the mutator's function. When its commit says that something was changed
    /// meanwhile, begin again; when it holds, say so with `committed`.
    pub fn begin(&self) -> Result<Arc<TransactionBuilder>> {
        Ok(TransactionBuilder::new(self.inner.begin()))
    }

    /// The commit held: this run is over.
    pub fn committed(&self) -> Result<()> {
        self.inner.committed();
        Ok(())
    }

    /// Gives the write its final fate without running the mutator.
    pub fn give_up(&self, end: RetryEnd) -> Result<Arc<AsyncCall>> {
        let run = self.inner.clone();
        let why = match end {
            RetryEnd::Missing => GiveUp::Missing,
            RetryEnd::Failed => GiveUp::Failed,
            RetryEnd::NothingToDo => GiveUp::NothingToDo,
        };
        AsyncCall::write(async move { run.give_up(why).await.map(|()| Answer::Done) })
    }
}
