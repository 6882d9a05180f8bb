//! The real Relay's decisions on a virtual clock, with a store that survives its process.

use super::network::ConnectionId;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use veilfold_core::wire::Limits;
use veilfold_relay::store::Store;
use veilfold_relay::testing::FaultyStore;
use veilfold_relay::{Exchange, Now, Protections, RelayIdentity, Sequencer, Session, Signal};

/// The host and port under which devices know the Relay.
pub const AUTHORITY: &str = "relay.test:443";
/// From which the Relay's key comes, for tests that forge what it signs.
pub const KEY_SEED: [u8; 32] = [7; 32];

/// A Relay process.
pub struct SimRelay<S = FaultyStore> {
    exchange: Exchange<S, ConnectionId>,
    identity: Arc<RelayIdentity>,
    sessions: BTreeMap<ConnectionId, Session>,
    nonce: u64,
    /// How far the time that it shows to others is ahead.
    pub ahead_ms: i64,
}

/// What the Relay wants done.
pub enum RelayOutput {
    /// Send a frame.
    Send(ConnectionId, Bytes),
    /// Close a connection.
    Close(ConnectionId),
}

impl SimRelay<FaultyStore> {
    /// Cuts the power: what was made durable is left.
    pub fn kill(self) -> FaultyStore {
        let store = self.exchange.into_sequencer().into_store();
        store.cut_power();
        store
    }
}

impl<S: Store> SimRelay<S> {
    /// Starts on a store.
    pub fn start(store: S, protections: Protections) -> Self {
        Self {
            exchange: Exchange::new(Sequencer::new(store, 64, protections)),
            identity: Arc::new(RelayIdentity::from_seed(&KEY_SEED)),
            sessions: BTreeMap::new(),
            nonce: 0,
            ahead_ms: 0,
        }
    }

    /// A device has connected.
    pub fn connect(&mut self, id: ConnectionId, now_ms: u64) {
        self.nonce += 1;
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&self.nonce.to_be_bytes());
        nonce[8..16].copy_from_slice(&id.0.to_be_bytes());
        let limits = Limits { entries_per_second: 1_000_000, ..Limits::default() };
        let signal = Signal::new(id.0, || {});
        let authority = AUTHORITY.to_owned();
        let session = Session::open(self.identity.clone(), authority, limits, nonce, signal, self.at(now_ms));
        self.sessions.insert(id, session);
    }

    /// A connection is gone.
    pub fn disconnect(&mut self, id: ConnectionId) {
        self.sessions.remove(&id);
    }

    /// A frame has arrived.
    pub fn receive(&mut self, id: ConnectionId, frame: &Bytes, now_ms: u64) {
        let now = self.at(now_ms);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.handle_frame(frame, now);
        }
    }

    /// Does everything that can be done now.
    pub fn work(&mut self, now_ms: u64) -> Vec<RelayOutput> {
        let now = self.at(now_ms);
        let mut outputs = Vec::new();
        loop {
            let mut idle = true;
            for (id, session) in &mut self.sessions {
                session.handle_deadline(now);
                while let Some(request) = session.poll_request() {
                    self.exchange.submit(*id, request);
                    idle = false;
                }
            }
            for (id, reply) in self.exchange.flush() {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.handle_reply(reply, now);
                }
            }
            for (id, session) in &mut self.sessions {
                while let Some(frame) = session.poll_frame() {
                    outputs.push(RelayOutput::Send(*id, frame));
                    idle = false;
                }
                while let Some(frame) = session.poll_page(now) {
                    outputs.push(RelayOutput::Send(*id, frame));
                    idle = false;
                }
            }
            if idle {
                break;
            }
        }
        let closed: Vec<_> =
            self.sessions.iter().filter(|(_, session)| session.is_closed()).map(|(id, _)| *id).collect();
        for id in closed {
            self.sessions.remove(&id);
            outputs.push(RelayOutput::Close(id));
        }
        outputs
    }

    /// When the Relay has something to do by itself.
    pub fn next_deadline(&self) -> Option<u64> {
        self.sessions.values().filter_map(|session| session.next_deadline(true)).map(|(at, _)| at).min()
    }

    fn at(&self, now_ms: u64) -> Now {
        Now { mono_ms: now_ms, unix_ms: now_ms.saturating_add_signed(self.ahead_ms) }
    }
}
