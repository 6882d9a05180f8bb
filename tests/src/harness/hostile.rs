//! Somebody between the Relay and one device who changes what the Relay said.
//!
//! Bytes of Entries stay as they were unless the misdeed is to alter them, so every check but that
//! of signatures has its own way to notice.

use super::rng::Rng;
use bytes::Bytes;
use veilfold_core::wire::SealedEntry;
use veilfold_core::wire::frame::RelayFrame;

/// What is done to pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misdeed {
    /// Two neighbours by different authors change places.
    Swap,
    /// An Entry is left out and those after it move up.
    Omit,
    /// An Entry of another position comes in place of one.
    Replay,
    /// A bit of an Entry is flipped.
    Alter,
    /// The Relay itself orders what is offered twice.
    RepeatInOrder,
}

/// A misdeed and its victim.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// What is done.
    pub misdeed: Misdeed,
    /// To which device.
    pub victim: usize,
    /// How often it was done.
    pub done: u64,
    /// No more of it.
    pub stopped: bool,
    seen: Vec<Bytes>,
}

impl Misdeed {
    /// All misdeeds.
    pub const ALL: [Self; 5] = [Self::Swap, Self::Omit, Self::Replay, Self::Alter, Self::RepeatInOrder];
}

impl Hostile {
    /// Starts.
    pub fn new(misdeed: Misdeed, victim: usize) -> Self {
        Self { misdeed, victim, done: 0, stopped: false, seen: Vec::new() }
    }

    /// What reaches the device.
    pub(super) fn tamper(&mut self, device: usize, frame: Bytes, rng: &mut Rng) -> Bytes {
        if device != self.victim || self.stopped || self.misdeed == Misdeed::RepeatInOrder {
            return frame;
        }
        let Ok(RelayFrame::Page { space, first_seq, head_seq, mut entries }) = RelayFrame::decode(&frame)
        else {
            return frame;
        };
        let changed = first_seq > 2 && rng.chance(300) && self.change(&mut entries, rng);
        self.seen.extend(entries.iter().cloned());
        if !changed {
            return frame;
        }
        self.done += 1;
        RelayFrame::Page { space, first_seq, head_seq, entries }.encode()
    }

    fn change(&mut self, entries: &mut Vec<Bytes>, rng: &mut Rng) -> bool {
        let author =
            |entry: &Bytes| SealedEntry::decode(entry.clone()).ok().map(|entry| entry.header().member_no);
        let at = rng.below(entries.len() as u64) as usize;
        match self.misdeed {
            Misdeed::Swap => {
                let Some(at) =
                    (1..entries.len()).find(|at| author(&entries[*at]) != author(&entries[at - 1]))
                else {
                    return false;
                };
                entries.swap(at, at - 1);
            }
            Misdeed::Omit => {
                if entries.len() < 2 {
                    return false;
                }
                entries.remove(at);
            }
            Misdeed::Replay => {
                let Some(old) = self.seen.first().cloned() else { return false };
                entries[at] = old;
            }
            Misdeed::Alter => {
                let mut bytes = entries[at].to_vec();
                let index = rng.below(bytes.len() as u64) as usize;
                bytes[index] ^= 1 << rng.below(8);
                entries[at] = bytes.into();
            }
            Misdeed::RepeatInOrder => return false,
        }
        true
    }
}
