//! Calls that wait: started at once by one export, answered by another.
//!
//! Every call that takes time gives an [`AsyncCall`]; [`AsyncCall::answer`] is the one export that an app's task
//! waits in. A waiting export for each call would bring code of its own for its future, its task and its
//! result into the library, of the size of what it does.

use crate::client::{Client, SpaceEntry};
use crate::error::Result;
use crate::live::LiveQuery;
use crate::receipt::Receipt;
use crate::records::{Fate, Member, SpaceStatus};
use crate::retries::{RetryRun, RetryStream};
use crate::runtime::{self, Task, Work};
use crate::space::{Added, Space};
use crate::standing::ClientStatus;
use crate::streams::{EventBatch, EventStream, FateBatch, FateStream, StatusStream};
#[cfg(feature = "testing")]
use crate::testing::{HostileRelay, TestRelay};
use crate::transaction::Outcome;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use veilfold_core::Error;

/// What a call gives; which of these, the call says.
#[derive(Debug, uniffi::Enum)]
pub enum Answer {
    /// It is done.
    Done,
    /// Yes or no.
    Flag(bool),
    /// A count.
    Number(i64),
    /// A text, if there is one.
    Text(Option<String>),
    /// JSON, if there is any.
    Json(Option<Vec<u8>>),
    /// An open client.
    Client(Arc<Client>),
    /// A Space.
    Space(Arc<Space>),
    /// The Spaces of a Device.
    Spaces(Vec<SpaceEntry>),
    /// How a client stands.
    ClientStatus(ClientStatus),
    /// How a Space stands; nothing: the stream has ended.
    SpaceStatus(Option<SpaceStatus>),
    /// The Members of a Space.
    Members(Vec<Member>),
    /// Somebody who is being added.
    Added(Added),
    /// A write that is kept, if there was anything to write.
    Receipt(Option<Arc<Receipt>>),
    /// A commit that held; nothing: what was read has changed, so the function has to run again.
    Outcome(Option<Outcome>),
    /// What became of a write.
    Fate(Fate),
    /// Fates; nothing: the stream has ended.
    FateBatch(Option<FateBatch>),
    /// Events; nothing: the stream has ended.
    EventBatch(Option<EventBatch>),
    /// A mutator to be run again; nothing: the stream has ended.
    Retry(Option<Arc<RetryRun>>),
    /// A live query.
    Live(Arc<LiveQuery>),
    /// The status of a Space as it changes.
    StatusStream(Arc<StatusStream>),
    /// What no call waits for.
    EventStream(Arc<EventStream>),
    /// What became of a Space's writes.
    FateStream(Arc<FateStream>),
    /// Mutators that have to be run again.
    RetryStream(Arc<RetryStream>),
    /// A Relay for tests.
    #[cfg(feature = "testing")]
    TestRelay(Arc<TestRelay>),
    /// A Relay that lies, for tests.
    #[cfg(feature = "testing")]
    HostileRelay(Arc<HostileRelay>),
}

/// A call under way. What changes something goes on whether or not anybody waits; a wait or a read ends
/// with this object.
#[derive(Debug, uniffi::Object)]
pub struct AsyncCall {
    task: Mutex<Option<Task>>,
    /// Ends a wait or a read, which is of no use without its caller.
    abort: Option<runtime::Abort>,
}

impl AsyncCall {
    /// Starts what changes something: it runs to its end even when nobody waits for it any more.
    pub(crate) fn write(
        work: impl Future<Output = Result<Answer, Error>> + Send + 'static,
    ) -> Result<Arc<Self>> {
        Self::start(Box::pin(work), false)
    }

    /// Starts a wait or a read: it ends when its caller gives up.
    pub(crate) fn read(
        work: impl Future<Output = Result<Answer, Error>> + Send + 'static,
    ) -> Result<Arc<Self>> {
        Self::start(Box::pin(work), true)
    }

    fn start(work: Work, ends_with_caller: bool) -> Result<Arc<Self>> {
        let task = Task::start(work)?;
        let abort = ends_with_caller.then(|| task.abort());
        Ok(Arc::new(Self { task: Mutex::new(Some(task)), abort }))
    }
}

#[uniffi::export]
impl AsyncCall {
    /// Waits for what the call gives. Asked once.
    pub async fn answer(&self) -> Result<Answer> {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task =
            task.ok_or_else(|| Error::invalid("answered", "this call was asked for its answer before"))?;
        Ok(task.await?)
    }

    /// Ends a wait or a read, which fails with the code `cancelled`; what changes something goes on, and so
    /// does a wait for it. Any thread may call it, more than once.
    pub fn cancel(&self) -> Result<()> {
        if let Some(abort) = &self.abort {
            abort.now();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::VeilfoldError;
    use std::time::Duration;

    fn code(answer: Result<Answer>) -> String {
        match answer {
            Err(VeilfoldError::Invalid { code, .. } | VeilfoldError::Internal { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_answer_is_given_once() {
        let call = AsyncCall::read(async { Ok(Answer::Number(7)) }).unwrap();
        assert!(matches!(call.answer().await, Ok(Answer::Number(7))));
        assert_eq!(code(call.answer().await), "answered");
        let failing = AsyncCall::write(async { Err(Error::invalid("why", "because")) }).unwrap();
        assert_eq!(code(failing.answer().await), "why");
    }

    #[tokio::test]
    async fn a_wait_ends_when_it_is_cancelled_and_not_before() {
        let call = AsyncCall::read(std::future::pending()).unwrap();
        let early = tokio::time::timeout(Duration::from_millis(5), call.answer()).await;
        assert!(early.is_err(), "{early:?}");
        let call = AsyncCall::read(std::future::pending()).unwrap();
        let (answer, cancelled) = tokio::join!(call.answer(), async { call.cancel() });
        assert_eq!((code(answer).as_str(), cancelled), ("cancelled", Ok(())));
        let later = AsyncCall::read(std::future::pending()).unwrap();
        assert_eq!(later.cancel(), Ok(()));
        assert_eq!(code(later.answer().await), "cancelled");
    }

    #[test]
    fn a_write_goes_on_without_its_caller_and_a_wait_ends_with_it() {
        let (told, heard) = std::sync::mpsc::channel();
        let work = |name: &'static str| {
            let told = told.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let heard = told.send(name).map(|()| Answer::Done);
                heard.map_err(|_| Error::internal("nobody listens"))
            }
        };
        drop(AsyncCall::read(work("read")));
        let write = AsyncCall::write(work("write")).unwrap();
        assert_eq!(write.cancel(), Ok(()));
        drop(write);
        drop(told);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["write"]);
    }
}
