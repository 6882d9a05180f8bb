//! The people of the demo: each with a store in a file, a client, and a proxy before the Relay.
//!
//! They meet as people do before there are invites: one shows a contact card, another adds it.

use super::Outcome;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::timeout;
use veilfold_core::client::{Client, Config, Space, SpaceStatus};
use veilfold_core::engine::EngineConfig;
use veilfold_core::keys::Cipher;
use veilfold_core::wire::Role;
use veilfold_tests::proxy::Proxy;
use veilfold_tests::relay_process::RelayProcess;

/// Who can take part. Long enough to be looked for in random bytes.
pub const NAMES: [&str; 8] = [
    "Alice Ammersee",
    "Bob Brandenburger",
    "Carla Castellani",
    "Dmitri Dolgorukov",
    "Eleni Economou",
    "Farida Faruqi-Khan",
    "Gustav Grönländer",
    "Hanako Hashimoto",
];

/// After this long something that should happen by itself is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// One person's device.
pub struct Person {
    /// First name.
    pub name: &'static str,
    /// The device.
    pub client: Client,
    /// Between it and the Relay.
    pub proxy: Proxy,
}

/// Everybody, and the Relay between them.
pub struct People {
    /// Alice founds, the others join.
    pub all: Vec<Person>,
    /// The Relay's process, which ends with this.
    _relay: RelayProcess,
    folder: TempDir,
}

impl People {
    /// Starts a Relay and as many devices, all empty.
    pub async fn meet(count: usize, cipher: Cipher) -> Outcome<Self> {
        let folder = TempDir::with_prefix("veilfold-demo-")?;
        let relay = RelayProcess::start(&folder.path().join("relay"), "127.0.0.1:0")?;
        let mut all = Vec::new();
        for (index, name) in NAMES.iter().take(count).enumerate() {
            let proxy = Proxy::start(relay.address()).await?;
            let config = Config {
                relay: Some(proxy.url()),
                name: (*name).to_owned(),
                engine: EngineConfig { cipher, ..EngineConfig::default() },
                ..Config::default()
            };
            let client = Client::open(folder.path().join(format!("device-{index}.db")), config).await?;
            let name = name.split(' ').next().unwrap_or(name);
            all.push(Person { name, client, proxy });
        }
        Ok(Self { all, _relay: relay, folder })
    }

    /// The folder that the Relay keeps everything in.
    pub fn relay_folder(&self) -> PathBuf {
        self.folder.path().join("relay")
    }

    /// Alice founds a Space and adds everybody; gives each person's handle on it.
    pub async fn share(&self, name: &str) -> Outcome<Vec<Space>> {
        let (founder, others) = self.all.split_first().ok_or("nobody is there")?;
        let space = founder.client.create_space(name).await?;
        let mut spaces = vec![space.clone()];
        for (person, full_name) in others.iter().zip(&NAMES[1..]) {
            let card = person.client.contact_card(full_name).await?;
            let added = space.add_member(card, Role::Writer).await?;
            spaces.push(person.client.join(&added.ticket, name).await?);
            patiently("being added", added.receipt.settled()).await??;
        }
        for theirs in &spaces {
            patiently("joining", theirs.synced()).await??;
        }
        agree(&spaces).await?;
        Ok(spaces)
    }

    /// Everybody loses the network.
    pub async fn go_offline(&self) -> Outcome<()> {
        for person in &self.all {
            person.client.disconnect().await?;
        }
        Ok(())
    }

    /// Everybody finds the network again.
    pub async fn come_back(&self) -> Outcome<()> {
        for person in &self.all {
            person.client.connect().await?;
        }
        Ok(())
    }
}

/// Waits until all writes are ordered and all devices have folded the order to the same end.
pub async fn agree(spaces: &[Space]) -> Outcome<u64> {
    let mut end = 0;
    for space in spaces {
        end = end.max(patiently("syncing", space.synced()).await??.seq);
    }
    for space in spaces {
        let status: SpaceStatus = patiently("catching up", space.reached(end)).await??;
        if status.seq != end {
            return Err(format!("a device is at {} and not at {end}", status.seq).into());
        }
    }
    Ok(end)
}

/// Gives up what does not happen.
pub async fn patiently<T>(what: &str, waiting: impl Future<Output = T>) -> Outcome<T> {
    let seconds = PATIENCE.as_secs();
    let waited = timeout(PATIENCE, waiting).await;
    waited.map_err(|_| format!("{what} did not come to an end in {seconds} seconds").into())
}
