//! The wish to add somebody, kept until the order contains it.
//!
//! It becomes an Entry only when it is sent, so that it names the membership as it is then; when
//! another change comes first it is sealed again.

use crate::keys::ContactCard;
use crate::model::TxId;
use veilfold_wire::codec::{Reader, Writer};
use veilfold_wire::{Role, UserTag, WireError};

/// Somebody to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddWish {
    /// Names the wish; its fate is asked for by it.
    pub id: TxId,
    /// Who.
    pub card: ContactCard,
    /// As what.
    pub role: Role,
    /// The user's tag in this Space.
    pub user_tag: UserTag,
}

impl AddWish {
    /// Bytes for the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new();
        out.fixed(&self.id.0).u8(self.role.byte()).fixed(&self.user_tag.0).fixed(&self.card.encode());
        out.finish()
    }

    /// # Errors
    /// A [`WireError`] naming what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let id = TxId(input.array("wish.id")?);
        let role = Role::from_byte(input.u8("wish.role")?)?;
        let user_tag = UserTag(input.array("wish.user_tag")?);
        let card = ContactCard::decode(input.take(input.remaining(), "wish.card")?)
            .map_err(|_| WireError::Inconsistent { field: "wish.card" })?;
        Ok(Self { id, card, role, user_tag })
    }
}
