//! Fates: what became of own Transactions, kept until the app has had time to ask.
//!
//! Written in the same step as the state that they speak of, so that a killed process can never
//! have one without the other. Looking one up takes nothing; the stream of all of them has one
//! reader, whose place is stored here too.

use crate::model::{BodyError, Decoder, Encoder, Position, Rejection, TxId};
use crate::store::rows::{SpaceNo, after_prefix};
use crate::store::{Store, StoreError, Table};
use thiserror::Error;
use veilfold_wire::frame::RefuseReason;

/// Settled fates that a Space keeps; older ones are forgotten.
pub const FATES_MAX: u64 = 10_000;

const BY_ID: u8 = 0;
const BY_ORDER: u8 = 1;
const NEXT_TO_TAKE: u8 = 2;

/// What became of an own Transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The order does not contain it yet.
    Pending,
    /// Every Device has it, at this place.
    Confirmed(Position),
    /// Every Device left it out, for this reason. [`Position::START`] when it was a mutator's that
    /// this Device rejected before anybody else could.
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
    /// It should have been run again, and this version of the app has no mutator of that name.
    #[error("this app has no mutator of that name")]
    MutatorMissing,
    /// It was run again, and its mutator failed.
    #[error("its mutator failed when it was run again")]
    MutatorFailed,
}

const REFUSED: [RefusedReason; 6] = [
    RefusedReason::NotAMember,
    RefusedReason::NotAllowed,
    RefusedReason::TooLarge,
    RefusedReason::NotApplicable,
    RefusedReason::MutatorMissing,
    RefusedReason::MutatorFailed,
];

impl RefusedReason {
    /// Its stable name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAMember => "not_a_member",
            Self::NotAllowed => "not_allowed",
            Self::TooLarge => "too_large",
            Self::NotApplicable => "not_applicable",
            Self::MutatorMissing => "mutator_missing",
            Self::MutatorFailed => "mutator_failed",
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

    pub(super) fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Pending => out.uint(0),
            Self::Confirmed(position) => {
                out.uint(1);
                position.encode(out);
            }
            Self::Rejected(position, rejection) => {
                out.uint(2);
                position.encode(out);
                rejection.encode(out);
            }
            Self::Refused(reason) => {
                out.uint(3);
                out.uint(REFUSED.iter().position(|other| other == reason).unwrap_or(0) as u64);
            }
        }
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let unknown = BodyError::Unknown { field: "fate" };
        match input.uint("fate")? {
            0 => Ok(Self::Pending),
            1 => Ok(Self::Confirmed(Position::decode(input)?)),
            2 => Ok(Self::Rejected(Position::decode(input)?, Rejection::decode(input)?)),
            3 => {
                let index = input.uint("fate.reason")? as usize;
                REFUSED.get(index).copied().map(Self::Refused).ok_or(unknown)
            }
            _ => Err(unknown),
        }
    }
}

/// A settled fate with what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The name on the receipt.
    pub tx_id: TxId,
    /// What became of it.
    pub fate: Fate,
    /// How many Transactions were tried for it; more than 1 only for a mutator.
    pub attempts: u64,
    /// The mutator that it is from, if it is from one.
    pub mutator: Option<String>,
}

impl Settled {
    /// Of a Transaction that is tried once.
    pub fn once(tx_id: TxId, fate: Fate) -> Self {
        Self { tx_id, fate, attempts: 1, mutator: None }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.fate.encode(&mut out);
        out.uint(self.attempts);
        out.str(self.mutator.as_deref().unwrap_or_default());
        out.finish()
    }

    fn from_bytes(tx_id: TxId, bytes: &[u8]) -> Result<Self, BodyError> {
        let mut input = Decoder::new(bytes);
        let (fate, attempts) = (Fate::decode(&mut input)?, input.uint("fate.attempts")?);
        let name = input.str(usize::MAX, "fate.mutator")?;
        let mutator = (!name.is_empty()).then(|| name.to_owned());
        input.end()?;
        Ok(Self { tx_id, fate, attempts, mutator })
    }
}

/// Stores a settled fate and forgets the oldest above [`FATES_MAX`].
///
/// # Errors
/// As the store says.
pub fn settle(store: &mut dyn Store, space: SpaceNo, settled: &Settled) -> Result<(), StoreError> {
    let newest = store.last(Table::Fates, &by_order(space, 0), &after_prefix(&space.named(BY_ORDER, &[])))?;
    let number = newest.map_or(0, |(key, _)| order_of(&key).saturating_add(1));
    store.put(Table::Fates, &space.named(BY_ID, &settled.tx_id.0), &settled.to_bytes())?;
    store.put(Table::Fates, &by_order(space, number), &settled.tx_id.0)?;
    if let Some(oldest) = number.checked_sub(FATES_MAX) {
        if let Some(id) = store.get(Table::Fates, &by_order(space, oldest))? {
            store.delete(Table::Fates, &space.named(BY_ID, &id))?;
        }
        store.delete(Table::Fates, &by_order(space, oldest))?;
    }
    Ok(())
}

