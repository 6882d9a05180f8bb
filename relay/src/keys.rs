//! The Relay's signing key: what it signs, and the file it is kept in.
//!
//! Sessions sign logins with it and feeds sign heads. It opens nothing: a Relay has no key that could.

use ed25519_dalek::{Signer, SigningKey};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use veilfold_wire::frame::SignedHead;
use veilfold_wire::login::{Side, Transcript, head_hash};
use veilfold_wire::signature::SignatureDomain;
use veilfold_wire::{ChainHash, RelayKey, SpaceId};
use zeroize::Zeroizing;

const KEY_FILE: &str = "relay.key";

/// The key file could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system refused.
    #[error("cannot use the key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file does not hold 32 bytes.
    #[error("the key file {path} is damaged: it must hold exactly 32 bytes")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// The signing key of one Relay.
pub struct RelayIdentity {
    signing: SigningKey,
}

impl core::fmt::Debug for RelayIdentity {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RelayIdentity").field("key", &self.key()).finish_non_exhaustive()
    }
}

impl RelayIdentity {
    /// The identity that these 32 secret bytes stand for.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { signing: SigningKey::from_bytes(seed) }
    }

    /// Draws a new identity that lives as long as the process.
    ///
    /// # Errors
    /// `NoRandomness`.
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self::from_seed(&*random_seed()?))
    }

    /// Reads the identity kept in `folder`, or makes one there that only the owner of the file can read.
    ///
    /// # Errors
    /// A [`KeyError`]; a damaged file is never replaced, since devices pin the key.
    pub fn load_or_generate(folder: &Path) -> Result<Self, KeyError> {
        let path = folder.join(KEY_FILE);
        match read_seed(&path) {
            Ok(seed) => Ok(Self::from_seed(&seed)),
            Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let seed = random_seed()?;
                write_seed(folder, &path, &seed).map_err(|source| KeyError::Io { path, source })?;
                Ok(Self::from_seed(&seed))
            }
            Err(error) => Err(error),
        }
    }

    /// The public key, which devices pin.
    pub fn key(&self) -> RelayKey {
        RelayKey(self.signing.verifying_key().to_bytes())
    }

    /// Signs a login as the Relay's side.
    pub(crate) fn sign_login(&self, transcript: &Transcript) -> [u8; 64] {
        self.sign(SignatureDomain::Connection, &transcript.hash(Side::Relay))
    }

    /// Signs the newest position of a Space.
    pub(crate) fn sign_head(&self, space: &SpaceId, seq: u64, chain: ChainHash, time_ms: u64) -> SignedHead {
        let hash = head_hash(space, seq, &chain, time_ms);
        SignedHead { seq, chain, time_ms, signature: self.sign(SignatureDomain::Head, &hash) }
    }

    fn sign(&self, domain: SignatureDomain, hash: &[u8; 32]) -> [u8; 64] {
        #[cfg(feature = "ideal-signatures")]
        if let Some(signature) = veilfold_wire::signature::ideal::sign(domain, &self.key().0, hash) {
            return signature;
        }
        self.signing.sign(&domain.message(hash)).to_bytes()
    }
}

fn random_seed() -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|_| KeyError::NoRandomness)?;
    Ok(seed)
}

fn read_seed(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let mut bytes = Zeroizing::new(Vec::with_capacity(64));
    std::fs::File::open(path).map_err(io)?.take(64).read_to_end(&mut bytes).map_err(io)?;
    let seed = <[u8; 32]>::try_from(bytes.as_slice());
    seed.map(Zeroizing::new).map_err(|_| KeyError::Damaged { path: path.to_owned() })
}

/// Written beside, synced and renamed, so that a power cut leaves the whole key or none.
fn write_seed(folder: &Path, path: &Path, seed: &[u8; 32]) -> io::Result<()> {
    let draft = folder.join("relay.key.new");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(seed)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    #[cfg(unix)]
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = RelayIdentity::load_or_generate(folder.path()).unwrap().key();
        assert_eq!(RelayIdentity::load_or_generate(folder.path()).unwrap().key(), made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = folder.path().join(KEY_FILE).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_key_file_is_named_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(KEY_FILE), [1; 31]).unwrap();
        assert!(matches!(RelayIdentity::load_or_generate(folder.path()), Err(KeyError::Damaged { .. })));
        assert_eq!(std::fs::read(folder.path().join(KEY_FILE)).unwrap(), [1; 31]);
    }
}
