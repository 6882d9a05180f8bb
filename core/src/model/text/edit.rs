//! One splice: where its author meant it, and what it is for somebody who sees everything.
//!
//! Called by the resolver `text`, which has checked that the splice lies inside the author's text.

use super::Text;
use super::block::{BLOCK_RUNS_MAX, Block};
use super::run::{Run, Stamp, Tag, View, piece_end};
use crate::model::TextSplice;
use crate::sorted::SortedMap;
use std::sync::Arc;

/// A gap between characters: before a run of a block, or behind its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    block: usize,
    run: usize,
}

impl Cursor {
    pub(super) const START: Self = Self { block: 0, run: 0 };
}

impl Text {
    /// Applies one splice of `view`'s author and returns its offset in the visible text. The same
    /// splice as splices on the visible text is appended to `visible`, when that is asked for.
    pub(crate) fn splice(
        &mut self,
        view: &View,
        stamp: Stamp,
        splice: &TextSplice,
        mut visible: Option<&mut Vec<TextSplice>>,
    ) -> usize {
        let (left, origin) = self.gap_after(view, usize::try_from(splice.offset).unwrap_or(usize::MAX));
        let gap = self.skip_unseen(view, left, origin);
        let offset = self.visible_before(gap);
        let first = visible.as_ref().map_or(0, |visible| visible.len());
        if let Some(visible) = visible.as_deref_mut().filter(|_| !splice.insert.is_empty()) {
            visible.push(TextSplice { offset: offset as u64, delete: 0, insert: splice.insert.clone() });
        }
        let behind = self.insert(gap, &splice.insert, stamp, origin);
        let delete = usize::try_from(splice.delete).unwrap_or(usize::MAX);
        let last = self.delete(view, stamp, behind, delete, |position, chars| {
            let Some(visible) = visible.as_deref_mut() else { return };
            let offset = (offset + splice.insert.chars().count() + position) as u64;
            match visible[first..].last_mut() {
                Some(last) if last.offset + last.insert.chars().count() as u64 == offset => {
                    last.delete += chars as u64;
                }
                _ => visible.push(TextSplice { offset, delete: chars as u64, insert: String::new() }),
            }
        });
        self.rebalance(left.block, last);
        offset
    }

    /// The gap right of the first `count` characters that the author saw, and the id of the last of
    /// them.
    fn gap_after(&mut self, view: &View, count: usize) -> (Cursor, Option<u64>) {
        let mut rest = count;
        for block in 0..self.blocks.len() {
            if rest == 0 {
                break;
            }
            let shown = self.blocks[block].shown_to(view);
            if rest > shown {
                rest -= shown;
                continue;
            }
            for run in 0..self.blocks[block].runs.len() {
                let found = &self.blocks[block].runs[run];
                if !found.is_shown_to(view) {
                    continue;
                }
                if rest > found.chars {
                    rest -= found.chars;
                    continue;
                }
                let id = found.id_at(rest - 1);
                if rest < found.chars {
                    let block = Arc::make_mut(&mut self.blocks[block]);
                    let right = block.runs[run].split_off(rest);
                    block.runs.insert(run + 1, right);
                }
                return (Cursor { block, run: run + 1 }, id);
            }
        }
        debug_assert!(rest == 0, "the offset lies inside the text that the author saw");
        (Cursor::START, None)
    }

    /// Steps over the runs that the author has not seen and that hang, directly or through one
    /// another, on the character left of the gap: they were ordered first.
    fn skip_unseen(&self, view: &View, gap: Cursor, origin: Option<u64>) -> Cursor {
        let (mut gap, mut ahead) = (gap, gap);
        // First id of a run that was stepped over, and the id behind its last.
        let mut skipped = SortedMap::new();
        loop {
            let Some(block) = self.blocks.get(ahead.block) else {
                return gap;
            };
            let Some(run) = block.runs.get(ahead.run) else {
                ahead = Cursor { block: ahead.block + 1, run: 0 };
                continue;
            };
            let Some(tag) = run.tag.filter(|tag| !view.knows(&tag.stamp)) else {
                return gap;
            };
            let hangs_on = tag.origin.filter(|id| *id >= self.first_id);
            let on_skipped = |id: u64| {
                skipped.range(&0, &id.saturating_add(1)).next_back().is_some_and(|(_, end)| id < *end)
            };
            if hangs_on != origin && !hangs_on.is_some_and(on_skipped) {
                return gap;
            }
            skipped.insert(tag.id, tag.id + run.chars as u64);
            ahead.run += 1;
            gap = ahead;
        }
    }

