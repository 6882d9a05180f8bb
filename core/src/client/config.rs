//! What an app says when it opens a client.

use super::mutators::Mutators;
use crate::documents::short;
use crate::engine::EngineConfig;
use crate::io::Vault;
use crate::resolver::Resolvers;
use crate::store::Durability;
use std::fmt;
use std::sync::Arc;
use tokio::runtime::Handle;
use veilfold_wire::hash::Hasher;

/// Options of a client. The default works on this device alone, with the root key in a file beside
/// the store.
#[derive(Clone, Default)]
pub struct Config {
    /// The Relay's address, `wss://…` or `ws://…`. Without one nothing is sent; one can be named
    /// later with [`Client::set_relay`](super::Client::set_relay).
    pub relay: Option<String>,
    /// What other Members see as this Device's name in Spaces that it founds.
    pub name: String,
    /// Where the root key lies. `None` is a file in the store's folder that only its owner reads;
    /// apps on phones bring their platform's key store. It is asked once, on the client's thread.
    pub vault: Option<Arc<dyn Vault>>,
    /// The root key's id in the vault. `None` makes one of the store's file name.
    pub vault_id: Option<String>,
    /// The resolvers of this version of the app, old versions too. They run on a thread of their own,
    /// which has five seconds for an answer.
    pub resolvers: Resolvers,
    /// The named mutators of this version of the app ([`Space::mutate`](super::Space::mutate)).
    pub mutators: Mutators,
    /// What a write has survived when its call returns.
    pub durability: Durability,
    /// The app's version, in the app's own words. When another writer's documents differ from this Device's,
    /// each version folds the log again at most once; a new one may have a resolver's mistake mended.
    pub app_version: String,
    /// The runtime on which sockets run. `None` is a thread that all clients of the process share.
    pub runtime: Option<Handle>,
    /// Protections that tests take away.
    #[cfg(feature = "testing")]
    pub engine: EngineConfig,
}

impl Config {
    /// The default, with a Relay.
    pub fn with_relay(url: impl Into<String>) -> Self {
        Self { relay: Some(url.into()), ..Self::default() }
    }

    /// One name for what may fold otherwise than another version.
    fn app(&self) -> [u8; 8] {
        let hasher = Hasher::new("app").prefixed(env!("CARGO_PKG_VERSION").as_bytes());
        let hasher = hasher.prefixed(self.app_version.as_bytes());
        let newest = self.resolvers.newest();
        let hasher = newest.fold(hasher, |hasher, (collection, version, module)| {
            hasher.prefixed(collection.as_bytes()).u64(version).fixed(&module.unwrap_or_default())
        });
        short(&hasher.finish())
    }

    pub(super) fn engine(&self) -> EngineConfig {
        #[cfg(feature = "testing")]
        let engine = self.engine;
        #[cfg(not(feature = "testing"))]
        let engine = EngineConfig::default();
        EngineConfig { durability: self.durability, app: self.app(), ..engine }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("relay", &self.relay).finish_non_exhaustive()
    }
}
