//! A document as the fold leaves it: its fields and what later folds look at besides them.

use super::encoding::{BodyError, Decoder, Encoder};
use super::value::{Value, decode_map, encode_map};
use rmp::Marker;
use std::collections::BTreeMap;
use veilfold_wire::MemberNo;

/// Longest collection name in bytes.
pub(crate) const COLLECTION_BYTES_MAX: usize = 128;
/// Longest document id in bytes.
pub(super) const DOCUMENT_BYTES_MAX: usize = 512;

/// Place in the order: of an Entry, and of a Transaction inside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Of the Entry, from 1. 0 stands before everything.
    pub seq: u64,
    /// Of the Transaction inside the Entry, from 0.
    pub index: u64,
}

impl Position {
    /// Before everything; the Version of a document that never was.
    pub const START: Self = Self { seq: 0, index: 0 };
    /// After everything ordered: where Transactions stand that the order does not contain yet.
    pub const UNORDERED: Self = Self { seq: u64::MAX >> 1, index: 0 };

    /// Writes it.
    pub fn encode(&self, out: &mut Encoder) {
        out.uint(self.seq);
        out.uint(self.index);
    }

    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        Ok(Self { seq: input.uint("position.seq")?, index: input.uint("position.index")? })
    }
}

/// Collection and id: the name of a document in its Space.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentKey {
    /// The collection.
    pub collection: String,
    /// The id in the collection.
    pub document: String,
}

impl DocumentKey {
    /// Names a document; [`DocumentKey::is_valid`] says whether the names are within their limits.
    pub fn new(collection: impl Into<String>, document: impl Into<String>) -> Self {
        Self { collection: collection.into(), document: document.into() }
    }

    /// Stands for all documents of a collection: what a Transaction has read that looked at which there are.
    pub fn whole(collection: impl Into<String>) -> Self {
        Self { collection: collection.into(), document: String::new() }
    }

    /// True for [`DocumentKey::whole`].
    pub fn is_whole(&self) -> bool {
        self.document.is_empty()
    }

    /// True when both names are present and within their limits.
    pub fn is_valid(&self) -> bool {
        (1..=COLLECTION_BYTES_MAX).contains(&self.collection.len())
            && (1..=DOCUMENT_BYTES_MAX).contains(&self.document.len())
    }

    pub(super) fn encode(&self, out: &mut Encoder) {
        out.str(&self.collection);
        out.str(&self.document);
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let key = Self::decode_read(input)?;
        if key.is_valid() { Ok(key) } else { Err(BodyError::TooShort { field: "document" }) }
    }

    /// As [`DocumentKey::decode`]; it may be a whole collection.
    pub(super) fn decode_read(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let collection = input.str(COLLECTION_BYTES_MAX, "collection")?.to_owned();
        let document = input.str(DOCUMENT_BYTES_MAX, "document")?.to_owned();
        if collection.is_empty() {
            return Err(BodyError::TooShort { field: "collection" });
        }
        Ok(Self { collection, document })
    }
}

/// The fields of a document.
pub type Fields = BTreeMap<String, Value>;

/// A document at one point of the fold. Everything a later fold may look at is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The fields; `None` when the document does not exist (any more).
    pub fields: Option<Fields>,
    /// Position of the last accepted Transaction that changed it.
    pub version: Position,
    /// Who wrote that Transaction.
    pub author: MemberNo,
    /// Position of the last change by anyone but `author`.
    pub foreign: Position,
    /// The version of the collection's own resolver that wrote the fields; 0 for built-in operations.
    pub format: u64,
}

impl Image {
    /// A document that never was.
    pub const ABSENT: Self = Self {
        fields: None,
        version: Position::START,
        author: MemberNo(0),
        foreign: Position::START,
        format: 0,
    };

    /// Notes an accepted change.
    pub fn touch(&mut self, author: MemberNo, position: Position) {
        if self.author != author {
            self.foreign = self.version;
            self.author = author;
        }
        self.version = position;
    }

    /// Position of the last change by anyone but `reader`.
    pub fn changed_by_others(&self, reader: MemberNo) -> Position {
        if self.author == reader { self.foreign } else { self.version }
    }

    /// Canonical bytes of the fields alone; empty for a document that does not exist.
    pub fn encode_fields(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(256);
        if let Some(fields) = &self.fields {
            encode_map(fields, &mut out);
        }
        out.finish()
    }

    /// Bytes of the whole image for the local store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(256);
        self.version.encode(&mut out);
        out.uint(self.author.0);
        self.foreign.encode(&mut out);
        out.uint(self.format);
        match &self.fields {
            Some(fields) => encode_map(fields, &mut out),
            None => out.nil(),
        }
        out.finish()
    }

    /// Reads what [`Image::to_bytes`] wrote.
    ///
    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BodyError> {
        let StoredImage { version, author, foreign, format, fields } = StoredImage::read(bytes)?;
        let fields = match fields {
            Some(fields) => {
                let mut input = Decoder::new(fields);
                let fields = decode_map(&mut input)?;
                input.end()?;
                Some(fields)
            }
            None => None,
        };
        Ok(Self { fields, version, author, foreign, format })
    }
}

/// A stored image whose fields were not decoded, for what looks at very many.
#[derive(Clone, Copy, Debug)]
pub struct StoredImage<'a> {
    /// As in [`Image`].
    pub version: Position,
    /// As in [`Image`].
    pub author: MemberNo,
    /// As in [`Image`].
    pub foreign: Position,
    /// As in [`Image`].
    pub format: u64,
    /// Canonical bytes of the fields; `None` for a document that does not exist.
    pub fields: Option<&'a [u8]>,
}

impl<'a> StoredImage<'a> {
    /// Reads what [`Image::to_bytes`] wrote, up to the fields.
    ///
    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn read(bytes: &'a [u8]) -> Result<Self, BodyError> {
        let mut input = Decoder::new(bytes);
        let version = Position::decode(&mut input)?;
        let author = MemberNo(input.uint("image.author")?);
        let foreign = Position::decode(&mut input)?;
        let format = input.uint("image.format")?;
        let fields = match input.peek("image.fields")? {
            Marker::Null => {
                input.nil("image.fields")?;
                input.end()?;
                None
            }
            _ => Some(input.rest()),
        };
        Ok(Self { version, author, foreign, format, fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_knows_the_last_change_by_others() {
        let at = |seq| Position { seq, index: 0 };
        let mut image = Image::ABSENT;
        image.touch(MemberNo(1), at(5));
        image.touch(MemberNo(2), at(6));
        image.touch(MemberNo(2), at(9));
        assert_eq!(image.changed_by_others(MemberNo(2)), at(5));
        assert_eq!(image.changed_by_others(MemberNo(1)), at(9));
        assert_eq!(Image::from_bytes(&image.to_bytes()), Ok(image));
    }
}
