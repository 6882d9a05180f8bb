//! Carries one WebSocket: moves bytes between the socket, a [`Session`] and the sequencer's thread.
//!
//! One task each, started by the server. Every decision is the session's; here is only when to
//! read, when to write and when to give up on a socket.

use crate::clock::{Clock, Now};
use crate::config::Config;
use crate::exchange::Reply;
use crate::feed::Signal;
use crate::keys::RelayIdentity;
use crate::session::{LOGIN_MS, Session};
use crate::writer::Command;
use bytes::Bytes;
use futures_util::future::poll_fn;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};
use veilfold_wire::limits::FRAME_BYTES_MAX;

/// Frames are gathered up to about this many bytes before they are flushed together.
const TICK_BYTES: usize = 128 * 1024;
/// A connection that ends gets this long to take the last frames.
const LINGER_MS: u64 = 1_000;
/// Most bytes that are read and thrown away while a connection ends.
const LINGER_BYTES: u64 = 4 * 1024 * 1024;
/// When a device that the Relay said goodbye to may come back.
const GOODBYE_RETRY_MS: u64 = 1_000;

/// What all connections of a Relay share.
pub(crate) struct Shared {
    pub(crate) identity: Arc<RelayIdentity>,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) connections: AtomicU64,
}

/// What one connection gets from the server.
pub(crate) struct Links {
    pub(crate) commands: mpsc::Sender<Command>,
    /// Turns true when the Relay stops.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Held until the device has logged in.
    pub(crate) unauthenticated: Option<OwnedSemaphorePermit>,
}

/// Serves one TCP connection to its end.
pub(crate) async fn serve(mut stream: TcpStream, shared: Arc<Shared>, links: Links) {
    let opened = shared.clock.now();
    // Without this, a reply can wait for the acknowledgement of the packet before it.
    let _ = stream.set_nodelay(true);
    let accepted = timeout(Duration::from_millis(LOGIN_MS), async {
        if asks_for_health(&stream).await {
            let _ = stream.write_all(HEALTHY).await;
            return None;
        }
        accept(stream, &shared.config.authorities).await
    });
    let Ok(Some((socket, authority))) = accepted.await else { return };
    let mut nonce = [0; 32];
    if getrandom::fill(&mut nonce).is_err() {
        tracing::error!("the system gives no random bytes");
        return;
    }
    let id = shared.connections.fetch_add(1, Ordering::Relaxed);
    let news = Arc::new(Notify::new());
    let wake = news.clone();
    let signal = Signal::new(id, move || wake.notify_one());
    let (identity, limits) = (shared.identity.clone(), shared.config.limits);
    // The time for the login runs since the connection, not since the handshake.
    let now = Now { mono_ms: opened.mono_ms, ..shared.clock.now() };
    let session = Session::open(identity, authority, limits, nonce, signal, now);
    let (reply_to, replies) = mpsc::unbounded_channel();
    tracing::debug!(connection = id, "opened");
    let connection = Connection { socket, session, shared, links, news, reply_to, replies, unflushed: false };
    connection.run().await;
    tracing::debug!(connection = id, "closed");
}

const HEALTHY: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n";

/// Looks at the first bytes without taking them, since a WebSocket handshake needs them all.
async fn asks_for_health(stream: &TcpStream) -> bool {
    let mut first = [0; 12];
    matches!(stream.peek(&mut first).await, Ok(len) if first[..len].starts_with(b"GET /health "))
}

/// Makes a WebSocket of the stream; also gives the host and port that the client used.
async fn accept(stream: TcpStream, known: &[String]) -> Option<(WebSocketStream<TcpStream>, String)> {
    let mut authority = String::new();
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        // Large enough that only a flush writes to the socket.
        .write_buffer_size(2 * FRAME_BYTES_MAX)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
    let note_host = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let host = request.headers().get("host").and_then(|host| host.to_str().ok());
        authority = host.unwrap_or_default().to_owned();
        if known.is_empty() || known.contains(&authority) {
            return Ok(response);
        }
        let mut misdirected = ErrorResponse::new(None);
        *misdirected.status_mut() = StatusCode::MISDIRECTED_REQUEST;
        Err(misdirected)
    };
    let socket = accept_hdr_async_with_config(stream, note_host, Some(config)).await.ok()?;
    Some((socket, authority))
}

struct Connection {
    socket: WebSocketStream<TcpStream>,
    session: Session,
    shared: Arc<Shared>,
    links: Links,
    news: Arc<Notify>,
    reply_to: mpsc::UnboundedSender<Reply>,
    replies: mpsc::UnboundedReceiver<Reply>,
    /// The socket has not taken all that was given to it.
    unflushed: bool,
}

/// The connection cannot go on, and nothing can be said about it to the other side.
struct Broken;

enum SocketEvent {
    Received(Message),
    Flushed,
    Oversized,
    Ended,
}

impl Connection {
    async fn run(mut self) {
        if self.exchange_frames().await.is_ok() {
            let linger = Duration::from_millis(LINGER_MS);
            let _ = timeout(linger, self.part()).await;
        }
    }

