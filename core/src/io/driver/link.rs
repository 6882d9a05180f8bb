//! The one connection of a driver: which Relay, which socket, and what waits for room in it.

use super::Message;
use crate::io::websocket::{RelayUrl, SendError, Socket, SocketHandle};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use tokio::runtime::Handle;

/// Most bytes that wait beside those in the socket; with more the connection is given up, and what
/// was lost is sent again on the next.
const BACKLOG_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Whether sending went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Sent, waiting, or dropped because the socket's own events will say that it is gone.
    Yes,
    /// The connection is not good for it; it was closed.
    GaveUp,
}

/// The connection to the Relay.
pub(super) struct Link {
    runtime: Handle,
    inbox: Sender<Message>,
    url: Option<RelayUrl>,
    socket: Option<SocketHandle>,
    /// Counts sockets, so that what an old one still reports is not taken for news.
    generation: u64,
    backlog: VecDeque<Bytes>,
    backlog_bytes: usize,
}

impl Link {
    pub(super) fn new(runtime: Handle, inbox: Sender<Message>) -> Self {
        Self {
            runtime,
            inbox,
            url: None,
            socket: None,
            generation: 0,
            backlog: VecDeque::new(),
            backlog_bytes: 0,
        }
    }

    pub(super) fn url(&self) -> Option<&RelayUrl> {
        self.url.as_ref()
    }

    pub(super) fn set_url(&mut self, url: Option<RelayUrl>) {
        self.url = url;
    }

    /// Opens a socket; false without a Relay to open it to.
    pub(super) fn connect(&mut self) -> bool {
        self.disconnect();
        let Some(url) = self.url.clone() else { return false };
        let (generation, inbox) = (self.generation, self.inbox.clone());
        let events = move |event| {
            // After the thread's end nobody is interested.
            let _ = inbox.send(Message::Socket(generation, event));
        };
        self.socket = Some(Socket::connect(&self.runtime, url, events));
        true
    }

    /// Closes the socket if there is one; it is not heard of again.
    pub(super) fn disconnect(&mut self) {
        self.generation += 1;
        self.socket = None;
        self.backlog.clear();
        self.backlog_bytes = 0;
    }

    /// True for what the present socket reports.
    pub(super) fn is_present(&self, generation: u64) -> bool {
        self.socket.is_some() && self.generation == generation
    }

    pub(super) fn send(&mut self, frame: Bytes) -> Sent {
        self.backlog_bytes += frame.len();
        self.backlog.push_back(frame);
        self.drain()
    }

    /// Hands over what waits, as far as there is room.
    pub(super) fn drain(&mut self) -> Sent {
        let Some(socket) = &self.socket else {
            self.disconnect();
            return Sent::Yes;
        };
        while let Some(frame) = self.backlog.front() {
            match socket.send(frame.clone()) {
                Ok(()) => {
                    self.backlog_bytes -= frame.len();
                    self.backlog.pop_front();
                }
                Err(SendError::Full) if self.backlog_bytes <= BACKLOG_BYTES_MAX => break,
                Err(SendError::Closed) => break,
                Err(SendError::Full | SendError::TooLarge { .. }) => {
                    self.disconnect();
                    return Sent::GaveUp;
                }
            }
        }
        Sent::Yes
    }
}
