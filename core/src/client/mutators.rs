//! Named mutators: functions that are run again by themselves when the order rejected what they did.
//!
//! The Outbox keeps name and arguments, so this works after a restart too. [`RetryStream`] hands out
//! what has to be run again; a client with [`Mutators`] of its own runs it on the runtime.

use super::data::IntoValue;
use super::pull::Pull;
use super::receipt::Receipt;
use super::space::Space;
use super::transaction::Transaction;
use crate::engine::{GiveUp, Mutation};
use crate::error::{Error, ErrorKind};
use crate::io::{Driver, WeakDriver, closed};
use crate::model::{Value, value_from_json, value_to_json};
use crate::outbox::Retry;
use crate::sorted::SortedMap;
use futures_util::future::BoxFuture;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type MutatorFn =
    dyn for<'a> Fn(&'a mut Transaction, &'a Value) -> BoxFuture<'a, Result<(), Error>> + Send + Sync;

/// The mutators of an app, by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct Mutators(Arc<SortedMap<String, Arc<MutatorFn>>>);

impl Mutators {
    /// Adds a mutator. The function may run many times and long after the call that wanted it, so it
    /// decides by what it reads and has no side effects.
    ///
    /// ```
    /// use veilfold_core::client::Mutators;
    /// use veilfold_core::model::Value;
    ///
    /// let mutators = Mutators::default().with("take_seat", |tx, args| {
    ///     Box::pin(async move {
    ///         let seat = tx.get("seats", "1").await?.unwrap_or_default();
    ///         if !seat.contains_key("by") {
    ///             tx.set("seats", "1", "by", args.clone())?;
    ///         }
    ///         Ok(())
    ///     })
    /// });
    /// ```
    #[must_use]
    pub fn with(
        self,
        name: impl Into<String>,
        function: impl for<'a> Fn(&'a mut Transaction, &'a Value) -> BoxFuture<'a, Result<(), Error>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        let mut all = Arc::unwrap_or_clone(self.0);
        all.insert(name.into(), Arc::new(function));
        Self(Arc::new(all))
    }

    fn get(&self, name: &str) -> Option<Arc<MutatorFn>> {
        self.0.get(name).cloned()
    }
}

impl fmt::Debug for Mutators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Space {
    /// Runs the named mutator until it is committed on this Device, and again by itself whenever the
    /// order rejects what it did, up to eight times, also after a restart. Works offline.
    ///
    /// The receipt settles after the last try; there is none when the mutator did nothing.
    ///
    /// # Errors
    /// `Invalid` with `mutator_missing` when the client was opened without it; what the mutator gave;
    /// as [`Space::transact`].
    pub async fn mutate(&self, name: &str, args: impl IntoValue) -> Result<Option<Receipt>, Error> {
        let args = args.into_value()?;
        let function = self.mutators().get(name).ok_or_else(|| {
            Error::invalid("mutator_missing", "open the client with a mutator of this name")
        })?;
        let mutation = Mutation::First { name: name.to_owned(), args: value_to_json(&args) };
        run_until_committed(self, &mutation, function.as_ref(), &args).await
    }

    /// A Transaction whose function the caller runs as a named mutator: [`Transaction::commit`] keeps
    /// name and arguments (JSON) with it.
    pub fn begin_mutation(&self, name: &str, args: Vec<u8>) -> Transaction {
        Transaction::of(self.clone(), Some(Mutation::First { name: name.to_owned(), args }))
    }
}

/// Mutators that have to be run again, of all Spaces. It does not keep the client open.
#[derive(Debug)]
pub struct RetryStream {
    driver: WeakDriver,
    pull: Pull,
}

/// One mutator to be run again. Dropped without an end, it is handed out again.
#[derive(Debug)]
pub struct RetryRun {
    space: Space,
    retry: Retry,
    ended: AtomicBool,
}

impl RetryStream {
    pub(super) async fn open(driver: &Driver) -> Result<Self, Error> {
        let bell = driver.call(|core| Ok(core.watch_retries())).await?;
        Ok(Self { driver: driver.downgrade(), pull: Pull::new(bell) })
    }

