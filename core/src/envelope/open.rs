//! Opens the sealed part of a verified Entry: AEAD, padding, body, in this order
//! (docs/protocol/envelope.md, opening).
//!
//! Called by `engine/remote.rs` in the order of the log. A failure here is a fact about the Entry
//! that every reader with the epoch's key finds alike.

use super::plain::unpad;
use super::verified::VerifiedEntry;
use crate::keys::{KeyMissing, Keyring};
use crate::model::Body;
use thiserror::Error;
use veilfold_wire::entry::associated_data;
use veilfold_wire::{AuthoredFault, Kind, SpaceId};

/// What a sealed part holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Transactions.
    Data(Body),
    /// The part of a control Entry that Members alone read.
    Control(Vec<u8>),
}

/// Why an Entry did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Every reader skips it. For a control Entry without a fault of its own this concerns the sealed
    /// part only: its public part holds, since the Relay and those without the key saw no fault.
    #[error(transparent)]
    Authored(#[from] AuthoredFault),
    /// This device was not given the epoch's secret: it waits here, others go on.
    #[error(transparent)]
    KeyMissing(#[from] KeyMissing),
}

/// Opens an Entry that counts.
///
/// # Errors
/// The Entry's own fault if it is a skip; `Undecryptable`, `BadPadding`, `BadBody`; `KeyMissing`.
pub fn open(keyring: &Keyring, verified: &VerifiedEntry) -> Result<Opened, OpenError> {
    if let Some(fault) = verified.fault() {
        return Err(fault.into());
    }
    let (entry, header) = (verified.entry(), verified.entry().header());
    let opened = if verified.seq() == 1 {
        // The genesis Entry was sealed before the Space had an id.
        let secret = keyring.secret(header.epoch).ok_or(KeyMissing { epoch: header.epoch })?;
        let aad = associated_data(&SpaceId::ZERO, entry.header_bytes());
        secret.control_key(&SpaceId::ZERO, header.epoch).open(&header.nonce, &aad, entry.sealed())
    } else {
        let key = keyring.key(header.kind, header.epoch)?;
        let aad = associated_data(keyring.space(), entry.header_bytes());
        key.open(&header.nonce, &aad, entry.sealed())
    };
    let padded = opened.map_err(|_| AuthoredFault::Undecryptable)?;
    let body = unpad(&padded, verified.padding_floor())?;
    match header.kind {
        Kind::Data => Ok(Opened::Data(Body::decode(body).map_err(|_| AuthoredFault::BadBody)?)),
        Kind::Control => Ok(Opened::Control(body.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::world::{FLOOR, World, body};
    use super::super::{SealContext, Sealed, VerifiedEntry};
    use super::*;
    use crate::keys::{EpochSecret, Keyring};
    use veilfold_wire::{Checks, Role};

    fn verified(world: &World, sealed: &Sealed) -> VerifiedEntry {
        let mut outcome = world.log.verify(Checks::ALL, &[sealed.entry.bytes().clone()]);
        assert_eq!(outcome.fault, None);
        outcome.verified.remove(0)
    }

    fn sealed_open(world: &mut World, context: &SealContext, body: &[u8]) -> Result<Opened, OpenError> {
        let sealed = world.seal(0, context, body);
        open(&world.devices[0].keyring, &verified(world, &sealed))
    }

    #[test]
    fn another_member_reads_what_was_sealed() {
        let mut world = World::founded(1);
        world.add_member(0, Role::Reader, 0);
        let body = body(1, "notes");
        let sealed = world.seal(0, &world.context(0, 0), &body);
        let opened = open(&world.devices[1].keyring, &verified(&world, &sealed));
        assert_eq!(opened, Ok(Opened::Data(Body::decode(&body).unwrap())));
    }

    #[test]
    fn control_entries_carry_a_sealed_part_from_genesis_on() {
        let mut world = World::founded(2);
        world.add_member(0, Role::Writer, 0);
        let outcome = super::super::verify_first_page(Checks::ALL, &world.log.space, &world.entries);
        let opened: Vec<_> =
            outcome.verified.iter().map(|verified| open(&world.devices[1].keyring, verified)).collect();
        let parts = [&b"creator"[..], b"sealed"].map(|part| Ok(Opened::Control(part.to_vec())));
        assert_eq!(opened, parts);
    }

    #[test]
    fn a_missing_key_is_not_a_fault_of_the_author() {
        let mut world = World::founded(3);
        let sealed = world.seal(0, &world.context(0, 0), &body(1, "notes"));
        let mut entropy = world.entropy.clone();
        let seed = crate::keys::DeviceSeed::generate(&mut entropy);
        let stranger =
            Keyring::new(world.log.space, seed.member(&[0; 32], 0), super::super::world::hedge(&mut entropy));
        let opened = open(&stranger, &verified(&world, &sealed));
        assert_eq!(opened, Err(OpenError::KeyMissing(KeyMissing { epoch: 0 })));
    }

    #[test]
    fn what_the_author_did_wrong_is_named() {
        let mut world = World::founded(4);
        let context = world.context(0, 0);
        let authored = |fault| Err(OpenError::Authored(fault));
        assert_eq!(sealed_open(&mut world, &context, b"no body"), authored(AuthoredFault::BadBody));
        let other_floor = SealContext { padding_floor: 2 * FLOOR, ..context };
        let opened = sealed_open(&mut world, &other_floor, &body(1, "notes"));
        assert_eq!(opened, authored(AuthoredFault::BadPadding));
        let mut entropy = world.entropy.clone();
        let committed = world.devices[0].keyring.secret(0).unwrap().clone();
        world.devices[0].keyring.insert(0, EpochSecret::generate(&mut entropy));
        let sealed = world.seal(0, &context, &body(1, "notes"));
        world.devices[0].keyring.insert(0, committed);
        let opened = open(&world.devices[0].keyring, &verified(&world, &sealed));
        assert_eq!(opened, authored(AuthoredFault::Undecryptable));
    }

    #[test]
    fn an_entry_that_is_skipped_stays_closed() {
        let mut world = World::founded(5);
        world.add_member(0, Role::Reader, 0);
        let sealed = world.seal(1, &world.context(1, 0), &body(1, "notes"));
        let opened = open(&world.devices[0].keyring, &verified(&world, &sealed));
        assert_eq!(opened, Err(OpenError::Authored(AuthoredFault::NotAllowed)));
    }

    #[cfg(feature = "testing")]
    #[test]
    fn the_null_cipher_shows_its_plaintext() {
        use crate::keys::Cipher;
        let mut world = World::founded(6);
        let body = body(1, "find-me");
        let shows = |sealed: &Sealed| sealed.entry.bytes().windows(7).any(|window| window == b"find-me");
        let sealed = world.seal(0, &world.context(0, 0), &body);
        assert!(!shows(&sealed));
        world.devices[0].keyring.set_cipher(Cipher::Null);
        let open_one = world.seal(0, &world.context(0, 0), &body);
        assert!(shows(&open_one));
        for sealed in [&sealed, &open_one] {
            assert!(matches!(
                open(&world.devices[0].keyring, &verified(&world, sealed)),
                Ok(Opened::Data(_))
            ));
        }
    }
}
