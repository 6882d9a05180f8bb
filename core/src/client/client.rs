//! The client: one Device with all its Spaces.

use super::config::Config;
use super::mutators::{Mutators, RetryStream, run_retries};
use super::open;
use super::space::Space;
use super::streams::EventStream;
use crate::engine::SpaceStatus;
use crate::error::Error;
use crate::io::{Core, Driver, RelayUrl};
use crate::keys::ContactCard;
use crate::members::SpaceTicket;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;
use veilfold_wire::SpaceId;

/// One Device with all its Spaces, over one store and at most one connection. Clones share it.
///
/// Everything is kept and shown on this Device first; the Relay is only needed for others to see
/// it. One thread of its own does the work, calls wait for it as plain futures on any executor, and
/// no code of the app runs on it.
///
/// The client lives until [`Client::close`] or until it and everything made from it is dropped.
#[derive(Clone, Debug)]
pub struct Client {
    driver: Driver,
    name: Arc<str>,
    mutators: Mutators,
}

/// How a client stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientStatus {
    /// The Relay it was told to use.
    pub relay: Option<String>,
    /// True while it connects, is connected, or waits to try again.
    pub wants_connection: bool,
    /// Every Space, by id.
    pub spaces: Vec<(SpaceId, SpaceStatus)>,
}

/// A connection for the time of one piece of work ([`Client::keep_connected`]), over when this is dropped.
#[derive(Debug)]
#[must_use = "dropped at once, it is over at once"]
pub struct KeptConnection(Driver);

impl Drop for KeptConnection {
    fn drop(&mut self) {
        // A closed client is offline anyway.
        let _ = self.0.post(Core::let_go);
    }
}

impl Client {
    /// Opens the Device whose store is the file `path`, or makes a new one there. With a Relay in
    /// `config` it starts to connect, and goes on trying; being offline is no error.
    ///
    /// # Errors
    /// `Invalid` when the store is open already, here or in another process (`store_in_use`), and for
    /// a bad address (`bad_relay_url`); `NewerVersion` for a store of a newer version; `Corrupt` for a
    /// damaged store and when the root key is missing or another one (`keys_lost`).
    pub async fn open(path: impl Into<PathBuf>, config: Config) -> Result<Self, Error> {
        let (runtime, mutators) = (open::runtime(&config)?, config.mutators.clone());
        let client = Self::open_without_mutators(path.into(), runtime.clone(), config).await?;
        runtime.spawn(run_retries(client.retries().await?, mutators.clone()));
        Ok(Self { mutators, ..client })
    }

    /// As [`Client::open`], for packages whose mutators are functions of another language: none is run
    /// again by itself, whoever has them takes them from [`Client::retries`]. Sockets run on `runtime`.
    ///
    /// # Errors
    /// As [`Client::open`] says.
    pub async fn open_without_mutators(
        path: PathBuf,
        runtime: Handle,
        config: Config,
    ) -> Result<Self, Error> {
        let relay = config.relay.as_deref().map(relay_url).transpose()?;
        let name = config.name.as_str().into();
        let driver = Driver::start(runtime, move || open::open(&path, &config)).await?;
        if relay.is_some() {
            driver.post(move |core| core.set_relay(relay))?;
        }
        Ok(Self { driver, name, mutators: Mutators::default() })
    }

    /// Founds a Space whose only Member is this Device. Works offline. `name` is for this Device's
    /// own list; nobody else sees it.
    ///
    /// # Errors
    /// `Corrupt` when the disk fails; `Invalid` for a closed client.
    pub async fn create_space(&self, name: &str) -> Result<Space, Error> {
        let (wanted, own_name) = (name.to_owned(), self.name.clone());
        let create = self.driver.call(move |core| {
            let now_ms = core.now_ms();
            core.engine.create_space(&wanted, &own_name, now_ms)
        });
        Ok(self.handle(create.await?, name.to_owned()))
    }

    /// The Spaces of this Device, by id.
    ///
    /// # Errors
    /// `Invalid` for a closed client; `Corrupt` when the disk fails.
    pub async fn spaces(&self) -> Result<Vec<Space>, Error> {
        let list = self.driver.call(|core| {
            let ids: Vec<SpaceId> = core.engine.spaces().collect();
            ids.into_iter().map(|id| Ok((id, core.engine.space_name(id)?))).collect::<Result<Vec<_>, Error>>()
        });
        Ok(list.await?.into_iter().map(|(id, name)| self.handle(id, name)).collect())
    }

    /// A Space of this Device.
    ///
    /// # Errors
    /// `Invalid` for one that it does not have (`unknown_space`) and for a closed client.
    pub async fn space(&self, id: SpaceId) -> Result<Space, Error> {
        let name = self.driver.call(move |core| core.engine.space_name(id)).await?;
        Ok(self.handle(id, name))
    }

    /// Makes a contact card with keys of its own, to be added to one Space by a Member there. `name`
    /// is what Members will see, at most 128 bytes. Nothing is stored.
    ///
    /// # Errors
    /// `Invalid` for a name that is too long or has control characters (`bad_name`).
    pub async fn contact_card(&self, name: &str) -> Result<ContactCard, Error> {
        let name = name.to_owned();
        self.driver.call(move |core| core.engine.contact_card(&name)).await
    }

