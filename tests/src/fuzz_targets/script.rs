//! An input read as a script: choices, one after the other, until the bytes end.
//!
//! Used by the targets that drive a whole engine, a Relay or a log.

use crate::harness::Rng;

/// What is left of a script. Choices after its end are all 0.
pub(super) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// Two bytes as one number.
    pub(super) fn wide(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    /// A number below `end`; 0 when there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let number = if end > 256 { self.wide() } else { usize::from(self.byte()) };
        number.checked_rem(end).unwrap_or(0)
    }

    /// A number of any size, small ones and the largest more often.
    pub(super) fn number(&mut self) -> u64 {
        match self.byte() {
            byte @ 0..200 => byte.into(),
            200..230 => self.wide() as u64,
            byte @ 230..253 => 1 << (byte - 230 + 40),
            byte => u64::MAX - u64::from(255 - byte),
        }
    }

    /// Up to `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        head
    }

    /// Changes one byte of a message.
    pub(super) fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut copy = bytes.to_vec();
        let (at, by) = (self.below(copy.len()), self.byte());
        if let Some(byte) = copy.get_mut(at) {
            *byte ^= by.max(1);
        }
        copy
    }
}

/// A script of any choices.
pub(super) fn random(rng: &mut Rng) -> Vec<u8> {
    let len = 16 + rng.below(180);
    (0..len).map(|_| rng.draw() as u8).collect()
}