    /// Until the session is closed and has nothing left to say.
    async fn exchange_frames(&mut self) -> Result<(), Broken> {
        let mut give_up_at_ms = None;
        let mut draining = false;
        loop {
            if !draining && *self.links.stopping.borrow_and_update() {
                draining = true;
                self.session.handle_shutdown(GOODBYE_RETRY_MS);
            }
            self.send_requests().await?;
            if !self.unflushed {
                self.feed().await?;
                // Looking for pages may have led to a request.
                self.send_requests().await?;
            }
            if self.session.is_live() {
                self.links.unauthenticated = None;
            }
            let now = self.shared.clock.now();
            let deadline = if self.session.is_closed() {
                if !self.unflushed {
                    return Ok(());
                }
                Some(*give_up_at_ms.get_or_insert(now.mono_ms + LINGER_MS))
            } else {
                self.session.next_deadline(!self.unflushed).map(|(at_ms, _)| at_ms)
            };
            self.wait(deadline).await?;
        }
    }

    async fn wait(&mut self, deadline: Option<u64>) -> Result<(), Broken> {
        // A deadline that is far away, or none, is looked at again in a while.
        let soon_ms = self.shared.clock.now().mono_ms + 60_000;
        let at_ms = deadline.map_or(soon_ms, |at_ms| at_ms.min(soon_ms));
        let at = Instant::from_std(self.shared.clock.instant(at_ms));
        let (socket, unflushed) = (&mut self.socket, self.unflushed);
        let wants_input = self.session.wants_input();
        let clock = self.shared.clock;
        tokio::select! {
            biased;
            event = poll_fn(|cx| poll_socket(socket, unflushed, wants_input, cx)) => match event {
                SocketEvent::Flushed => self.unflushed = false,
                SocketEvent::Received(Message::Binary(bytes)) => {
                    self.session.handle_frame(&bytes, clock.now());
                }
                // Text is no message of ours; answering as to any malformed one closes the connection.
                SocketEvent::Received(Message::Text(_)) => {
                    self.session.handle_frame(&Bytes::new(), clock.now());
                }
                SocketEvent::Received(_) => {
                    self.session.handle_sign_of_life(clock.now());
                    // Tungstenite queues pongs and close frames by itself; they leave with a flush.
                    self.unflushed = true;
                }
                SocketEvent::Oversized => self.session.handle_oversized(),
                SocketEvent::Ended => return Err(Broken),
            },
            Some(reply) = self.replies.recv() => {
                let now = clock.now();
                self.session.handle_reply(reply, now);
                while let Ok(reply) = self.replies.try_recv() {
                    self.session.handle_reply(reply, now);
                }
            }
            () = self.news.notified() => {}
            Ok(()) = self.links.stopping.changed() => {}
            () = sleep_until(at) => {
                if self.session.is_closed() {
                    return Err(Broken);
                }
                self.session.handle_deadline(clock.now());
            }
        }
        Ok(())
    }

    async fn send_requests(&mut self) -> Result<(), Broken> {
        while let Some(request) = self.session.poll_request() {
            let command = Command { request, reply_to: self.reply_to.clone() };
            self.links.commands.send(command).await.map_err(|_| Broken)?;
        }
        Ok(())
    }

    /// Gives the socket what one flush shall carry. The next pages are only made when it is through.
    async fn feed(&mut self) -> Result<(), Broken> {
        let now = self.shared.clock.now();
        let mut bytes = 0;
        while bytes < TICK_BYTES {
            let frame = match self.session.poll_frame() {
                Some(frame) => frame,
                None => match self.session.poll_page(now) {
                    Some(frame) => frame,
                    None => break,
                },
            };
            bytes += frame.len();
            self.socket.feed(Message::Binary(frame)).await.map_err(|_| Broken)?;
            self.unflushed = true;
        }
        Ok(())
    }

    /// Closes so that the last frames arrive: closing while unread bytes wait would tear them down.
    async fn part(&mut self) {
        let _ = self.socket.close(None).await;
        let stream = self.socket.get_mut();
        let _ = stream.shutdown().await;
        let mut scrap = [0; 8 * 1024];
        let mut rest = stream.take(LINGER_BYTES);
        while let Ok(1..) = rest.read(&mut scrap).await {}
    }
}

/// One event of the socket; flushing and reading go on side by side.
fn poll_socket(
    socket: &mut WebSocketStream<TcpStream>,
    unflushed: bool,
    wants_input: bool,
    cx: &mut Context<'_>,
) -> Poll<SocketEvent> {
    if unflushed {
        match socket.poll_flush_unpin(cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(SocketEvent::Flushed),
            Poll::Ready(Err(_)) => return Poll::Ready(SocketEvent::Ended),
            Poll::Pending => {}
        }
    }
    if !wants_input {
        return Poll::Pending;
    }
    socket.poll_next_unpin(cx).map(|message| match message {
        Some(Ok(message)) => SocketEvent::Received(message),
        Some(Err(SocketError::Capacity(_))) => SocketEvent::Oversized,
        Some(Err(_)) | None => SocketEvent::Ended,
    })
}
