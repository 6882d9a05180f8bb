//! One connection through the proxy: the client's request is made again to the Relay, then messages.

use super::Shared;
use super::gate::Waiting;
use bytes::Bytes;
use futures_util::{Sink, SinkExt, StreamExt};
use std::sync::{Arc, PoisonError};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::HOST;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{accept_hdr_async, client_async};
use veilfold_wire::frame::{DeviceFrame, RelayFrame};

/// Carries one connection until either side ends it, or the proxy cuts it.
pub(super) async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    shared.state().connections += 1;
    tokio::select! {
        // An error is the end of a connection like any other; both sides see theirs close.
        _ = carry(stream, &shared) => {}
        _ = cuts.changed() => {}
    }
    shared.state().connections -= 1;
    shared.passed.send_modify(|count| *count += 1);
}

async fn carry(stream: TcpStream, shared: &Shared) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut host = None;
    #[expect(clippy::result_large_err, reason = "the shape that the handshake asks for")]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        let mut text = format!("{} {}\r\n", request.method(), request.uri());
        for (name, value) in request.headers() {
            text += &format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
        }
        shared.state().recording.to_relay.push(Bytes::from(text));
        host = request.headers().get(HOST).cloned();
        Ok(response)
    };
    let client = accept_hdr_async(stream, note).await?;
    let relay = dial(shared, host).await?;
    let (mut client_out, mut client_in) = client.split();
    let (mut relay_out, mut relay_in) = relay.split();
    let mut gates = shared.gates.subscribe();
    let mut frozen = shared.frozen.subscribe();
    let mut waiting = Waiting::default();
    loop {
        let hears_relay = !*frozen.borrow_and_update();
        tokio::select! {
            message = client_in.next() => {
                let Some(message) = message.transpose()? else { return Ok(()) };
                if let Message::Binary(bytes) = &message {
                    shared.state().recording.to_relay.push(bytes.clone());
                    if let Ok(DeviceFrame::Append { space, .. }) = DeviceFrame::decode(bytes) {
                        shared.note(space, |passed| passed.offered += 1);
                    }
                }
                relay_out.send(message).await?;
            }
            message = relay_in.next(), if hears_relay => {
                let Some(message) = message.transpose()? else { return Ok(()) };
                let Message::Binary(bytes) = message else {
                    client_out.send(message).await?;
                    continue;
                };
                shared.state().recording.to_client.push(bytes.clone());
                from_relay(bytes, shared, &mut waiting, &mut client_out).await?;
            }
            _ = gates.changed() => pass(shared, &mut waiting, &mut client_out).await?,
            _ = frozen.changed() => {}
        }
    }
}

/// Makes the client's request to the Relay, under the name that the client asked for: the login is
/// bound to it.
async fn dial(
    shared: &Shared,
    host: Option<HeaderValue>,
) -> Result<tokio_tungstenite::WebSocketStream<TcpStream>, Error> {
    let relay = shared.relay.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let stream = TcpStream::connect(&relay).await?;
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{relay}/").into_client_request()?;
    if let Some(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    Ok(client_async(request, stream).await?.0)
}

async fn from_relay(
    bytes: Bytes,
    shared: &Shared,
    waiting: &mut Waiting,
    client: &mut (impl Sink<Message, Error = Error> + Unpin),
) -> Result<(), Error> {
    match RelayFrame::decode(&bytes) {
        Ok(RelayFrame::Page { space, first_seq, head_seq, entries }) => {
            let last_seq = (first_seq + entries.len() as u64).saturating_sub(1);
            waiting.push(space, first_seq, head_seq, entries);
            shared.note(space, |passed| passed.arrived_seq = passed.arrived_seq.max(last_seq));
            pass(shared, waiting, client).await
        }
        Ok(RelayFrame::Subscribed { space, .. } | RelayFrame::Created { space, .. }) => {
            waiting.forget(&space);
            client.send(Message::Binary(bytes)).await
        }
        Ok(RelayFrame::Ordered { space, seq, .. }) => {
            // Noted first: whoever sees the client's reaction finds it noted.
            shared.note(space, |passed| {
                passed.acknowledged += 1;
                passed.acknowledged_seq = passed.acknowledged_seq.max(seq);
            });
            client.send(Message::Binary(bytes)).await
        }
        _ => client.send(Message::Binary(bytes)).await,
    }
}

/// Sends the client what the gates let through now.
async fn pass(
    shared: &Shared,
    waiting: &mut Waiting,
    client: &mut (impl Sink<Message, Error = Error> + Unpin),
) -> Result<(), Error> {
    let gates = shared.state().gates.clone();
    for (space, last_seq, frame) in waiting.pass(&gates) {
        shared.note(space, |passed| passed.passed_seq = passed.passed_seq.max(last_seq));
        client.send(Message::Binary(frame)).await?;
    }
    Ok(())
}
