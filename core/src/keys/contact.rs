//! A contact card: the public keys that somebody hands out so that another can add them to a Space.
//!
//! Made and recognised by `engine/`, passed on by people as text. The holder's secrets are not
//! stored; the nonce in the card is enough to derive them again (docs/protocol/keys.md).

use super::base64url;
use super::device::{DeviceSeed, MemberSecret};
use super::entropy::{Entropy, random};
use core::fmt;
use core::str::FromStr;
use thiserror::Error;
use veilfold_wire::codec::{Reader, Writer};
use veilfold_wire::hash::Hasher;
use veilfold_wire::signature::{SIGNATURE_LEN, SignatureDomain, verify};
use veilfold_wire::{KemKey, MemberKey, WireError};

/// Longest display name in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 128;

const VERSION: u8 = 1;
const PREFIX: &str = "veilfold-card:";
const NONCE_LEN: usize = 32;

/// Why a text is not a usable contact card.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ContactCardError {
    /// It does not start as a card does.
    #[error("not a contact card: it must start with `{PREFIX}`")]
    NotACard,
    /// Made by a newer version.
    #[error("the contact card needs a newer version (its format is `{found}`)")]
    NewerVersion {
        /// The format it names.
        found: String,
    },
    /// A character that cannot stand there, or the text is cut off.
    #[error("the contact card is damaged at character {position}")]
    BadCharacter {
        /// Counted from 1, from the start of the text.
        position: usize,
    },
    /// The bytes do not parse.
    #[error("the contact card is damaged: {0}")]
    Malformed(#[from] WireError),
    /// The name is longer than allowed.
    #[error("the name has {found} bytes, at most {NAME_BYTES_MAX} are allowed")]
    NameTooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// The name is not UTF-8 or has control characters.
    #[error("the name has characters that cannot be shown")]
    BadName,
    /// It was altered, or made by somebody without the keys it shows.
    #[error("the contact card's signature does not verify")]
    BadSignature,
}

/// Public keys with a name, signed by the key they show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactCard {
    nonce: [u8; NONCE_LEN],
    sign: MemberKey,
    kem: KemKey,
    name: String,
    signature: [u8; SIGNATURE_LEN],
}

impl ContactCard {
    /// Makes a card with keys of its own. One card per Space keeps Spaces apart in a Relay's eyes.
    ///
    /// # Errors
    /// `NameTooLong` or `BadName`.
    pub fn generate(
        seed: &DeviceSeed,
        name: &str,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, ContactCardError> {
        check_name(name)?;
        let nonce = random(entropy);
        let secret = seed.member(&nonce, 0);
        let (sign, kem) = (secret.sign_key(), secret.kem_key());
        let mut card = Self { nonce, sign, kem, name: name.to_owned(), signature: [0; SIGNATURE_LEN] };
        card.signature = secret.sign(SignatureDomain::ContactCard, &card.hash());
        Ok(card)
    }

    /// The signing key.
    pub fn sign_key(&self) -> &MemberKey {
        &self.sign
    }

    /// The key to which epoch secrets are sealed.
    pub fn kem_key(&self) -> &KemKey {
        &self.kem
    }

    /// The name, as its holder chose it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The context from which its holder derives the secrets again. It says nothing to others.
    pub fn key_context(&self) -> &[u8; NONCE_LEN] {
        &self.nonce
    }

    /// The secrets behind the card, when this device made it.
    pub fn secret(&self, seed: &DeviceSeed) -> Option<MemberSecret> {
        let secret = seed.member(&self.nonce, 0);
        (secret.sign_key() == self.sign && secret.kem_key() == self.kem).then_some(secret)
    }

    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.unsigned();
        out.fixed(&self.signature);
        out.finish()
    }

    /// Reads a card and checks that its maker holds the key it shows.
    ///
    /// # Errors
    /// A [`ContactCardError`] naming what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, ContactCardError> {
        let mut input = Reader::new(bytes);
        let version = input.u8("card.version")?;
        if version != VERSION {
            return Err(ContactCardError::NewerVersion { found: version.to_string() });
        }
        let nonce = input.array("card.nonce")?;
        let sign = MemberKey(input.array("card.sign")?);
        let kem = KemKey(input.array("card.kem")?);
        let name = input.prefixed(NAME_BYTES_MAX, "card.name")?;
        let name = core::str::from_utf8(name).map_err(|_| ContactCardError::BadName)?;
        check_name(name)?;
        let signature = input.array("card.signature")?;
        input.end()?;
        let card = Self { nonce, sign, kem, name: name.to_owned(), signature };
        if !verify(SignatureDomain::ContactCard, &sign.0, &card.hash(), &signature) {
            return Err(ContactCardError::BadSignature);
        }
        Ok(card)
    }

    fn unsigned(&self) -> Writer {
        let mut out = Writer::with_capacity(1 + 3 * 32 + 2 + self.name.len() + SIGNATURE_LEN);
        out.u8(VERSION).fixed(&self.nonce).fixed(&self.sign.0).fixed(&self.kem.0);
        out.prefixed(self.name.as_bytes());
        out
    }

    fn hash(&self) -> [u8; 32] {
        Hasher::new("contact-card").fixed(self.unsigned().as_slice()).finish()
    }
}

