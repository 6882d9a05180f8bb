//! A collaborative text: its characters, and for the seen window who put and deleted them.
//!
//! The resolver `text` edits it; `Value` stores it. Which edits are allowed, and when the window
//! moves on, is left to the resolver.
//!
//! Characters stand in their order in the document, whoever put them. A character inside the window
//! has an id and hangs on its left neighbour, as its author saw it; a deleted one stays as a
//! tombstone. That is all it takes to find, for an edit made on an older state, the place that its
//! author meant. Characters that everybody has seen are settled: they are text and nothing else.

mod block;
mod codec;
mod edit;
mod run;

pub(crate) use run::{Stamp, View};

use super::encoding::{BodyError, Decoder, Encoder};
use block::{BLOCK_RUNS_MAX, Block};
use core::fmt;
use run::Run;
use std::sync::Arc;

/// A collaborative text.
///
/// Cloning is cheap: blocks are shared until one of the copies changes them. How characters are cut
/// into runs and blocks is chance; the encoding and equality do not show it.
#[derive(Clone, Debug, Default)]
pub struct Text {
    blocks: Vec<Arc<Block>>,
    /// Above the id of every character in the window; 0 when all are settled.
    next_id: u64,
    /// The lowest id in the window. A character that hangs on a lower one hangs on the nearest
    /// settled character to its left, or on the start.
    first_id: u64,
}

impl Text {
    /// A text that `stamp` has just put.
    pub(crate) fn new(text: &str, stamp: Stamp) -> Self {
        let mut new = Self::default();
        new.insert(edit::Cursor::START, text, stamp, None);
        new.rebalance(0, 0);
        new
    }

    /// Writes the canonical encoding.
    pub fn encode(&self, out: &mut Encoder) {
        codec::encode(self, out);
    }

    /// Reads the canonical encoding and nothing else.
    ///
    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        codec::decode(input)
    }

    /// The visible text in pieces.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        self.runs().map(|run| run.text.as_str())
    }

    /// Number of visible characters (Unicode scalar values).
    pub fn chars_count(&self) -> usize {
        self.blocks.iter().map(|block| block.visible).sum()
    }

    /// Number of characters that an author saw.
    pub(crate) fn chars_count_for(&self, view: &View) -> usize {
        self.blocks.iter().map(|block| block.shown_to(view)).sum()
    }

    /// The characters that an author saw; `None` for those that are deleted by now, whose content is
    /// not kept.
    pub(crate) fn chars_for(&self, view: &View) -> Vec<Option<char>> {
        let shown = self.runs().filter(|run| run.is_shown_to(view));
        shown
            .flat_map(|run| {
                let kept = if run.is_visible() { run.chars } else { 0 };
                run.text.chars().take(kept).map(Some).chain(core::iter::repeat_n(None, run.chars - kept))
            })
            .collect()
    }

    /// True when the author has seen every insertion and deletion, so that it saw the visible text.
    pub(crate) fn is_known_to(&self, view: &View) -> bool {
        self.blocks.iter().all(|block| block.is_known_to(view))
    }

    /// True when the window has ids left for as many characters.
    pub(crate) fn has_ids_for(&self, chars: usize) -> bool {
        u64::try_from(chars).is_ok_and(|chars| self.next_id.checked_add(chars).is_some())
    }

    /// An upper bound of the length of the encoding.
    pub(crate) fn encoded_bound(&self) -> usize {
        codec::HEADER_BYTES + self.blocks.iter().map(|block| block.bound).sum::<usize>()
    }

    /// An upper bound of how much one splice adds to the encoding, besides what it inserts.
    pub(crate) fn splice_bound(&self, delete: usize) -> usize {
        codec::splice_bound(self.blocks.iter().map(|block| block.deleters).max().unwrap_or(0), delete)
    }

    /// Forgets who put and deleted what up to and including `cutoff`.
    ///
    /// Ids and Entry numbers grow together, so the characters that settle are those below the lowest
    /// id that stays; whatever hung on one of them needs no change, see [`Text::first_id`].
    pub(crate) fn settle(&mut self, cutoff: u64) {
        if self.blocks.iter().all(|block| block.oldest > cutoff) {
            return;
        }
        let first_id = self.blocks.iter().filter_map(|block| block.first_id_above(cutoff)).min();
        for index in (0..self.blocks.len()).rev() {
            if self.blocks[index].oldest <= cutoff {
                Arc::make_mut(&mut self.blocks[index]).settle(cutoff, first_id);
                self.join_small(index);
            }
        }
        match first_id {
            Some(first_id) => self.first_id = first_id,
            None => (self.first_id, self.next_id) = (0, 0),
        }
    }

    /// Joins a block with its right neighbour when both are small, and drops an empty one.
    fn join_small(&mut self, index: usize) {
        let len = |index: usize| self.blocks.get(index).map(|block| block.runs.len());
        match (len(index), len(index + 1)) {
            (Some(0), _) => {
                self.blocks.remove(index);
            }
            (Some(one), Some(other)) if one + other <= BLOCK_RUNS_MAX / 2 => {
                let right = self.blocks.remove(index + 1);
                let left = Arc::make_mut(&mut self.blocks[index]);
                left.runs.extend(right.runs.iter().cloned());
                left.refresh();
            }
            _ => {}
        }
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        self.blocks.iter().flat_map(|block| &block.runs)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        let (mut one, mut two) = (Encoder::new(), Encoder::new());
        self.encode(&mut one);
        other.encode(&mut two);
        one.finish() == two.finish()
    }
}

impl Eq for Text {}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}
