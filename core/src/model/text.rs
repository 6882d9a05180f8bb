//! A collaborative text: its characters, and for the seen window who put and deleted them.

use super::encoding::{BodyError, Decoder, Encoder};
use core::fmt;

/// A collaborative text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    settled: String,
}

impl Text {
    /// Writes the canonical encoding.
    pub fn encode(&self, out: &mut Encoder) {
        out.str(&self.settled);
    }

    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        Ok(Self { settled: input.str(usize::MAX, "text")?.to_owned() })
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.settled)
    }
}
