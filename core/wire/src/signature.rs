//! What is signed, and verifying it. Making signatures is for those who hold keys.
//!
//! Every signed message is `"veilfold/v1/<name>-sig" 0x00` and a 32-byte hash (protocol 2.5).

#[cfg(feature = "ideal-signatures")]
pub mod ideal;

use ed25519_dalek::{Signature, VerifyingKey};

/// Length of an Ed25519 signature in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// What a signature is about. Two domains never share a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureDomain {
    /// An Entry, over its hash.
    Entry,
    /// A Relay's newest position in one Space.
    Head,
    /// A login, by either side.
    Connection,
    /// The right to read a Space on this connection.
    SpaceAuth,
    /// A contact card, by the keys it shows.
    ContactCard,
}

impl SignatureDomain {
    fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Head => "head",
            Self::Connection => "conn",
            Self::SpaceAuth => "space-auth",
            Self::ContactCard => "contact-card",
        }
    }

    /// The exact bytes that are signed.
    pub fn message(self, hash: &[u8; 32]) -> Vec<u8> {
        let name = self.name();
        let mut message = Vec::with_capacity(12 + name.len() + 5 + 32);
        message.extend_from_slice(b"veilfold/v1/");
        message.extend_from_slice(name.as_bytes());
        message.extend_from_slice(b"-sig\0");
        message.extend_from_slice(hash);
        message
    }
}

/// True when `signature` over `hash` is by `key`. Weak keys and malleable signatures are refused.
#[must_use]
pub fn verify(domain: SignatureDomain, key: &[u8; 32], hash: &[u8; 32], signature: &[u8; 64]) -> bool {
    #[cfg(feature = "ideal-signatures")]
    if ideal::is_signed(domain, key, hash, signature) {
        return true;
    }
    let Ok(key) = VerifyingKey::from_bytes(key) else { return false };
    key.verify_strict(&domain.message(hash), &Signature::from_bytes(signature)).is_ok()
}
