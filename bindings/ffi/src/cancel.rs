//! Ending a wait from a language whose own cancellation does not reach Rust.
//!
//! Kotlin and Python drop the future of a call that nobody wants any more; Swift cannot.

use crate::error::Result;
use crate::runtime::{self, Done, Work, guard};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use veilfold_core::Error;

/// Ends the waits that it was given to.
#[derive(Debug, uniffi::Object)]
pub struct Cancel {
    cancelled: watch::Sender<bool>,
}

#[uniffi::export]
impl Cancel {
    /// For one wait or several.
    #[uniffi::constructor]
    pub fn new() -> Result<Arc<Self>> {
        guard(|| Ok(Arc::new(Self { cancelled: watch::Sender::new(false) })))
    }

    /// Ends them: they fail with the code `cancelled`, also those that come later. Any thread may call
    /// it, more than once.
    pub fn cancel(&self) -> Result<()> {
        guard(|| {
            self.cancelled.send_replace(true);
            Ok(())
        })
    }
}

/// Waits for work until it is cancelled.
pub(crate) fn until<T: Send + 'static>(
    cancel: Option<Arc<Cancel>>,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> impl Future<Output = Result<T, Error>> + Send {
    runtime::typed(Box::pin(until_untyped(cancel, runtime::untyped(work))))
}

async fn until_untyped(cancel: Option<Arc<Cancel>>, work: Work) -> Result<Done, Error> {
    let Some(cancel) = cancel else { return work.await };
    let mut cancelled = cancel.cancelled.subscribe();
    tokio::select! {
        // The sender lives as long as `cancel`.
        _ = cancelled.wait_for(|cancelled| *cancelled) => {
            Err(Error::invalid("cancelled", "the caller ended the wait"))
        }
        done = work => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_it_is_cancelled_and_not_before() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let cancel = Cancel::new().unwrap();
            assert_eq!(until(Some(cancel.clone()), async { Ok(1) }).await, Ok(1));
            let forever = until(Some(cancel.clone()), std::future::pending::<Result<(), Error>>());
            let (ended, cancelled) = tokio::join!(forever, async { cancel.cancel() });
            assert_eq!(cancelled, Ok(()));
            assert!(matches!(ended, Err(error) if error.code == "cancelled"));
        });
    }
}
