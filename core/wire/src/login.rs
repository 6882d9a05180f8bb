//! Challenge and answer of a connection, and what each side signs (protocol 7).

use crate::hash::Hasher;
use crate::ids::{ChainHash, ConnectionKey, MemberKey, RelayKey, SpaceId};

/// Bytes of randomness that each side adds to a login.
pub const LOGIN_NONCE_LEN: usize = 32;

/// Everything that both sides know of one login; signing its hash proves presence on this
/// connection to this Relay, so a login can be neither replayed nor passed on to another Relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The Relay's signing key.
    pub relay: RelayKey,
    /// Host and port as the Device was told, so that a Relay cannot pass a login on.
    pub authority: String,
    /// The Relay's challenge.
    pub server_nonce: [u8; LOGIN_NONCE_LEN],
    /// The Device's challenge.
    pub client_nonce: [u8; LOGIN_NONCE_LEN],
    /// The installation's key towards this Relay.
    pub connection: ConnectionKey,
}

impl Transcript {
    /// What both sides sign in [`crate::signature::SignatureDomain::Connection`].
    pub fn hash(&self, side: Side) -> [u8; 32] {
        Hasher::new("conn")
            .fixed(&[match side {
                Side::Device => 0,
                Side::Relay => 1,
            }])
            .fixed(&self.relay.0)
            .prefixed(self.authority.as_bytes())
            .fixed(&self.server_nonce)
            .fixed(&self.client_nonce)
            .fixed(&self.connection.0)
            .finish()
    }

    /// What a Member signs in [`crate::signature::SignatureDomain::SpaceAuth`] to read a Space here.
    pub fn space_hash(&self, space: &SpaceId, member: &MemberKey) -> [u8; 32] {
        Hasher::new("space-auth").fixed(&self.hash(Side::Device)).fixed(&space.0).fixed(&member.0).finish()
    }
}

/// Who signs a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The app's side.
    Device,
    /// The server's side.
    Relay,
}

/// What a Relay signs in [`crate::signature::SignatureDomain::Head`].
pub fn head_hash(space: &SpaceId, seq: u64, chain: &ChainHash, time_ms: u64) -> [u8; 32] {
    Hasher::new("head").fixed(&space.0).u64(seq).fixed(&chain.0).u64(time_ms).finish()
}
