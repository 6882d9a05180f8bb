//! The client: opening, Spaces, the Relay, closing.

use crate::call::{Answer, AsyncCall};
use crate::error::Result;
use crate::foreign::{ForeignVault, KeyStore};
use crate::resolver::ResolverSet;
use crate::retries::RetryStream;
use crate::runtime;
use crate::space::Space;
use crate::streams::EventStream;
use std::sync::Arc;
use std::time::Duration;
use veilfold_core::Error;
use veilfold_core::client::{self, Config, Durability, SpaceTicket};
use veilfold_core::io::Vault;
use veilfold_core::wire::SpaceId;

/// Options of a client.
#[derive(Clone, Debug, Default, uniffi::Record)]
pub struct ClientConfig {
    /// The Relay's address; without one the client works on this device alone.
    pub relay: Option<String>,
    /// What other Members see as this Device's name in Spaces that it founds.
    pub name: String,
    /// True when a write waits for the disk's own promise and survives a power cut; otherwise it
    /// survives a killed process.
    pub power_safe: bool,
    /// The root key's id in the key store, if it is not to be made of the file's name.
    pub key_id: Option<String>,
    /// The app's version. When another writer's documents differ from this Device's, each version folds the
    /// log again at most once.
    #[uniffi(default = "")]
    pub app_version: String,
}

/// A Space in the list.
#[derive(Clone, Debug, uniffi::Record)]
pub struct SpaceEntry {
    /// Its id, 64 hex digits.
    pub id: String,
    /// This Device's own name for it.
    pub name: String,
}

/// One Device with all its Spaces.
#[derive(Debug, uniffi::Object)]
pub struct Client {
    pub(crate) inner: client::Client,
}

/// Opens the Device whose store is the file `path`, or makes a new one there. Without a key store the root
/// key lies in a file beside it.
#[uniffi::export(default(resolvers = None))]
pub fn open_client(
    path: String,
    config: ClientConfig,
    key_store: Option<Arc<dyn KeyStore>>,
    resolvers: Option<Arc<ResolverSet>>,
) -> Result<Arc<AsyncCall>> {
    let vault = key_store.map(|store| Arc::new(ForeignVault(store)) as Arc<dyn Vault>);
    let durability = if config.power_safe { Durability::Power } else { Durability::Process };
    let options = Config {
        relay: config.relay,
        name: config.name,
        vault,
        vault_id: config.key_id,
        durability,
        app_version: config.app_version,
        resolvers: resolvers.map(|set| set.all()).unwrap_or_default(),
        ..Config::default()
    };
    AsyncCall::write(async move {
        let inner = client::Client::open_without_mutators(path.into(), runtime::handle()?, options).await?;
        Ok(Answer::Client(Arc::new(Client { inner })))
    })
}

#[uniffi::export]
impl Client {
    /// Founds a Space.
    pub fn create_space(&self, name: String) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::write(async move { Ok(Answer::Space(Space::new(client.create_space(&name).await?))) })
    }

    /// The Spaces of this Device.
    pub fn spaces(&self) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        let entry =
            |space: client::Space| SpaceEntry { id: space.id().to_string(), name: space.name().to_owned() };
        AsyncCall::read(
            async move { Ok(Answer::Spaces(client.spaces().await?.into_iter().map(entry).collect())) },
        )
    }

    /// A Space of this Device, by its id of 64 hex digits.
    pub fn space(&self, id: String) -> Result<Arc<AsyncCall>> {
        let id = space_id(&id)?;
        let client = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::Space(Space::new(client.space(id).await?))) })
    }

    /// Makes a contact card, a text to be handed to a Member who will add it.
    pub fn contact_card(&self, name: String) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::Text(Some(client.contact_card(&name).await?.to_string()))) })
    }

    /// Joins the Space that a ticket names.
    pub fn join(&self, ticket: String, name: String) -> Result<Arc<AsyncCall>> {
        let ticket: SpaceTicket =
            ticket.parse().map_err(|error| Error::invalid("bad_ticket", format!("{error}")))?;
        let client = self.inner.clone();
        AsyncCall::write(async move { Ok(Answer::Space(Space::new(client.join(&ticket, &name).await?))) })
    }

    /// Mutators that have to be run again. Each language's package reads this as long as the client is
    /// open, also without any mutators: one that is missing is told so.
    pub fn retries(&self) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::RetryStream(RetryStream::new(client.retries().await?))) })
    }

    /// Names the Relay and connects to it; nothing goes offline.
    pub fn set_relay(&self, url: Option<String>) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::write(async move { client.set_relay(url.as_deref()).await.map(|()| Answer::Done) })
    }

    /// The Relay's address as it was named.
    pub fn relay(&self) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::Text(client.status().await?.relay)) })
    }

    /// Wants a connection, at once.
    pub fn connect(&self) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::write(async move { client.connect().await.map(|()| Answer::Done) })
    }

    /// Goes offline until `connect`.
    pub fn disconnect(&self) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::write(async move { client.disconnect().await.map(|()| Answer::Done) })
    }

    /// Connects, waits at most `wait_ms` until every Space has sent and fetched everything, and goes
    /// offline again if it was before and nobody said otherwise meanwhile. False: not everything, and it
    /// goes on with the next connection.
    pub fn sync_once(&self, wait_ms: u64) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::read(async move {
            let _connected = client.keep_connected()?;
            let synced = tokio::time::timeout(Duration::from_millis(wait_ms), client.synced()).await;
            // A deadline is no error; what the wait itself says is.
            synced.map_or(Ok(false), |synced| synced.map(|()| true)).map(Answer::Flag)
        })
    }

    /// What happens from now on that no call waits for; the first time, since the client was opened.
    pub fn events(&self) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::EventStream(EventStream::new(client.events().await?))) })
    }

    /// Closes the client and releases the store. Closing twice is no error.
    pub fn close(&self) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::write(async move { client.close().await.map(|()| Answer::Done) })
    }

    /// As `close`, for the end of a process: blocks the caller, at most `wait_ms`.
    pub fn close_blocking(&self, wait_ms: u32) -> Result<()> {
        let client = self.inner.clone();
        let wait = Duration::from_millis(wait_ms.into());
        let close = async move { client.close().await.map(|()| Answer::Done) };
        Ok(runtime::run_blocking(Box::pin(close), wait)?)
    }
}

fn space_id(text: &str) -> Result<SpaceId, Error> {
    let bytes = bytes_of_hex::<32>(text);
    bytes.map(SpaceId).ok_or_else(|| Error::invalid("bad_space_id", "a space id is 64 hex digits"))
}

/// The bytes that a text of hex digits names.
pub(crate) fn bytes_of_hex<const LEN: usize>(text: &str) -> Option<[u8; LEN]> {
    let mut bytes = [0; LEN];
    if text.len() != 2 * LEN || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}
