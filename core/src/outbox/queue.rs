//! Sealed Entries that the order does not contain yet: sent, perhaps acknowledged, not folded.
//!
//! An Entry is stored here before it is sent for the first time, and the very same bytes are sent
//! again until its return or refusal is seen, so a repeated send can never become a second Entry.

use crate::store::rows::{SpaceNo, number_of};
use crate::store::{Store, StoreError, Table};
use bytes::Bytes;
use std::collections::VecDeque;
use veilfold_wire::codec::{Reader, Writer};
use veilfold_wire::frame::append_id;
use veilfold_wire::{AuthorHead, EntryHash, WireError};

/// What a sealed Entry carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Pending Transactions by number, first and last.
    Transactions {
        /// First number.
        first: u64,
        /// Last number.
        last: u64,
    },
    /// The membership change that was wished under this id.
    Control {
        /// The wish.
        wish: [u8; 8],
    },
}

/// One sealed Entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    /// Its author number.
    pub author_seq: u64,
    /// Its hash, the head of the author's chain for the next one.
    pub hash: EntryHash,
    /// The order for which its Transactions were expressed.
    pub seen_seq: u64,
    /// The position that the Relay acknowledged, 0 before.
    pub acked_seq: u64,
    /// What it carries.
    pub content: Content,
    /// What the Relay calls it in its answers.
    pub id: [u8; 32],
    /// The Entry.
    pub entry: Bytes,
}

impl SealedRow {
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(96 + self.entry.len());
        out.fixed(&self.hash.0).varint(self.seen_seq);
        match self.content {
            Content::Transactions { first, last } => out.u8(0).varint(first).varint(last),
            Content::Control { wish } => out.u8(1).fixed(&wish),
        };
        out.fixed(&self.entry);
        out.finish()
    }

    fn from_bytes(author_seq: u64, bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let hash = EntryHash(input.array("sealed.hash")?);
        let seen_seq = input.varint("sealed.seen")?;
        let content = match input.u8("sealed.content")? {
            0 => Content::Transactions {
                first: input.varint("sealed.first")?,
                last: input.varint("sealed.last")?,
            },
            _ => Content::Control { wish: input.array("sealed.wish")? },
        };
        let entry = Bytes::copy_from_slice(input.take(input.remaining(), "sealed.entry")?);
        Ok(Self { author_seq, hash, seen_seq, acked_seq: 0, content, id: append_id(&entry), entry })
    }
}

/// The sealed Entries of one Space, oldest first.
#[derive(Debug, Default)]
pub struct InFlight {
    rows: VecDeque<SealedRow>,
    /// Of `rows`, how many were sent on the present connection.
    sent: usize,
}

impl InFlight {
    /// Reads what is sealed in `space`.
    ///
    /// # Errors
    /// As the store says.
    pub fn load(store: &dyn Store, space: SpaceNo) -> Result<Self, StoreError> {
        let corrupt = |_| StoreError::Corrupt("sealed row");
        let mut rows: VecDeque<SealedRow> = VecDeque::new();
        for (key, bytes) in store.scan(Table::Sealed, &space.first(), &space.end(), usize::MAX >> 1)? {
            // An acknowledgement sorts right behind its Entry.
            match rows.back_mut() {
                Some(row) if key == acknowledgement_key(space, row.author_seq) => {
                    row.acked_seq = Reader::new(&bytes).varint("sealed.acked").map_err(corrupt)?;
                }
                _ => rows.push_back(SealedRow::from_bytes(number_of(&key)?, &bytes).map_err(corrupt)?),
            }
        }
        Ok(Self { rows, sent: 0 })
    }

    /// Keeps a newly sealed Entry.
    ///
    /// # Errors
    /// As the store says.
    pub fn push(&mut self, store: &mut dyn Store, space: SpaceNo, row: SealedRow) -> Result<(), StoreError> {
        store.put(Table::Sealed, &space.numbered(row.author_seq), &row.to_bytes())?;
        self.rows.push_back(row);
        Ok(())
    }

    /// Notes the acknowledgement of an Entry; `None` when it is not one of these.
    ///
    /// # Errors
    /// As the store says.
    pub fn acknowledge(
        &mut self,
        store: &mut dyn Store,
        space: SpaceNo,
        id: &[u8; 32],
        seq: u64,
    ) -> Result<Option<&SealedRow>, StoreError> {
        let Some(row) = self.rows.iter_mut().find(|row| row.id == *id) else { return Ok(None) };
        row.acked_seq = seq;
        let mut value = Writer::new();
        value.varint(seq);
        store.put(Table::Sealed, &acknowledgement_key(space, row.author_seq), value.as_slice())?;
        Ok(Some(row))
    }

    /// Takes out the Entry whose hash was folded.
    ///
    /// # Errors
    /// As the store says.
    pub fn take_folded(
        &mut self,
        store: &mut dyn Store,
        space: SpaceNo,
        hash: &EntryHash,
    ) -> Result<Option<SealedRow>, StoreError> {
        if self.rows.front().is_none_or(|row| row.hash != *hash) {
            return Ok(None);
        }
        self.sent = self.sent.saturating_sub(1);
        let row = self.rows.pop_front();
        if let Some(row) = &row {
            delete(store, space, row)?;
        }
        Ok(row)
    }

    /// Forgets the Entries from `author_seq` on: they can no longer enter the author's chain.
    ///
    /// # Errors
    /// As the store says.
    pub fn drop_from(
        &mut self,
        store: &mut dyn Store,
        space: SpaceNo,
        author_seq: u64,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let keep = self.rows.iter().take_while(|row| row.author_seq < author_seq).count();
        let dropped: Vec<_> = self.rows.split_off(keep).into();
        for row in &dropped {
            delete(store, space, row)?;
        }
        self.sent = self.sent.min(keep);
        Ok(dropped)
    }

    /// The Entry named so in a Relay's answer.
    pub fn find(&self, id: &[u8; 32]) -> Option<&SealedRow> {
        self.rows.iter().find(|row| row.id == *id)
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &SealedRow> {
        self.rows.iter()
    }

    /// How many wait for their acknowledgement.
    pub fn unacknowledged(&self) -> usize {
        self.rows.iter().filter(|row| row.acked_seq == 0).count()
    }

    /// The author's head when all of these have entered the order.
    pub fn head(&self, folded: AuthorHead) -> AuthorHead {
        match self.rows.back() {
            Some(row) => AuthorHead { author_seq: row.author_seq, hash: row.hash },
            None => folded,
        }
    }

    /// A new connection: everything unacknowledged is to be sent again.
    pub fn restart(&mut self) {
        self.sent = 0;
    }

    /// The Entries that this connection has not sent yet and that wait for an acknowledgement.
    pub fn take_unsent(&mut self) -> Vec<&SealedRow> {
        let from = core::mem::replace(&mut self.sent, self.rows.len());
        self.rows.iter().skip(from).filter(|row| row.acked_seq == 0).collect()
    }
}

/// An acknowledgement has a row of its own, so that a large Entry is not written twice.
fn acknowledgement_key(space: SpaceNo, author_seq: u64) -> Vec<u8> {
    let mut key = space.numbered(author_seq);
    key.push(0);
    key
}

fn delete(store: &mut dyn Store, space: SpaceNo, row: &SealedRow) -> Result<(), StoreError> {
    if row.acked_seq > 0 {
        store.delete(Table::Sealed, &acknowledgement_key(space, row.author_seq))?;
    }
    store.delete(Table::Sealed, &space.numbered(row.author_seq))
}
