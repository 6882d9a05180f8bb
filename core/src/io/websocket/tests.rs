//! Connections to a server of the same library on this machine, driven from a plain thread.

use super::*;
use futures_util::{SinkExt, StreamExt};
use std::future::Future;
use std::sync::mpsc::{Receiver, channel};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Bytes as WireBytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};
use veilfold_wire::limits::FRAME_BYTES_MAX;

/// Long enough for any machine; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

type Server = WebSocketStream<TcpStream>;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Listens on a free port and gives the one accepted connection to `serve`.
fn listen<W>(runtime: &Runtime, serve: impl FnOnce(TcpStream) -> W + Send + 'static) -> RelayUrl
where
    W: Future<Output = ()> + Send + 'static,
{
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap()).parse().unwrap();
    runtime.spawn(async move { serve(listener.accept().await.unwrap().0).await });
    url
}

/// Like [`listen`], after the upgrade.
fn relay<W>(runtime: &Runtime, serve: impl FnOnce(Server) -> W + Send + 'static) -> RelayUrl
where
    W: Future<Output = ()> + Send + 'static,
{
    listen(runtime, |stream| async move { serve(accept_async(stream).await.unwrap()).await })
}

fn connect(runtime: &Runtime, url: RelayUrl) -> (SocketHandle, Receiver<SocketEvent>) {
    let (events, heard) = channel();
    let handle = Socket::connect(runtime.handle(), url, move |event| {
        let _ = events.send(event);
    });
    (handle, heard)
}

fn next(heard: &Receiver<SocketEvent>) -> SocketEvent {
    heard.recv_timeout(PATIENCE).expect("an event")
}

fn opened(heard: &Receiver<SocketEvent>) -> String {
    match next(heard) {
        SocketEvent::Opened { authority } => authority,
        other => panic!("expected Opened, got {other:?}"),
    }
}

fn frame(heard: &Receiver<SocketEvent>) -> Received {
    match next(heard) {
        SocketEvent::Frame(received) => received,
        other => panic!("expected Frame, got {other:?}"),
    }
}

/// The reason of the end, which is the last event.
fn closed(heard: &Receiver<SocketEvent>) -> CloseReason {
    let SocketEvent::Closed { reason } = next(heard) else { panic!("expected Closed") };
    assert!(heard.recv_timeout(PATIENCE).is_err(), "nothing follows Closed");
    reason
}

async fn echo(mut server: Server) {
    while let Some(Ok(message)) = server.next().await {
        if message.is_binary() {
            server.send(message).await.unwrap();
        }
    }
}

#[test]
fn messages_go_both_ways_and_a_plain_thread_wakes_the_task() {
    let runtime = runtime();
    let url = relay(&runtime, echo);
    let authority = url.authority().to_owned();
    let (handle, heard) = connect(&runtime, url);
    assert_eq!(opened(&heard), authority);
    for round in 0..200_u32 {
        handle.send(Bytes::copy_from_slice(&round.to_be_bytes())).unwrap();
        assert_eq!(frame(&heard).bytes, round.to_be_bytes()[..]);
    }
    for bytes in [0, 1, 125, 126, 65_536, FRAME_BYTES_MAX] {
        handle.send(Bytes::from(vec![7; bytes])).unwrap();
        assert_eq!(frame(&heard).bytes.len(), bytes);
    }
    handle.close();
    assert_eq!(closed(&heard), CloseReason::Asked);
}

#[test]
fn messages_sent_before_the_connection_is_up_arrive_in_order() {
    let runtime = runtime();
    let (handle, heard) = connect(&runtime, relay(&runtime, echo));
    for number in 0..1000_u32 {
        handle.send(Bytes::copy_from_slice(&number.to_be_bytes())).unwrap();
    }
    opened(&heard);
    for number in 0..1000_u32 {
        assert_eq!(frame(&heard).bytes, number.to_be_bytes()[..]);
    }
}

#[test]
fn closing_still_sends_what_is_queued_and_says_goodbye() {
    let runtime = runtime();
    let (got, server_got) = channel();
    let url = relay(&runtime, move |mut server| async move {
        let mut bytes = 0;
        while let Some(Ok(message)) = server.next().await {
            match message {
                Message::Binary(part) => bytes += part.len(),
                Message::Close(_) => got.send(bytes).unwrap(),
                _ => {}
            }
        }
    });
    let (handle, heard) = connect(&runtime, url);
    opened(&heard);
    for _ in 0..3 {
        handle.send(Bytes::from(vec![1; FRAME_BYTES_MAX])).unwrap();
    }
    drop(handle);
    assert_eq!(server_got.recv_timeout(PATIENCE), Ok(3 * FRAME_BYTES_MAX));
    assert_eq!(closed(&heard), CloseReason::Asked);
}

#[test]
fn closing_ends_while_dialling_and_while_the_relay_reads_nothing() {
    let runtime = runtime();
    let (handle, heard) = connect(
        &runtime,
        listen(&runtime, |stream| async move {
            std::future::pending::<()>().await;
            drop(stream);
        }),
    );
    drop(handle);
    assert_eq!(closed(&heard), CloseReason::Asked);

    let (handle, heard) = connect(
        &runtime,
        relay(&runtime, |server| async move {
            std::future::pending::<()>().await;
            drop(server);
        }),
    );
    opened(&heard);
    while handle.send(Bytes::from(vec![1; FRAME_BYTES_MAX])).is_ok() {}
    drop(handle);
    assert_eq!(closed(&heard), CloseReason::Asked);
}

#[test]
fn a_full_queue_refuses_and_says_when_there_is_room() {
    let runtime = runtime();
    let (go, gate) = tokio::sync::oneshot::channel::<()>();
    let url = relay(&runtime, |mut server| async move {
        gate.await.unwrap();
        while let Some(Ok(_)) = server.next().await {}
    });
    let (handle, heard) = connect(&runtime, url);
    opened(&heard);
    let part = Bytes::from(vec![1; 100_000]);
    let mut taken = 0;
    let refused = loop {
        match handle.send(part.clone()) {
            Ok(()) => taken += part.len(),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, SendError::Full);
    assert!(taken >= OUTGOING_BYTES_MAX - 2 * part.len());
    let large = Bytes::from(vec![1; FRAME_BYTES_MAX + 1]);
    let too_large = SendError::TooLarge { bytes: FRAME_BYTES_MAX + 1, max: FRAME_BYTES_MAX };
    assert_eq!(handle.send(large), Err(too_large));
    go.send(()).unwrap();
    assert!(matches!(next(&heard), SocketEvent::Drained));
    assert_eq!(handle.send(part), Ok(()));
}

#[test]
fn messages_that_nobody_drops_stop_the_reading_until_they_are_dropped() {
    let runtime = runtime();
    const SENT: usize = 32;
    let url = relay(&runtime, |mut server| async move {
        for _ in 0..SENT {
            server.send(Message::Binary(WireBytes::from(vec![9; FRAME_BYTES_MAX]))).await.unwrap();
        }
        server.close(None).await.unwrap();
        while let Some(Ok(_)) = server.next().await {}
    });
    let (_handle, heard) = connect(&runtime, url);
    opened(&heard);
    let mut held: Vec<Received> = Vec::new();
    for _ in 0..SENT {
        let room = |received: &Received| received.room_bytes();
        if held.iter().map(room).sum::<usize>() + FRAME_BYTES_MAX + room::MESSAGE_BYTES
            > room::INCOMING_BYTES_MAX
        {
            assert!(heard.try_recv().is_err(), "nothing comes while there is no room");
            held.remove(0);
        }
        held.push(frame(&heard));
    }
    drop(held);
    assert_eq!(closed(&heard), CloseReason::ByRelay { code: 1005 });
}

#[test]
fn the_reason_of_an_end_is_told() {
    let runtime = runtime();
    let (_handle, heard) = connect(
        &runtime,
        relay(&runtime, |mut server| async move {
            let frame = CloseFrame { code: CloseCode::from(4001), reason: "bye".into() };
            server.close(Some(frame)).await.unwrap();
            while let Some(Ok(_)) = server.next().await {}
        }),
    );
    opened(&heard);
    assert_eq!(closed(&heard), CloseReason::ByRelay { code: 4001 });

    let (_handle, heard) = connect(&runtime, relay(&runtime, |server| async move { drop(server) }));
    opened(&heard);
    assert!(matches!(closed(&heard), CloseReason::Lost(_)));

    let (_handle, heard) = connect(
        &runtime,
        relay(&runtime, |mut server| async move {
            server.send(Message::Text("text".into())).await.unwrap();
            while let Some(Ok(_)) = server.next().await {}
        }),
    );
    opened(&heard);
    assert!(matches!(closed(&heard), CloseReason::Misbehaved(_)));

    let (_handle, heard) = connect(
        &runtime,
        listen(&runtime, |stream| async move {
            let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
            let mut server = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await.unwrap();
            let _ = server.send(Message::Binary(WireBytes::from(vec![0; FRAME_BYTES_MAX + 1]))).await;
            while let Some(Ok(_)) = server.next().await {}
        }),
    );
    opened(&heard);
    assert!(matches!(closed(&heard), CloseReason::Misbehaved(_)));
}

#[test]
fn a_server_that_opens_no_websocket_is_told_from_one_that_is_away() {
    let runtime = runtime();
    let (_handle, heard) = connect(
        &runtime,
        listen(&runtime, |mut stream| async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            let answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }),
    );
    assert_eq!(closed(&heard), CloseReason::Refused { status: 503, retry_after_ms: Some(7000) });

    let nobody = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap().local_addr().unwrap();
    let (handle, heard) = connect(&runtime, format!("ws://{nobody}").parse().unwrap());
    assert!(matches!(closed(&heard), CloseReason::Unreachable(_)));
    assert_eq!(handle.send(Bytes::from_static(b"late")), Err(SendError::Closed));
}

#[test]
fn the_end_is_told_when_the_runtime_goes_first() {
    let serving = runtime();
    let url = relay(&serving, echo);
    let runtime = runtime();
    let (_handle, heard) = connect(&runtime, url);
    opened(&heard);
    runtime.shutdown_background();
    assert_eq!(closed(&heard), CloseReason::Stopped);
}

#[cfg(feature = "tls")]
#[test]
fn a_server_without_tls_is_not_trusted_under_wss() {
    let runtime = runtime();
    let url = listen(&runtime, |mut stream| async move {
        use tokio::io::AsyncWriteExt;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let url = format!("wss://{}", url.authority()).parse().unwrap();
    let (_handle, heard) = connect(&runtime, url);
    assert!(matches!(closed(&heard), CloseReason::Untrusted(_)));
}
