//! The loop: one input into the engine, then everything that the engine asks for, then the next.

use super::Message;
use super::link::{Link, Sent};
use super::watch::{Bell, Bells, DriverEvent, EventQueue, Watchers};
use crate::engine::{Engine, Event, Output};
use crate::io::{Clock, RelayUrl, SocketEvent};
use crate::model::TxId;
use crate::outbox::Fate;
use crate::query::LiveId;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use veilfold_wire::SpaceId;

/// Most calls that are answered before the engine's outputs are carried out.
const CALLS_MAX: usize = 32;
/// How long the loop waits after the store failed, so that a full disk does not keep it busy.
const FAILED_WAIT_MS: u64 = 1_000;

/// What calls work on: the engine, and what surrounds it on its thread.
pub struct Core {
    /// All Spaces of the Device.
    pub engine: Engine,
    clock: Clock,
    link: Link,
    watchers: Watchers,
    /// How many callers want the connection until they are done.
    kept: u32,
    /// True while nobody but those callers wants it.
    only_kept: bool,
    /// Dropped with everything else, which is how a closing caller learns of the end.
    alive: Vec<oneshot::Sender<std::convert::Infallible>>,
}

impl Core {
    pub(super) fn new(engine: Engine, runtime: Handle, inbox: Sender<Message>, bells: Arc<Bells>) -> Self {
        let (link, watchers) = (Link::new(runtime, inbox), Watchers::new(bells));
        let clock = Clock::new();
        Self { engine, clock, link, watchers, kept: 0, only_kept: false, alive: Vec::new() }
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&mut self) -> u64 {
        self.clock.now_ms()
    }

    /// The Relay to connect to, if there is one.
    pub fn relay(&self) -> Option<&RelayUrl> {
        self.link.url()
    }

    /// Names the Relay and connects to it; `None` disconnects for good.
    pub fn set_relay(&mut self, url: Option<RelayUrl>) {
        if self.link.url() == url.as_ref() {
            return;
        }
        self.engine.disconnect();
        let wanted = url.is_some();
        self.link.set_url(url);
        if wanted {
            // The old connection is closed before the new one is asked for.
            self.carry_out();
            self.connect();
        }
    }

    /// Wants a connection from now on. Without a Relay this does nothing.
    pub fn connect(&mut self) {
        self.only_kept = false;
        if self.link.url().is_some() {
            let now_ms = self.now_ms();
            self.engine.connect(now_ms);
        }
    }

    /// Wants no connection any more.
    pub fn disconnect(&mut self) {
        self.only_kept = false;
        self.engine.disconnect();
    }

    /// Wants a connection until [`Core::let_go`], which has to follow.
    pub fn keep_connected(&mut self) {
        self.kept += 1;
        let only_kept = self.only_kept || !self.engine.wants_connection();
        self.connect();
        self.only_kept = only_kept;
    }

    /// Goes offline with the last that was kept, unless somebody said meanwhile what is wanted.
    pub fn let_go(&mut self) {
        self.kept -= 1;
        if self.kept == 0 && self.only_kept {
            self.disconnect();
        }
    }

    /// Rings when the live query has something to deliver.
    pub fn watch_live(&mut self, id: LiveId) -> Bell {
        self.watchers.watch_live(id)
    }

    /// Ends a live query.
    pub fn close_live(&mut self, id: LiveId) {
        self.engine.close_live(id);
        self.watchers.forget_live(id);
    }

    /// Tells the fate of a Transaction that is still pending.
    pub fn watch_settled(&mut self, space: SpaceId, tx_id: TxId, told: oneshot::Sender<Fate>) {
        self.watchers.watch_settled(space, tx_id, told);
    }

    /// Rings when a mutator waits to be run again.
    pub fn watch_retries(&self) -> Bell {
        self.watchers.watch_retries()
    }

    /// Rings when the Space's status may be different, and when a write has its fate.
    pub fn watch_status(&mut self, space: SpaceId) -> Bell {
        self.watchers.watch_status(space)
    }

    /// Collects events from now on, until nobody holds it any more. The first has those since the start.
    pub fn watch_events(&mut self) -> Arc<EventQueue> {
        self.watchers.watch_events()
    }

