//! The client: opening, Spaces, the Relay, closing.

use crate::cancel::{Cancel, until};
use crate::error::Result;
use crate::foreign::{ForeignVault, KeyStore};
use crate::resolver::ResolverSet;
use crate::retries::RetryStream;
use crate::runtime::{self, guard, run_abortable, run_detached};
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

#[uniffi::export]
impl Client {
    /// Opens the Device whose store is the file `path`, or makes a new one there. Without a key
    /// store the root key lies in a file beside it.
    #[uniffi::constructor(default(resolvers = None))]
    pub async fn open(
        path: String,
        config: ClientConfig,
        key_store: Option<Arc<dyn KeyStore>>,
        resolvers: Option<Arc<ResolverSet>>,
    ) -> Result<Arc<Self>> {
        let vault = key_store.map(|store| Arc::new(ForeignVault(store)) as Arc<dyn Vault>);
        let durability = if config.power_safe { Durability::Power } else { Durability::Process };
        let mut options = Config {
            relay: config.relay,
            name: config.name,
            vault,
            durability,
            runtime: Some(runtime::handle()?),
            retries_by_hand: true,
            app_version: config.app_version,
            resolvers: resolvers.map(|set| set.all()).unwrap_or_default(),
            ..Config::default()
        };
        options.vault_id = config.key_id;
        run_detached(async move { Ok(Arc::new(Self { inner: client::Client::open(path, options).await? })) })
            .await
    }

    /// Founds a Space.
    pub async fn create_space(&self, name: String) -> Result<Arc<Space>> {
        let client = self.inner.clone();
        run_detached(async move { Ok(Space::new(client.create_space(&name).await?)) }).await
    }

    /// The Spaces of this Device.
    pub async fn spaces(&self) -> Result<Vec<SpaceEntry>> {
        let client = self.inner.clone();
        let entry =
            |space: client::Space| SpaceEntry { id: space.id().to_string(), name: space.name().to_owned() };
        run_abortable(async move { Ok(client.spaces().await?.into_iter().map(entry).collect()) }).await
    }

    /// A Space of this Device, by its id of 64 hex digits.
    pub async fn space(&self, id: String) -> Result<Arc<Space>> {
        let id = space_id(&id)?;
        let client = self.inner.clone();
        run_abortable(async move { Ok(Space::new(client.space(id).await?)) }).await
    }

    /// Makes a contact card, a text to be handed to a Member who will add it.
    pub async fn contact_card(&self, name: String) -> Result<String> {
        let client = self.inner.clone();
        run_abortable(async move { Ok(client.contact_card(&name).await?.to_string()) }).await
    }

    /// Joins the Space that a ticket names.
    pub async fn join(&self, ticket: String, name: String) -> Result<Arc<Space>> {
        let ticket: SpaceTicket =
            ticket.parse().map_err(|error| Error::invalid("bad_ticket", format!("{error}")))?;
        let client = self.inner.clone();
        run_detached(async move { Ok(Space::new(client.join(&ticket, &name).await?)) }).await
    }

    /// Mutators that have to be run again. Each language's package reads this as long as the client is
    /// open, also without any mutators: one that is missing is told so.
    pub async fn retries(&self) -> Result<Arc<RetryStream>> {
        let client = self.inner.clone();
        run_abortable(async move { Ok(RetryStream::new(client.retries().await?)) }).await
    }

    /// Names the Relay and connects to it; nothing goes offline.
    pub async fn set_relay(&self, url: Option<String>) -> Result<()> {
        let client = self.inner.clone();
        run_detached(async move { client.set_relay(url.as_deref()).await }).await
    }

    /// The Relay's address as it was named.
    pub async fn relay(&self) -> Result<Option<String>> {
        let client = self.inner.clone();
        run_abortable(async move { Ok(client.status().await?.relay) }).await
    }

    /// Wants a connection, at once.
    pub async fn connect(&self) -> Result<()> {
        let client = self.inner.clone();
        run_detached(async move { client.connect().await }).await
    }

    /// Goes offline until `connect`.
    pub async fn disconnect(&self) -> Result<()> {
        let client = self.inner.clone();
        run_detached(async move { client.disconnect().await }).await
    }

    /// Connects, waits at most `wait_ms` until every Space has sent and fetched everything, and goes
    /// offline again if it was before. False: not everything, and it goes on with the next connection.
    #[uniffi::method(default(cancel = None))]
    pub async fn sync_once(&self, wait_ms: u64, cancel: Option<Arc<Cancel>>) -> Result<bool> {
        let client = self.inner.clone();
        run_abortable(until(cancel, async move {
            let wanted = client.status().await?.wants_connection;
            client.connect().await?;
            let back = GoOffline((!wanted).then(|| client.clone()));
            let synced = tokio::time::timeout(Duration::from_millis(wait_ms), client.synced()).await;
            back.now().await?;
            // A deadline is no error; what the wait itself says is.
            synced.map_or(Ok(false), |synced| synced.map(|()| true))
        }))
        .await
    }

    /// What happens from now on that no call waits for; the first time, since the client was opened.
    pub async fn events(&self) -> Result<Arc<EventStream>> {
        let client = self.inner.clone();
        run_abortable(async move { Ok(EventStream::new(client.events().await?)) }).await
    }

    /// Closes the client and releases the store. Closing twice is no error.
    pub async fn close(&self) -> Result<()> {
        let client = self.inner.clone();
        run_detached(async move { client.close().await }).await
    }

    /// As `close`, for the end of a process: blocks the caller, at most `wait_ms`.
    pub fn close_blocking(&self, wait_ms: u32) -> Result<()> {
        let client = self.inner.clone();
        guard(|| {
            let wait = Duration::from_millis(wait_ms.into());
            runtime::run_blocking(async move { client.close().await }, wait)
        })
    }
}

/// Ends a connection that was made for one call, also when nobody waits for the call any more.
struct GoOffline(Option<client::Client>);

impl GoOffline {
    async fn now(mut self) -> Result<(), Error> {
        if let Some(client) = self.0.take() {
            client.disconnect().await?;
        }
        Ok(())
    }
}

impl Drop for GoOffline {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            // Who could be told has given up; a closed client is offline anyway.
            runtime::start(async move { client.disconnect().await });
        }
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
