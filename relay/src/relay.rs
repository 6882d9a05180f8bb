//! The handle on a running Relay: start, address, key, shutdown.
//!
//! Used by the binary, by apps that carry a Relay, and by tests. Dropping the handle stops the Relay.

use crate::clock::Clock;
use crate::config::{Config, Data};
use crate::connection::Shared;
use crate::exchange::Exchange;
use crate::keys::{KeyError, RelayIdentity};
use crate::sequencer::Sequencer;
use crate::store::{MemoryStore, SqliteStore, Store, StoreError};
use crate::{server, writer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use veilfold_wire::RelayKey;

/// Why a Relay did not start or does not run any more.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused a thread, a signal handler or the like.
    #[error("the system refused {what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The thread that owns the store has ended.
    #[error("the sequencer has stopped")]
    Stopped,
}

/// A running Relay.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    key: RelayKey,
    stopping: watch::Sender<bool>,
    server: JoinHandle<()>,
    writer_ended: oneshot::Receiver<()>,
}

impl Relay {
    /// Opens the store and starts to listen. The Relay runs on the caller's tokio runtime and one
    /// thread of its own.
    ///
    /// # Errors
    /// A [`RelayError`]; nothing runs then.
    pub async fn start(config: Config) -> Result<Self, RelayError> {
        let data = config.data.clone();
        let opened = tokio::task::spawn_blocking(move || open(&data)).await;
        let (store, identity) = opened.map_err(|_| RelayError::Stopped)??;
        Self::start_with(config, store, identity).await
    }

    /// As [`Relay::start`], with a store and an identity of the caller's; `config.data` is not used.
    ///
    /// # Errors
    /// `Listen` or `System`.
    pub async fn start_with(
        config: Config,
        store: impl Store + 'static,
        identity: RelayIdentity,
    ) -> Result<Self, RelayError> {
        let listen = |source| RelayError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let sequencer = Sequencer::new(store, config.spaces_loaded_max, config.protections);
        let writer = writer::start(Exchange::new(sequencer))
            .map_err(|source| RelayError::System { what: "a thread", source })?;
        let key = identity.key();
        let (stopping, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            identity: Arc::new(identity),
            config,
            clock: Clock::start(),
            connections: AtomicU64::new(0),
        });
        let server = tokio::spawn(server::run(listener, shared, writer.commands, stopped));
        tracing::info!(%address, relay_key = %key, "listening");
        Ok(Self { address, key, stopping, server, writer_ended: writer.ended })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where devices connect to.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The key it signs with, which devices pin.
    pub fn key(&self) -> RelayKey {
        self.key
    }

    /// Stops: takes nothing more in, answers what is owed, says goodbye, closes the store.
    /// Returns when all of that is done or [`Config::drain_ms`] has passed.
    pub async fn shutdown(mut self) {
        self.stopping.send_replace(true);
        // Their results only say that they ended.
        let _ = (&mut self.server).await;
        let _ = (&mut self.writer_ended).await;
        tracing::info!("stopped");
    }

    /// Resolves if the Relay ends without having been asked to.
    pub async fn failed(&mut self) -> RelayError {
        let _ = (&mut self.writer_ended).await;
        RelayError::Stopped
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stopping.send_replace(true);
    }
}

fn open(data: &Data) -> Result<(Box<dyn Store>, RelayIdentity), RelayError> {
    match data {
        Data::Memory => Ok((Box::new(MemoryStore::new()), RelayIdentity::generate()?)),
        Data::Folder(folder) => {
            // The store locks the folder, so the key is read by one process at a time.
            let store = SqliteStore::open(folder)?;
            Ok((Box::new(store), RelayIdentity::load_or_generate(folder)?))
        }
    }
}
