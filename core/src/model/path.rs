//! Where in a document: keys of maps and ids of list elements.

use super::encoding::{BodyError, Decoder, Encoder};
use core::fmt;
use rmp::Marker;
use thiserror::Error;

/// Most segments of a path.
const SEGMENTS_MAX: usize = 32;
/// Longest key in bytes.
pub(super) const KEY_BYTES_MAX: usize = 1024;

/// Name of a list element for as long as it exists, wherever it moves.
///
/// The id of the Transaction that made it, and a count within that Transaction: the same on every
/// Device, before and after the order is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(pub [u8; 12]);

impl fmt::Display for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{self}")
    }
}

impl core::str::FromStr for ElementId {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let mut id = [0; 12];
        if text.len() != 24 || !text.is_ascii() {
            return Err(PathError::BadElement);
        }
        for (index, byte) in id.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| PathError::BadElement)?;
        }
        Ok(Self(id))
    }
}

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// Into a map.
    Key(String),
    /// Into a list.
    Element(ElementId),
}

/// Where in a document. The empty path is the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(pub Vec<Segment>);

/// Why a text is not a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// A segment is empty.
    #[error("a path has an empty segment")]
    Empty,
    /// Too many or too long segments.
    #[error("a path has at most {SEGMENTS_MAX} segments of at most {KEY_BYTES_MAX} bytes")]
    TooLong,
    /// `#` is not followed by the 24 hex digits of an element id.
    #[error("an element id is # and 24 hex digits")]
    BadElement,
}

impl Path {
    /// Reads `a.b.#<element id>.c`. Keys that contain a dot or start with `#` need [`Path::keys`].
    ///
    /// # Errors
    /// A [`PathError`] that says what to write instead.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let segments = text.split('.').map(|part| match part.strip_prefix('#') {
            Some(id) => id.parse().map(Segment::Element),
            None if part.is_empty() => Err(PathError::Empty),
            None => Ok(Segment::Key(part.to_owned())),
        });
        Self::checked(segments.collect::<Result<_, _>>()?)
    }

    /// A path of map keys, which may contain anything.
    ///
    /// # Errors
    /// `TooLong`.
    pub fn keys(keys: &[&str]) -> Result<Self, PathError> {
        Self::checked(keys.iter().map(|key| Segment::Key((*key).to_owned())).collect())
    }

    fn checked(segments: Vec<Segment>) -> Result<Self, PathError> {
        let too_long = |segment: &Segment| matches!(segment, Segment::Key(key) if key.len() > KEY_BYTES_MAX);
        if segments.len() > SEGMENTS_MAX || segments.iter().any(too_long) {
            return Err(PathError::TooLong);
        }
        Ok(Self(segments))
    }

    pub(super) fn encode(&self, out: &mut Encoder) {
        out.array(self.0.len());
        for segment in &self.0 {
            match segment {
                Segment::Key(key) => out.str(key),
                Segment::Element(id) => out.bytes(&id.0),
            }
        }
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let len = input.array(SEGMENTS_MAX, "path")?;
        let mut segments = Vec::with_capacity(len);
        for _ in 0..len {
            segments.push(match input.peek("path.segment")? {
                Marker::Bin8 => Segment::Element(ElementId(input.exact("path.element")?)),
                _ => Segment::Key(input.str(KEY_BYTES_MAX, "path.key")?.to_owned()),
            });
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            match segment {
                Segment::Key(key) => write!(f, "{dot}{key}")?,
                Segment::Element(id) => write!(f, "{dot}#{id}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_back_as_written() {
        let text = "items.#0102030405060708090a0b0c.title";
        assert_eq!(Path::parse(text).unwrap().to_string(), text);
        assert_eq!(Path::parse(""), Ok(Path::default()));
    }

    #[test]
    fn what_is_wrong_with_a_path_is_said() {
        assert_eq!(Path::parse("a..b"), Err(PathError::Empty));
        assert_eq!(Path::parse("a.#xyz"), Err(PathError::BadElement));
    }
}
