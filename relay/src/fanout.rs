//! What one session still has to be sent: a position per Space, and whose turn is next.
//!
//! The session asks for one frame at a time, when its socket has taken the one before, so a slow
//! client holds up itself alone. Reading the store is left to the exchange.

use crate::clock::Now;
use crate::exchange::Request;
use crate::feed::{Feed, Following, Page, Signal};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use veilfold_wire::SpaceId;

/// A subscription without news this long gets a signed head.
pub const QUIET_MS: u64 = 15_000;

/// What the session does next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send this page.
    Page(Bytes),
    /// Ask the exchange; its page comes back through [`Fanout::handle_page`].
    Fetch(Request),
    /// Send a signed head of this Space.
    Quiet(SpaceId, Arc<Feed>),
    /// Nothing now.
    Idle,
}

#[derive(Debug)]
struct Cursor {
    feed: Arc<Feed>,
    after: u64,
    queued: bool,
    quiet_at_ms: u64,
}

/// The positions of one session.
#[derive(Debug)]
pub(crate) struct Fanout {
    signal: Arc<Signal>,
    cursors: BTreeMap<SpaceId, Cursor>,
    /// Spaces that may be behind, in turn.
    ready: VecDeque<SpaceId>,
    quiet: BTreeSet<(u64, SpaceId)>,
    /// At most one page is fetched at a time, which bounds what a session holds.
    fetching: bool,
    fetched: Option<(SpaceId, Page)>,
}

impl Fanout {
    pub(crate) fn new(signal: Arc<Signal>) -> Self {
        Self {
            signal,
            cursors: BTreeMap::new(),
            ready: VecDeque::new(),
            quiet: BTreeSet::new(),
            fetching: false,
            fetched: None,
        }
    }

    /// Starts or restarts reading a Space after `after`.
    pub(crate) fn open(&mut self, space: SpaceId, feed: Arc<Feed>, after: u64, now: Now) {
        self.close(&space);
        // Listening before the first look at the feed is what makes a lost wake-up impossible.
        feed.listen(&self.signal);
        let quiet_at_ms = now.mono_ms.saturating_add(QUIET_MS);
        self.quiet.insert((quiet_at_ms, space));
        self.cursors.insert(space, Cursor { feed, after, queued: false, quiet_at_ms });
        self.enqueue(space);
    }

    /// Ends reading a Space.
    pub(crate) fn close(&mut self, space: &SpaceId) {
        if let Some(cursor) = self.cursors.remove(space) {
            cursor.feed.unlisten(&self.signal);
            self.quiet.remove(&(cursor.quiet_at_ms, *space));
            self.ready.retain(|queued| queued != space);
        }
    }

    /// Takes a page that was fetched; `None` when the store failed, which is tried again when the
    /// Space moves on or has been quiet.
    pub(crate) fn handle_page(&mut self, space: SpaceId, page: Option<Page>) {
        self.fetching = false;
        self.fetched = page.map(|page| (space, page));
    }

    /// When the next signed head is due.
    pub(crate) fn next_quiet_ms(&self) -> Option<u64> {
        self.quiet.first().map(|(at_ms, _)| *at_ms)
    }

    /// The next thing to do.
    pub(crate) fn poll(&mut self, now: Now) -> Step {
        for space in self.signal.take_moved() {
            self.enqueue(space);
        }
        if let Some((space, page)) = self.fetched.take() {
            // The Space may have been left, or read anew from elsewhere, in the meantime.
            let fits = self.cursors.get(&space).is_some_and(|cursor| cursor.after == page.first_seq - 1);
            if fits {
                return self.deliver(space, page, now);
            }
            self.enqueue(space);
        }
        for _ in 0..self.ready.len() {
            let Some(space) = self.ready.pop_front() else { break };
            let Some(cursor) = self.cursors.get_mut(&space) else { continue };
            match cursor.feed.following(cursor.after) {
                Following::Nothing => cursor.queued = false,
                Following::Page(page) => {
                    cursor.queued = false;
                    return self.deliver(space, page, now);
                }
                Following::InStore if self.fetching => self.ready.push_back(space),
                Following::InStore => {
                    cursor.queued = false;
                    self.fetching = true;
                    return Step::Fetch(Request::Read { space, after: cursor.after });
                }
            }
        }
        self.poll_quiet(now)
    }

    fn poll_quiet(&mut self, now: Now) -> Step {
        while let Some(&(at_ms, space)) = self.quiet.first().filter(|(at_ms, _)| *at_ms <= now.mono_ms) {
            self.quiet.remove(&(at_ms, space));
            let Some(cursor) = self.cursors.get_mut(&space) else { continue };
            cursor.quiet_at_ms = now.mono_ms.saturating_add(QUIET_MS);
            self.quiet.insert((cursor.quiet_at_ms, space));
            if cursor.after < cursor.feed.head_seq() {
                self.enqueue(space);
            } else {
                return Step::Quiet(space, cursor.feed.clone());
            }
        }
        Step::Idle
    }