    /// Waits for the next one; `None` after the end of the client or [`RetryStream::cancel`].
    ///
    /// # Errors
    /// `Corrupt` when the disk fails.
    pub async fn next(&self) -> Result<Option<RetryRun>, Error> {
        let look = || async {
            let driver = self.driver.upgrade().ok_or_else(closed)?;
            let guard = driver.clone();
            let take = driver.call(move |core| {
                let Some((id, retry)) = core.engine.take_retry()? else { return Ok(None) };
                let space = Space::new(guard, id, core.engine.space_name(id)?, Mutators::default());
                // Made here, so that it is put back if the caller has gone.
                Ok(Some(RetryRun { space, retry, ended: AtomicBool::new(false) }))
            });
            take.await
        };
        self.pull.next(look).await
    }

    /// Ends the stream, also for whoever waits in [`RetryStream::next`].
    pub fn cancel(&self) {
        self.pull.cancel();
    }
}

impl RetryRun {
    /// The Space it writes to.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The mutator's name.
    pub fn name(&self) -> &str {
        &self.retry.run.name
    }

    /// Its arguments, JSON.
    pub fn args(&self) -> &[u8] {
        &self.retry.run.args
    }

    /// How many of its Transactions the order has rejected so far.
    pub fn attempts(&self) -> u64 {
        self.retry.run.attempt
    }

    /// A Transaction for the mutator's function. Its commit ends this run, with or without Actions;
    /// when it says that something was changed meanwhile, begin again.
    pub fn begin(&self) -> Transaction {
        Transaction::of(self.space.clone(), Some(Mutation::Again(self.retry.run.first)))
    }

    /// The commit went through.
    pub fn committed(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// Gives the write its final fate without running the mutator.
    ///
    /// # Errors
    /// `Corrupt` when the disk fails, `Invalid` when the client is closed.
    pub async fn give_up(&self, why: GiveUp) -> Result<(), Error> {
        self.committed();
        let (id, first) = (self.space.id(), self.retry.run.first);
        self.space.driver().call(move |core| core.engine.give_up(id, first, why)).await
    }

    async fn run(self, mutators: &Mutators) -> Result<(), Error> {
        let Some(function) = mutators.get(self.name()) else { return self.give_up(GiveUp::Missing).await };
        let Ok(args) = value_from_json(self.args()) else { return self.give_up(GiveUp::Failed).await };
        let again = Mutation::Again(self.retry.run.first);
        match run_until_committed(&self.space, &again, function.as_ref(), &args).await {
            Ok(_) => self.committed(),
            Err(error) => match give_up_for(&error) {
                Some(why) => self.give_up(why).await?,
                None => return Err(error),
            },
        }
        Ok(())
    }
}

/// As [`Space::transact`]; boxed functions need a loop of their own.
async fn run_until_committed(
    space: &Space,
    mutation: &Mutation,
    function: &MutatorFn,
    args: &Value,
) -> Result<Option<Receipt>, Error> {
    loop {
        let mut transaction = Transaction::of(space.clone(), Some(mutation.clone()));
        match function(&mut transaction, args).await {
            Ok(()) => {
                if let Some(receipt) = transaction.commit().await? {
                    return Ok(receipt);
                }
            }
            Err(error) => {
                if transaction.is_current().await? {
                    return Err(error);
                }
            }
        }
    }
}

/// What an error of a mutator or of its commit means for it; `None` when it is not about the mutator.
pub fn give_up_for(error: &Error) -> Option<GiveUp> {
    match error.kind {
        ErrorKind::Invalid if error.code == "closed" => None,
        ErrorKind::Invalid if error.code == "rejected" => Some(GiveUp::NothingToDo),
        ErrorKind::Invalid | ErrorKind::NotAllowed => Some(GiveUp::Failed),
        _ => None,
    }
}

impl Drop for RetryRun {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Acquire) {
            let (id, first) = (self.space.id(), self.retry.run.first);
            // A client that has ended hands it out after the restart.
            let _ = self.space.driver().post(move |core| core.engine.put_back(id, first));
        }
    }
}

/// Runs what has to be run again until the client ends.
pub(super) async fn run_retries(retries: RetryStream, mutators: Mutators) {
    while let Ok(Some(retry)) = retries.next().await {
        if let Err(error) = retry.run(&mutators).await {
            tracing::error!(
                code = error.code,
                "a mutator could not be run again; it is tried after a restart"
            );
            return;
        }
    }
}
