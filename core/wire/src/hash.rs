//! Domain-separated SHA-256, the only hash of the protocol (protocol 2.5).

use sha2::{Digest, Sha256};

/// SHA-256 over `"veilfold/v1/<name>" 0x00` and the parts given after it.
#[derive(Clone)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Starts a hash in the domain `name`.
    pub fn new(name: &str) -> Self {
        let mut inner = Sha256::new();
        inner.update(b"veilfold/v1/");
        inner.update(name.as_bytes());
        inner.update([0]);
        Self(inner)
    }

    /// Adds bytes whose length is fixed or known from what came before.
    #[must_use]
    pub fn fixed(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// Adds a number as eight big-endian bytes.
    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.fixed(&value.to_be_bytes())
    }

    /// Adds bytes of any length, with the length before them.
    #[must_use]
    pub fn prefixed(self, bytes: &[u8]) -> Self {
        self.u64(bytes.len() as u64).fixed(bytes)
    }

    /// The 32 bytes of the hash.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
