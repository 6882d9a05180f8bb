//! The keys and values that are written into the tables of a store.
//!
//! Called by whoever owns the noun in question; only this file knows how a key sorts.

use super::store::StoreError;
use crate::model::DocumentKey;
use veilfold_wire::codec::{Reader, Writer};
use veilfold_wire::{AuthorHead, ChainHash, EntryHash, MemberNo, WireError};

/// Local number of a Space, which keeps keys short. Never leaves this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpaceNo(pub u32);

impl SpaceNo {
    /// First key of the Space in any table.
    pub fn first(self) -> Vec<u8> {
        self.0.to_be_bytes().to_vec()
    }

    /// Key after the last one of the Space in any table.
    pub fn end(self) -> Vec<u8> {
        (self.0 + 1).to_be_bytes().to_vec()
    }

    /// Key of something numbered: log positions, own transactions, members.
    pub fn numbered(self, number: u64) -> Vec<u8> {
        [self.0.to_be_bytes().as_slice(), &number.to_be_bytes()].concat()
    }

    /// Key of something that has a kind and a name.
    pub fn named(self, kind: u8, name: &[u8]) -> Vec<u8> {
        [self.0.to_be_bytes().as_slice(), &[kind], name].concat()
    }

    /// Key of a document: all of a collection lie together, by id.
    pub fn document(self, key: &DocumentKey) -> Vec<u8> {
        let DocumentKey { collection, document } = key;
        let (space, len) = (self.0.to_be_bytes(), (collection.len() as u16).to_be_bytes());
        [space.as_slice(), &len, collection.as_bytes(), document.as_bytes()].concat()
    }

    /// First key of a collection.
    pub fn collection(self, collection: &str) -> Vec<u8> {
        let mut out = self.first();
        out.extend_from_slice(&(collection.len() as u16).to_be_bytes());
        out.extend_from_slice(collection.as_bytes());
        out
    }

    /// Reads back what [`SpaceNo::document`] wrote.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn parse_document(key: &[u8]) -> Result<DocumentKey, StoreError> {
        let corrupt = StoreError::Corrupt("document key");
        let rest = key.get(4..).ok_or(corrupt.clone())?;
        let (len, rest) = rest.split_at_checked(2).ok_or(corrupt.clone())?;
        let len = usize::from(u16::from_be_bytes([len[0], len[1]]));
        let (collection, document) = rest.split_at_checked(len).ok_or(corrupt.clone())?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| corrupt.clone());
        Ok(DocumentKey::new(text(collection)?, text(document)?))
    }
}

/// The first key that does not start with `prefix`.
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![u8::MAX; prefix.len() + 1]
}

/// The number at the end of a key made by [`SpaceNo::numbered`].
///
/// # Errors
/// `Corrupt`.
pub fn number_of(key: &[u8]) -> Result<u64, StoreError> {
    let bytes = key.get(4..).and_then(|rest| rest.try_into().ok());
    bytes.map(u64::from_be_bytes).ok_or(StoreError::Corrupt("numbered key"))
}

/// One position of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Running hash after it.
    pub chain: ChainHash,
    /// Its hash.
    pub hash: EntryHash,
    /// True when every reader skips it.
    pub skipped: bool,
    /// The Entry as it was sent.
    pub entry: Vec<u8>,
}

impl LogRow {
    /// Bytes for the store.
    pub fn to_bytes(chain: &ChainHash, hash: &EntryHash, skipped: bool, entry: &[u8]) -> Vec<u8> {
        let mut out = Writer::with_capacity(65 + entry.len());
        out.fixed(&chain.0).fixed(&hash.0).u8(skipped.into()).fixed(entry);
        out.finish()
    }

    /// # Errors
    /// `Corrupt`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut input = Reader::new(bytes);
        let chain = ChainHash(input.array("log.chain").map_err(corrupt)?);
        let hash = EntryHash(input.array("log.hash").map_err(corrupt)?);
        let skipped = input.u8("log.skipped").map_err(corrupt)? != 0;
        let entry = input.take(input.remaining(), "log.entry").map_err(corrupt)?.to_vec();
        Ok(Self { chain, hash, skipped, entry })
    }
}

/// An author as the fold knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorRow {
    /// Newest Entry.
    pub head: AuthorHead,
    /// Largest number of a Transaction that was folded.
    pub tx_mark: u64,
    /// Ranges of numbers that were not accepted within the window: `(first, count, seq)`.
    pub unaccepted: Vec<(u64, u64, u64)>,
}

impl AuthorRow {
    /// Somebody who has written nothing.
    pub const NEW: Self = Self { head: AuthorHead::NONE, tx_mark: 0, unaccepted: Vec::new() };

    /// Key of an author's row.
    pub fn key(space: SpaceNo, member: MemberNo) -> Vec<u8> {
        space.numbered(member.0)
    }

    /// Bytes for the store, and the canonical form that enters the state root.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(48);
        out.varint(self.head.author_seq).fixed(&self.head.hash.0).varint(self.tx_mark);
        out.varint(self.unaccepted.len() as u64);
        for (first, count, seq) in &self.unaccepted {
            out.varint(*first).varint(*count).varint(*seq);
        }
        out.finish()
    }

    /// # Errors
    /// `Corrupt`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut input = Reader::new(bytes);
        let read = |input: &mut Reader<'_>| -> Result<Self, WireError> {
            let author_seq = input.varint("author.seq")?;
            let hash = EntryHash(input.array("author.hash")?);
            let tx_mark = input.varint("author.mark")?;
            let count = input.varint_max(bytes.len() as u64, "author.unaccepted")?;
            let mut unaccepted = Vec::with_capacity(count as usize);
            for _ in 0..count {
                let (first, count) = (input.varint("author.first")?, input.varint("author.count")?);
                unaccepted.push((first, count, input.varint("author.at")?));
            }
            input.end()?;
            Ok(Self { head: AuthorHead { author_seq, hash }, tx_mark, unaccepted })
        };
        read(&mut input).map_err(corrupt)
    }
}

fn corrupt(_: WireError) -> StoreError {
    StoreError::Corrupt("row")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_a_collection_lie_together() {
        let space = SpaceNo(7);
        let key = DocumentKey::new("items", "milk");
        let bytes = space.document(&key);
        let prefix = space.collection("items");
        assert!(bytes >= prefix && bytes < after_prefix(&prefix));
        assert!(space.document(&DocumentKey::new("item", "smilk")) < prefix);
        assert_eq!(SpaceNo::parse_document(&bytes), Ok(key));
    }

    #[test]
    fn rows_read_back() {
        let row = AuthorRow {
            head: AuthorHead { author_seq: 5, hash: EntryHash([3; 32]) },
            tx_mark: 300,
            unaccepted: vec![(7, 1, 9), (20, 3, 11)],
        };
        assert_eq!(AuthorRow::from_bytes(&row.to_bytes()), Ok(row));
        let bytes = LogRow::to_bytes(&ChainHash([1; 32]), &EntryHash([2; 32]), false, b"entry");
        assert_eq!(LogRow::from_bytes(&bytes).map(|row| row.entry), Ok(b"entry".to_vec()));
    }
}
