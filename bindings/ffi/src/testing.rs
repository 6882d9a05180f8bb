//! Relays inside the app's own process, for its tests: a real one, and one that lies on order; and in
//! debug builds broken assumptions, for ours.

use crate::call::{Answer, AsyncCall};
use crate::error::Result;
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

/// Starts a Relay.
#[uniffi::export]
pub fn start_test_relay() -> Result<Arc<AsyncCall>> {
    AsyncCall::write(async {
        let relay = Relay::start(Config::new(Data::Memory)).await;
        let relay = relay.map_err(no_relay)?;
        Ok(Answer::TestRelay(Arc::new(TestRelay { url: relay.url(), relay: Mutex::new(Some(relay)) })))
    })
}

#[uniffi::export]
impl TestRelay {
    /// Its address.
    pub fn url(&self) -> Result<String> {
        Ok(self.url.clone())
    }

    /// Stops it. Stopping twice is no error.
    pub fn stop(&self) -> Result<Arc<AsyncCall>> {
        let relay = self.relay.lock().unwrap_or_else(PoisonError::into_inner).take();
        AsyncCall::write(async move {
            if let Some(relay) = relay {
                relay.shutdown().await;
            }
            Ok(Answer::Done)
        })
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

/// Starts a Relay with a lying door, which tells the truth at both at first.
#[uniffi::export]
pub fn start_hostile_relay() -> Result<Arc<AsyncCall>> {
    AsyncCall::write(async {
        let relay = hostile::HostileRelay::start().await.map_err(no_relay)?;
        let (url, lying_url) = (relay.url(), relay.lying_url());
        let relay = Arc::new(Some(relay).into());
        Ok(Answer::HostileRelay(Arc::new(HostileRelay { url, lying_url, relay })))
    })
}

#[uniffi::export]
impl HostileRelay {
    /// The door at which it tells the truth.
    pub fn url(&self) -> Result<String> {
        Ok(self.url.clone())
    }

    /// The door at which it lies.
    pub fn lying_url(&self) -> Result<String> {
        Ok(self.lying_url.clone())
    }

    /// Lies like this from now on, or tells the truth again. Connections at the lying door end.
    pub fn lie(&self, lie: Option<RelayLie>) -> Result<Arc<AsyncCall>> {
        let relay = self.relay.clone();
        AsyncCall::write(async move {
            let relay = relay.lock().await;
            let Some(relay) = &*relay else {
                return Err(Error::invalid("stopped", "the relay was stopped"));
            };
            relay.lie(lie.map(Lie::from)).await.map_err(no_relay).map(|()| Answer::Done)
        })
    }

    /// Stops it. Stopping twice is no error.
    pub fn stop(&self) -> Result<Arc<AsyncCall>> {
        let relay = self.relay.clone();
        AsyncCall::write(async move {
            if let Some(relay) = relay.lock().await.take() {
                relay.shutdown().await;
            }
            Ok(Answer::Done)
        })
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
    panic!("a test asked for a panic")
}

/// Breaks an assumption on a thread of Veilfold's own, as a bug would.
#[cfg(debug_assertions)]
#[uniffi::export]
pub fn panic_in_a_task() -> Result<Arc<AsyncCall>> {
    let broken: fn() -> Result<Answer, Error> = || panic!("a test asked for a panic");
    AsyncCall::write(async move { broken() })
}
