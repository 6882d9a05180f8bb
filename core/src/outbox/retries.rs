//! Mutators that have to be run again: their Transaction was rejected, and they have tries left.
//!
//! A row is written in the step that takes the rejected Transaction out of the Outbox, and deleted
//! in the step that commits the next attempt or gives the final fate, so that a killed process
//! neither forgets a mutator nor runs one twice for the same attempt.

use crate::documents::MutatorRun;
use crate::model::{BodyError, Decoder, Encoder, Position, Rejection, TxId};
use crate::store::rows::{SpaceNo, after_prefix};
use crate::store::{Store, StoreError, Table};

/// Kind of the rows among the Space's; the other kinds are listed in `engine/space.rs`.
const RETRY: u8 = 5;

/// A mutator that waits to be run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// What to run, and how many attempts it had.
    pub run: MutatorRun,
    /// Where the last attempt was rejected; [`Position::START`] when the order never had it.
    pub position: Position,
    /// Why.
    pub rejection: Rejection,
}

impl Retry {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.run.encode(&mut out);
        self.position.encode(&mut out);
        self.rejection.encode(&mut out);
        out.finish()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut input = Decoder::new(bytes);
        let retry = Self {
            run: MutatorRun::decode(&mut input)?,
            position: Position::decode(&mut input)?,
            rejection: Rejection::decode(&mut input)?,
        };
        input.end()?;
        Ok(retry)
    }
}

/// All of a Space's, oldest first is not promised.
///
/// # Errors
/// As the store says.
pub fn retries(store: &dyn Store, space: SpaceNo) -> Result<Vec<Retry>, StoreError> {
    let prefix = space.named(RETRY, &[]);
    let rows = store.scan(Table::Spaces, &prefix, &after_prefix(&prefix), usize::MAX >> 1)?;
    let read = |bytes: Vec<u8>| Retry::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("retry row"));
    rows.into_iter().map(|(_, bytes)| read(bytes)).collect()
}

/// The one whose first Transaction had this name.
///
/// # Errors
/// As the store says.
pub fn retry_of(store: &dyn Store, space: SpaceNo, first: TxId) -> Result<Option<Retry>, StoreError> {
    let bytes = store.get(Table::Spaces, &space.named(RETRY, &first.0))?;
    bytes.map(|bytes| Retry::from_bytes(&bytes).map_err(|_| StoreError::Corrupt("retry row"))).transpose()
}

/// Keeps it until it is run or given up.
///
/// # Errors
/// As the store says.
pub fn keep_retry(store: &mut dyn Store, space: SpaceNo, retry: &Retry) -> Result<(), StoreError> {
    store.put(Table::Spaces, &space.named(RETRY, &retry.run.first.0), &retry.to_bytes())
}

/// Takes it away.
///
/// # Errors
/// As the store says.
pub fn drop_retry(store: &mut dyn Store, space: SpaceNo, first: TxId) -> Result<(), StoreError> {
    store.delete(Table::Spaces, &space.named(RETRY, &first.0))
}