/// The text that people pass on: `veilfold-card:1.` and base64url of the bytes.
impl fmt::Display for ContactCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{VERSION}.{}", base64url::encode(&self.encode()))
    }
}

/// Reads the text form; white space around it is ignored.
impl FromStr for ContactCard {
    type Err = ContactCardError;

    fn from_str(text: &str) -> Result<Self, ContactCardError> {
        let text = text.trim();
        let rest = text.strip_prefix(PREFIX).ok_or(ContactCardError::NotACard)?;
        let (version, body) = rest.split_once('.').ok_or(ContactCardError::NotACard)?;
        if version != VERSION.to_string() {
            let found = version.chars().take(16).collect();
            return Err(ContactCardError::NewerVersion { found });
        }
        let start = PREFIX.len() + version.len() + 1;
        let bytes = base64url::decode(body)
            .map_err(|index| ContactCardError::BadCharacter { position: start + index + 1 })?;
        Self::decode(&bytes)
    }
}

fn check_name(name: &str) -> Result<(), ContactCardError> {
    if name.len() > NAME_BYTES_MAX {
        return Err(ContactCardError::NameTooLong { found: name.len() });
    }
    if name.chars().any(char::is_control) { Err(ContactCardError::BadName) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::super::entropy::SeededEntropy;
    use super::*;

    fn card(name: &str) -> (DeviceSeed, ContactCard) {
        let mut entropy = SeededEntropy::new(1);
        let seed = DeviceSeed::generate(&mut entropy);
        let card = ContactCard::generate(&seed, name, &mut entropy).unwrap();
        (seed, card)
    }

    #[test]
    fn a_card_passes_as_text_and_its_maker_knows_it_again() {
        for name in ["", "Ada", "Zoë 🌿", &"x".repeat(128)] {
            let (seed, card) = card(name);
            let read: ContactCard = format!("  {card}\n").parse().unwrap();
            assert_eq!(read, card);
            assert_eq!(read.name(), name);
            let secret = read.secret(&seed).unwrap();
            assert_eq!((secret.sign_key(), secret.kem_key()), (*card.sign_key(), *card.kem_key()));
            assert!(read.secret(&DeviceSeed::generate(&mut SeededEntropy::new(2))).is_none());
        }
    }

    #[test]
    fn cards_of_one_device_cannot_be_linked() {
        let mut entropy = SeededEntropy::new(1);
        let seed = DeviceSeed::generate(&mut entropy);
        let cards = [0, 1].map(|_| ContactCard::generate(&seed, "Ada", &mut entropy).unwrap());
        assert_ne!(cards[0].sign_key(), cards[1].sign_key());
        assert_ne!(cards[0].kem_key(), cards[1].kem_key());
        assert_ne!(cards[0].key_context(), cards[1].key_context());
    }

    #[test]
    fn what_is_wrong_with_a_text_is_named() {
        let (_, card) = card("Ada");
        let text = card.to_string();
        let error = |text: &str| text.parse::<ContactCard>().unwrap_err();
        assert_eq!(error("hello"), ContactCardError::NotACard);
        assert_eq!(error("veilfold-card:1"), ContactCardError::NotACard);
        let newer = text.replace(":1.", ":2.");
        assert_eq!(error(&newer), ContactCardError::NewerVersion { found: "2".into() });
        let spaced = text.replacen(&text[20..21], " ", 1);
        let position = spaced.find(' ').unwrap() + 1;
        assert_eq!(error(&spaced), ContactCardError::BadCharacter { position });
        let cut = &text[..text.len() - 4];
        let damaged = WireError::TooShort { field: "card.signature" };
        assert_eq!(error(cut), ContactCardError::Malformed(damaged));
    }

    #[test]
    fn an_altered_card_is_refused() {
        let bytes = card("Ada").1.encode();
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            assert!(ContactCard::decode(&altered).is_err(), "byte {index}");
            assert!(ContactCard::decode(&bytes[..index]).is_err(), "cut at {index}");
        }
        let mut other_kem = bytes.clone();
        other_kem[70] ^= 1;
        assert_eq!(ContactCard::decode(&other_kem), Err(ContactCardError::BadSignature));
    }

    #[test]
    fn names_have_a_limit_and_no_control_characters() {
        let seed = DeviceSeed::generate(&mut SeededEntropy::new(1));
        let make = |name: &str| ContactCard::generate(&seed, name, &mut SeededEntropy::new(2)).unwrap_err();
        assert_eq!(make(&"ä".repeat(65)), ContactCardError::NameTooLong { found: 130 });
        assert_eq!(make("a\u{1b}[31m"), ContactCardError::BadName);
    }
}
