//! How a client stands with all its Spaces.

use crate::call::{Answer, AsyncCall};
use crate::client::Client;
use crate::error::Result;
use crate::records::SpaceStatus;
use std::sync::Arc;
use veilfold_core::client;
use veilfold_core::wire::SpaceId;

/// How a client stands.
#[derive(Clone, Debug, uniffi::Record)]
pub struct ClientStatus {
    /// The Relay that it was told to use.
    pub relay: Option<String>,
    /// True while it connects, is connected, or waits to try again.
    pub wants_connection: bool,
    /// Every Space, by id.
    pub spaces: Vec<SpaceStanding>,
}

/// How one of its Spaces stands.
#[derive(Clone, Debug, uniffi::Record)]
pub struct SpaceStanding {
    /// The Space's id, 64 hex digits.
    pub id: String,
    /// How it stands.
    pub status: SpaceStatus,
}

#[uniffi::export]
impl Client {
    /// The connection that is wanted, and every Space. Does not wait for the Relay.
    pub fn status(&self) -> Result<Arc<AsyncCall>> {
        let client = self.inner.clone();
        AsyncCall::read(async move {
            let status = client.status().await?;
            let standing = |(id, status): (SpaceId, client::SpaceStatus)| SpaceStanding {
                id: id.to_string(),
                status: status.into(),
            };
            let spaces = status.spaces.into_iter().map(standing).collect();
            let (relay, wants_connection) = (status.relay, status.wants_connection);
            Ok(Answer::ClientStatus(ClientStatus { relay, wants_connection, spaces }))
        })
    }
}