    fn deliver(&mut self, space: SpaceId, page: Page, now: Now) -> Step {
        if let Some(cursor) = self.cursors.get_mut(&space) {
            cursor.after = page.last_seq;
            self.quiet.remove(&(cursor.quiet_at_ms, space));
            cursor.quiet_at_ms = now.mono_ms.saturating_add(QUIET_MS);
            self.quiet.insert((cursor.quiet_at_ms, space));
        }
        // To the back of the line: the other Spaces of this session come first.
        self.enqueue(space);
        Step::Page(page.frame)
    }

    fn enqueue(&mut self, space: SpaceId) {
        if let Some(cursor) = self.cursors.get_mut(&space)
            && !cursor.queued
        {
            cursor.queued = true;
            self.ready.push_back(space);
        }
    }
}

impl Drop for Fanout {
    fn drop(&mut self) {
        for cursor in self.cursors.values() {
            cursor.feed.unlisten(&self.signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use veilfold_wire::ChainHash;
    use veilfold_wire::frame::RelayFrame;

    const A: SpaceId = SpaceId([1; 32]);
    const B: SpaceId = SpaceId([2; 32]);
    const START: Now = Now { mono_ms: 0, unix_ms: 0 };

    fn feed(space: SpaceId, entries: usize, len: usize) -> Arc<Feed> {
        let feed = Feed::new(space, 0, ChainHash([0; 32]));
        for _ in 0..entries {
            feed.publish([Bytes::from(vec![0; len])], ChainHash([0; 32]));
        }
        feed
    }

    fn space_of(step: Step) -> Option<(SpaceId, u64)> {
        let Step::Page(frame) = step else { return None };
        match RelayFrame::decode(&frame) {
            Ok(RelayFrame::Page { space, first_seq, .. }) => Some((space, first_seq)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn spaces_of_one_session_take_turns() {
        let mut fanout = Fanout::new(Signal::new(1, || {}));
        fanout.open(A, feed(A, 600, 10), 0, START);
        fanout.open(B, feed(B, 600, 10), 0, START);
        let turns: Vec<_> = std::iter::from_fn(|| space_of(fanout.poll(START))).collect();
        assert_eq!(turns, [(A, 1), (B, 1), (A, 513), (B, 513)]);
    }

    #[test]
    fn one_page_at_a_time_is_fetched_while_other_spaces_go_on() {
        let mut fanout = Fanout::new(Signal::new(1, || {}));
        for space in [A, B] {
            let old = feed(space, 3, 10);
            old.shed();
            fanout.open(space, old, 0, START);
        }
        let live = SpaceId([3; 32]);
        fanout.open(live, feed(live, 1, 10), 0, START);
        assert!(matches!(fanout.poll(START), Step::Fetch(Request::Read { space: A, after: 0 })));
        assert_eq!(space_of(fanout.poll(START)), Some((live, 1)));
        assert!(matches!(fanout.poll(START), Step::Idle));
        fanout.handle_page(A, Some(Page::encode(A, 0, 3, vec![Bytes::from_static(b"x"); 3])));
        assert_eq!(space_of(fanout.poll(START)), Some((A, 1)));
        assert!(matches!(fanout.poll(START), Step::Fetch(Request::Read { space: B, after: 0 })));
    }

    #[test]
    fn a_page_for_a_space_that_was_left_is_dropped() {
        let mut fanout = Fanout::new(Signal::new(1, || {}));
        let old = feed(A, 3, 10);
        old.shed();
        fanout.open(A, old, 0, START);
        assert!(matches!(fanout.poll(START), Step::Fetch(_)));
        // Whoever reads the Space anew, from whatever position, does not get it either.
        fanout.open(A, feed(A, 3, 10), u64::MAX, START);
        fanout.handle_page(A, Some(Page::encode(A, 0, 3, vec![Bytes::from_static(b"x"); 3])));
        assert!(matches!(fanout.poll(START), Step::Idle));
    }

    #[test]
    fn quiet_subscriptions_get_a_head_and_busy_ones_do_not() {
        let mut fanout = Fanout::new(Signal::new(1, || {}));
        let busy = feed(B, 0, 0);
        fanout.open(A, feed(A, 0, 0), 0, START);
        fanout.open(B, busy.clone(), 0, START);
        let later = Now { mono_ms: QUIET_MS - 1, unix_ms: 0 };
        busy.publish([Bytes::from_static(b"x")], ChainHash([0; 32]));
        assert_eq!(space_of(fanout.poll(later)), Some((B, 1)));
        let quiet = Now { mono_ms: QUIET_MS, unix_ms: 0 };
        assert!(matches!(fanout.poll(quiet), Step::Quiet(A, _)));
        assert!(matches!(fanout.poll(quiet), Step::Idle));
        assert_eq!(fanout.next_quiet_ms(), Some(2 * QUIET_MS - 1));
    }

    #[test]
    fn a_session_that_ends_is_no_longer_woken() {
        let signal = Signal::new(1, || {});
        let shared = feed(A, 0, 0);
        let mut fanout = Fanout::new(signal.clone());
        fanout.open(A, shared.clone(), 0, START);
        drop(fanout);
        shared.publish([Bytes::from_static(b"x")], ChainHash([0; 32]));
        assert!(signal.take_moved().is_empty());
    }
}
