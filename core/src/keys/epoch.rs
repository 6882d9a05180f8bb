//! Epoch secrets: one per key generation of a Space, shared by its Members through boxes.
//!
//! `keyring.rs` keeps them in memory and `engine/` in the store, wrapped. Who gets a box is decided
//! by the one who writes the control Entry.

use super::device::MemberSecret;
use super::entropy::{Entropy, random};
use super::primitives::{AeadKey, BadRecipient, Secret, hpke_seal, kdf};
use super::root::{DeviceRootKey, KeysLost};
use core::fmt;
use thiserror::Error;
use veilfold_wire::membership::EpochBox;
use veilfold_wire::{KemKey, MemberKey, SpaceId};
use zeroize::Zeroizing;

/// 32 random bytes from which all content keys of one epoch are derived.
#[derive(Clone)]
pub struct EpochSecret(Secret);

/// Why a box gave no epoch secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BoxError {
    /// Sealed to another key or for another place, or altered.
    #[error("the epoch box does not open")]
    Unopened,
    /// It holds another secret than the one all Members were promised.
    #[error("the epoch box holds another secret than the committed one")]
    EpochKeyMismatch,
}

/// Where a box stands. Sealed for one place, it opens in no other.
#[derive(Clone, Copy, Debug)]
pub struct BoxContext<'a> {
    /// The Space; 32 zero bytes inside the genesis Entry, which cannot know its own id.
    pub space: &'a SpaceId,
    /// The epoch whose secret it holds.
    pub epoch: u64,
    /// Commitment to that secret.
    pub epoch_commit: &'a [u8; 32],
    /// Signing key of the author of the Entry that carries it.
    pub author: &'a MemberKey,
}

impl BoxContext<'_> {
    fn info(&self, recipient: &MemberKey) -> Vec<u8> {
        let mut info = Vec::with_capacity(125);
        info.extend_from_slice(b"veilfold/v1/epoch-box");
        info.extend_from_slice(&self.space.0);
        info.extend_from_slice(&self.epoch.to_be_bytes());
        info.extend_from_slice(&recipient.0);
        info.extend_from_slice(&self.author.0);
        info
    }
}

impl EpochSecret {
    /// Draws a new one. Epoch secrets are independent of each other.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(Zeroizing::new(random(entropy)))
    }

    /// The secret with these bytes.
    pub fn from_bytes(bytes: Secret) -> Self {
        Self(bytes)
    }

    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public commitment. Epoch 0 is committed to in the genesis Entry, which cannot know its
    /// own Space, so for it the Space is 32 zero bytes whoever asks.
    pub fn commitment(&self, space: &SpaceId, epoch: u64) -> [u8; 32] {
        let space = if epoch == 0 { &SpaceId::ZERO } else { space };
        *self.derive("epoch-commit", space, epoch)
    }

    /// The key of data Entries.
    pub fn entry_key(&self, space: &SpaceId, epoch: u64) -> AeadKey {
        AeadKey::new(&self.derive("entry-aead", space, epoch))
    }

    /// The key of the sealed parts of control Entries.
    pub fn control_key(&self, space: &SpaceId, epoch: u64) -> AeadKey {
        AeadKey::new(&self.derive("control-aead", space, epoch))
    }

    fn derive(&self, label: &str, space: &SpaceId, epoch: u64) -> Secret {
        kdf(&self.0, label, &[&space.0, &epoch.to_be_bytes()])
    }

    /// Seals the secret to a Member.
    ///
    /// # Errors
    /// [`BadRecipient`] when the Member's key is unusable.
    pub fn seal_box(
        &self,
        context: &BoxContext<'_>,
        recipient: &MemberKey,
        recipient_kem: &KemKey,
        entropy: &mut dyn Entropy,
    ) -> Result<EpochBox, BadRecipient> {
        let info = context.info(recipient);
        let (enc, ciphertext) = hpke_seal(recipient_kem, &info, context.epoch_commit, &self.0, entropy)?;
        Ok(EpochBox { enc, ciphertext })
    }

    /// Opens a box addressed to `member` and compares what is inside with the commitment.
    ///
    /// # Errors
    /// As [`BoxError`] says; the secret is then unusable and nothing may be opened with it.
    pub fn open_box(
        member: &MemberSecret,
        context: &BoxContext<'_>,
        epoch_box: &EpochBox,
    ) -> Result<Self, BoxError> {
        let info = context.info(&member.sign_key());
        let opened = member.kem().open(&info, context.epoch_commit, &(epoch_box.enc, epoch_box.ciphertext));
        let secret = Self(opened.map_err(|_| BoxError::Unopened)?);
        if secret.commitment(context.space, context.epoch) != *context.epoch_commit {
            return Err(BoxError::EpochKeyMismatch);
        }
        Ok(secret)
    }

    /// Wrapped for the store, 72 bytes.
    pub fn wrap(
        &self,
        root: &DeviceRootKey,
        space: &SpaceId,
        epoch: u64,
        entropy: &mut dyn Entropy,
    ) -> Vec<u8> {
        root.wrap(&[b"epoch", &space.0, &epoch.to_be_bytes()], &self.0, entropy)
    }

    /// Reads what [`EpochSecret::wrap`] wrote for that Space and epoch.
    ///
    /// # Errors
    /// [`KeysLost`] when it does not open.
    pub fn unwrap(
        root: &DeviceRootKey,
        space: &SpaceId,
        epoch: u64,
        wrapped: &[u8],
    ) -> Result<Self, KeysLost> {
        root.unwrap(&[b"epoch", &space.0, &epoch.to_be_bytes()], wrapped).map(Self)
    }
}

