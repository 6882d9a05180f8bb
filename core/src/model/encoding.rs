//! Canonical MessagePack for values, actions and transactions.
//!
//! One value has one encoding: shortest numbers and lengths, map keys in byte order, floats always
//! eight bytes. The reader accepts any MessagePack; whoever reads bytes from outside compares with
//! the re-encoding, as [`crate::model::Body::decode`] does.

use rmp::Marker;
use thiserror::Error;

/// Deepest nesting of maps and lists.
pub const DEPTH_MAX: usize = 32;

/// Why a body or a stored image does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// The bytes end inside a value.
    #[error("bytes end inside `{field}`")]
    TooShort {
        /// What was being read.
        field: &'static str,
    },
    /// A value of another type stands here.
    #[error("`{field}` has the wrong type")]
    WrongType {
        /// What was being read.
        field: &'static str,
    },
    /// A count, length or number is above its limit.
    #[error("`{field}` is above its limit")]
    TooLarge {
        /// What was being read.
        field: &'static str,
    },
    /// The value means nothing in this version.
    #[error("`{field}` has an unknown value")]
    Unknown {
        /// What was being read.
        field: &'static str,
    },
    /// Maps and lists are nested deeper than [`DEPTH_MAX`].
    #[error("nested deeper than {DEPTH_MAX}")]
    TooDeep,
    /// The bytes are not the one canonical encoding.
    #[error("not the canonical encoding")]
    NotCanonical,
}

/// Appends canonical MessagePack to a buffer.
#[derive(Default)]
pub struct Encoder(Vec<u8>);

/// Writing to memory cannot fail; the error type of `rmp` for it has no values that occur.
macro_rules! infallible {
    ($write:expr) => {
        match $write {
            Ok(_) => {}
            Err(_) => unreachable!("a Vec takes every write"),
        }
    };
}

impl Encoder {
    /// Starts with an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Writes nil.
    pub fn nil(&mut self) {
        infallible!(rmp::encode::write_nil(&mut self.0));
    }

    /// Writes a truth value.
    pub fn bool(&mut self, value: bool) {
        infallible!(rmp::encode::write_bool(&mut self.0, value));
    }

    /// Writes an unsigned number in its shortest form.
    pub fn uint(&mut self, value: u64) {
        infallible!(rmp::encode::write_uint(&mut self.0, value));
    }

    /// Writes a signed number in its shortest form.
    pub fn int(&mut self, value: i64) {
        infallible!(rmp::encode::write_sint(&mut self.0, value));
    }

    /// Writes a float with all its bits.
    pub fn float(&mut self, value: f64) {
        infallible!(rmp::encode::write_f64(&mut self.0, value));
    }

    /// Writes a string.
    pub fn str(&mut self, value: &str) {
        infallible!(rmp::encode::write_str(&mut self.0, value));
    }

    /// Writes bytes.
    pub fn bytes(&mut self, value: &[u8]) {
        infallible!(rmp::encode::write_bin(&mut self.0, value));
    }

    /// Starts an array of `len` values.
    pub fn array(&mut self, len: usize) {
        infallible!(rmp::encode::write_array_len(&mut self.0, len as u32));
    }

    /// Starts a map of `len` pairs; the caller writes the keys in byte order.
    pub fn map(&mut self, len: usize) {
        infallible!(rmp::encode::write_map_len(&mut self.0, len as u32));
    }

