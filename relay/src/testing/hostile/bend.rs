//! What a device is told instead of what the Relay says: pages with a lie in them.
//!
//! One for each connection. A Space is lied about once; what follows is moved to fit, so that only a
//! device that checks can notice.

use super::Lie;
use bytes::Bytes;
use std::collections::BTreeMap;
use veilfold_wire::SpaceId;
use veilfold_wire::frame::RelayFrame;
use veilfold_wire::limits::PAGE_ENTRIES_MAX;

/// The lie on one connection.
#[derive(Debug)]
pub(super) struct Bent {
    lie: Lie,
    spaces: BTreeMap<SpaceId, Told>,
}

/// What was told of one Space.
#[derive(Debug, Default)]
struct Told {
    lied: bool,
    /// How far later Entries are moved.
    moved: i64,
    /// Waits for the Entry that it is to change places with.
    held: Option<Bytes>,
}

impl Bent {
    pub(super) fn new(lie: Lie) -> Self {
        Self { lie, spaces: BTreeMap::new() }
    }

    /// What the device hears instead of this message, if it hears anything.
    pub(super) fn told(&mut self, message: Bytes) -> Option<Bytes> {
        match RelayFrame::decode(&message) {
            Ok(RelayFrame::Page { space, first_seq, head_seq, entries }) => {
                self.page(space, first_seq, head_seq, entries).map(|page| page.encode())
            }
            Ok(RelayFrame::Subscribed { space, .. }) => {
                // Starts anew: positions are the Relay's own again.
                self.spaces.remove(&space);
                Some(message)
            }
            _ => Some(message),
        }
    }

    fn page(
        &mut self,
        space: SpaceId,
        first_seq: u64,
        head_seq: u64,
        mut entries: Vec<Bytes>,
    ) -> Option<RelayFrame> {
        let told = self.spaces.entry(space).or_default();
        let mut first_seq = first_seq.saturating_add_signed(told.moved);
        if !told.lied && !entries.is_empty() {
            match self.lie {
                Lie::Omits => {
                    entries.remove(0);
                    (told.lied, told.moved) = (true, -1);
                }
                Lie::Repeats if entries.len() < PAGE_ENTRIES_MAX => {
                    entries.insert(1, entries[0].clone());
                    (told.lied, told.moved) = (true, 1);
                }
                Lie::Reorders => match told.held.take() {
                    Some(held) => {
                        entries.insert(1, held);
                        first_seq = first_seq.saturating_sub(1);
                        told.lied = true;
                    }
                    None if entries.len() > 1 => {
                        entries.swap(0, 1);
                        told.lied = true;
                    }
                    None => told.held = entries.pop(),
                },
                Lie::Delays => return None,
                // Of the other log everything is told as it is.
                Lie::Repeats | Lie::Forks => {}
            }
        }
        let head_seq = head_seq.saturating_add_signed(told.moved);
        (!entries.is_empty()).then_some(RelayFrame::Page { space, first_seq, head_seq, entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACE: SpaceId = SpaceId([1; 32]);

    /// Positions and Entries that a device hears of pages with these Entries, from position 4 on.
    fn heard(lie: Lie, pages: &[&[u8]]) -> Vec<(u64, Vec<u8>)> {
        let mut bent = Bent::new(lie);
        let mut seq = 4;
        let mut heard = Vec::new();
        for page in pages {
            let entries: Vec<_> = page.iter().map(|entry| Bytes::copy_from_slice(&[*entry])).collect();
            let head_seq = seq + entries.len() as u64 - 1;
            if let Some(RelayFrame::Page { first_seq, entries, .. }) =
                bent.page(SPACE, seq, head_seq, entries)
            {
                heard.push((first_seq, entries.iter().map(|entry| entry[0]).collect()));
            }
            seq = head_seq + 1;
        }
        heard
    }

    #[test]
    fn one_entry_is_left_out_and_the_others_move_up() {
        assert_eq!(heard(Lie::Omits, &[&[1, 2, 3], &[4]]), [(4, vec![2, 3]), (6, vec![4])]);
        assert_eq!(heard(Lie::Omits, &[&[1], &[2], &[3]]), [(4, vec![2]), (5, vec![3])]);
    }

    #[test]
    fn two_entries_change_places_also_when_they_come_one_by_one() {
        assert_eq!(heard(Lie::Reorders, &[&[1, 2, 3], &[4]]), [(4, vec![2, 1, 3]), (7, vec![4])]);
        assert_eq!(heard(Lie::Reorders, &[&[1], &[2], &[3]]), [(4, vec![2, 1]), (6, vec![3])]);
    }

    #[test]
    fn one_entry_comes_twice_and_the_others_move_down() {
        assert_eq!(heard(Lie::Repeats, &[&[1], &[2, 3]]), [(4, vec![1, 1]), (6, vec![2, 3])]);
    }

    #[test]
    fn what_is_delayed_is_not_heard_and_a_fork_is_told_as_it_is() {
        assert_eq!(heard(Lie::Delays, &[&[1], &[2]]), []);
        assert_eq!(heard(Lie::Forks, &[&[1], &[2]]), [(4, vec![1]), (5, vec![2])]);
    }
}
