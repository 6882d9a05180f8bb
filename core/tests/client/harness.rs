//! A folder of stores, a Relay, and a runtime to wait on.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use veilfold_core::client::{Client, Config, Space};
use veilfold_core::wire::Role;
use veilfold_relay::{Data, Relay};

/// How long anything may take; machines that run many tests at once are slow.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub folder: TempDir,
    runtime: Runtime,
}

impl World {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Self { folder: tempfile::tempdir().unwrap(), runtime: runtime.unwrap() }
    }

    /// Runs a test to its end, and not for ever.
    pub fn run<T>(&self, test: impl Future<Output = T>) -> T {
        let within = async { tokio::time::timeout(PATIENCE, test).await };
        self.runtime.block_on(within).expect("the test hangs")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.db"))
    }

    pub async fn client(&self, name: &str, relay: Option<&Relay>) -> Client {
        let relay = relay.map(Relay::url);
        let config = Config { relay, name: name.to_owned(), ..Config::default() };
        Client::open(self.path(name), config).await.unwrap()
    }
}

pub async fn relay() -> Relay {
    Relay::start(veilfold_relay::Config::new(Data::Memory)).await.unwrap()
}

/// Adds `guest` to the Space and joins.
pub async fn share(space: &Space, guest: &Client, name: &str) -> Space {
    let card = guest.contact_card(name).await.unwrap();
    let added = space.add_member(card, Role::Writer).await.unwrap();
    guest.join(&added.ticket, "shared").await.unwrap()
}
