//! The runtime behind every exported async function, and the guard at the border.
//!
//! Exported futures are polled by the executor of another language. They only await a task of this
//! runtime, so that neither work nor waking happens on threads that are not Veilfold's, and so that
//! the engine's own thread never waits for an interpreter's lock. The runtime lives as long as the process.

use crate::error::Result;
use crate::logging;
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;
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
    guard(|| {
        let state = {
            let mut state = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *state, State::Over)
        };
        let wait = Duration::from_millis(wait_ms.into());
        if let State::Running(runtime) = state {
            runtime.shutdown_timeout(wait);
        }
        logging::stop(wait);
        Ok(())
    })
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

/// Runs work to its end even when nobody waits for it any more: for whatever changes something.
pub(crate) fn run_detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send {
    told(run(untyped(work), false))
}

/// Runs a wait or a read that ends when its caller gives up.
pub(crate) fn run_abortable<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send {
    told(run(untyped(work), true))
}

/// Work and its result without their types. All exports share one kind of task, or each brings a
/// scheduler's code of its own into the library.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Done, Error>> + Send>>;
pub(crate) type Done = Box<dyn Any + Send>;

pub(crate) fn untyped<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Work {
    Box::pin(async move { Ok(Box::new(work.await?) as Done) })
}

pub(crate) fn typed<T: 'static>(mut work: Work) -> impl Future<Output = Result<T, Error>> + Send {
    std::future::poll_fn(move |context| work.as_mut().poll(context).map(|done| value(done?)))
}

/// As [`typed`], with the error that crosses. Until here it is core's, which is one pointer wide.
fn told<T: 'static>(mut work: Work) -> impl Future<Output = Result<T>> + Send {
    std::future::poll_fn(move |context| work.as_mut().poll(context).map(|done| Ok(value(done?)?)))
}

fn value<T: 'static>(done: Done) -> Result<T, Error> {
    done.downcast().map(|done| *done).map_err(|_| broken())
}

/// Starts work that nobody waits for.
pub(crate) fn start(work: impl Future<Output = Result<(), Error>> + Send + 'static) {
    if let Ok(runtime) = handle() {
        runtime.spawn(untyped(work));
    }
}

/// Runs work to its end and blocks the caller meanwhile, at most that long.
pub(crate) fn run_blocking(
    work: impl Future<Output = Result<(), Error>> + Send + 'static,
    wait: Duration,
) -> Result<(), Error> {
    let mut work = run(untyped(work), false);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let started = Instant::now();
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
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

/// Boxed once more: exports hold it while they wait, and need not know what it is made of.
#[inline(never)]
fn run(work: Work, ends_with_caller: bool) -> Work {
    Box::pin(async move {
        let task = handle()?.spawn(work);
        let _aborts = ends_with_caller.then(|| AbortOnDrop(task.abort_handle()));
        match task.await {
            Ok(done) => done,
            Err(error) if error.is_panic() => Err(broken()),
            // An abort of its own has no reader: the runtime was ended below it.
            Err(_) => Err(ending()),
        }
    })
}

/// Runs a synchronous export; a panic becomes an error that the app can catch like any other.
pub(crate) fn guard<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T> {
    Ok(catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(broken()))?)
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
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
    use crate::error::VeilfoldError;

    #[test]
    fn a_panic_is_an_error_of_the_call() {
        let work: fn() -> Result<(), Error> = || panic!("broken");
        assert!(matches!(guard(work), Err(VeilfoldError::Internal { .. })));
        let future = run_detached(async move { work() });
        let joined = handle().unwrap().block_on(future);
        assert!(matches!(joined, Err(VeilfoldError::Internal { .. })));
    }

    #[test]
    fn what_is_detached_goes_on_and_what_is_abortable_ends() {
        let (told, heard) = std::sync::mpsc::channel();
        let work = move |name: &'static str| {
            let told = told.clone();
            async move {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                told.send(name).map_err(|_| Error::internal("nobody listens"))
            }
        };
        handle().unwrap().block_on(async {
            let short = std::time::Duration::from_millis(5);
            assert!(tokio::time::timeout(short, run_abortable(work("aborted"))).await.is_err());
            assert!(tokio::time::timeout(short, run_detached(work("detached"))).await.is_err());
        });
        drop(work);
        assert_eq!(heard.iter().collect::<Vec<_>>(), ["detached"]);
    }
}