    fn visible_before(&self, gap: Cursor) -> usize {
        let blocks = self.blocks.iter().take(gap.block).map(|block| block.visible).sum::<usize>();
        let runs = self.blocks.get(gap.block).map_or(&[][..], |block| &block.runs[..gap.run]);
        blocks + runs.iter().filter(|run| run.is_visible()).map(|run| run.chars).sum::<usize>()
    }

    /// Puts characters into a gap and returns the gap behind them.
    pub(super) fn insert(&mut self, gap: Cursor, text: &str, stamp: Stamp, origin: Option<u64>) -> Cursor {
        if text.is_empty() {
            return gap;
        }
        if self.blocks.is_empty() {
            self.blocks.push(Arc::new(Block::new(Vec::new())));
        }
        let runs = &mut Arc::make_mut(&mut self.blocks[gap.block]).runs;
        let (mut at, mut rest, mut origin) = (gap.run, text, origin);
        while !rest.is_empty() {
            let piece;
            (piece, rest) = rest.split_at(piece_end(rest));
            let run = Run::new(piece.to_owned(), Some(Tag { stamp, id: self.next_id, origin }));
            self.next_id += run.chars as u64;
            origin = Some(self.next_id - 1);
            match at.checked_sub(1).map(|left| &mut runs[left]) {
                Some(left) if run.continues(left) && left.has_room_for(&run) => left.absorb(&run),
                _ => {
                    runs.insert(at, run);
                    at += 1;
                }
            }
        }
        Cursor { block: gap.block, run: at }
    }

    /// Deletes `count` characters that the author saw from a gap on; `tell` hears of each stretch
    /// that nobody had deleted before, with its visible distance from the gap. Returns the last
    /// block that was touched.
    fn delete(
        &mut self,
        view: &View,
        stamp: Stamp,
        gap: Cursor,
        count: usize,
        mut tell: impl FnMut(usize, usize),
    ) -> usize {
        let (mut at, mut rest, mut position) = (gap, count, 0);
        while rest > 0 && at.block < self.blocks.len() {
            let block = &mut self.blocks[at.block];
            if at.run == 0 && block.shown_to(view) == 0 {
                position += block.visible;
                at.block += 1;
                continue;
            }
            let runs = &mut Arc::make_mut(block).runs;
            while rest > 0 && at.run < runs.len() {
                let run = &mut runs[at.run];
                let visible = run.is_visible();
                if run.is_shown_to(view) {
                    let right = (run.chars > rest).then(|| run.split_off(rest));
                    rest -= run.chars;
                    run.delete(stamp);
                    if visible {
                        tell(position, run.chars);
                    }
                    if let Some(right) = right {
                        runs.insert(at.run + 1, right);
                    }
                } else if visible {
                    position += run.chars;
                }
                at.run += 1;
            }
            if rest > 0 {
                at = Cursor { block: at.block + 1, run: 0 };
            }
        }
        debug_assert!(rest == 0, "the range lies inside the text that the author saw");
        at.block
    }

    /// Counts the blocks `first` to `last` anew and cuts those that have grown too large.
    pub(super) fn rebalance(&mut self, first: usize, last: usize) {
        for index in (first..=last.min(self.blocks.len().saturating_sub(1))).rev() {
            let Some(block) = self.blocks.get_mut(index) else {
                return;
            };
            let block = Arc::make_mut(block);
            if block.runs.len() <= BLOCK_RUNS_MAX {
                block.refresh();
                continue;
            }
            let mut runs = core::mem::take(&mut block.runs).into_iter();
            let cut = core::iter::from_fn(|| {
                let part: Vec<Run> = runs.by_ref().take(BLOCK_RUNS_MAX / 2).collect();
                (!part.is_empty()).then(|| Arc::new(Block::new(part)))
            });
            self.blocks.splice(index..=index, cut.collect::<Vec<_>>());
        }
    }
}