/// The settled fate of a Transaction, if it is known.
///
/// # Errors
/// As the store says.
pub fn fate_of(store: &dyn Store, space: SpaceNo, tx_id: TxId) -> Result<Option<Settled>, StoreError> {
    let bytes = store.get(Table::Fates, &space.named(BY_ID, &tx_id.0))?;
    let read = |bytes: Vec<u8>| Settled::from_bytes(tx_id, &bytes);
    bytes.map(|bytes| read(bytes).map_err(|_| StoreError::Corrupt("fate row"))).transpose()
}

/// Fates that nobody has taken yet, in the order in which they were settled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FateBatch {
    /// The fates.
    pub fates: Vec<Settled>,
    /// How many before them were forgotten because nobody took them in time.
    pub missed: u64,
    /// Handed to [`take_fates`] when these have been taken care of.
    pub next: u64,
}

/// Up to `limit` fates that were not taken yet. Looking takes nothing.
///
/// # Errors
/// As the store says.
pub fn untaken_fates(store: &dyn Store, space: SpaceNo, limit: usize) -> Result<FateBatch, StoreError> {
    let from = next_to_take(store, space)?;
    let end = after_prefix(&space.named(BY_ORDER, &[]));
    let mut batch = FateBatch { next: from, ..FateBatch::default() };
    for (key, id) in store.scan(Table::Fates, &by_order(space, from), &end, limit)? {
        let number = order_of(&key);
        batch.missed += number - batch.next;
        batch.next = number + 1;
        let id = id.as_slice().try_into().map_err(|_| StoreError::Corrupt("fate row"))?;
        batch.fates.extend(fate_of(store, space, TxId(id))?);
    }
    Ok(batch)
}

/// Notes that everything before `next` has been taken care of.
///
/// # Errors
/// As the store says.
pub fn take_fates(store: &mut dyn Store, space: SpaceNo, next: u64) -> Result<(), StoreError> {
    if next <= next_to_take(store, space)? {
        return Ok(());
    }
    store.put(Table::Fates, &space.named(NEXT_TO_TAKE, &[]), &next.to_be_bytes())
}

fn next_to_take(store: &dyn Store, space: SpaceNo) -> Result<u64, StoreError> {
    let bytes = store.get(Table::Fates, &space.named(NEXT_TO_TAKE, &[]))?;
    let number = bytes.map(|bytes| bytes.as_slice().try_into().map(u64::from_be_bytes)).transpose();
    number.map(Option::unwrap_or_default).map_err(|_| StoreError::Corrupt("fate cursor"))
}

fn by_order(space: SpaceNo, number: u64) -> Vec<u8> {
    space.named(BY_ORDER, &number.to_be_bytes())
}

fn order_of(key: &[u8]) -> u64 {
    key.get(5..).and_then(|rest| rest.try_into().ok()).map_or(0, u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DocumentKey, RejectReason};
    use crate::store::{Durability, MemoryStore};

    const AT: Position = Position { seq: 3, index: 1 };

    fn id(n: u64) -> TxId {
        TxId(n.to_be_bytes())
    }

    #[test]
    fn a_fate_survives_and_old_ones_are_forgotten() {
        let (mut store, space) = (MemoryStore::new(), SpaceNo(1));
        let document = DocumentKey::new("a", "b");
        let rejection = RejectReason::RefusedByResolver.at(&document).because("é".repeat(400));
        let rejected = Settled {
            attempts: 8,
            mutator: Some("buy".to_owned()),
            ..Settled::once(id(0), Fate::Rejected(AT, rejection))
        };
        store.begin().unwrap();
        settle(&mut store, space, &rejected).unwrap();
        assert_eq!(fate_of(&store, space, id(0)), Ok(Some(rejected)));
        for n in 1..=FATES_MAX {
            settle(&mut store, space, &Settled::once(id(n), Fate::Confirmed(AT))).unwrap();
        }
        let refused = Settled::once(id(1), Fate::Refused(RefusedReason::MutatorFailed));
        assert_eq!(Settled::from_bytes(id(1), &refused.to_bytes()), Ok(refused));
        store.commit(Durability::Process).unwrap();
        assert_eq!(fate_of(&store, space, id(0)), Ok(None));
        assert_eq!(fate_of(&store, space, id(1)).unwrap().map(|settled| settled.attempts), Some(1));
    }

    #[test]
    fn a_batch_comes_again_until_it_is_taken_and_says_what_was_missed() {
        let (mut store, space) = (MemoryStore::new(), SpaceNo(1));
        store.begin().unwrap();
        for n in 0..5 {
            settle(&mut store, space, &Settled::once(id(n), Fate::Confirmed(AT))).unwrap();
        }
        let first = untaken_fates(&store, space, 2).unwrap();
        assert_eq!(first, untaken_fates(&store, space, 2).unwrap());
        assert_eq!(first.fates.iter().map(|settled| settled.tx_id).collect::<Vec<_>>(), [id(0), id(1)]);
        take_fates(&mut store, space, first.next).unwrap();
        // A reader that lags behind does not give back what was taken.
        take_fates(&mut store, space, 1).unwrap();
        assert_eq!(untaken_fates(&store, space, 9).unwrap().fates[0].tx_id, id(2));
        for n in 5..FATES_MAX + 5 {
            settle(&mut store, space, &Settled::once(id(n), Fate::Confirmed(AT))).unwrap();
        }
        let late = untaken_fates(&store, space, 1).unwrap();
        assert_eq!((late.missed, late.fates[0].tx_id, late.next), (3, id(5), 6));
    }
}
