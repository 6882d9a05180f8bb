//! Fates: what became of own Transactions, kept until the app has had time to ask.
//!
//! Written in the same step as the state that they speak of, so that a killed process can never
//! have one without the other.

use crate::model::{BodyError, Decoder, Encoder, Position, Rejection, TxId};
use crate::store::rows::SpaceNo;
use crate::store::{Store, StoreError, Table};
use thiserror::Error;
use veilfold_wire::frame::RefuseReason;

/// Settled fates that a Space keeps; older ones are forgotten.
pub const FATES_MAX: u64 = 10_000;

const BY_ID: u8 = 0;
const BY_ORDER: u8 = 1;

/// What became of an own Transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The order does not contain it yet.
    Pending,
    /// Every Device has it, at this place.
    Confirmed(Position),
    /// Every Device left it out, for this reason.
    Rejected(Position, Rejection),
    /// It never entered the order.
    Refused(RefusedReason),
}

/// Why a Transaction never entered the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RefusedReason {
    /// This Device is not, or no longer, a Member of the Space.
    #[error("this device is not a member of the space")]
    NotAMember,
    /// Its role does not allow it.
    #[error("the role does not allow it")]
    NotAllowed,
    /// Larger than the Relay takes.
    #[error("larger than the relay takes")]
    TooLarge,
    /// Whom it should have added is a Member already, or it cannot be applied at all.
    #[error("cannot be applied")]
    NotApplicable,
}

const REFUSED: [RefusedReason; 4] = [
    RefusedReason::NotAMember,
    RefusedReason::NotAllowed,
    RefusedReason::TooLarge,
    RefusedReason::NotApplicable,
];

impl RefusedReason {
    /// Its stable name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAMember => "not_a_member",
            Self::NotAllowed => "not_allowed",
            Self::TooLarge => "too_large",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// The lasting refusals among what a Relay can say; the others are worth another try.
    pub fn from_wire(reason: RefuseReason) -> Option<Self> {
        match reason {
            RefuseReason::NotAMember => Some(Self::NotAMember),
            RefuseReason::NotAllowed => Some(Self::NotAllowed),
            RefuseReason::TooLarge => Some(Self::TooLarge),
            _ => None,
        }
    }
}

impl Fate {
    /// True when nothing will change it any more.
    pub fn is_settled(&self) -> bool {
        !matches!(self, Self::Pending)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        match self {
            Self::Pending => out.uint(0),
            Self::Confirmed(position) => {
                out.uint(1);
                out.uint(position.seq);
                out.uint(position.index);
            }
            Self::Rejected(position, rejection) => {
                out.uint(2);
                out.uint(position.seq);
                out.uint(position.index);
                rejection.encode(&mut out);
            }
            Self::Refused(reason) => {
                out.uint(3);
                out.uint(REFUSED.iter().position(|other| other == reason).unwrap_or(0) as u64);
            }
        }
        out.finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BodyError> {
        let unknown = BodyError::Unknown { field: "fate" };
        let mut input = Decoder::new(bytes);
        let position = |input: &mut Decoder<'_>| {
            Ok::<_, BodyError>(Position { seq: input.uint("fate.seq")?, index: input.uint("fate.index")? })
        };
        match input.uint("fate")? {
            0 => Ok(Self::Pending),
            1 => Ok(Self::Confirmed(position(&mut input)?)),
            2 => Ok(Self::Rejected(position(&mut input)?, Rejection::decode(&mut input)?)),
            3 => {
                let index = input.uint("fate.reason")? as usize;
                REFUSED.get(index).copied().map(Self::Refused).ok_or(unknown)
            }
            _ => Err(unknown),
        }
    }
}

/// Stores a settled fate and forgets the oldest above `FATES_MAX`.
///
/// # Errors
/// As the store says.
pub fn settle(store: &mut dyn Store, space: SpaceNo, tx_id: TxId, fate: &Fate) -> Result<(), StoreError> {
    let by_order = |number: u64| space.named(BY_ORDER, &number.to_be_bytes());
    let newest = store.last(Table::Fates, &by_order(0), &space.end())?;
    let number = newest.map_or(0, |(key, _)| order_of(&key).saturating_add(1));
    store.put(Table::Fates, &space.named(BY_ID, &tx_id.0), &fate.to_bytes())?;
    store.put(Table::Fates, &by_order(number), &tx_id.0)?;
    if let Some(oldest) = number.checked_sub(FATES_MAX) {
        if let Some(id) = store.get(Table::Fates, &by_order(oldest))? {
            store.delete(Table::Fates, &space.named(BY_ID, &id))?;
        }
        store.delete(Table::Fates, &by_order(oldest))?;
    }
    Ok(())
}

/// The settled fate of a Transaction, if it is known.
///
/// # Errors
/// As the store says.
pub fn fate_of(store: &dyn Store, space: SpaceNo, tx_id: TxId) -> Result<Option<Fate>, StoreError> {
    let bytes = store.get(Table::Fates, &space.named(BY_ID, &tx_id.0))?;
    bytes.map(|bytes| Fate::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("fate row"))).transpose()
}

fn order_of(key: &[u8]) -> u64 {
    key.get(5..).and_then(|rest| rest.try_into().ok()).map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DocumentKey, RejectReason};
    use crate::store::{Durability, MemoryStore};

    #[test]
    fn a_fate_survives_and_old_ones_are_forgotten() {
        let (mut store, space) = (MemoryStore::new(), SpaceNo(1));
        let id = |n: u64| TxId(n.to_be_bytes());
        let at = Position { seq: 3, index: 1 };
        let rejected = Fate::Rejected(at, RejectReason::ExpectFailed.at(&DocumentKey::new("a", "b")));
        store.begin().unwrap();
        settle(&mut store, space, id(0), &rejected).unwrap();
        for n in 1..=FATES_MAX {
            settle(&mut store, space, id(n), &Fate::Confirmed(at)).unwrap();
        }
        store.commit(Durability::Process).unwrap();
        assert_eq!(fate_of(&store, space, id(0)), Ok(None));
        assert_eq!(fate_of(&store, space, id(1)), Ok(Some(Fate::Confirmed(at))));
        assert_eq!(Fate::from_bytes(&rejected.to_bytes()), Ok(rejected));
        let refused = Fate::Refused(RefusedReason::NotApplicable);
        assert_eq!(Fate::from_bytes(&refused.to_bytes()), Ok(refused));
    }
}
