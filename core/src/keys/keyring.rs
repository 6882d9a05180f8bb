//! The secrets of one Space in memory, with the content keys already derived.
//!
//! `engine/` fills one per open Space; `envelope/` seals and opens with it. It knows no membership:
//! whether a key is the current one is judged elsewhere.

use super::device::MemberSecret;
use super::entropy::Entropy;
use super::epoch::{BoxContext, BoxError, EpochSecret};
use super::primitives::{AeadKey, BadRecipient, HedgeKey};
use crate::sorted::SortedMap;
use thiserror::Error;
use veilfold_wire::membership::EpochBox;
use veilfold_wire::{KemKey, Kind, MemberKey, SpaceId};

/// This device does not have the secret of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the key of epoch {epoch} is missing")]
pub struct KeyMissing {
    /// The epoch.
    pub epoch: u64,
}

/// How sealed parts are made. Only builds with the feature `testing` have a choice.
#[cfg(feature = "testing")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cipher {
    /// XChaCha20-Poly1305.
    #[default]
    Real,
    /// The plaintext and 16 zero bytes: shows that a search for plaintext finds it where it is.
    Null,
}

#[derive(Debug)]
struct EpochKeys {
    secret: EpochSecret,
    entry: AeadKey,
    control: AeadKey,
}

/// The secrets of one Space.
#[derive(Debug)]
pub struct Keyring {
    space: SpaceId,
    member: MemberSecret,
    hedge: HedgeKey,
    epochs: SortedMap<u64, EpochKeys>,
    #[cfg(feature = "testing")]
    cipher: Cipher,
}

impl Keyring {
    /// A keyring without epoch secrets.
    pub fn new(space: SpaceId, member: MemberSecret, hedge: HedgeKey) -> Self {
        Self {
            space,
            member,
            hedge,
            epochs: SortedMap::new(),
            #[cfg(feature = "testing")]
            cipher: Cipher::Real,
        }
    }

    /// The Space.
    pub fn space(&self) -> &SpaceId {
        &self.space
    }

    /// This device's keys as a Member.
    pub fn member(&self) -> &MemberSecret {
        &self.member
    }

    /// The key that hedges nonces.
    pub fn hedge(&self) -> &HedgeKey {
        &self.hedge
    }

    /// Adds a secret that was made here, opened from a box, or unwrapped from the store: each of
    /// these belongs to the epoch's commitment.
    pub fn insert(&mut self, epoch: u64, secret: EpochSecret) {
        let entry = secret.entry_key(&self.space, epoch);
        let control = secret.control_key(&self.space, epoch);
        self.epochs.insert(epoch, EpochKeys { secret, entry, control });
        #[cfg(feature = "testing")]
        self.set_cipher(self.cipher);
    }

    /// The secret of an epoch, to wrap it for the store.
    pub fn secret(&self, epoch: u64) -> Option<&EpochSecret> {
        self.epochs.get(&epoch).map(|keys| &keys.secret)
    }

    /// The key that seals Entries of a kind in an epoch.
    ///
    /// # Errors
    /// [`KeyMissing`] when this device was not given it.
    pub fn key(&self, kind: Kind, epoch: u64) -> Result<&AeadKey, KeyMissing> {
        let keys = self.epochs.get(&epoch).ok_or(KeyMissing { epoch })?;
        Ok(match kind {
            Kind::Data => &keys.entry,
            Kind::Control => &keys.control,
        })
    }

    /// Seals the secret of an epoch to a Member whom this device adds.
    ///
    /// # Errors
    /// [`SealBoxError`] when the secret is missing or the Member's key is unusable.
    pub fn seal_box(
        &self,
        epoch: u64,
        epoch_commit: &[u8; 32],
        recipient: &MemberKey,
        recipient_kem: &KemKey,
        entropy: &mut dyn Entropy,
    ) -> Result<EpochBox, SealBoxError> {
        let secret = self.secret(epoch).ok_or(KeyMissing { epoch })?;
        let author = self.member.sign_key();
        let context = BoxContext { space: &self.space, epoch, epoch_commit, author: &author };
        Ok(secret.seal_box(&context, recipient, recipient_kem, entropy)?)
    }

    /// Opens a box addressed to this device and keeps the secret.
    ///
    /// # Errors
    /// A [`BoxError`]; nothing is kept then.
    pub fn open_box(
        &mut self,
        epoch: u64,
        epoch_commit: &[u8; 32],
        author: &MemberKey,
        epoch_box: &EpochBox,
    ) -> Result<(), BoxError> {
        let context = BoxContext { space: &self.space, epoch, epoch_commit, author };
        let secret = EpochSecret::open_box(&self.member, &context, epoch_box)?;
        self.insert(epoch, secret);
        Ok(())
    }

    /// Chooses how sealed parts are made from now on.
    #[cfg(feature = "testing")]
    pub fn set_cipher(&mut self, cipher: Cipher) {
        self.cipher = cipher;
        for keys in self.epochs.values_mut() {
            keys.entry.set_null(cipher == Cipher::Null);
            keys.control.set_null(cipher == Cipher::Null);
        }
    }
}

/// Why no box was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealBoxError {
    /// This device does not have the secret itself.
    #[error(transparent)]
    KeyMissing(#[from] KeyMissing),
    /// The Member's key is unusable.
    #[error(transparent)]
    BadRecipient(#[from] BadRecipient),
}
