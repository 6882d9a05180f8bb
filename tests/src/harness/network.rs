//! Connections between devices and the Relay: ordered both ways, slow, cut at any time.
//!
//! A cut loses what is on its way. A frame may also come twice, as from a Relay or a proxy that
//! repeats itself.

use super::rng::Rng;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};

/// Names a connection; a new one is opened after each cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From a device.
    ToRelay,
    /// To a device.
    ToDevice,
}

#[derive(Default)]
struct Pipe {
    frames: VecDeque<(u64, Bytes)>,
}

/// All connections.
#[derive(Default)]
pub struct Network {
    next: u64,
    pipes: BTreeMap<(ConnectionId, Way), Pipe>,
    devices: BTreeMap<ConnectionId, usize>,
}

impl Network {
    /// Opens a connection of a device.
    pub fn open(&mut self, device: usize) -> ConnectionId {
        self.next += 1;
        let id = ConnectionId(self.next);
        self.pipes.insert((id, Way::ToRelay), Pipe::default());
        self.pipes.insert((id, Way::ToDevice), Pipe::default());
        self.devices.insert(id, device);
        id
    }

    /// Cuts a connection; what was on its way is lost.
    pub fn cut(&mut self, id: ConnectionId) {
        self.pipes.remove(&(id, Way::ToRelay));
        self.pipes.remove(&(id, Way::ToDevice));
        self.devices.remove(&id);
    }

    /// The device at the end of a connection that is open.
    pub fn device(&self, id: ConnectionId) -> Option<usize> {
        self.devices.get(&id).copied()
    }

    /// Open connections.
    pub fn open_connections(&self) -> Vec<ConnectionId> {
        self.devices.keys().copied().collect()
    }

    /// Puts a frame on its way; it arrives after `delay_ms`, and after everything before it.
    pub fn send(&mut self, id: ConnectionId, way: Way, frame: Bytes, now_ms: u64, delay_ms: u64) {
        if let Some(pipe) = self.pipes.get_mut(&(id, way)) {
            let after = pipe.frames.back().map_or(0, |(at, _)| *at);
            pipe.frames.push_back(((now_ms + delay_ms).max(after), frame));
        }
    }

    /// When the next frame arrives.
    pub fn next_arrival(&self) -> Option<u64> {
        self.pipes.values().filter_map(|pipe| pipe.frames.front()).map(|(at, _)| *at).min()
    }

    /// Takes one of the frames that have arrived, chosen among connections by `rng`.
    pub fn take(&mut self, now_ms: u64, rng: &mut Rng) -> Option<(ConnectionId, Way, Bytes)> {
        let arrived = |pipe: &Pipe| pipe.frames.front().is_some_and(|(at, _)| *at <= now_ms);
        let ready: Vec<_> = self.pipes.iter().filter(|(_, pipe)| arrived(pipe)).map(|(at, _)| *at).collect();
        if ready.is_empty() {
            return None;
        }
        let (id, way) = *rng.pick(&ready);
        let (_, frame) = self.pipes.get_mut(&(id, way))?.frames.pop_front()?;
        Some((id, way, frame))
    }

    /// Puts a frame back at the front, so that it comes twice.
    pub fn repeat(&mut self, id: ConnectionId, way: Way, frame: Bytes, now_ms: u64) {
        if let Some(pipe) = self.pipes.get_mut(&(id, way)) {
            pipe.frames.push_front((now_ms, frame));
        }
    }

    /// Frames on their way.
    pub fn in_transit(&self) -> usize {
        self.pipes.values().map(|pipe| pipe.frames.len()).sum()
    }
}
