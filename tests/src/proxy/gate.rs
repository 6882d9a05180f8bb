//! Pages on one connection that wait at a gate.
//!
//! A page is taken apart when it comes and put together from what may pass; the two need not be
//! the same pages. Positions stay contiguous, as the client demands.

use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use veilfold_wire::SpaceId;
use veilfold_wire::frame::RelayFrame;
use veilfold_wire::limits::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};

/// What waits, of every Space.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    spaces: BTreeMap<SpaceId, Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    first_seq: u64,
    head_seq: u64,
    entries: VecDeque<Bytes>,
}

impl Waiting {
    /// A subscription starts anew: what waited for the one before is asked for again.
    pub(super) fn forget(&mut self, space: &SpaceId) {
        self.spaces.remove(space);
    }

    /// A page came.
    pub(super) fn push(&mut self, space: SpaceId, first_seq: u64, head_seq: u64, entries: Vec<Bytes>) {
        let queue = self.spaces.entry(space).or_default();
        if queue.entries.is_empty() {
            queue.first_seq = first_seq;
        }
        queue.head_seq = queue.head_seq.max(head_seq);
        queue.entries.extend(entries);
    }

    /// Pages of what the gates let through, with the newest position in each.
    pub(super) fn pass(&mut self, gates: &BTreeMap<SpaceId, u64>) -> Vec<(SpaceId, u64, Bytes)> {
        let mut pages = Vec::new();
        for (space, queue) in &mut self.spaces {
            let gate = gates.get(space).copied().unwrap_or(u64::MAX);
            while let Some((last_seq, frame)) = queue.page(*space, gate) {
                pages.push((*space, last_seq, frame));
            }
        }
        pages
    }
}

impl Queue {
    fn page(&mut self, space: SpaceId, gate: u64) -> Option<(u64, Bytes)> {
        let mut bytes = 0;
        let mut count = 0;
        let open = gate.saturating_add(1).saturating_sub(self.first_seq);
        let may = usize::try_from(open).unwrap_or(usize::MAX).min(PAGE_ENTRIES_MAX);
        for entry in self.entries.iter().take(may) {
            bytes += entry.len();
            if count > 0 && bytes > PAGE_BYTES_MAX {
                break;
            }
            count += 1;
        }
        if count == 0 {
            return None;
        }
        let entries = self.entries.drain(..count).collect();
        let first_seq = self.first_seq;
        self.first_seq += count as u64;
        let frame = RelayFrame::Page { space, first_seq, head_seq: self.head_seq, entries };
        Some((self.first_seq - 1, frame.encode()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(pages: &[(SpaceId, u64, Bytes)]) -> Vec<(u64, usize)> {
        pages
            .iter()
            .map(|(_, _, frame)| match RelayFrame::decode(frame) {
                Ok(RelayFrame::Page { first_seq, entries, .. }) => (first_seq, entries.len()),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_page_is_cut_at_the_gate_and_the_rest_follows() {
        let space = SpaceId([1; 32]);
        let entry = Bytes::from_static(b"entry");
        let mut waiting = Waiting::default();
        waiting.push(space, 4, 7, vec![entry.clone(); 4]);
        let mut gates = BTreeMap::from([(space, 5)]);
        assert_eq!(positions(&waiting.pass(&gates)), [(4, 2)]);
        assert_eq!(positions(&waiting.pass(&gates)), []);
        waiting.push(space, 8, 8, vec![entry]);
        gates.remove(&space);
        assert_eq!(positions(&waiting.pass(&gates)), [(6, 3)]);
    }
}
