//! Secrets, and every use of a cryptographic primitive with one (docs/protocol/keys.md).
//!
//! Called by `envelope/` for Entries and by `engine/` for identities and boxes. Knows no store and
//! no membership; randomness is handed in.

pub(crate) mod base64url;
mod contact;
mod device;
mod entropy;
mod epoch;
#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
pub(crate) mod hex;
mod keyring;
mod primitives;
mod root;

pub use contact::{ContactCard, ContactCardError, NAME_BYTES_MAX};
pub use device::{ConnectionSecret, DeviceSeed, MemberSecret};
#[cfg(any(test, feature = "testing"))]
pub use entropy::SeededEntropy;
pub use entropy::{Entropy, random};
pub use epoch::{BoxContext, BoxError, EpochSecret};
#[cfg(feature = "testing")]
pub use keyring::Cipher;
pub use keyring::{KeyMissing, Keyring, SealBoxError};
pub use primitives::{AeadKey, BadRecipient, HedgeKey, KemSecret, Secret, SigningSecret, Unopened, kdf};
pub use root::{DeviceRootKey, KeysLost, WRAPPED_LEN};