    /// Joins the Space that a ticket names, under the name that this Device's own list should show.
    /// Works offline; documents come with the connection, once the Relay's order contains the
    /// addition. Joining again gives the same Space.
    ///
    /// # Errors
    /// `Corrupt` when the disk fails; `Invalid` for a closed client.
    pub async fn join(&self, ticket: &SpaceTicket, name: &str) -> Result<Space, Error> {
        let (ticket, wanted) = (*ticket, name.to_owned());
        let join = self.driver.call(move |core| {
            let now_ms = core.now_ms();
            let id = core.engine.join(&ticket, &wanted, now_ms)?;
            Ok((id, core.engine.space_name(id)?))
        });
        let (id, name) = join.await?;
        Ok(self.handle(id, name))
    }

    /// Names the Relay and connects to it; `None` goes offline. Everything written so far syncs with
    /// a Relay that is named later.
    ///
    /// # Errors
    /// `Invalid` for what is no `ws://` or `wss://` address (`bad_relay_url`) or a closed client.
    pub async fn set_relay(&self, url: Option<&str>) -> Result<(), Error> {
        let url = url.map(relay_url).transpose()?;
        self.driver
            .call(move |core| {
                core.set_relay(url);
                Ok(())
            })
            .await
    }

    /// Wants a connection, and tries at once instead of waiting for the next attempt. Without a
    /// Relay it does nothing. Returns before the connection is up.
    ///
    /// # Errors
    /// `Invalid` for a closed client.
    pub async fn connect(&self) -> Result<(), Error> {
        self.driver
            .call(|core| {
                core.connect();
                Ok(())
            })
            .await
    }

    /// Goes offline until [`Client::connect`].
    ///
    /// # Errors
    /// `Invalid` for a closed client.
    pub async fn disconnect(&self) -> Result<(), Error> {
        self.driver
            .call(|core| {
                core.disconnect();
                Ok(())
            })
            .await
    }

    /// Connects as [`Client::connect`] does, for as long as what it gives is kept. With the last of these the
    /// Device goes offline if it was before the first, and if nobody called `connect`, `disconnect` or
    /// `set_relay` meanwhile.
    ///
    /// # Errors
    /// `Invalid` for a closed client.
    pub fn keep_connected(&self) -> Result<KeptConnection, Error> {
        self.driver.post(Core::keep_connected)?;
        Ok(KeptConnection(self.driver.clone()))
    }

    /// Mutators that have to be run again, for whoever holds their functions outside of this client
    /// ([`Client::open_without_mutators`]).
    ///
    /// # Errors
    /// `Invalid` when the client is closed.
    pub async fn retries(&self) -> Result<RetryStream, Error> {
        RetryStream::open(&self.driver).await
    }

    /// What happens from now on that no call waits for: a Relay that misbehaves, lost connections,
    /// a full disk. The first stream begins with what happened since the client was opened; of what
    /// nobody takes, the newest 256 are kept.
    ///
    /// # Errors
    /// `Invalid` for a closed client.
    pub async fn events(&self) -> Result<EventStream, Error> {
        EventStream::open(&self.driver).await
    }

    /// How the client and all its Spaces stand.
    ///
    /// # Errors
    /// `Invalid` for a closed client; `Corrupt` when the disk fails.
    pub async fn status(&self) -> Result<ClientStatus, Error> {
        let status = self.driver.call(|core| {
            let ids: Vec<SpaceId> = core.engine.spaces().collect();
            let spaces =
                ids.into_iter().map(|id| Ok((id, core.engine.status(id)?))).collect::<Result<_, Error>>()?;
            let relay = core.relay().map(ToString::to_string);
            Ok(ClientStatus { relay, wants_connection: core.engine.wants_connection(), spaces })
        });
        status.await
    }

    /// Waits until every Space has sent and fetched everything, as [`Space::synced`] does for one.
    ///
    /// # Errors
    /// As [`Space::synced`].
    pub async fn synced(&self) -> Result<(), Error> {
        for space in self.spaces().await? {
            space.synced().await?;
        }
        Ok(())
    }

    /// Runs `call` on the engine between two of its steps, for tests that look at the log itself.
    ///
    /// # Errors
    /// What `call` said; `Invalid` for a closed client.
    #[cfg(feature = "testing")]
    pub async fn with_engine<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut crate::engine::Engine) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.driver.call(move |core| call(&mut core.engine)).await
    }

    /// Closes the client: what was called before is done, streams end, waiting calls get
    /// `Invalid(closed)`, the store is released. The Outbox is kept and sent after the next opening.
    /// Closing twice is no error.
    ///
    /// # Errors
    /// `Internal` when the client had broken before.
    pub async fn close(&self) -> Result<(), Error> {
        self.driver.close().await
    }

    fn handle(&self, id: SpaceId, name: String) -> Space {
        Space::new(self.driver.clone(), id, name, self.mutators.clone())
    }
}

fn relay_url(text: &str) -> Result<RelayUrl, Error> {
    text.parse().map_err(|error| Error::invalid("bad_relay_url", format!("the relay's address is {error}")))
}
