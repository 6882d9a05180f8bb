//! What somebody who was added needs to find the Space: handed over by any means, useless to others.
//!
//! It names the Space and the contact card that was added. It holds no secret: whoever does not
//! hold the keys behind the card can do nothing with it but learn the Space's id.

use crate::keys::base64url;
use core::fmt;
use core::str::FromStr;
use thiserror::Error;
use veilfold_wire::SpaceId;

const PREFIX: &str = "veilfold-space:1.";

/// Where somebody was added, and as whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceTicket {
    /// The Space.
    pub space: SpaceId,
    /// The key context of the contact card that was added.
    pub key_context: [u8; 32],
}

/// Why a text is not a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TicketError {
    /// It does not start as tickets do.
    #[error("a space ticket starts with {PREFIX}")]
    NotATicket,
    /// It was cut or altered.
    #[error("the space ticket is incomplete")]
    Damaged,
}

impl fmt::Display for SpaceTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.space.0, self.key_context].concat();
        write!(f, "{PREFIX}{}", base64url::encode(&bytes))
    }
}

impl FromStr for SpaceTicket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, TicketError> {
        let text = text.trim().strip_prefix(PREFIX).ok_or(TicketError::NotATicket)?;
        let bytes = base64url::decode(text).map_err(|_| TicketError::Damaged)?;
        let (space, rest) = bytes.split_first_chunk().ok_or(TicketError::Damaged)?;
        let key_context = rest.try_into().map_err(|_| TicketError::Damaged)?;
        Ok(Self { space: SpaceId(*space), key_context })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_reads_back_and_a_cut_one_is_refused() {
        let ticket = SpaceTicket { space: SpaceId([7; 32]), key_context: [9; 32] };
        let text = ticket.to_string();
        assert_eq!(text.parse(), Ok(ticket));
        assert_eq!(text[..text.len() - 2].parse::<SpaceTicket>(), Err(TicketError::Damaged));
        assert_eq!("hello".parse::<SpaceTicket>(), Err(TicketError::NotATicket));
    }
}
