//! Opens the sealed part of a verified Entry: AEAD, padding, body, in this order (protocol 4.5).
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
