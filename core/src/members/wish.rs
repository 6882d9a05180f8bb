//! A wish to change the Space, kept until the order contains it.
//!
//! It becomes an Entry only when it is sent, so that it names the membership as it is then; when
//! another change comes first it is sealed again.

use crate::keys::ContactCard;
use crate::model::{Decoder, Encoder, TxId};
use crate::resolver::{Enable, decode_list, encode_list};
use veilfold_wire::codec::{Reader, Writer};
use veilfold_wire::{Role, UserTag, WireError};

/// A change that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Names the wish; its fate is asked for by it.
    pub id: TxId,
    /// What is wished.
    pub what: Wished,
}

/// What is wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wished {
    /// Somebody to be added.
    Add {
        /// Who.
        card: ContactCard,
        /// As what.
        role: Role,
        /// The user's tag in this Space.
        user_tag: UserTag,
    },
    /// Resolver versions to be accepted.
    Enable(Vec<Enable>),
}

/// Stands where a role would; roles start at 1.
const ENABLE: u8 = 0;

impl Wish {
    /// Bytes for the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.fixed(&self.id.0);
        match &self.what {
            Wished::Add { card, role, user_tag } => {
                out.u8(role.byte()).fixed(&user_tag.0).fixed(&card.encode());
            }
            Wished::Enable(enables) => {
                let mut list = Encoder::new();
                encode_list(enables, &mut list);
                out.u8(ENABLE).fixed(&list.finish());
            }
        }
        out.finish()
    }

    /// # Errors
    /// A [`WireError`] naming what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let id = TxId(input.array("wish.id")?);
        let what = match input.u8("wish.role")? {
            ENABLE => {
                let mut list = Decoder::new(input.take(input.remaining(), "wish.enable")?);
                let enables = decode_list(&mut list).and_then(|enables| list.end().map(|()| enables));
                Wished::Enable(enables.map_err(|_| WireError::Inconsistent { field: "wish.enable" })?)
            }
            role => {
                let role = Role::from_byte(role)?;
                let user_tag = UserTag(input.array("wish.user_tag")?);
                let card = ContactCard::decode(input.take(input.remaining(), "wish.card")?)
                    .map_err(|_| WireError::Inconsistent { field: "wish.card" })?;
                Wished::Add { card, role, user_tag }
            }
        };
        Ok(Self { id, what })
    }

    /// The card of whom it adds.
    pub fn card(&self) -> Option<&ContactCard> {
        match &self.what {
            Wished::Add { card, .. } => Some(card),
            Wished::Enable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_versions_reads_back() {
        let enable = Enable { collection: "seats".to_owned(), version: 2, module: Some([7; 32]) };
        let wish = Wish { id: TxId([1; 8]), what: Wished::Enable(vec![enable]) };
        assert_eq!(Wish::from_bytes(&wish.to_bytes()), Ok(wish.clone()));
        assert!(Wish::from_bytes(&wish.to_bytes()[..12]).is_err());
    }
}
