//! Who waits for what: live queries, receipts, status, events. Ringing never blocks and runs no
//! code of the app; whoever was rung asks the thread what there is.

use crate::engine::Event;
use crate::io::CloseReason;
use crate::model::TxId;
use crate::outbox::Fate;
use crate::query::LiveId;
use crate::sorted::{SortedMap, SortedSet};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::{Notify, oneshot};
use veilfold_wire::SpaceId;

/// Most events that wait for a slow reader; older ones are dropped and counted.
const EVENTS_MAX: usize = 256;

/// Wakes the readers of one stream. Only readers that were waiting when it rings are woken, so a
/// reader enables [`Notify::notified`] before it looks.
pub type Bell = Arc<Notify>;

/// Something noteworthy that no call is waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriverEvent {
    /// The engine noticed it.
    Engine(Event),
    /// The connection ended or never came about. It is tried again by itself.
    Disconnected(CloseReason),
}

impl DriverEvent {
    /// Says it in the log too: ids and reasons, no address.
    fn log(&self) {
        match self {
            Self::Engine(Event::RelayMisbehaved { space: Some(space), fault }) => {
                tracing::warn!(%space, %fault, "the relay misbehaved, the space halts");
            }
            Self::Engine(Event::RelayMisbehaved { space: None, fault }) => {
                tracing::warn!(%fault, "the relay misbehaved");
            }
            Self::Engine(Event::DeviceCloned { space }) => {
                tracing::warn!(%space, "another copy of this store writes as this device");
            }
            Self::Engine(Event::Held { space, why }) => {
                tracing::warn!(%space, why = why.name(), "the space holds");
            }
            Self::Engine(Event::ResolverFailed { space, position, .. }) => {
                tracing::warn!(%space, seq = position.seq, "a resolver of the app failed");
            }
            Self::Engine(Event::Diverged { space, position, author, .. }) => {
                tracing::warn!(%space, position, author = author.0, "a writer has other documents than this device");
            }
            Self::Engine(Event::Healed { space, position, count, .. }) => {
                tracing::warn!(%space, position, documents = count, "folded again: these documents were wrong here");
            }
            Self::Engine(Event::Admitted { space }) => tracing::info!(%space, "admitted"),
            Self::Engine(Event::StoreFailed { detail }) => tracing::error!(%detail, "the store failed"),
            Self::Disconnected(reason) => tracing::info!(%reason, "disconnected"),
        }
    }
}

/// Every bell there is, to ring at the end, whatever the end is.
#[derive(Default)]
pub(super) struct Bells {
    all: Mutex<Vec<Weak<Notify>>>,
}

impl Bells {
    fn make(&self) -> Bell {
        let bell = Bell::default();
        let mut all = locked(&self.all);
        if all.len() == all.capacity() {
            all.retain(|other| other.strong_count() > 0);
        }
        all.push(Arc::downgrade(&bell));
        bell
    }

    pub(super) fn ring_all(&self) {
        let all = core::mem::take(&mut *locked(&self.all));
        for bell in all.iter().filter_map(Weak::upgrade) {
            bell.notify_waiters();
        }
    }
}

/// The events of one stream.
#[derive(Debug)]
pub struct EventQueue {
    bell: Bell,
    waiting: Mutex<(VecDeque<DriverEvent>, u64)>,
}

impl EventQueue {
    /// Rings when an event has come.
    pub fn bell(&self) -> &Bell {
        &self.bell
    }

    /// The oldest event, and how many before it were dropped because nobody took them.
    pub fn take(&self) -> Option<(DriverEvent, u64)> {
        let (waiting, missed) = &mut *locked(&self.waiting);
        let event = waiting.pop_front()?;
        Some((event, core::mem::take(missed)))
    }

    fn push(&self, event: DriverEvent) {
        let (waiting, missed) = &mut *locked(&self.waiting);
        if waiting.len() == EVENTS_MAX {
            waiting.pop_front();
            *missed += 1;
        }
        waiting.push_back(event);
    }
}

/// Everybody who waits.
pub(super) struct Watchers {
    bells: Arc<Bells>,
    live: SortedMap<LiveId, Bell>,
    settled: SortedMap<(SpaceId, TxId), Vec<oneshot::Sender<Fate>>>,
    status: SortedMap<SpaceId, Vec<Weak<Notify>>>,
    events: Vec<Weak<EventQueue>>,
    /// What happened before anybody asked for events.
    early: Option<Arc<EventQueue>>,
    retries: Bell,
    /// Spaces whose status may be different, told once per round.
    changed: SortedSet<SpaceId>,
}

impl Watchers {
    pub(super) fn new(bells: Arc<Bells>) -> Self {
        let retries = bells.make();
        let mut watchers = Self {
            bells,
            live: SortedMap::new(),
            settled: SortedMap::new(),
            status: SortedMap::new(),
            events: Vec::new(),
            early: None,
            retries,
            changed: SortedSet::new(),
        };
        watchers.early = Some(watchers.new_queue());
        watchers
    }

    pub(super) fn watch_live(&mut self, id: LiveId) -> Bell {
        let bell = self.bells.make();
        self.live.insert(id, bell.clone());
        bell
    }

    pub(super) fn forget_live(&mut self, id: LiveId) {
        self.live.remove(&id);
    }

    pub(super) fn watch_settled(&mut self, space: SpaceId, tx_id: TxId, told: oneshot::Sender<Fate>) {
        let waiting = self.settled.get_or_insert_with((space, tx_id), Vec::new);
        waiting.retain(|other| !other.is_closed());
        waiting.push(told);
    }

    pub(super) fn watch_status(&mut self, space: SpaceId) -> Bell {
        let bell = self.bells.make();
        let watching = self.status.get_or_insert_with(space, Vec::new);
        watching.retain(|other| other.strong_count() > 0);
        watching.push(Arc::downgrade(&bell));
        bell
    }

    pub(super) fn watch_retries(&self) -> Bell {
        self.retries.clone()
    }

    pub(super) fn ring_retries(&self) {
        self.retries.notify_waiters();
    }

    /// From now on; for the first who asks, from the start on.
    pub(super) fn watch_events(&mut self) -> Arc<EventQueue> {
        self.early.take().unwrap_or_else(|| self.new_queue())
    }

    fn new_queue(&mut self) -> Arc<EventQueue> {
        let queue = Arc::new(EventQueue { bell: self.bells.make(), waiting: Mutex::default() });
        self.events.retain(|other| other.strong_count() > 0);
        self.events.push(Arc::downgrade(&queue));
        queue
    }

    pub(super) fn ring_live(&self, id: LiveId) {
        if let Some(bell) = self.live.get(&id) {
            bell.notify_waiters();
        }
    }

    pub(super) fn tell_settled(&mut self, space: SpaceId, tx_id: TxId, fate: &Fate) {
        for waiting in self.settled.remove(&(space, tx_id)).into_iter().flatten() {
            let _ = waiting.send(fate.clone());
        }
    }

    pub(super) fn status_changed(&mut self, space: SpaceId) {
        self.changed.insert(space);
    }

    pub(super) fn ring_status(&mut self) {
        for space in core::mem::take(&mut self.changed) {
            for bell in self.status.get(&space).into_iter().flatten().filter_map(Weak::upgrade) {
                bell.notify_waiters();
            }
        }
    }

    pub(super) fn tell_event(&self, event: &DriverEvent) {
        event.log();
        for queue in self.events.iter().filter_map(Weak::upgrade) {
            queue.push(event.clone());
            queue.bell.notify_waiters();
        }
    }
}

/// No code of the app runs under these locks, so a poisoned one holds nothing half-done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
