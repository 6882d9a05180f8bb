//! The runtime behind every call that waits.
//!
//! The exported future is polled by the executor of another language. It only awaits a task of this
//! runtime, so that neither work nor waking happens on threads that are not Veilfold's, and so that
//! the engine's own thread never waits for an interpreter's lock. The runtime lives as long as the process.
//!
//! A panic in a task is an error of its call. One in an export is caught by UniFFI's scaffolding, and each
//! language's package makes the same error of what that throws.

use crate::call::Answer;
use crate::error::Result;
use crate::logging;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{AbortHandle, JoinHandle};
use veilfold_core::Error;

/// Most threads; what runs on them are waits and sockets.
const THREADS_MAX: usize = 4;

enum State {
    Unused,
    Running(Runtime),
    Over,
}

static RUNTIME: Mutex<State> = Mutex::new(State::Unused);

pub(crate) fn handle() -> Result<Handle, Error> {
    let mut state = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let State::Unused = *state {
        *state = State::Running(start_runtime()?);
    }
    match &*state {
        State::Running(runtime) => Ok(runtime.handle().clone()),
        State::Unused | State::Over => Err(ending()),
    }
}

/// Ends all threads that could still call into the language of the app; for the end of a process
/// whose interpreter is torn down before them. Waits for them, at most `wait_ms`. Pending calls
/// fail, and so do all later ones.
#[uniffi::export]
pub fn end_runtime(wait_ms: u32) -> Result<()> {
    let state = std::mem::replace(&mut *RUNTIME.lock().unwrap_or_else(PoisonError::into_inner), State::Over);
    let wait = Duration::from_millis(wait_ms.into());
    if let State::Running(runtime) = state {
        runtime.shutdown_timeout(wait);
    }
    logging::stop(wait);
    Ok(())
}

fn start_runtime() -> Result<Runtime, Error> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Builder::new_multi_thread()
        .worker_threads(cores.min(THREADS_MAX))
        .max_blocking_threads(THREADS_MAX)
        .thread_name("veilfold-ffi")
        .enable_all()
        .build()
        .map_err(|error| Error::internal(format!("the system gives no threads: {}", error.kind())))
}

/// Work without its type. All exports share one kind of task, or each brings a scheduler's code of its own
/// into the library.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>>;

/// Work under way on a thread of Veilfold's own; as a future it gives what came of it.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<Result<Answer, Error>>);

impl Task {
    pub(crate) fn start(work: Work) -> Result<Self, Error> {
        Ok(Self(handle()?.spawn(work)))
    }

    pub(crate) fn abort(&self) -> Abort {
        Abort(self.0.abort_handle())
    }
}

impl Future for Task {
    type Output = Result<Answer, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|done| match done {
            Ok(done) => done,
            Err(error) if error.is_panic() => Err(broken()),
            // The caller's own doing, or the runtime was ended below it.
            Err(_) if is_over() => Err(ending()),
            Err(_) => Err(Error::invalid("cancelled", "the caller ended the wait")),
        })
    }
}

/// Ends a task, at the latest when it is dropped.
#[derive(Debug)]
pub(crate) struct Abort(AbortHandle);

impl Abort {
    pub(crate) fn now(&self) {
        self.0.abort();
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.now();
    }
}

/// Runs work to its end and blocks the caller meanwhile, at most that long.
pub(crate) fn run_blocking(work: Work, wait: Duration) -> Result<(), Error> {
    let mut work = Task::start(work)?;
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let started = Instant::now();
    loop {
        if let Poll::Ready(done) = Pin::new(&mut work).poll(&mut Context::from_waker(&waker)) {
            return done.map(drop);
        }
        let Some(left) = wait.checked_sub(started.elapsed()) else {
            return Err(Error::internal("closing takes longer than it was given"));
        };
        std::thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn is_over() -> bool {
    matches!(&*RUNTIME.lock().unwrap_or_else(PoisonError::into_inner), State::Over)
}

fn ending() -> Error {
    Error::invalid("process_ending", "the process is ending")
}

fn broken() -> Error {
    Error::internal("an assumption inside Veilfold did not hold; please report it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use veilfold_core::ErrorKind;

    #[test]
    fn a_panic_is_an_error_of_the_call() {
        let work: fn() -> Result<Answer, Error> = || panic!("broken");
        let task = Task::start(Box::pin(async move { work() })).unwrap();
        let joined = handle().unwrap().block_on(task);
        assert!(matches!(joined, Err(error) if error.kind == ErrorKind::Internal));
    }
}
