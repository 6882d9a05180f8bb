//! A real Relay inside the app's own process, for its tests; and in debug builds broken assumptions,
//! for ours.

use crate::error::{Result, VeilfoldError};
use crate::runtime::{guard, run_detached};
use std::sync::{Arc, Mutex, PoisonError};
use veilfold_relay::{Config, Data, Relay};

/// A Relay on a free port of this machine, with its Entries in memory. It stops with this object.
#[derive(Debug, uniffi::Object)]
pub struct TestRelay {
    url: String,
    relay: Mutex<Option<Relay>>,
}

#[uniffi::export]
impl TestRelay {
    /// Starts a Relay.
    #[uniffi::constructor]
    pub async fn start() -> Result<Arc<Self>> {
        run_detached(async {
            let relay = Relay::start(Config::new(Data::Memory)).await;
            let relay = relay.map_err(|error| VeilfoldError::internal(format!("no relay: {error}")))?;
            Ok(Arc::new(Self { url: relay.url(), relay: Mutex::new(Some(relay)) }))
        })
        .await
    }

    /// Its address.
    pub fn url(&self) -> Result<String> {
        guard(|| Ok(self.url.clone()))
    }

    /// Stops it. Stopping twice is no error.
    pub async fn stop(&self) -> Result<()> {
        let relay = self.relay.lock().unwrap_or_else(PoisonError::into_inner).take();
        run_detached(async move {
            if let Some(relay) = relay {
                relay.shutdown().await;
            }
            Ok(())
        })
        .await
    }
}

/// Breaks an assumption in the caller's own thread, as a bug would.
#[cfg(debug_assertions)]
#[uniffi::export]
pub fn panic_at_once() -> Result<()> {
    guard(|| panic!("a test asked for a panic"))
}

/// Breaks an assumption on a thread of Veilfold's own, as a bug would.
#[cfg(debug_assertions)]
#[uniffi::export]
pub async fn panic_in_a_task() -> Result<()> {
    let broken: fn() -> Result<()> = || panic!("a test asked for a panic");
    run_detached(async move { broken() }).await
}
