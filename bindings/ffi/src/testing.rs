//! Relays inside the app's own process, for its tests: a real one, and one that lies on order; and in
//! debug builds broken assumptions, for ours.

use crate::error::Result;
use crate::runtime::{guard, run_detached};
use std::sync::{Arc, Mutex, PoisonError};
use veilfold_core::Error;
use veilfold_relay::testing::hostile::{self, Lie};
use veilfold_relay::{Config, Data, Relay, RelayError};

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
            let relay = relay.map_err(no_relay)?;
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

/// What a hostile Relay does to devices at its lying door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum RelayLie {
    /// Leaves one Entry out and moves the others up.
    Omits,
    /// Swaps two Entries that follow each other.
    Reorders,
    /// Gives one Entry a second place.
    Repeats,
    /// Shows another log from here on.
    Forks,
    /// Holds back what is ordered.
    Delays,
}

/// A real Relay with two doors, at one of which it lies on order. It stops with this object.
#[derive(Debug, uniffi::Object)]
pub struct HostileRelay {
    url: String,
    lying_url: String,
    relay: Arc<tokio::sync::Mutex<Option<hostile::HostileRelay>>>,
}

#[uniffi::export]
impl HostileRelay {
    /// Starts one, which tells the truth at both doors.
    #[uniffi::constructor]
    pub async fn start() -> Result<Arc<Self>> {
        run_detached(async {
            let relay = hostile::HostileRelay::start().await.map_err(no_relay)?;
            let (url, lying_url) = (relay.url(), relay.lying_url());
            Ok(Arc::new(Self { url, lying_url, relay: Arc::new(Some(relay).into()) }))
        })
        .await
    }

    /// The door at which it tells the truth.
    pub fn url(&self) -> Result<String> {
        guard(|| Ok(self.url.clone()))
    }

    /// The door at which it lies.
    pub fn lying_url(&self) -> Result<String> {
        guard(|| Ok(self.lying_url.clone()))
    }

    /// Lies like this from now on, or tells the truth again. Connections at the lying door end.
    pub async fn lie(&self, lie: Option<RelayLie>) -> Result<()> {
        let relay = self.relay.clone();
        run_detached(async move {
            let relay = relay.lock().await;
            let Some(relay) = &*relay else {
                return Err(Error::invalid("stopped", "the relay was stopped"));
            };
            relay.lie(lie.map(Lie::from)).await.map_err(no_relay)
        })
        .await
    }

    /// Stops it. Stopping twice is no error.
    pub async fn stop(&self) -> Result<()> {
        let relay = self.relay.clone();
        run_detached(async move {
            if let Some(relay) = relay.lock().await.take() {
                relay.shutdown().await;
            }
            Ok(())
        })
        .await
    }
}

impl From<RelayLie> for Lie {
    fn from(lie: RelayLie) -> Self {
        match lie {
            RelayLie::Omits => Self::Omits,
            RelayLie::Reorders => Self::Reorders,
            RelayLie::Repeats => Self::Repeats,
            RelayLie::Forks => Self::Forks,
            RelayLie::Delays => Self::Delays,
        }
    }
}

fn no_relay(error: RelayError) -> Error {
    Error::internal(format!("no relay: {error}"))
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
    let broken: fn() -> Result<(), Error> = || panic!("a test asked for a panic");
    run_detached(async move { broken() }).await
}
