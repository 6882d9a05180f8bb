//! The secrets of one installation: a seed, and the keys towards Spaces and Relays derived from it.
//!
//! `engine/` makes the seed once and asks it for a Member's keys whenever a Space is opened, so no
//! per-Space secret key is ever stored. Which context a key is derived for: docs/protocol/keys.md.

use super::entropy::{Entropy, random};
use super::primitives::{KemSecret, Secret, SigningSecret, kdf};
use super::root::{DeviceRootKey, KeysLost};
use core::fmt;
use veilfold_wire::membership::MemberKeys;
use veilfold_wire::signature::SignatureDomain;
use veilfold_wire::{ConnectionKey, KemKey, MemberKey, UserTag};
use zeroize::Zeroizing;

/// 32 random bytes from which all keys of this installation are derived.
pub struct DeviceSeed(Secret);

impl DeviceSeed {
    /// Draws a new one.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(Zeroizing::new(random(entropy)))
    }

    /// The seed with these bytes.
    pub fn from_bytes(bytes: Secret) -> Self {
        Self(bytes)
    }

    /// Wrapped for the store, 72 bytes.
    pub fn wrap(&self, root: &DeviceRootKey, entropy: &mut dyn Entropy) -> Vec<u8> {
        root.wrap(&[b"device-seed"], &self.0, entropy)
    }

    /// Reads what [`DeviceSeed::wrap`] wrote.
    ///
    /// # Errors
    /// [`KeysLost`] when it does not open.
    pub fn unwrap(root: &DeviceRootKey, wrapped: &[u8]) -> Result<Self, KeysLost> {
        root.unwrap(&[b"device-seed"], wrapped).map(Self)
    }

    /// The Member secret for one context: the random bytes of the genesis this device made, or the
    /// nonce of the contact card it handed out. `generation` counts replacements of that key.
    pub fn member(&self, key_context: &[u8; 32], generation: u32) -> MemberSecret {
        let generation = generation.to_be_bytes();
        let derive = |label| kdf(&self.0, label, &[key_context, &generation]);
        MemberSecret {
            sign: SigningSecret::from_seed(&derive("member-sign")),
            kem: KemSecret::from_seed(&derive("member-kem")),
        }
    }

    /// The key with which this installation logs in at the Relay of that host and port.
    pub fn connection(&self, authority: &str) -> ConnectionSecret {
        ConnectionSecret(SigningSecret::from_seed(&kdf(&self.0, "connection", &[authority.as_bytes()])))
    }
}

impl fmt::Debug for DeviceSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSeed(..)")
    }
}

/// The secret keys of this device as a Member of one Space.
#[derive(Debug)]
pub struct MemberSecret {
    sign: SigningSecret,
    kem: KemSecret,
}

impl MemberSecret {
    /// The public signing key.
    pub fn sign_key(&self) -> MemberKey {
        MemberKey(self.sign.public())
    }

    /// The public key to which epoch secrets are sealed.
    pub fn kem_key(&self) -> KemKey {
        self.kem.public()
    }

    /// Both public keys with the user's tag in this Space.
    pub fn keys(&self, user_tag: UserTag) -> MemberKeys {
        MemberKeys { sign: self.sign_key(), kem: self.kem_key(), user_tag }
    }

    /// Signs a hash in one domain.
    pub fn sign(&self, domain: SignatureDomain, hash: &[u8; 32]) -> [u8; 64] {
        self.sign.sign(domain, hash)
    }

    pub(super) fn kem(&self) -> &KemSecret {
        &self.kem
    }
}

/// The secret key of this installation towards one Relay.
#[derive(Debug)]
pub struct ConnectionSecret(SigningSecret);

impl ConnectionSecret {
    /// The public key.
    pub fn public(&self) -> ConnectionKey {
        ConnectionKey(self.0.public())
    }

    /// Signs a hash in one domain.
    pub fn sign(&self, domain: SignatureDomain, hash: &[u8; 32]) -> [u8; 64] {
        self.0.sign(domain, hash)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entropy::SeededEntropy;
    use super::*;
    use veilfold_wire::signature::verify;

    #[test]
    fn member_keys_are_derived_again_and_differ_by_context_and_generation() {
        let seed = DeviceSeed::from_bytes(Zeroizing::new([7; 32]));
        let keys = |context, generation| seed.member(&context, generation).keys(UserTag([0; 16]));
        assert_eq!(keys([1; 32], 0), keys([1; 32], 0));
        assert_ne!(keys([1; 32], 0).sign, keys([2; 32], 0).sign);
        assert_ne!(keys([1; 32], 0).kem, keys([1; 32], 1).kem);
        let other = DeviceSeed::generate(&mut SeededEntropy::new(1));
        assert_ne!(other.member(&[1; 32], 0).sign_key(), keys([1; 32], 0).sign);
    }

    #[test]
    fn each_relay_sees_another_connection_key() {
        let seed = DeviceSeed::from_bytes(Zeroizing::new([7; 32]));
        let (one, other) = (seed.connection("one.example:443"), seed.connection("two.example:443"));
        assert_ne!(one.public(), other.public());
        let signature = one.sign(SignatureDomain::Connection, &[3; 32]);
        assert!(verify(SignatureDomain::Connection, &one.public().0, &[3; 32], &signature));
        assert!(!verify(SignatureDomain::Entry, &one.public().0, &[3; 32], &signature), "another domain");
    }
}
