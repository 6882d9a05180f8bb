//! The two directions of an open connection, in one task: neither waits for the other.
//!
//! Called by the task in `websocket.rs` once the connection is up.

use super::dial::WebSocket;
use super::room::{INCOMING_BYTES_MAX, MESSAGE_BYTES, Outgoing, Received};
use super::{CLOSING_TIMEOUT, CloseReason, Events, SocketEvent, Task};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Messages that are waiting go out together, up to this many bytes, before the next flush.
const BATCH_BYTES: usize = 256 * 1024;

impl<F: Fn(SocketEvent) + Send + Sync> Task<F> {
    /// Passes messages until one side ends it.
    pub(super) async fn carry(&mut self, socket: WebSocket) -> CloseReason {
        let (sink, stream) = socket.split();
        let reading = read(stream, &self.outgoing, &self.events);
        let writing = write(sink, &mut self.waiting, &self.outgoing, &self.events);
        let leaving = async {
            let _ = (&mut self.dropped).await;
            tokio::time::sleep(CLOSING_TIMEOUT).await;
        };
        tokio::pin!(reading, writing, leaving);
        let written = tokio::select! {
            reason = &mut reading => return reason,
            written = &mut writing => written,
            () = &mut leaving => return CloseReason::Asked,
        };
        if let Err(error) = written {
            return ended(&error);
        }
        // The goodbye is sent. Closing with unread bytes would reset the connection and could take
        // back what the Relay has not read yet, so its answer is awaited.
        tokio::select! {
            _ = &mut reading => {}
            () = &mut leaving => {}
        }
        CloseReason::Asked
    }
}

async fn read<F: Fn(SocketEvent)>(
    mut stream: SplitStream<WebSocket>,
    outgoing: &Outgoing,
    events: &Events<F>,
) -> CloseReason {
    let room = Arc::new(Semaphore::new(INCOMING_BYTES_MAX));
    loop {
        let bytes = match stream.next().await {
            Some(Ok(Message::Binary(bytes))) => bytes,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Text(_))) => return CloseReason::Misbehaved("a text message"),
            Some(Ok(Message::Close(frame))) => {
                // Reading on sends the answer, and ends when the Relay has it.
                while let Some(Ok(_)) = stream.next().await {}
                let code = frame.map_or(CloseCode::Status, |frame| frame.code);
                return CloseReason::ByRelay { code: code.into() };
            }
            Some(Err(error)) => return ended(&error),
            None => return CloseReason::Lost("ended".to_owned()),
        };
        if outgoing.is_closing() {
            continue;
        }
        let Ok(wanted) = u32::try_from(bytes.len() + MESSAGE_BYTES) else {
            return CloseReason::Misbehaved("a message that is too large");
        };
        let Ok(room) = room.clone().acquire_many_owned(wanted).await else { return CloseReason::Stopped };
        events.emit(SocketEvent::Frame(Received::new(bytes, room)));
    }
}

/// Ends well when the handle is gone and everything it left was sent.
async fn write<F: Fn(SocketEvent)>(
    mut sink: SplitSink<WebSocket, Message>,
    waiting: &mut mpsc::UnboundedReceiver<Bytes>,
    outgoing: &Outgoing,
    events: &Events<F>,
) -> Result<(), Error> {
    while let Some(first) = waiting.recv().await {
        let mut batch_bytes = 0;
        let mut next = Some(first);
        while let Some(frame) = next {
            batch_bytes += frame.len() + MESSAGE_BYTES;
            sink.feed(Message::Binary(frame)).await?;
            next = if batch_bytes < BATCH_BYTES { waiting.try_recv().ok() } else { None };
        }
        sink.flush().await?;
        if outgoing.release(batch_bytes) && !outgoing.is_closing() {
            events.emit(SocketEvent::Drained);
        }
    }
    sink.close().await
}

fn ended(error: &Error) -> CloseReason {
    match error {
        Error::Io(error) => CloseReason::Lost(error.kind().to_string()),
        Error::ConnectionClosed | Error::AlreadyClosed => CloseReason::Lost("closed".to_owned()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => CloseReason::Lost("reset".to_owned()),
        Error::Capacity(_) => CloseReason::Misbehaved("a message that is too large"),
        _ => CloseReason::Misbehaved("not the rules of WebSocket"),
    }
}