    pub(super) fn hold_until_closed(&mut self, alive: oneshot::Sender<std::convert::Infallible>) {
        self.alive.push(alive);
    }

    /// Does everything that the engine asks for.
    fn carry_out(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Connect => {
                    if !self.link.connect() {
                        self.engine.disconnect();
                    }
                }
                Output::Send(frame) => {
                    if self.link.send(frame) == Sent::GaveUp {
                        let now_ms = self.now_ms();
                        self.engine.closed(now_ms);
                    }
                }
                Output::Disconnect => self.link.disconnect(),
                Output::Live(id) => self.watchers.ring_live(id),
                Output::Settled { space, tx_id, fate } => {
                    self.watchers.tell_settled(space, tx_id, &fate);
                    self.watchers.status_changed(space);
                }
                Output::Retry => self.watchers.ring_retries(),
                Output::Status(space) => self.watchers.status_changed(space),
                Output::Event(event) => self.watchers.tell_event(&DriverEvent::Engine(event)),
            }
        }
        self.watchers.ring_status();
    }

    fn socket_event(&mut self, generation: u64, event: SocketEvent) {
        if !self.link.is_present(generation) {
            return;
        }
        let now_ms = self.now_ms();
        match event {
            SocketEvent::Opened { authority } => {
                tracing::info!("connected");
                self.engine.opened(authority, now_ms);
            }
            SocketEvent::Frame(frame) => {
                // The engine has said what failed as an event, and fetches again what was lost.
                let _ = self.engine.received(&frame.bytes, now_ms);
            }
            SocketEvent::Drained => {
                if self.link.drain() == Sent::GaveUp {
                    self.engine.closed(now_ms);
                }
            }
            SocketEvent::Closed { reason } => {
                self.link.disconnect();
                self.engine.closed(now_ms);
                self.watchers.tell_event(&DriverEvent::Disconnected(reason));
            }
        }
    }

    /// What the clock asks for. Gives how long to wait for the next input.
    fn timeout(&mut self) -> Option<Duration> {
        let now_ms = self.now_ms();
        let mut wait_ms_min = 0;
        if self.engine.next_deadline().is_some_and(|deadline| deadline <= now_ms) {
            if let Err(error) = self.engine.handle_timeout(now_ms) {
                let detail = error.to_string();
                self.watchers.tell_event(&DriverEvent::Engine(Event::StoreFailed { detail }));
                wait_ms_min = FAILED_WAIT_MS;
            }
            self.carry_out();
            wait_ms_min = wait_ms_min.max(1);
        }
        let deadline = self.engine.next_deadline()?;
        let wait_ms = deadline.saturating_sub(now_ms).max(wait_ms_min);
        Some(Duration::from_millis(wait_ms))
    }
}

/// The loop's state.
pub(super) struct Thread<'a> {
    core: Core,
    messages: &'a Receiver<Message>,
}

impl<'a> Thread<'a> {
    pub(super) fn new(core: Core, messages: &'a Receiver<Message>) -> Self {
        Self { core, messages }
    }

    /// Runs until it is told to close.
    pub(super) fn run(&mut self) {
        loop {
            let first = match self.core.timeout() {
                Some(wait) => match self.messages.recv_timeout(wait) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => break,
                },
                None => match self.messages.recv() {
                    Ok(message) => message,
                    Err(_) => break,
                },
            };
            if !self.handle(first) {
                break;
            }
        }
        self.core.engine.disconnect();
        self.core.carry_out();
    }

    /// Takes a message and the calls that wait behind it; false when it is time to close.
    fn handle(&mut self, first: Message) -> bool {
        let mut message = first;
        for taken in 1..=CALLS_MAX {
            match message {
                Message::Call(call) => call(&mut self.core),
                Message::Socket(generation, event) => {
                    self.core.socket_event(generation, event);
                    break;
                }
                Message::Close => return false,
            }
            if taken == CALLS_MAX {
                break;
            }
            match self.messages.try_recv() {
                Ok(next) => message = next,
                Err(_) => break,
            }
        }
        self.core.carry_out();
        true
    }
}
