//! The device root key, the one secret that the platform's key store holds, and what it wraps.
//!
//! The driver fetches it once at start; `device.rs` and `epoch.rs` wrap their secrets with it before
//! a store sees them. Where it is kept is left to the platform.

use super::entropy::{Entropy, random};
use super::primitives::{AeadKey, HedgeKey, Secret, kdf};
use core::fmt;
use thiserror::Error;
use veilfold_wire::entry::{NONCE_LEN, TAG_LEN};
use zeroize::Zeroizing;

/// Length of a wrapped secret: nonce, 32 bytes, tag.
pub const WRAPPED_LEN: usize = NONCE_LEN + 32 + TAG_LEN;

/// The store's secrets do not open with this root key: the platform lost or replaced it, or the
/// store was copied from another device. Linking or recovery is the way out, trying again is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this device's keys do not open with its root key")]
pub struct KeysLost;

/// 32 random bytes that the platform's key store keeps.
pub struct DeviceRootKey {
    bytes: Secret,
    wrap: AeadKey,
    hedge: HedgeKey,
}

impl DeviceRootKey {
    /// Draws a new one; the caller hands [`DeviceRootKey::as_bytes`] to the platform's key store.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self::from_bytes(Zeroizing::new(random(entropy)))
    }

    /// The key as the platform's key store returned it.
    pub fn from_bytes(bytes: Secret) -> Self {
        let wrap = AeadKey::new(&kdf(&bytes, "local-wrap", &[]));
        let hedge = HedgeKey::new(kdf(&bytes, "nonce-hedge", &[]));
        Self { bytes, wrap, hedge }
    }

    /// The bytes for the platform's key store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The key that hedges nonces on this device.
    pub fn hedge(&self) -> HedgeKey {
        self.hedge.clone()
    }

    /// Wraps a secret for the store. `name` says which one it is, so that rows cannot be swapped.
    pub(super) fn wrap(&self, name: &[&[u8]], secret: &Secret, entropy: &mut dyn Entropy) -> Vec<u8> {
        let aad = wrap_aad(name);
        let mut sealed = Vec::with_capacity(WRAPPED_LEN);
        sealed.extend_from_slice(secret.as_slice());
        let nonce = self.hedge.nonce(entropy, &aad, secret.as_slice());
        self.wrap.seal(&nonce, &aad, &mut sealed);
        let mut out = Vec::with_capacity(WRAPPED_LEN);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// # Errors
    /// [`KeysLost`] when the bytes were wrapped under another key or name, or were altered.
    pub(super) fn unwrap(&self, name: &[&[u8]], wrapped: &[u8]) -> Result<Secret, KeysLost> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LEN>().ok_or(KeysLost)?;
        let opened = Zeroizing::new(self.wrap.open(nonce, &wrap_aad(name), sealed).map_err(|_| KeysLost)?);
        let mut secret = Zeroizing::new([0; 32]);
        if opened.len() != secret.len() {
            return Err(KeysLost);
        }
        secret.copy_from_slice(&opened);
        Ok(secret)
    }
}

fn wrap_aad(name: &[&[u8]]) -> Vec<u8> {
    let mut aad = b"veilfold/v1/local-wrap\0".to_vec();
    name.iter().for_each(|part| aad.extend_from_slice(part));
    aad
}

impl fmt::Debug for DeviceRootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceRootKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::entropy::SeededEntropy;
    use super::super::{DeviceSeed, EpochSecret};
    use super::*;
    use veilfold_wire::SpaceId;

    #[test]
    fn wrapped_secrets_open_with_the_same_root_key_only() {
        let mut entropy = SeededEntropy::new(1);
        let root = DeviceRootKey::generate(&mut entropy);
        let seed = DeviceSeed::generate(&mut entropy);
        let wrapped = seed.wrap(&root, &mut entropy);
        assert_eq!(wrapped.len(), WRAPPED_LEN);
        let same_root = DeviceRootKey::from_bytes(Zeroizing::new(*root.as_bytes()));
        let again = DeviceSeed::unwrap(&same_root, &wrapped).unwrap();
        assert_eq!(again.member(&[0; 32], 0).sign_key(), seed.member(&[0; 32], 0).sign_key());
        let other_root = DeviceRootKey::generate(&mut entropy);
        assert_eq!(DeviceSeed::unwrap(&other_root, &wrapped).err(), Some(KeysLost));
    }

    #[test]
    fn damage_and_swapped_rows_are_keys_lost() {
        let mut entropy = SeededEntropy::new(2);
        let root = DeviceRootKey::generate(&mut entropy);
        let wrapped = EpochSecret::generate(&mut entropy).wrap(&root, &SpaceId([1; 32]), 3, &mut entropy);
        let opens =
            |space, epoch, bytes: &[u8]| EpochSecret::unwrap(&root, &SpaceId(space), epoch, bytes).is_ok();
        assert!(opens([1; 32], 3, &wrapped));
        assert!(!opens([2; 32], 3, &wrapped), "another Space's row");
        assert!(!opens([1; 32], 4, &wrapped), "another epoch's row");
        assert!(DeviceSeed::unwrap(&root, &wrapped).is_err(), "another table's row");
        for index in 0..wrapped.len() {
            let mut altered = wrapped.clone();
            altered[index] ^= 1;
            assert!(!opens([1; 32], 3, &altered));
            assert!(!opens([1; 32], 3, &wrapped[..index]));
        }
    }
}
