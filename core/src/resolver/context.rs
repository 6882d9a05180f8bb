//! What a resolver is told beside state and Action, and what it tells beside the new state.
//!
//! Filled by `documents/`; the built-in resolvers draw element ids from it.

use crate::model::{ElementId, Op, Position, TxId};
use veilfold_wire::MemberNo;

/// Everything outside the document that a fold may look at: all of it is in the order itself.
#[derive(Clone, Debug)]
pub struct FoldContext {
    /// Who wrote the Transaction.
    pub author: MemberNo,
    /// Its place; [`Position::UNORDERED`] while it is only pending here.
    pub position: Position,
    /// The author's clock in milliseconds since 1970, as claimed.
    pub time_ms: u64,
    /// Name of the Transaction.
    pub tx_id: TxId,
    /// The order up to which the author had folded when it made the Action for it.
    pub base_seq: u64,
    /// Elements that earlier Actions of this Transaction made; the next id counts on from it.
    pub elements: u32,
}

impl FoldContext {
    /// The id of the next list element. Whoever asks has checked that the count has room for it.
    pub(super) fn next_element(&mut self) -> ElementId {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.tx_id.0);
        id[8..].copy_from_slice(&self.elements.to_be_bytes());
        self.elements += 1;
        ElementId(id)
    }
}

/// What an accepted Action did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// False when the document is as it was; its Version then stays.
    pub changed: bool,
    /// The same Action as it would be written by somebody who sees all of the document as it was
    /// before it: what a pending Action becomes when it is rebased. `None` when it stays as it is.
    pub rebased: Option<Op>,
}

impl Effect {
    /// An effect that stays as it is when it is rebased.
    pub(super) fn changed(changed: bool) -> Self {
        Self { changed, rebased: None }
    }
}
