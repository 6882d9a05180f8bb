//! The one folder that touches the outside: files, sockets, time, randomness.
//!
//! `client/` and the driver use it. It decides nothing; the rules of the protocol live in `engine/`.

mod clock;
mod driver;
mod random;
mod sqlite;
mod timed;
mod vault;
mod websocket;

pub use clock::Clock;
pub use driver::{Bell, Core, Driver, DriverEvent, EventQueue, WeakDriver, closed, is_closed};
pub use random::OsRandom;
pub use sqlite::SqliteStore;
pub use timed::timed;
pub use vault::{FileVault, MemoryVault, ROOT_BYTES, Root, VAULT_ID_BYTES_MAX, Vault, VaultError, vault_id};
pub use websocket::{
    CloseReason, OUTGOING_BYTES_MAX, Received, RelayUrl, SendError, Socket, SocketEvent, SocketHandle,
    UrlError,
};