impl fmt::Debug for EpochSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::entropy::SeededEntropy;
    use super::super::{DeviceSeed, hex};
    use super::*;

    const SPACE: SpaceId = SpaceId([5; 32]);

    struct Sealed {
        secret: EpochSecret,
        commit: [u8; 32],
        author: MemberKey,
        member: MemberSecret,
        epoch_box: EpochBox,
    }

    fn sealed(epoch: u64, commit: impl Fn(&EpochSecret) -> [u8; 32]) -> Sealed {
        let mut entropy = SeededEntropy::new(epoch);
        let secret = EpochSecret::generate(&mut entropy);
        let author = MemberKey([8; 32]);
        let member = DeviceSeed::generate(&mut entropy).member(&[0; 32], 0);
        let commit = commit(&secret);
        let context = BoxContext { space: &SPACE, epoch, epoch_commit: &commit, author: &author };
        let epoch_box =
            secret.seal_box(&context, &member.sign_key(), &member.kem_key(), &mut entropy).unwrap();
        Sealed { secret, commit, author, member, epoch_box }
    }

    #[test]
    fn a_box_opens_for_its_recipient_at_its_place() {
        for epoch in [0, 4] {
            let sealed = sealed(epoch, |secret| secret.commitment(&SPACE, epoch));
            let context =
                BoxContext { space: &SPACE, epoch, epoch_commit: &sealed.commit, author: &sealed.author };
            let opened = EpochSecret::open_box(&sealed.member, &context, &sealed.epoch_box).unwrap();
            assert_eq!(opened.0, sealed.secret.0);

            let open = |context: BoxContext<'_>| {
                EpochSecret::open_box(&sealed.member, &context, &sealed.epoch_box).unwrap_err()
            };
            assert_eq!(open(BoxContext { space: &SpaceId([6; 32]), ..context }), BoxError::Unopened);
            assert_eq!(open(BoxContext { epoch: epoch + 1, ..context }), BoxError::Unopened);
            assert_eq!(open(BoxContext { author: &MemberKey([9; 32]), ..context }), BoxError::Unopened);
            assert_eq!(open(BoxContext { epoch_commit: &[0; 32], ..context }), BoxError::Unopened);
            let other = DeviceSeed::generate(&mut SeededEntropy::new(99)).member(&[0; 32], 0);
            let opened = EpochSecret::open_box(&other, &context, &sealed.epoch_box);
            assert_eq!(opened.unwrap_err(), BoxError::Unopened);
        }
    }

    #[test]
    fn a_box_with_another_secret_than_the_committed_one_is_refused() {
        let sealed = sealed(4, |_| [1; 32]);
        let context =
            BoxContext { space: &SPACE, epoch: 4, epoch_commit: &sealed.commit, author: &sealed.author };
        let opened = EpochSecret::open_box(&sealed.member, &context, &sealed.epoch_box);
        assert_eq!(opened.unwrap_err(), BoxError::EpochKeyMismatch);
    }

    #[test]
    fn epoch_0_is_committed_to_before_the_space_has_an_id() {
        let secret = EpochSecret::from_bytes(Zeroizing::new([1; 32]));
        assert_eq!(secret.commitment(&SPACE, 0), secret.commitment(&SpaceId::ZERO, 0));
        assert_ne!(secret.commitment(&SPACE, 1), secret.commitment(&SpaceId::ZERO, 1));
    }

    #[test]
    fn content_keys_differ_by_space_epoch_and_kind() {
        let secret = EpochSecret::from_bytes(Zeroizing::new([1; 32]));
        let keys = [
            secret.entry_key(&SPACE, 0),
            secret.entry_key(&SPACE, 1),
            secret.entry_key(&SpaceId([6; 32]), 0),
            secret.control_key(&SPACE, 0),
        ];
        let sealed = keys.map(|key| {
            let mut buffer = Vec::new();
            key.seal(&[0; 24], b"", &mut buffer);
            hex::encode(buffer)
        });
        for (index, text) in sealed.iter().enumerate() {
            assert!(!sealed[index + 1..].contains(text));
        }
    }
}
