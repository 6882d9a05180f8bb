//! A Relay with two doors for the tests of apps: honest at one, and at the other it lies on order.
//!
//! Used by the language packages' test helpers, over FFI or as a process (`hostile/serve.rs`). Behind
//! both doors is a real Relay; what lies is a proxy in front of it (`hostile/carry.rs`), which alters
//! what is said to devices (`hostile/bend.rs`). It has the Relay's key, as a hostile Relay would.

mod bend;
mod carry;
#[cfg(feature = "cli")]
mod serve;

#[cfg(feature = "cli")]
pub use serve::serve;

use super::{Door, FaultyStore};
use crate::config::{Config, Data};
use crate::keys::RelayIdentity;
use crate::relay::{Relay, RelayError};
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What is done to devices at the lying door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Leaves one Entry out and moves the others up.
    Omits,
    /// Swaps two Entries that follow each other.
    Reorders,
    /// Gives one Entry a second place.
    Repeats,
    /// Shows another log from here on: what is written at one door never comes out at the other.
    Forks,
    /// Holds back what is ordered. No device can tell this from a slow network.
    Delays,
}

impl FromStr for Lie {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "omits" => Ok(Self::Omits),
            "reorders" => Ok(Self::Reorders),
            "repeats" => Ok(Self::Repeats),
            "forks" => Ok(Self::Forks),
            "delays" => Ok(Self::Delays),
            _ => Err(()),
        }
    }
}

/// A running Relay that can be told to lie. It stops when it is dropped.
#[derive(Debug)]
pub struct HostileRelay {
    honest: Relay,
    lying: SocketAddr,
    store: FaultyStore,
    seed: [u8; 32],
    shared: Arc<Shared>,
    _door: Door,
}

#[derive(Debug)]
struct Shared {
    now: Mutex<Now>,
    /// Moves when the connections at the lying door are to end.
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct Now {
    lie: Option<Lie>,
    /// Where the lying door leads.
    relay: SocketAddr,
    /// The Relay with the other log, while there is one.
    _other: Option<Relay>,
}

impl Shared {
    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HostileRelay {
    /// Starts it on two free ports of this machine, with its Entries in memory. It tells the truth at
    /// both doors until it is told otherwise.
    ///
    /// # Errors
    /// A [`RelayError`]; nothing runs then.
    pub async fn start() -> Result<Self, RelayError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| crate::keys::KeyError::NoRandomness)?;
        let store = FaultyStore::new();
        let config = Config::new(Data::Memory);
        let honest = Relay::start_with(config, store.clone(), RelayIdentity::from_seed(&seed)).await?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listen = |source| RelayError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let lying = listener.local_addr().map_err(listen)?;
        let now = Now { lie: None, relay: honest.address(), _other: None };
        let shared = Arc::new(Shared { now: Mutex::new(now), changes: watch::channel(()).0 });
        let carried = shared.clone();
        let door = Door::open(listener, move |stream| carry::connection(stream, carried.clone()));
        Ok(Self { honest, lying, store, seed, shared, _door: door })
    }

    /// The door at which it tells the truth.
    pub fn url(&self) -> String {
        self.honest.url()
    }

    /// The door at which it lies.
    pub fn lying_url(&self) -> String {
        format!("ws://{}", self.lying)
    }

    /// Lies like this from now on, or tells the truth again. Connections at the lying door end;
    /// devices connect again by themselves.
    ///
    /// # Errors
    /// A [`RelayError`] when the Relay with the other log does not start; nothing changes then.
    pub async fn lie(&self, lie: Option<Lie>) -> Result<(), RelayError> {
        let other = match lie {
            Some(Lie::Forks) => {
                let identity = RelayIdentity::from_seed(&self.seed);
                Some(Relay::start_with(Config::new(Data::Memory), self.store.copied(), identity).await?)
            }
            _ => None,
        };
        let relay = other.as_ref().map_or(self.honest.address(), Relay::address);
        *self.shared.now() = Now { lie, relay, _other: other };
        self.shared.changes.send_replace(());
        Ok(())
    }

    /// Stops it at both doors.
    pub async fn shutdown(self) {
        self.honest.shutdown().await;
    }
}
