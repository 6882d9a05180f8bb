//! What is durable of one Space, shared by all sessions that read it.
//!
//! The sequencer publishes here after each commit; every session's fan-out reads on from its own
//! position. A page that many sessions ask for is encoded once.

use crate::clock::Now;
use crate::keys::RelayIdentity;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use veilfold_wire::frame::{RelayFrame, SignedHead};
use veilfold_wire::limits::{PAGE_BYTES_MAX, PAGE_ENTRIES_MAX};
use veilfold_wire::{ChainHash, SpaceId};

/// Newest Entries kept in memory per Space, so that live readers do not touch the store.
const TAIL_ENTRIES_MAX: usize = 1024;
/// The same in bytes.
const TAIL_BYTES_MAX: usize = 256 * 1024;
/// Encoded pages kept until the next publication; those who read the same one come close together.
const PAGES_KEPT: usize = 8;
/// A signed head is shown again for this long while the position stays.
const SIGNED_HEAD_MS: u64 = 1_000;

/// An encoded page and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Position of its first Entry.
    pub first_seq: u64,
    /// Position of its last Entry.
    pub last_seq: u64,
    /// The frame, shared by all that get it.
    pub frame: Bytes,
}

impl Page {
    /// Encodes the page that follows position `after`; `entries` is not empty.
    pub(crate) fn encode(space: SpaceId, after: u64, head_seq: u64, entries: Vec<Bytes>) -> Self {
        let (first_seq, last_seq) = (after + 1, after + entries.len() as u64);
        let frame = RelayFrame::Page { space, first_seq, head_seq, entries }.encode();
        Self { first_seq, last_seq, frame }
    }
}

/// What follows a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Following {
    /// Nothing yet.
    Nothing,
    /// This page.
    Page(Page),
    /// Entries so old that only the store has them.
    InStore,
}

/// Tells one session that Spaces have moved on. Marks are a set, so they cannot pile up.
pub struct Signal {
    id: u64,
    moved: Mutex<BTreeSet<SpaceId>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl core::fmt::Debug for Signal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Signal").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Signal {
    /// A signal for the session with that id, unique in its Relay. `wake` is called, on the
    /// sequencer's thread, when the first mark is set; it must not block.
    pub fn new(id: u64, wake: impl Fn() + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { id, moved: Mutex::default(), wake: Box::new(wake) })
    }

    /// Takes the marks.
    pub(crate) fn take_moved(&self) -> BTreeSet<SpaceId> {
        std::mem::take(&mut *locked(&self.moved))
    }

    fn mark(&self, space: SpaceId) {
        let first = {
            let mut moved = locked(&self.moved);
            let first = moved.is_empty();
            moved.insert(space);
            first
        };
        if first {
            (self.wake)();
        }
    }
}

/// The durable end of one Space's log.
#[derive(Debug)]
pub struct Feed {
    space: SpaceId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    seq: u64,
    chain: ChainHash,
    /// The Entries up to `seq`, oldest first.
    tail: VecDeque<Bytes>,
    tail_bytes: usize,
    /// Pages made since the last publication, by the position they follow.
    pages: BTreeMap<u64, Page>,
    /// Copied when it changes while a publication walks over it.
    listeners: Arc<BTreeMap<u64, Arc<Signal>>>,
    signed: Option<SignedHead>,
}

impl Feed {
    pub(crate) fn new(space: SpaceId, seq: u64, chain: ChainHash) -> Arc<Self> {
        let state = State {
            seq,
            chain,
            tail: VecDeque::new(),
            tail_bytes: 0,
            pages: BTreeMap::new(),
            listeners: Arc::default(),
            signed: None,
        };
        Arc::new(Self { space, state: Mutex::new(state) })
    }

    /// Newest durable position.
    pub fn head_seq(&self) -> u64 {
        locked(&self.state).seq
    }

    /// The newest durable position, signed at `now` or within the second before.
    pub(crate) fn signed_head(&self, identity: &RelayIdentity, now: Now) -> SignedHead {
        let (seq, chain) = {
            let state = locked(&self.state);
            if let Some(head) = state.signed
                && head.seq == state.seq
                && head.time_ms <= now.unix_ms
                && now.unix_ms - head.time_ms < SIGNED_HEAD_MS
            {
                return head;
            }
            (state.seq, state.chain)
        };
        let head = identity.sign_head(&self.space, seq, chain, now.unix_ms);
        locked(&self.state).signed = Some(head);
        head
    }