    /// Writes a value of our own: a type number and what `write` puts into it.
    pub fn extension(&mut self, kind: i8, write: impl FnOnce(&mut Encoder)) {
        let mut inner = Encoder::new();
        write(&mut inner);
        infallible!(rmp::encode::write_ext_meta(&mut self.0, inner.0.len() as u32, kind));
        self.0.extend_from_slice(&inner.0);
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The finished bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads MessagePack from a slice, with limits and names for what is wrong.
pub struct Decoder<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Decoder<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: 0 }
    }

    /// Succeeds when everything was read.
    pub fn end(&self) -> Result<(), BodyError> {
        if self.rest.is_empty() { Ok(()) } else { Err(BodyError::NotCanonical) }
    }

    /// Number of bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next marker, without reading it.
    pub fn peek(&self, field: &'static str) -> Result<Marker, BodyError> {
        self.rest.first().map(|byte| Marker::from_u8(*byte)).ok_or(BodyError::TooShort { field })
    }

    fn marker(&mut self, field: &'static str) -> Result<Marker, BodyError> {
        let marker = self.peek(field)?;
        self.rest = &self.rest[1..];
        Ok(marker)
    }

    /// Reads `len` raw bytes.
    pub fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], BodyError> {
        if len > self.rest.len() {
            return Err(BodyError::TooShort { field });
        }
        let (head, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(head)
    }

    fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], BodyError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, field)?);
        Ok(out)
    }

    /// Reads nil.
    pub fn nil(&mut self, field: &'static str) -> Result<(), BodyError> {
        match self.marker(field)? {
            Marker::Null => Ok(()),
            _ => Err(BodyError::WrongType { field }),
        }
    }

    /// Reads a truth value.
    pub fn bool(&mut self, field: &'static str) -> Result<bool, BodyError> {
        match self.marker(field)? {
            Marker::True => Ok(true),
            Marker::False => Ok(false),
            _ => Err(BodyError::WrongType { field }),
        }
    }

    /// Reads a number that is not negative.
    pub fn uint(&mut self, field: &'static str) -> Result<u64, BodyError> {
        match self.number(field)? {
            Number::Unsigned(value) => Ok(value),
            Number::Negative(_) => Err(BodyError::WrongType { field }),
        }
    }

    /// Reads a signed number.
    pub fn int(&mut self, field: &'static str) -> Result<i64, BodyError> {
        match self.number(field)? {
            Number::Unsigned(value) => i64::try_from(value).map_err(|_| BodyError::TooLarge { field }),
            Number::Negative(value) => Ok(value),
        }
    }

    fn number(&mut self, field: &'static str) -> Result<Number, BodyError> {
        let signed = |value: i64| match u64::try_from(value) {
            Ok(value) => Number::Unsigned(value),
            Err(_) => Number::Negative(value),
        };
        Ok(match self.marker(field)? {
            Marker::FixPos(value) => Number::Unsigned(value.into()),
            Marker::FixNeg(value) => Number::Negative(value.into()),
            Marker::U8 => Number::Unsigned(self.fixed::<1>(field)?[0].into()),
            Marker::U16 => Number::Unsigned(u16::from_be_bytes(self.fixed(field)?).into()),
            Marker::U32 => Number::Unsigned(u32::from_be_bytes(self.fixed(field)?).into()),
            Marker::U64 => Number::Unsigned(u64::from_be_bytes(self.fixed(field)?)),
            Marker::I8 => signed(i8::from_be_bytes(self.fixed(field)?).into()),
            Marker::I16 => signed(i16::from_be_bytes(self.fixed(field)?).into()),
            Marker::I32 => signed(i32::from_be_bytes(self.fixed(field)?).into()),
            Marker::I64 => signed(i64::from_be_bytes(self.fixed(field)?)),
            _ => return Err(BodyError::WrongType { field }),
        })
    }

    /// Reads a float.
    pub fn float(&mut self, field: &'static str) -> Result<f64, BodyError> {
        match self.marker(field)? {
            Marker::F64 => Ok(f64::from_bits(u64::from_be_bytes(self.fixed(field)?))),
            _ => Err(BodyError::WrongType { field }),
        }
    }

    /// Reads a string of at most `max` bytes.
    pub fn str(&mut self, max: usize, field: &'static str) -> Result<&'a str, BodyError> {
        let len = match self.marker(field)? {
            Marker::FixStr(len) => len.into(),
            Marker::Str8 => self.fixed::<1>(field)?[0].into(),
            Marker::Str16 => u16::from_be_bytes(self.fixed(field)?).into(),
            Marker::Str32 => u32::from_be_bytes(self.fixed(field)?) as usize,
            _ => return Err(BodyError::WrongType { field }),
        };
        if len > max {
            return Err(BodyError::TooLarge { field });
        }
        core::str::from_utf8(self.take(len, field)?).map_err(|_| BodyError::WrongType { field })
    }

    /// Reads bytes, at most `max`.
    pub fn bytes(&mut self, max: usize, field: &'static str) -> Result<&'a [u8], BodyError> {
        let len = match self.marker(field)? {
            Marker::Bin8 => self.fixed::<1>(field)?[0].into(),
            Marker::Bin16 => u16::from_be_bytes(self.fixed(field)?).into(),
            Marker::Bin32 => u32::from_be_bytes(self.fixed(field)?) as usize,
            _ => return Err(BodyError::WrongType { field }),
        };
        if len > max {
            return Err(BodyError::TooLarge { field });
        }
        self.take(len, field)
    }

    /// Reads bytes of exactly one length.
    pub fn exact<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], BodyError> {
        self.bytes(N, field)?.try_into().map_err(|_| BodyError::WrongType { field })
    }

    /// Reads the length of an array of at most `max` values.
    pub fn array(&mut self, max: usize, field: &'static str) -> Result<usize, BodyError> {
        let len = match self.marker(field)? {
            Marker::FixArray(len) => len.into(),
            Marker::Array16 => u16::from_be_bytes(self.fixed(field)?).into(),
            Marker::Array32 => u32::from_be_bytes(self.fixed(field)?) as usize,
            _ => return Err(BodyError::WrongType { field }),
        };
        self.count(len, max, field)
    }

    /// Reads an array that must have `len` values.
    pub fn tuple(&mut self, len: usize, field: &'static str) -> Result<(), BodyError> {
        if self.array(len, field)? == len { Ok(()) } else { Err(BodyError::WrongType { field }) }
    }

    /// Reads the number of pairs of a map, at most `max`.
    pub fn map(&mut self, max: usize, field: &'static str) -> Result<usize, BodyError> {
        let len = match self.marker(field)? {
            Marker::FixMap(len) => len.into(),
            Marker::Map16 => u16::from_be_bytes(self.fixed(field)?).into(),
            Marker::Map32 => u32::from_be_bytes(self.fixed(field)?) as usize,
            _ => return Err(BodyError::WrongType { field }),
        };
        self.count(len, max, field)
    }

    /// A count can never be above the bytes that are left, so no reader allocates for a lie.
    fn count(&self, len: usize, max: usize, field: &'static str) -> Result<usize, BodyError> {
        if len > max || len > self.rest.len() { Err(BodyError::TooLarge { field }) } else { Ok(len) }
    }

    /// Reads a value of our own: its type number and a reader of its inside.
    pub fn extension(&mut self, field: &'static str) -> Result<(i8, Decoder<'a>), BodyError> {
        let len = match self.marker(field)? {
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            Marker::Ext8 => self.fixed::<1>(field)?[0].into(),
            Marker::Ext16 => u16::from_be_bytes(self.fixed(field)?).into(),
            Marker::Ext32 => u32::from_be_bytes(self.fixed(field)?) as usize,
            _ => return Err(BodyError::WrongType { field }),
        };
        let kind = i8::from_be_bytes(self.fixed(field)?);
        let inside = self.take(len, field)?;
        Ok((kind, Decoder { rest: inside, depth: self.depth }))
    }

    /// Runs `read` one level deeper.
    pub fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, BodyError>,
    ) -> Result<T, BodyError> {
        if self.depth == DEPTH_MAX {
            return Err(BodyError::TooDeep);
        }
        self.depth += 1;
        let out = read(self);
        self.depth -= 1;
        out
    }
}

enum Number {
    Unsigned(u64),
    Negative(i64),
}
