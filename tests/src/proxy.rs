//! A WebSocket between clients and a Relay that records every message and can hold back the order.
//!
//! Used by the demo and by tests that need to say what a device has seen. It knows no keys and no
//! documents: pages are taken apart at the gate and put together again, the rest passes as it is.

mod carry;
mod gate;

use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use veilfold_relay::testing::Door;
use veilfold_wire::SpaceId;

/// Every message that passed, as it was before the WebSocket's own framing and masking.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// What clients sent, the upgrade request first.
    pub to_relay: Vec<Bytes>,
    /// What the Relay sent, before anything was held back.
    pub to_client: Vec<Bytes>,
}

/// What passed the proxy in one Space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Entries that the clients behind this proxy have offered, counted again when sent again.
    pub offered: u64,
    /// Entries that the clients behind this proxy had acknowledged.
    pub acknowledged: u64,
    /// Largest position among them.
    pub acknowledged_seq: u64,
    /// Newest position that the Relay has sent, whether or not it was held back.
    pub arrived_seq: u64,
    /// Newest position that was let through.
    pub passed_seq: u64,
}

/// A proxy in front of a Relay. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _door: Door,
}

#[derive(Debug)]
struct Shared {
    /// Host and port of the Relay.
    relay: Mutex<String>,
    state: Mutex<State>,
    /// Moves when a gate does.
    gates: watch::Sender<u64>,
    /// Moves when something passes.
    passed: watch::Sender<u64>,
    /// Moves when every connection is to be dropped.
    cuts: watch::Sender<u64>,
    /// While true, nothing that the Relay says is read.
    frozen: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    gates: BTreeMap<SpaceId, u64>,
    passed: BTreeMap<SpaceId, Passed>,
    connections: usize,
    recording: Recording,
}

impl Recording {
    /// How many bytes passed in both directions.
    pub fn bytes(&self) -> usize {
        self.to_relay.iter().chain(&self.to_client).map(Bytes::len).sum()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, space: SpaceId, what: impl FnOnce(&mut Passed)) {
        what(self.state().passed.entry(space).or_default());
        self.passed.send_modify(|count| *count += 1);
    }
}

impl Proxy {
    /// Listens on a free port of this machine, for the Relay at `relay` (host and port).
    ///
    /// # Errors
    /// As the system says.
    pub async fn start(relay: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            relay: Mutex::new(relay.to_owned()),
            state: Mutex::default(),
            gates: watch::channel(0).0,
            passed: watch::channel(0).0,
            cuts: watch::channel(0).0,
            frozen: watch::channel(false).0,
        });
        let carried = shared.clone();
        let door = Door::open(listener, move |stream| carry::connection(stream, carried.clone()));
        Ok(Self { address, shared, _door: door })
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The Relay is somewhere else from the next connection on.
    pub fn lead_to(&self, relay: &str) {
        let mut current = self.shared.relay.lock().unwrap_or_else(PoisonError::into_inner);
        relay.clone_into(&mut current);
    }

    /// Lets through what is ordered up to `seq`, which may lie ahead or behind what has passed.
    pub fn hold_at(&self, space: SpaceId, seq: u64) {
        self.shared.state().gates.insert(space, seq);
        self.shared.gates.send_modify(|count| *count += 1);
    }

    /// Lets everything of the Space through.
    pub fn release(&self, space: SpaceId) {
        self.shared.state().gates.remove(&space);
        self.shared.gates.send_modify(|count| *count += 1);
    }

    /// From now on nothing that the Relay says reaches the clients, nor this proxy.
    pub fn freeze(&self) {
        self.shared.frozen.send_replace(true);
    }

    /// Ends [`Proxy::freeze`]: connections that are still there go on where they were.
    pub fn thaw(&self) {
        self.shared.frozen.send_replace(false);
    }

    /// Drops every connection, as a network that goes away.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|count| *count += 1);
    }

    /// What has passed in the Space so far.
    pub fn passed(&self, space: SpaceId) -> Passed {
        self.shared.state().passed.get(&space).copied().unwrap_or_default()
    }

    /// Waits until what has passed in the Space is as `enough` wants it.
    pub async fn until(&self, space: SpaceId, enough: impl Fn(&Passed) -> bool) -> Passed {
        let mut moved = self.shared.passed.subscribe();
        loop {
            moved.mark_unchanged();
            let passed = self.passed(space);
            if enough(&passed) {
                return passed;
            }
            // The sender lives as long as `self`.
            let _ = moved.changed().await;
        }
    }

    /// Waits until there is no connection through this proxy.
    pub async fn until_alone(&self) {
        let mut moved = self.shared.passed.subscribe();
        while self.shared.state().connections > 0 {
            // The sender lives as long as `self`.
            let _ = moved.changed().await;
        }
    }

    /// Takes what was recorded; recording goes on from nothing.
    pub fn take_recording(&self) -> Recording {
        core::mem::take(&mut self.shared.state().recording)
    }
}