    /// What a reader at position `after` gets next.
    pub fn following(&self, after: u64) -> Following {
        let mut state = locked(&self.state);
        if after >= state.seq {
            return Following::Nothing;
        }
        let tail_starts_after = state.seq - state.tail.len() as u64;
        if after < tail_starts_after {
            return Following::InStore;
        }
        if let Some(page) = state.pages.get(&after) {
            return Following::Page(page.clone());
        }
        let skip = (after - tail_starts_after) as usize;
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for entry in state.tail.iter().skip(skip) {
            if !crate::store::page_takes(entries.len(), bytes, entry.len(), PAGE_ENTRIES_MAX, PAGE_BYTES_MAX)
            {
                break;
            }
            bytes += entry.len();
            entries.push(entry.clone());
        }
        let page = Page::encode(self.space, after, state.seq, entries);
        if state.pages.len() == PAGES_KEPT {
            state.pages.pop_first();
        }
        state.pages.insert(after, page.clone());
        Following::Page(page)
    }

    /// Adds what became durable and wakes everybody who listens.
    pub(crate) fn publish(&self, entries: impl IntoIterator<Item = Bytes>, chain: ChainHash) {
        let listeners = {
            let mut state = locked(&self.state);
            for entry in entries {
                state.tail_bytes += entry.len();
                state.tail.push_back(entry);
                state.seq += 1;
            }
            while state.tail.len() > TAIL_ENTRIES_MAX || state.tail_bytes > TAIL_BYTES_MAX {
                let Some(oldest) = state.tail.pop_front() else { break };
                state.tail_bytes -= oldest.len();
            }
            state.chain = chain;
            state.pages.clear();
            state.listeners.clone()
        };
        for signal in listeners.values() {
            signal.mark(self.space);
        }
    }

    /// Lets go of the Entries in memory; readers get them from the store.
    pub(crate) fn shed(&self) {
        let mut state = locked(&self.state);
        state.tail = VecDeque::new();
        state.tail_bytes = 0;
        state.pages.clear();
    }

    pub(crate) fn listen(&self, signal: &Arc<Signal>) {
        let mut state = locked(&self.state);
        Arc::make_mut(&mut state.listeners).insert(signal.id, signal.clone());
    }

    pub(crate) fn unlisten(&self, signal: &Signal) {
        let mut state = locked(&self.state);
        Arc::make_mut(&mut state.listeners).remove(&signal.id);
    }
}

/// A panic elsewhere leaves these sets and numbers whole, so the lock stays usable.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const SPACE: SpaceId = SpaceId([1; 32]);

    fn page(following: Following) -> Page {
        match following {
            Following::Page(page) => page,
            other => panic!("no page: {other:?}"),
        }
    }

    #[test]
    fn readers_at_one_position_share_one_encoded_page() {
        let feed = Feed::new(SPACE, 0, ChainHash([0; 32]));
        feed.publish([Bytes::from_static(b"one"), Bytes::from_static(b"two")], ChainHash([1; 32]));
        let (a, b) = (page(feed.following(0)), page(feed.following(0)));
        assert_eq!(a.frame.as_ptr(), b.frame.as_ptr());
        assert_eq!((a.first_seq, a.last_seq), (1, 2));
        assert_eq!(page(feed.following(1)).first_seq, 2);
        assert_eq!(feed.following(2), Following::Nothing);
    }

    #[test]
    fn the_tail_is_bounded_and_what_it_lost_comes_from_the_store() {
        let feed = Feed::new(SPACE, 0, ChainHash([0; 32]));
        for _ in 0..64 {
            feed.publish([Bytes::from(vec![0; 32 * 1024])], ChainHash([1; 32]));
        }
        assert_eq!(feed.following(0), Following::InStore);
        assert!(matches!(feed.following(60), Following::Page(_)));
        assert!(locked(&feed.state).tail_bytes <= TAIL_BYTES_MAX);
        feed.shed();
        assert_eq!(feed.following(60), Following::InStore);
    }

    #[test]
    fn a_listener_is_woken_once_until_it_looks() {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let signal = Signal::new(1, move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let feed = Feed::new(SPACE, 0, ChainHash([0; 32]));
        feed.listen(&signal);
        for _ in 0..3 {
            feed.publish([Bytes::from_static(b"x")], ChainHash([1; 32]));
        }
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(signal.take_moved().len(), 1);
        feed.unlisten(&signal);
        feed.publish([Bytes::from_static(b"x")], ChainHash([1; 32]));
        assert!(signal.take_moved().is_empty());
    }
}
