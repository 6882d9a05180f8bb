//! Key derivation, AEAD, signatures and HPKE: the only use of a cryptographic primitive with a
//! secret (docs/protocol/keys.md). Called by the rest of `keys/` and by `envelope/`; what a key is
//! for is left to them.

use super::entropy::{Entropy, EntropyRng};
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{Key, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use core::fmt;
use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use sha2::{Digest, Sha256};
use thiserror::Error;
use veilfold_wire::KemKey;
use veilfold_wire::entry::{NONCE_LEN, TAG_LEN};
use veilfold_wire::signature::SignatureDomain;
use zeroize::Zeroizing;

/// 32 secret bytes, erased when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// Derives 32 bytes from `ikm`: HKDF-SHA-256, salt `veilfold/v1`, info `u8(len(label)) ‖ label ‖ ctx`.
///
/// `ctx` is given in parts; every label has contexts of one length only, or one part.
pub fn kdf(ikm: &[u8; 32], label: &str, ctx: &[&[u8]]) -> Secret {
    debug_assert!(label.len() <= 255, "labels are constants of this crate");
    let mut info = Vec::with_capacity(1 + label.len() + ctx.iter().map(|part| part.len()).sum::<usize>());
    info.push(label.len() as u8);
    info.extend_from_slice(label.as_bytes());
    ctx.iter().for_each(|part| info.extend_from_slice(part));
    let mut out = Zeroizing::new([0; 32]);
    let expanded = Hkdf::<Sha256>::new(Some(b"veilfold/v1"), ikm).expand(&info, out.as_mut_slice());
    assert!(expanded.is_ok(), "32 bytes are below HKDF's limit of 8160");
    out
}

/// The box does not open: another key, another context, or altered bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the box does not open")]
pub struct Unopened;

/// A key of XChaCha20-Poly1305.
pub struct AeadKey {
    cipher: XChaCha20Poly1305,
    #[cfg(feature = "testing")]
    null: bool,
}

impl AeadKey {
    /// The key with these bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(&Key::from(*key)),
            #[cfg(feature = "testing")]
            null: false,
        }
    }

    /// Turns encryption off: sealed bytes are the plaintext and 16 zero bytes.
    #[cfg(feature = "testing")]
    pub(super) fn set_null(&mut self, null: bool) {
        self.null = null;
    }

    /// Seals `buffer` in place and appends the tag.
    pub fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut Vec<u8>) {
        #[cfg(feature = "testing")]
        if self.null {
            buffer.extend_from_slice(&[0; TAG_LEN]);
            return;
        }
        let tag =
            self.cipher.encrypt_inout_detached(&XNonce::from(*nonce), aad, buffer.as_mut_slice().into());
        match tag {
            Ok(tag) => buffer.extend_from_slice(&tag),
            Err(_) => unreachable!("the cipher's limit of 256 GiB is far above any entry"),
        }
    }

    /// Opens sealed bytes with the tag at their end.
    ///
    /// # Errors
    /// [`Unopened`] when tag, key, nonce or associated data do not belong together.
    pub fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
        let (text, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(Unopened)?;
        let mut buffer = text.to_vec();
        #[cfg(feature = "testing")]
        if self.null && *tag == [0; TAG_LEN] {
            return Ok(buffer);
        }
        let opened = self.cipher.decrypt_inout_detached(
            &XNonce::from(*nonce),
            aad,
            buffer.as_mut_slice().into(),
            &Tag::from(*tag),
        );
        opened.map(|()| buffer).map_err(|_| Unopened)
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(..)")
    }
}

/// A secret of Ed25519; erased when dropped.
pub struct SigningSecret(SigningKey);

impl SigningSecret {
    /// The key whose seed (RFC 8032) these bytes are.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs a hash in one domain.
    pub fn sign(&self, domain: SignatureDomain, hash: &[u8; 32]) -> [u8; 64] {
        self.0.sign(&domain.message(hash)).to_bytes()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(..)")
    }
}

/// A secret of X25519 for HPKE; erased when dropped.
pub struct KemSecret(<X25519HkdfSha256 as Kem>::PrivateKey);

/// What HPKE sealing gives: the encapsulated key, and 32 bytes with their tag.
pub(super) type Sealed32 = ([u8; 32], [u8; 48]);

impl KemSecret {
    /// The key whose scalar, before clamping (RFC 7748), these bytes are.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        match <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(seed) {
            Ok(key) => Self(key),
            Err(_) => unreachable!("every 32 bytes are an X25519 secret"),
        }
    }

    /// The public key.
    pub fn public(&self) -> KemKey {
        KemKey(X25519HkdfSha256::sk_to_pk(&self.0).to_bytes().into())
    }

    /// Opens 32 bytes that [`hpke_seal`] sealed to this key.
    ///
    /// # Errors
    /// [`Unopened`] when key, context or bytes do not belong together.
    pub(super) fn open(
        &self,
        info: &[u8],
        aad: &[u8],
        (enc, ciphertext): &Sealed32,
    ) -> Result<Secret, Unopened> {
        let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(enc.as_slice()).map_err(|_| Unopened)?;
        let plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &enc,
            info,
            ciphertext,
            aad,
        );
        let plaintext = Zeroizing::new(plaintext.map_err(|_| Unopened)?);
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(plaintext.get(..32).ok_or(Unopened)?);
        Ok(secret)
    }
}

impl fmt::Debug for KemSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemSecret(..)")
    }
}

/// The recipient's public key is unusable: it would give a shared secret that everybody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the recipient's key is unusable")]
pub struct BadRecipient;

/// Seals 32 bytes to `recipient`: HPKE base mode, X25519, HKDF-SHA-256, ChaCha20-Poly1305.
///
/// # Errors
/// [`BadRecipient`] for a key of low order.
pub(super) fn hpke_seal(
    recipient: &KemKey,
    info: &[u8],
    aad: &[u8],
    secret: &[u8; 32],
    entropy: &mut dyn Entropy,
) -> Result<Sealed32, BadRecipient> {
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&recipient.0).map_err(|_| BadRecipient)?;
    let (enc, sealed) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        info,
        secret,
        aad,
        &mut EntropyRng(entropy),
    )
    .map_err(|_| BadRecipient)?;
    let ciphertext = sealed.try_into().map_err(|_| BadRecipient)?;
    Ok((enc.to_bytes().into(), ciphertext))
}

/// Makes nonces that repeat only when both the randomness and the content repeat.
#[derive(Clone)]
pub struct HedgeKey(Secret);

impl HedgeKey {
    /// The key with these bytes.
    pub fn new(key: Secret) -> Self {
        Self(key)
    }

    /// `HMAC-SHA-256(key, random32 ‖ SHA-256(aad) ‖ SHA-256(plaintext))[..24]`, with the nonce in
    /// `aad` still zero.
    pub fn nonce(&self, entropy: &mut dyn Entropy, aad: &[u8], plaintext: &[u8]) -> [u8; NONCE_LEN] {
        let mac = match Hmac::<Sha256>::new_from_slice(self.0.as_slice()) {
            Ok(mac) => mac,
            Err(_) => unreachable!("HMAC takes keys of every length"),
        };
        let full = mac
            .chain_update(super::entropy::random::<32>(entropy))
            .chain_update(Sha256::digest(aad))
            .chain_update(Sha256::digest(plaintext))
            .finalize()
            .into_bytes();
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&full[..NONCE_LEN]);
        nonce
    }
}

impl fmt::Debug for HedgeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HedgeKey(..)")
    }
}
