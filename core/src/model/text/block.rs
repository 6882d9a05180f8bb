//! A few dozen runs and what is known about all of them, so that an edit looks into few.
//!
//! Used by the rest of `text/`; nothing here shows in the encoding.

use super::codec;
use super::run::{Run, Stamp, View};
use veilfold_wire::MemberNo;

/// Most runs of a block; a larger one is cut.
pub(super) const BLOCK_RUNS_MAX: usize = 64;

/// Neighbouring runs and their sums.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) runs: Vec<Run>,
    /// Visible characters.
    pub(super) visible: usize,
    /// Upper bound of the encoded bytes.
    pub(super) bound: usize,
    /// Most authors that deleted one character.
    pub(super) deleters: usize,
    /// The lowest Entry of a stamp; the highest number there is when there are none.
    pub(super) oldest: u64,
    /// The lowest id inside the window.
    first_id: Option<u64>,
    /// The author with the newest stamp, its newest Entry, and the newest of all others: enough to
    /// say whether an author has seen everything here.
    newest: Option<(MemberNo, u64)>,
    newest_other: u64,
}

impl Block {
    pub(super) fn new(runs: Vec<Run>) -> Self {
        let mut block = Self {
            runs,
            visible: 0,
            bound: 0,
            deleters: 0,
            oldest: u64::MAX,
            first_id: None,
            newest: None,
            newest_other: 0,
        };
        block.refresh();
        block
    }

    /// Counts anew after the runs have changed.
    pub(super) fn refresh(&mut self) {
        let runs = core::mem::take(&mut self.runs);
        (self.visible, self.bound, self.deleters) = (0, 0, 0);
        (self.oldest, self.first_id, self.newest, self.newest_other) = (u64::MAX, None, None, 0);
        for run in &runs {
            if run.is_visible() {
                self.visible += run.chars;
            }
            self.bound += codec::run_bound(run);
            self.deleters = self.deleters.max(run.deleted.len());
            run.deleted.iter().for_each(|stamp| self.note(stamp));
            if let Some(tag) = &run.tag {
                self.note(&tag.stamp);
                self.first_id = Some(self.first_id.map_or(tag.id, |id| id.min(tag.id)));
            }
        }
        self.runs = runs;
    }

    fn note(&mut self, stamp: &Stamp) {
        self.oldest = self.oldest.min(stamp.seq);
        match &mut self.newest {
            None => self.newest = Some((stamp.author, stamp.seq)),
            Some((author, seq)) if *author == stamp.author => *seq = (*seq).max(stamp.seq),
            Some((author, seq)) if stamp.seq > *seq => {
                self.newest_other = *seq;
                (*author, *seq) = (stamp.author, stamp.seq);
            }
            Some(_) => self.newest_other = self.newest_other.max(stamp.seq),
        }
    }

    /// True when the author has seen every insertion and deletion in here.
    pub(super) fn is_known_to(&self, view: &View) -> bool {
        self.newest.is_none_or(|(author, seq)| author == view.author || seq <= view.base_seq)
            && self.newest_other <= view.base_seq
    }

    /// Number of characters that stood in the text that the author saw.
    pub(super) fn shown_to(&self, view: &View) -> usize {
        if self.is_known_to(view) {
            return self.visible;
        }
        self.runs.iter().filter(|run| run.is_shown_to(view)).map(|run| run.chars).sum()
    }

    /// The lowest id that stays in a window from `cutoff` on.
    pub(super) fn first_id_above(&self, cutoff: u64) -> Option<u64> {
        if self.oldest > cutoff {
            return self.first_id;
        }
        let stays = |run: &Run| run.tag.filter(|tag| tag.stamp.seq > cutoff).map(|tag| tag.id);
        self.runs.iter().filter_map(stays).min()
    }

    /// Settles characters below `first_id` (all of them when there is none) and drops the tombstones
    /// among them that were deleted up to `cutoff`.
    pub(super) fn settle(&mut self, cutoff: u64, first_id: Option<u64>) {
        let mut kept: Vec<Run> = Vec::with_capacity(self.runs.len());
        for mut run in self.runs.drain(..) {
            run.tag = run.tag.filter(|tag| first_id.is_some_and(|first_id| tag.id >= first_id));
            if run.tag.is_none() && run.deleted.iter().any(|stamp| stamp.seq <= cutoff) {
                continue;
            }
            match kept.last_mut() {
                Some(left) if run.continues(left) && left.has_room_for(&run) => left.absorb(&run),
                _ => kept.push(run),
            }
        }
        self.runs = kept;
        self.refresh();
    }
}
