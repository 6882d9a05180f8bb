//! The real Relay's decisions without sockets, for making logs and the pages in which they arrive.
//!
//! Devices take turns: only the one whose turn it is gets pages, so that the others catch up in
//! large ones, as after a pause.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use veilfold_core::engine::{Engine, Output};
use veilfold_relay::store::MemoryStore;
use veilfold_relay::{Exchange, Now, Protections, RelayIdentity, Sequencer, Session, Signal};
use veilfold_wire::Limits;
use veilfold_wire::frame::RelayFrame;

/// Under which name devices know this Relay.
const AUTHORITY: &str = "bench.invalid:443";

/// A Relay in this process, without sockets and without a disk.
pub struct Order {
    exchange: Exchange<MemoryStore, u64>,
    identity: Arc<RelayIdentity>,
    sessions: BTreeMap<u64, Session>,
    connections: u64,
    now_ms: u64,
}

/// A Device's way to the Relay.
#[derive(Default)]
pub struct Line {
    connection: Option<u64>,
}

impl Order {
    /// A Relay that has nothing.
    pub fn new(now_ms: u64) -> Self {
        let sequencer = Sequencer::new(MemoryStore::new(), 64, Protections::ALL);
        Self {
            exchange: Exchange::new(sequencer),
            identity: Arc::new(RelayIdentity::from_seed(&[7; 32])),
            sessions: BTreeMap::new(),
            connections: 0,
            now_ms,
        }
    }

    /// A millisecond later.
    pub fn tick(&mut self) -> u64 {
        self.now_ms += 1;
        self.now_ms
    }

    /// Ends the Device's connection.
    pub fn hang_up(&mut self, engine: &mut Engine, line: &mut Line) {
        engine.disconnect();
        super::device::discard_outputs(engine);
        if let Some(connection) = line.connection.take() {
            self.sessions.remove(&connection);
        }
    }

    /// Starts to connect; the rest happens in [`Order::settle`].
    pub fn dial(&mut self, engine: &mut Engine) {
        engine.connect(self.now_ms);
        engine.handle_timeout(self.now_ms).expect("the store of a device works");
    }

    /// Carries everything between the Device and the Relay until both have nothing to say.
    pub fn settle(&mut self, engine: &mut Engine, line: &mut Line) {
        while let Some(frames) = self.exchange_frames(engine, line) {
            for frame in frames {
                engine.received(&frame, self.now_ms).expect("the store of a device works");
            }
        }
    }

    /// As [`Order::settle`], but the pages that arrive are given to the caller and not to the Device.
    pub fn settle_holding_pages(&mut self, engine: &mut Engine, line: &mut Line) -> Vec<Bytes> {
        let mut pages = Vec::new();
        while let Some(frames) = self.exchange_frames(engine, line) {
            for frame in frames {
                match RelayFrame::decode(&frame) {
                    Ok(RelayFrame::Page { .. }) => pages.push(frame),
                    _ => engine.received(&frame, self.now_ms).expect("the store of a device works"),
                }
            }
        }
        pages
    }

    /// One round of both sides; `None` when neither had anything to say.
    fn exchange_frames(&mut self, engine: &mut Engine, line: &mut Line) -> Option<Vec<Bytes>> {
        let mut idle = true;
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Connect => {
                    line.connection = Some(self.open());
                    engine.opened(AUTHORITY.to_owned(), self.now_ms);
                    idle = false;
                }
                Output::Send(frame) => {
                    let now = self.now();
                    if let Some(session) = line.connection.and_then(|id| self.sessions.get_mut(&id)) {
                        session.handle_frame(&frame, now);
                    }
                    idle = false;
                }
                Output::Disconnect => panic!("an honest relay is left"),
                Output::Live(_)
                | Output::Retry
                | Output::Settled { .. }
                | Output::Status(_)
                | Output::Event(_) => {}
            }
        }
        let frames = line.connection.map_or_else(Vec::new, |id| self.work(id));
        (!idle || !frames.is_empty()).then_some(frames)
    }

    fn open(&mut self) -> u64 {
        self.connections += 1;
        let mut nonce = [0; 32];
        nonce[..8].copy_from_slice(&self.connections.to_be_bytes());
        let limits = Limits { entries_per_second: 1_000_000, ..Limits::default() };
        let signal = Signal::new(self.connections, || {});
        let now = self.now();
        let session = Session::open(self.identity.clone(), AUTHORITY.to_owned(), limits, nonce, signal, now);
        self.sessions.insert(self.connections, session);
        self.connections
    }

    /// Everything that the Relay has for one connection.
    fn work(&mut self, id: u64) -> Vec<Bytes> {
        let now = self.now();
        let mut frames = Vec::new();
        let Some(session) = self.sessions.get_mut(&id) else { return frames };
        loop {
            let before = frames.len();
            let mut asked = false;
            while let Some(request) = session.poll_request() {
                self.exchange.submit(id, request);
                asked = true;
            }
            for (_, reply) in self.exchange.flush() {
                session.handle_reply(reply, now);
            }
            while let Some(frame) = session.poll_frame() {
                frames.push(frame);
            }
            while let Some(frame) = session.poll_page(now) {
                frames.push(frame);
            }
            if !asked && frames.len() == before {
                return frames;
            }
        }
    }

    fn now(&self) -> Now {
        Now { mono_ms: self.now_ms, unix_ms: self.now_ms }
    }
}
