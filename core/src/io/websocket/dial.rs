//! From an address to an open WebSocket: names, TCP, TLS, the upgrade.
//!
//! Called by the connection's task, which also limits the time.

use super::CloseReason;
use super::url::{RelayUrl, Transport};
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::header::RETRY_AFTER;
use tokio_tungstenite::tungstenite::{Error, protocol::WebSocketConfig};
use veilfold_wire::limits::FRAME_BYTES_MAX;

/// How long one address may keep the next from being tried.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// Room for a frame's head and for batches of small messages that leave in one write.
const WRITE_BUFFER_BYTES: usize = 128 * 1024;

/// A stream of either transport.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(super) type WebSocket = WebSocketStream<Box<dyn Stream>>;

/// Opens a WebSocket.
pub(super) async fn open(url: &RelayUrl) -> Result<WebSocket, CloseReason> {
    let stream = connect(url).await.map_err(|error| CloseReason::Unreachable(error.kind().to_string()))?;
    let stream = secure(url, stream).await?;
    let request = url.to_string().into_client_request().map_err(|error| refused(&error))?;
    let config = WebSocketConfig::default()
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
    opened.map(|(socket, _response)| socket).map_err(|error| refused(&error))
}

/// Tries the host's addresses, each a little after the one before or as soon as that has failed,
/// and takes the first that answers: a network with a broken IPv6 costs a moment, not a timeout.
async fn connect(url: &RelayUrl) -> std::io::Result<TcpStream> {
    let found = tokio::net::lookup_host((url.host.as_str(), url.port)).await?;
    let mut addresses = in_turns(found).into_iter().peekable();
    let mut attempts = FuturesUnordered::new();
    let mut error = std::io::Error::from(std::io::ErrorKind::NotFound);
    loop {
        if let Some(address) = addresses.next() {
            attempts.push(TcpStream::connect(address));
        }
        tokio::select! {
            attempt = attempts.next() => match attempt {
                Some(Ok(stream)) => {
                    // A small message must not wait for the answer to the one before.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Some(Err(failed)) => error = failed,
                None => return Err(error),
            },
            () = tokio::time::sleep(NEXT_ADDRESS_AFTER), if addresses.peek().is_some() => {}
        }
    }
}

/// The addresses with the families taking turns, in the resolver's order otherwise.
fn in_turns(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let found: Vec<_> = found.collect();
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (same, other): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut turns = Vec::new();
    loop {
        let pair = [same.next(), other.next()];
        if pair == [None, None] {
            return turns;
        }
        turns.extend(pair.into_iter().flatten());
    }
}

async fn secure(url: &RelayUrl, stream: TcpStream) -> Result<Box<dyn Stream>, CloseReason> {
    match url.transport {
        Transport::Plain => Ok(Box::new(stream)),
        #[cfg(feature = "tls")]
        Transport::Tls => Ok(Box::new(super::tls::secure(&url.host, stream).await?)),
        #[cfg(not(feature = "tls"))]
        Transport::Tls => Err(CloseReason::Untrusted("this build has no TLS".to_owned())),
    }
}

fn refused(error: &Error) -> CloseReason {
    match error {
        Error::Http(response) => CloseReason::Refused {
            status: response.status().as_u16(),
            retry_after_ms: retry_after_ms(response),
        },
        Error::Io(error) => CloseReason::Unreachable(error.kind().to_string()),
        _ => CloseReason::Misbehaved("no WebSocket upgrade"),
    }
}

/// Only the form in seconds; a date would need a clock that agrees with the server's.
fn retry_after_ms(response: &Response) -> Option<u64> {
    let seconds: u64 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    seconds.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_beginning_with_the_resolvers_choice() {
        let list = |text: &str| text.split(' ').map(|one| one.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = list("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1");
        assert_eq!(in_turns(found.into_iter()), list("[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1"));
        assert_eq!(in_turns(std::iter::empty()), []);
    }
}
