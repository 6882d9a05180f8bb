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
        #[cfg(feature = "ideal-signatures")]
        if let Some(signature) = veilfold_wire::signature::ideal::sign(domain, &self.public(), hash) {
            return signature;
        }
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

#[cfg(test)]
mod tests {
    use super::super::entropy::SeededEntropy;
    use super::super::hex;
    use super::*;

    #[test]
    fn xchacha_of_its_draft() {
        // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
        let key: [u8; 32] = core::array::from_fn(|index| 0x80 + index as u8);
        let nonce: [u8; 24] = core::array::from_fn(|index| 0x40 + index as u8);
        let aad = hex::decode("50515253c0c1c2c3c4c5c6c7");
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
            future, sunscreen would be it.";
        let sealed = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3\
            a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b\
            2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49";
        let mut buffer = text.to_vec();
        AeadKey::new(&key).seal(&nonce, &aad, &mut buffer);
        assert_eq!(hex::encode(&buffer), sealed);
        assert_eq!(AeadKey::new(&key).open(&nonce, &aad, &buffer), Ok(text.to_vec()));
    }

    #[test]
    fn hpke_of_rfc_9180() {
        // Appendix A.2.1, sequence number 0: the suite that epoch boxes use.
        let secret = hex::decode("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let enc = hex::decode("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
        let sealed = hex::decode(
            "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28",
        );
        let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &<X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&secret).unwrap(),
            &<X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&enc).unwrap(),
            &hex::decode("4f6465206f6e2061204772656369616e2055726e"),
            &sealed,
            b"Count-0",
        );
        assert_eq!(opened.unwrap(), b"Beauty is truth, truth beauty");
    }

    #[test]
    fn public_keys_of_rfc_8032_and_rfc_9180() {
        let seed = hex::array("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(hex::encode(SigningSecret::from_seed(&seed).public()), public);
        // The recipient of RFC 9180, appendix A.2.1, and the same secret after clamping.
        let seed = hex::array("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
        let clamped = hex::array("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e07b");
        let public = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
        assert_eq!(KemSecret::from_seed(&seed).public().to_string(), public);
        assert_eq!(KemSecret::from_seed(&clamped).public().to_string(), public);
    }

    #[test]
    fn labels_and_contexts_separate_keys() {
        let keys = [
            kdf(&[1; 32], "a", &[b"bc"]),
            kdf(&[1; 32], "ab", &[b"c"]),
            kdf(&[1; 32], "a", &[b"bd"]),
            kdf(&[2; 32], "a", &[b"bc"]),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(keys[index + 1..].iter().all(|other| key != other));
        }
        assert_eq!(keys[0], kdf(&[1; 32], "a", &[b"b", b"c"]), "parts are joined");
    }

    #[test]
    fn a_key_of_low_order_is_refused() {
        let mut entropy = SeededEntropy::new(1);
        for key in [KemKey::ZERO, KemKey(hex::array(&format!("01{}", "00".repeat(31))))] {
            assert_eq!(hpke_seal(&key, b"", b"", &[1; 32], &mut entropy), Err(BadRecipient));
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let shown = format!(
            "{:?} {:?} {:?} {:?}",
            AeadKey::new(&[0xab; 32]),
            SigningSecret::from_seed(&[0xab; 32]),
            KemSecret::from_seed(&[0xab; 32]),
            HedgeKey::new(Zeroizing::new([0xab; 32]))
        );
        assert_eq!(shown, "AeadKey(..) SigningSecret(..) KemSecret(..) HedgeKey(..)");
    }
}
