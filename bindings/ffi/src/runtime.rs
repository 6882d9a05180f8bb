//! The runtime behind every exported async function, and the guard at the border.
//!
//! Exported futures are polled by the executor of another language. They only await a task of this
//! runtime, so that neither work nor waking happens on threads that are not Veilfold's, and so that
//! the engine's own thread never waits for an interpreter's lock. The runtime is never dropped.

use crate::error::{Result, VeilfoldError};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{AbortHandle, JoinError, JoinHandle};

/// Most threads; what runs on them are waits and sockets.
const THREADS_MAX: usize = 4;

pub(crate) fn handle() -> Result<Handle> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime.handle().clone());
    }
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let made = Builder::new_multi_thread()
        .worker_threads(cores.min(THREADS_MAX))
        .max_blocking_threads(THREADS_MAX)
        .thread_name("veilfold-ffi")
        .enable_all()
        .build()
        .map_err(|error| VeilfoldError::internal(format!("the system gives no threads: {}", error.kind())))?;
    // Of two that were made at once, the other is shut down without waiting for it.
    if let Err(second) = RUNTIME.set(made) {
        second.shutdown_background();
    }
    RUNTIME.get().map(|runtime| runtime.handle().clone()).ok_or_else(|| VeilfoldError::internal("no runtime"))
}

/// Runs work to its end even when nobody waits for it any more: for whatever changes something.
pub(crate) async fn run_detached<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    join(handle()?.spawn(work)).await
}

/// Runs a wait or a read that ends when its caller gives up.
pub(crate) async fn run_abortable<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let task = handle()?.spawn(work);
    let _aborts = AbortOnDrop(task.abort_handle());
    join(task).await
}

/// Runs a synchronous export; a panic becomes an error that the app can catch like any other.
pub(crate) fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(broken()))
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn join<T>(task: JoinHandle<Result<T>>) -> Result<T> {
    task.await.unwrap_or_else(|error: JoinError| {
        if error.is_panic() { Err(broken()) } else { Err(VeilfoldError::internal("the call was aborted")) }
    })
}

fn broken() -> VeilfoldError {
    VeilfoldError::internal("an assumption inside Veilfold did not hold; please report it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_the_call() {
        let work: fn() -> Result<()> = || panic!("broken");
        assert!(matches!(guard(work), Err(VeilfoldError::Internal { .. })));
        let future = run_detached(async { work() });
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
                told.send(name).map_err(|_| VeilfoldError::internal("nobody listens"))
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
