//! What an author has written so far: every Transaction that was folded, kept for ever.
//!
//! Asked by `fold.rs` for read sets and by `root.rs` for what the root says about an author; which
//! documents the Transactions changed is left to `fold.rs`.

use veilfold_core::model::TxNos;
use veilfold_core::wire::limits::SEEN_WINDOW;

/// A Transaction that was folded.
#[derive(Clone, Copy, Debug)]
struct Folded {
    tx_no: u64,
    seq: u64,
    accepted: bool,
}

/// Everything that one author has written, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Author {
    folded: Vec<Folded>,
}

impl Author {
    /// The largest number that was folded; a Transaction with one that is not larger is a duplicate.
    pub(super) fn mark(&self) -> u64 {
        self.folded.last().map_or(0, |folded| folded.tx_no)
    }

    /// Notes what became of a Transaction.
    pub(super) fn note(&mut self, tx_no: u64, seq: u64, accepted: bool) {
        self.folded.push(Folded { tx_no, seq, accepted });
    }

    /// Numbers that were not accepted, as ranges `(first, count, seq)`: rejected ones, and ones that
    /// were left out, which are lost from the moment a larger one is folded. Losses that lie the
    /// seen window or more before the author's newest Transaction are forgotten.
    pub(super) fn lost(&self) -> Vec<(u64, u64, u64)> {
        let newest = self.folded.last().map_or(0, |folded| folded.seq);
        let mut lost: Vec<(u64, u64, u64)> = Vec::new();
        let mut before = 0;
        for Folded { tx_no, seq, accepted } in &self.folded {
            let first = before + 1;
            let count = tx_no - before - u64::from(*accepted);
            before = *tx_no;
            if count == 0 || newest - seq >= SEEN_WINDOW {
                continue;
            }
            match lost.last_mut() {
                Some((last, many, at)) if at == seq && *last + *many == first => *many += count,
                _ => lost.push((first, count, *seq)),
            }
        }
        lost
    }

    /// True when all of these were folded and none of them is known to be lost.
    pub(super) fn all_accepted(&self, tx_nos: &TxNos) -> bool {
        let lost = self.lost();
        tx_nos.ranges().iter().all(|(first, count)| {
            let last = first + count - 1;
            let meets = |(start, many, _): &(u64, u64, u64)| *start <= last && *first < start + many;
            last <= self.mark() && !lost.iter().any(meets)
        })
    }
}

impl Author {
    /// True when one of these was folded and is not known to be lost.
    pub(super) fn any_accepted(&self, tx_nos: &TxNos) -> bool {
        let lost = self.lost();
        let is_lost = |tx_no| lost.iter().any(|(first, count, _)| (*first..first + count).contains(&tx_no));
        // A range may be absurdly long; what lies above the newest was not folded.
        let each =
            tx_nos.ranges().iter().flat_map(|(first, count)| *first..=(first + count - 1).min(self.mark()));
        let mut each = each;
        each.any(|tx_no| !is_lost(tx_no))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(numbers: &[u64]) -> TxNos {
        let mut tx_nos = TxNos::default();
        numbers.iter().for_each(|number| tx_nos.push(*number));
        tx_nos
    }

    #[test]
    fn what_is_left_out_or_rejected_is_lost() {
        let mut author = Author::default();
        author.note(1, 1, true);
        author.note(4, 2, true);
        author.note(5, 2, false);
        author.note(6, 3, true);
        assert_eq!(author.lost(), [(2, 2, 2), (5, 1, 2)]);
        assert!(author.all_accepted(&numbers(&[1, 4, 6])));
        assert!(author.all_accepted(&numbers(&[])));
        for lost in [2, 3, 5, 7] {
            assert!(!author.all_accepted(&numbers(&[1, lost])), "{lost}");
        }
    }

    #[test]
    fn losses_are_forgotten_when_the_author_writes_again_after_the_window() {
        let mut author = Author::default();
        author.note(2, 10, false);
        assert_eq!(author.lost(), [(1, 2, 10)]);
        author.note(3, 10 + SEEN_WINDOW - 1, true);
        assert_eq!(author.lost(), [(1, 2, 10)]);
        author.note(4, 10 + SEEN_WINDOW, true);
        assert_eq!(author.lost(), []);
        assert!(author.all_accepted(&numbers(&[1, 2])));
    }
}
