//! One connection at the lying door: the device's request is made again to the Relay, then messages
//! go both ways, and pages are bent.

use super::bend::Bent;
use super::{Lie, Shared};
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::header::HOST;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{accept_hdr_async, client_async};

/// Carries one connection until either side ends it, or what is to be told changes.
pub(super) async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Before it is read what is told now, so that no change is missed.
    let mut changes = shared.changes.subscribe();
    let (lie, relay) = {
        let now = shared.now();
        (now.lie, now.relay)
    };
    tokio::select! {
        // An error is the end of a connection like any other; both sides see theirs close.
        _ = carry(stream, relay, lie) => {}
        _ = changes.changed() => {}
    }
}

async fn carry(stream: TcpStream, relay: SocketAddr, lie: Option<Lie>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut host = None;
    #[expect(clippy::result_large_err, reason = "the shape that the handshake asks for")]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        host = request.headers().get(HOST).cloned();
        Ok(response)
    };
    let mut device = accept_hdr_async(stream, note).await?;
    let stream = TcpStream::connect(relay).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{relay}/").into_client_request()?;
    if let Some(host) = host {
        // The login is bound to the name that the device asked for.
        request.headers_mut().insert(HOST, host);
    }
    let (mut relay, _) = client_async(request, stream).await?;
    let mut bent = lie.map(Bent::new);
    loop {
        tokio::select! {
            message = device.next() => {
                let Some(message) = message.transpose()? else { return Ok(()) };
                relay.send(message).await?;
            }
            message = relay.next() => {
                let Some(message) = message.transpose()? else { return Ok(()) };
                let told = match (message, &mut bent) {
                    (Message::Binary(bytes), Some(bent)) => bent.told(bytes).map(Message::Binary),
                    (message, _) => Some(message),
                };
                if let Some(message) = told {
                    device.send(message).await?;
                }
            }
        }
    }
}
