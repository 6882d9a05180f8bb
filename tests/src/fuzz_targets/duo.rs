//! One real engine and one real Relay on a virtual clock, with everything between them in the open.
//!
//! The target `engine` lies to the engine with it; `recorded.rs` records honest conversations.

use crate::harness::{AUTHORITY, ConnectionId, RelayOutput, SimRelay};
use bytes::Bytes;
use std::collections::VecDeque;
use veilfold_core::engine::{Engine, EngineConfig, Event, Output, SyncState};
use veilfold_core::keys::{DeviceRootKey, SeededEntropy};
use veilfold_core::store;
use veilfold_core::wire::{SpaceId, TransportFault};
use veilfold_relay::store::MemoryStore as RelayStore;

/// After so many steps an honest conversation must have come to rest.
const STEPS_MAX: usize = 2_000;
/// No pause in an honest conversation is longer.
const PAUSE_MS_MAX: u64 = 24 * 3_600 * 1_000;

/// A device and its Relay.
pub(super) struct Duo {
    pub(super) engine: Engine,
    pub(super) relay: SimRelay<RelayStore>,
    pub(super) now_ms: u64,
    /// What the Relay has sent on this connection and nobody has delivered.
    pub(super) on_the_way: VecDeque<Bytes>,
    /// Everything that the Relay has sent.
    pub(super) sent_by_relay: Vec<Bytes>,
    /// Everything that the device has sent.
    pub(super) sent_by_device: Vec<Bytes>,
    /// What the engine says that the Relay did.
    pub(super) blamed: Vec<TransportFault>,
    connection: Option<ConnectionId>,
    connections: u64,
}

/// The root key of a device whose number in the recording is `device`.
pub(super) fn root_key(device: u64) -> DeviceRootKey {
    DeviceRootKey::generate(&mut SeededEntropy::new(device))
}

impl Duo {
    /// A device opened on a copy of its disk, and a Relay that runs.
    pub(super) fn new(
        disk: store::MemoryStore,
        root: DeviceRootKey,
        relay: SimRelay<RelayStore>,
        now_ms: u64,
        first_connection: u64,
    ) -> Self {
        let entropy = Box::new(SeededEntropy::new(now_ms));
        let engine = match Engine::open(Box::new(disk), entropy, root, EngineConfig::default()) {
            Ok(engine) => engine,
            Err(error) => unreachable!("the copy of a sound disk opens: {error}"),
        };
        Self {
            engine,
            relay,
            now_ms,
            on_the_way: VecDeque::new(),
            sent_by_relay: Vec::new(),
            sent_by_device: Vec::new(),
            blamed: Vec::new(),
            connection: None,
            connections: first_connection,
        }
    }

    /// The device wants to be online.
    pub(super) fn connect(&mut self) {
        self.engine.connect(self.now_ms);
        self.wake();
    }

    /// Something comes out of the transport at the device.
    pub(super) fn hear(&mut self, frame: &Bytes) {
        let heard = self.engine.received(frame, self.now_ms);
        assert_eq!(heard, Ok(()), "a store without faults takes everything that parses");
        self.carry_out();
    }

    /// The transport breaks.
    pub(super) fn cut(&mut self) {
        if let Some(id) = self.connection.take() {
            self.relay.disconnect(id);
            self.on_the_way.clear();
            self.engine.closed(self.now_ms);
            self.carry_out();
        }
    }

    /// Everything that is due happens.
    pub(super) fn wake(&mut self) {
        if self.engine.next_deadline().is_some_and(|at| at <= self.now_ms) {
            let result = self.engine.handle_timeout(self.now_ms);
            assert_eq!(result, Ok(()), "a store without faults takes everything");
        }
        self.carry_out();
    }

    /// Lets the Relay and the engine do what they want done.
    pub(super) fn carry_out(&mut self) {
        loop {
            let mut idle = true;
            while let Some(output) = self.engine.poll_output() {
                idle = false;
                match output {
                    Output::Connect => {
                        self.connections += 1;
                        let id = ConnectionId(self.connections);
                        self.on_the_way.clear();
                        self.connection = Some(id);
                        self.relay.connect(id, self.now_ms);
                        self.engine.opened(AUTHORITY.to_owned(), self.now_ms);
                    }
                    Output::Send(frame) => {
                        if let Some(id) = self.connection {
                            self.relay.receive(id, &frame, self.now_ms);
                        }
                        self.sent_by_device.push(frame);
                    }
                    Output::Disconnect => {
                        if let Some(id) = self.connection.take() {
                            self.relay.disconnect(id);
                        }
                        self.on_the_way.clear();
                    }
                    Output::Event(Event::RelayMisbehaved { fault, .. }) => self.blamed.push(fault),
                    Output::Event(_)
                    | Output::Live(_)
                    | Output::Retry
                    | Output::Settled { .. }
                    | Output::Status(_) => {}
                }
            }
            for output in self.relay.work(self.now_ms) {
                match output {
                    RelayOutput::Send(id, frame) if self.connection == Some(id) => {
                        self.sent_by_relay.push(frame.clone());
                        self.on_the_way.push_back(frame);
                    }
                    RelayOutput::Close(id) if self.connection == Some(id) => {
                        idle = false;
                        self.cut();
                    }
                    RelayOutput::Send(..) | RelayOutput::Close(_) => {}
                }
            }
            if idle {
                return;
            }
        }
    }

    /// An honest conversation from a new connection on, until the device has and has sent everything.
    ///
    /// # Errors
    /// How the device stands when that does not happen.
    pub(super) fn settle(&mut self, space: SpaceId) -> Result<(), String> {
        self.cut();
        self.connect();
        for _ in 0..STEPS_MAX {
            if let Some(frame) = self.on_the_way.pop_front() {
                self.hear(&frame);
                continue;
            }
            let status = self.engine.status(space).map_err(|error| error.to_string())?;
            if status.state == SyncState::Live && status.outbox_count == 0 {
                return Ok(());
            }
            let next = self.engine.next_deadline().into_iter().chain(self.relay.next_deadline()).min();
            match next {
                Some(at) if at <= self.now_ms + PAUSE_MS_MAX => self.now_ms = self.now_ms.max(at),
                next => return Err(format!("waits until {next:?} from {}; {status:?}", self.now_ms)),
            }
            self.wake();
        }
        Err(format!("does not come to rest: {:?}, blames {:?}", self.engine.status(space), self.blamed))
    }
}
