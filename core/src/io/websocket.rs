//! The Device's connection to a Relay: binary messages both ways, over `ws://` or `wss://`.
//!
//! The driver connects and hears of events; what the messages mean and when to try again is decided
//! in `sync/`. Addresses, TCP and TLS are in `dial.rs`, the two directions in `carry.rs`.

mod carry;
mod dial;
mod room;
#[cfg(feature = "tls")]
mod tls;
mod url;

pub use room::{OUTGOING_BYTES_MAX, Received, SendError};
pub use url::{RelayUrl, UrlError};

use bytes::Bytes;
use room::Outgoing;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// How long resolving, connecting, TLS and the upgrade may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the goodbye may take: what is waiting to be sent, and the Relay's answer to the close.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(2);

/// What a connection reports: `Opened` at most once, then frames, and `Closed` exactly once, last.
#[derive(Debug)]
pub enum SocketEvent {
    /// The connection is up.
    Opened {
        /// Host and port as the URL says, which the login is bound to.
        authority: String,
    },
    /// A message came. At most 8 MiB of them are handed out at a time: the connection is not read
    /// further until earlier ones are dropped.
    Frame(Received),
    /// A call of [`SocketHandle::send`] was answered with `Full`; half of the room is free now.
    Drained,
    /// The connection is gone or never came about.
    Closed {
        /// Why.
        reason: CloseReason,
    },
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CloseReason {
    /// The handle was closed or dropped.
    #[error("closed by this side")]
    Asked,
    /// Nobody answered: no network, no such host, nothing listening, or too slow.
    #[error("the relay is out of reach: {0}")]
    Unreachable(String),
    /// The certificate or TLS itself was not accepted.
    #[error("the relay is not trusted: {0}")]
    Untrusted(String),
    /// The server answered, but opened no WebSocket.
    #[error("the relay answered with HTTP status {status}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// How long the server wishes not to be asked again, if it says so.
        retry_after_ms: Option<u64>,
    },
    /// The Relay said goodbye.
    #[error("the relay closed the connection with code {code}")]
    ByRelay {
        /// WebSocket close code, 1005 when there was none.
        code: u16,
    },
    /// The Relay broke the rules of WebSocket or sent a message that is too large.
    #[error("the relay misbehaved: {0}")]
    Misbehaved(&'static str),
    /// The connection broke.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The runtime was shut down.
    #[error("the runtime was shut down")]
    Stopped,
}

/// Opens connections.
#[derive(Debug)]
pub struct Socket;

impl Socket {
    /// Starts a connection as a task on `runtime` and returns at once; may be called from any thread.
    ///
    /// `events` is called on the runtime's threads, one call at a time, and must not block: handing
    /// the event to a channel is what it is for. Events of an old connection can arrive while a new
    /// one exists, so the caller lets the closure carry which one it is.
    pub fn connect(
        runtime: &Handle,
        url: RelayUrl,
        events: impl Fn(SocketEvent) + Send + Sync + 'static,
    ) -> SocketHandle {
        let outgoing = Arc::new(Outgoing::default());
        let (frames, waiting) = mpsc::unbounded_channel();
        let (alive, dropped) = oneshot::channel();
        let task = Task { url, waiting, dropped, outgoing: outgoing.clone(), events: Events::new(events) };
        // Without its type, as every other task: each type brings a scheduler's code of its own.
        let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task.run());
        runtime.spawn(task);
        SocketHandle { frames, outgoing, _alive: alive }
    }
}

/// Sends on a connection. Dropping it closes the connection and ends its task.
pub struct SocketHandle {
    frames: mpsc::UnboundedSender<Bytes>,
    outgoing: Arc<Outgoing>,
    /// Never used; the task sees when it goes.
    _alive: oneshot::Sender<std::convert::Infallible>,
}

impl SocketHandle {
    /// Queues a message and wakes the task; never blocks, any thread may call it. Messages queued
    /// before `Opened` are sent when the connection is up.
    ///
    /// # Errors
    /// `Full` when [`OUTGOING_BYTES_MAX`] are waiting: the message was not taken, and `Drained`
    /// says when to try again. `TooLarge` above `FRAME_BYTES_MAX`. `Closed` when the connection is
    /// gone, which the events say too.
    pub fn send(&self, frame: Bytes) -> Result<(), SendError> {
        let room = self.outgoing.reserve(&frame)?;
        self.frames.send(frame).map_err(|_| {
            self.outgoing.release(room);
            SendError::Closed
        })
    }

    /// Says goodbye: what is queued is still sent if that takes no more than two seconds. The only
    /// event after that is `Closed`, save one that is being delivered right now.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for SocketHandle {
    fn drop(&mut self) {
        self.outgoing.set_closing();
    }
}

impl fmt::Debug for SocketHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketHandle").finish_non_exhaustive()
    }
}

/// One connection, from dialling to its end.
struct Task<F: Fn(SocketEvent)> {
    url: RelayUrl,
    waiting: mpsc::UnboundedReceiver<Bytes>,
    /// Resolves when the handle is dropped.
    dropped: oneshot::Receiver<std::convert::Infallible>,
    outgoing: Arc<Outgoing>,
    events: Events<F>,
}

impl<F: Fn(SocketEvent) + Send + Sync> Task<F> {
    async fn run(mut self) {
        let dialled = tokio::select! {
            dialled = tokio::time::timeout(CONNECT_TIMEOUT, dial::open(&self.url)) => dialled,
            _ = &mut self.dropped => return self.events.close(CloseReason::Asked),
        };
        let reason = match dialled {
            Err(_elapsed) => CloseReason::Unreachable("timed out".to_owned()),
            Ok(Err(reason)) => reason,
            Ok(Ok(socket)) => {
                self.events.emit(SocketEvent::Opened { authority: self.url.authority().to_owned() });
                self.carry(socket).await
            }
        };
        self.events.close(reason);
    }
}

/// Sees to it that `Closed` comes exactly once, also when the runtime drops the task.
struct Events<F: Fn(SocketEvent)> {
    call: F,
    closed: bool,
}

impl<F: Fn(SocketEvent)> Events<F> {
    fn new(call: F) -> Self {
        Self { call, closed: false }
    }

    fn emit(&self, event: SocketEvent) {
        (self.call)(event);
    }

    fn close(&mut self, reason: CloseReason) {
        self.closed = true;
        (self.call)(SocketEvent::Closed { reason });
    }
}

impl<F: Fn(SocketEvent)> Drop for Events<F> {
    fn drop(&mut self) {
        if !self.closed {
            self.close(CloseReason::Stopped);
        }
    }
}

#[cfg(test)]
mod tests;
