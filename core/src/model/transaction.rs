//! A Transaction: 1 to 256 Actions, all or nothing, and the body that seals many of them.

use super::action::Action;
use super::document::{DocumentKey, Position};
use super::encoding::{BodyError, Decoder, Encoder};
use super::root::ClaimedRoot;
use core::fmt;

/// Most Actions of one Transaction.
pub(crate) const ACTIONS_MAX: usize = 256;
/// Most documents in a read set.
pub(crate) const READS_MAX: usize = 1024;
/// Most Transactions in one body.
pub(crate) const TRANSACTIONS_MAX: usize = 4096;
const RANGES_MAX: usize = 1024;
/// Largest transaction number or position that a body may name, far from where sums overflow.
const NUMBER_MAX: u64 = 1 << 48;
/// Body format that this version writes and reads.
const BODY_FORMAT: u8 = 1;

/// Random name of a Transaction, drawn when it is committed; kept through every re-seal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxId(pub [u8; 8]);

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TxId({self})")
    }
}

/// Numbers of own Transactions, as sorted ranges `(first, count)`: a run of typing is one range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TxNos(Vec<(u64, u64)>);

impl TxNos {
    /// Adds a number larger than all before; the same number again changes nothing.
    pub fn push(&mut self, tx_no: u64) {
        match self.0.last_mut() {
            Some((first, count)) if tx_no < *first + *count => {
                debug_assert!(tx_no + 1 == *first + *count, "numbers are added in order");
            }
            Some((first, count)) if tx_no == *first + *count => *count += 1,
            _ => self.0.push((tx_no, 1)),
        }
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when `tx_no` is one of them.
    pub fn contains(&self, tx_no: u64) -> bool {
        self.0.iter().any(|(first, count)| (*first..first + count).contains(&tx_no))
    }

    /// The ranges `(first, count)` in order. A hostile author can name long ones: never walk them.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// The largest of them.
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|(first, count)| first + count - 1)
    }

    fn encode(&self, out: &mut Encoder) {
        out.array(self.0.len() * 2);
        for (first, count) in &self.0 {
            out.uint(*first);
            out.uint(*count);
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let bad = BodyError::Unknown { field: "tx_nos" };
        let len = input.array(RANGES_MAX * 2, "tx_nos")?;
        if len % 2 != 0 {
            return Err(bad);
        }
        let (mut ranges, mut next) = (Vec::with_capacity(len / 2), 0u64);
        for index in 0..len / 2 {
            let (first, count) = (input.uint("tx_nos")?, input.uint("tx_nos")?);
            // Ranges that touch would be a second spelling of one range.
            let apart = if index == 0 { true } else { first > next };
            if count == 0 || !apart {
                return Err(bad);
            }
            next = first.checked_add(count).filter(|end| *end <= NUMBER_MAX).ok_or(bad)?;
            ranges.push((first, count));
        }
        Ok(Self(ranges))
    }
}

/// A document that a Transaction read, or which documents a collection has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentRead {
    /// The document, or the whole collection.
    pub key: DocumentKey,
    /// Its ordered Version that was read; of a collection, that of its last change.
    pub version: Position,
    /// Own Transactions above that Version whose changes were read with it.
    pub own: TxNos,
    /// Own earlier Transactions whose changes were not, because they did not hold then: if one is
    /// accepted after all, this read was of something that never was.
    pub absent: TxNos,
}

/// 1 to 256 Actions that happen together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The author's own count; the idempotency key of the fold.
    pub tx_no: u64,
    /// Random name.
    pub tx_id: TxId,
    /// The order up to which the author had folded when the Actions were made for it.
    pub base_seq: u64,
    /// The author's clock in milliseconds since 1970, as claimed.
    pub time_ms: u64,
    /// Documents that must not have changed by others since.
    pub reads: Vec<DocumentRead>,
    /// Own earlier Transactions that must have been accepted.
    pub depends: TxNos,
    /// What to do.
    pub actions: Vec<Action>,
}

impl Transaction {
    /// Writes the canonical encoding.
    pub fn encode(&self, out: &mut Encoder) {
        out.array(7);
        out.uint(self.tx_no);
        out.bytes(&self.tx_id.0);
        out.uint(self.base_seq);
        out.uint(self.time_ms);
        out.array(self.reads.len());
        for read in &self.reads {
            read.key.encode(out);
            read.version.encode(out);
            read.own.encode(out);
            read.absent.encode(out);
        }
        self.depends.encode(out);
        out.array(self.actions.len());
        for action in &self.actions {
            action.encode(out);
        }
    }

    /// Reads one Transaction.
    ///
    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        input.tuple(7, "transaction")?;
        let tx_no = input.uint("tx_no")?;
        let tx_id = TxId(input.exact("tx_id")?);
        let base_seq = input.uint("base_seq")?;
        let time_ms = input.uint("time_ms")?;
        let count = input.array(READS_MAX, "reads")?;
        let mut reads = Vec::with_capacity(count);
        for _ in 0..count {
            reads.push(DocumentRead {
                key: DocumentKey::decode_read(input)?,
                version: Position::decode(input)?,
                own: TxNos::decode(input)?,
                absent: TxNos::decode(input)?,
            });
        }
        if tx_no == 0 || tx_no > NUMBER_MAX || base_seq > NUMBER_MAX {
            return Err(BodyError::TooLarge { field: "tx_no" });
        }
        let depends = TxNos::decode(input)?;
        let count = input.array(ACTIONS_MAX, "actions")?;
        if count == 0 {
            return Err(BodyError::TooShort { field: "actions" });
        }
        let mut actions = Vec::with_capacity(count);
        for _ in 0..count {
            let action = Action::decode(input)?;
            if !action.op.is_well_formed() {
                return Err(BodyError::Unknown { field: "action" });
            }
            actions.push(action);
        }
        Ok(Self { tx_no, tx_id, base_seq, time_ms, reads, depends, actions })
    }
}

/// The plaintext of a data Entry: Transactions in the order their author made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// At least one.
    pub transactions: Vec<Transaction>,
    /// What the writer says its documents were, now and then.
    pub root: Option<ClaimedRoot>,
}

impl Body {
    /// Canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(256 * self.transactions.len());
        out.uint(BODY_FORMAT.into());
        out.array(self.transactions.len());
        for transaction in &self.transactions {
            transaction.encode(&mut out);
        }
        if let Some(root) = &self.root {
            root.encode(&mut out);
        }
        out.finish()
    }

    /// Reads a body and demands that it is canonical.
    ///
    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut input = Decoder::new(bytes);
        if input.uint("body.format")? != u64::from(BODY_FORMAT) {
            return Err(BodyError::Unknown { field: "body.format" });
        }
        let count = input.array(TRANSACTIONS_MAX, "body.transactions")?;
        let mut transactions = Vec::with_capacity(count);
        for _ in 0..count {
            transactions.push(Transaction::decode(&mut input)?);
        }
        let root = if input.remaining() > 0 { Some(ClaimedRoot::decode(&mut input)?) } else { None };
        input.end()?;
        let body = Self { transactions, root };
        if body.encode() == bytes { Ok(body) } else { Err(BodyError::NotCanonical) }
    }
}
