//! The limit of W5: a WebSocket server that passes every message on to all, from memory or once it
//! is in SQLite with group commit, and two sockets that measure it.

use super::limits::{Raw, Sync};
use super::measure::Latencies;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;

/// Most messages of one commit.
const GROUP_MAX: usize = 4096;
/// Messages before measuring starts.
const WARM_UP: usize = 100;

type Subscribers = Arc<Mutex<Vec<UnboundedSender<Bytes>>>>;

/// Where a message is kept before it is passed on.
pub enum Keep<'a> {
    /// Nowhere.
    Nothing,
    /// In a log of SQLite.
    Sqlite(&'a Path, Sync),
}

/// Sends `count` messages one by one through a server of its own and gives the times until the
/// other socket had them.
pub fn latencies(keep: &Keep<'_>, count: usize, bytes: usize) -> Latencies {
    let server = runtime(2);
    let listener = server.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let subscribers = Subscribers::default();
    let pass_on: Arc<dyn Fn(Bytes) + Send + std::marker::Sync> = match keep {
        Keep::Nothing => {
            let subscribers = subscribers.clone();
            Arc::new(move |message| send_to_all(&subscribers, &message))
        }
        Keep::Sqlite(path, sync) => {
            let (sender, messages) = mpsc::channel();
            let (raw, subscribers) = (Raw::open(path, *sync), subscribers.clone());
            std::thread::spawn(move || keep_and_pass_on(&raw, &messages, &subscribers));
            Arc::new(move |message| sender.send(message).expect("the writer runs as long as this"))
        }
    };
    server.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (sender, waiting) = unbounded_channel();
            subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
            tokio::spawn(serve(stream, waiting, pass_on.clone()));
        }
    });
    let latencies = runtime(1).block_on(measure(&format!("ws://{address}/"), count, bytes));
    server.shutdown_background();
    latencies
}

/// A runtime as the Relay's binary or a client has one.
pub fn runtime(threads: usize) -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all().build().expect("the system gives threads")
}

async fn measure(url: &str, count: usize, bytes: usize) -> Latencies {
    let connect = || async { tokio_tungstenite::connect_async(url).await.expect("the server is here").0 };
    let (mut a, mut b) = (connect().await, connect().await);
    let payload = Bytes::from(vec![7; bytes]);
    let mut latencies = Latencies::with_capacity(count);
    for index in 0..count + WARM_UP {
        let start = Instant::now();
        a.send(Message::Binary(payload.clone())).await.expect("the server is here");
        let got = b.next().await.expect("it comes").expect("it is whole");
        if index >= WARM_UP {
            latencies.push(start.elapsed());
        }
        assert_eq!(got.len(), bytes);
        a.next().await.expect("it comes").expect("it is whole");
    }
    latencies
}

async fn serve(
    stream: TcpStream,
    mut waiting: UnboundedReceiver<Bytes>,
    pass_on: Arc<dyn Fn(Bytes) + Send + std::marker::Sync>,
) {
    stream.set_nodelay(true).expect("loopback");
    let Ok(socket) = tokio_tungstenite::accept_async(stream).await else { return };
    let (mut out, mut messages) = socket.split();
    tokio::spawn(async move {
        while let Some(message) = waiting.recv().await {
            if out.send(Message::Binary(message)).await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = messages.next().await {
        if message.is_binary() {
            pass_on(message.into_data());
        }
    }
}

fn keep_and_pass_on(raw: &Raw, messages: &mpsc::Receiver<Bytes>, subscribers: &Subscribers) {
    let mut seq = 0;
    while let Ok(first) = messages.recv() {
        let mut group = vec![first];
        group.extend(messages.try_iter().take(GROUP_MAX));
        raw.transaction(|raw| {
            for message in &group {
                raw.insert(seq, message);
                seq += 1;
            }
        });
        group.iter().for_each(|message| send_to_all(subscribers, message));
    }
}

fn send_to_all(subscribers: &Subscribers, message: &Bytes) {
    let all = subscribers.lock().unwrap_or_else(PoisonError::into_inner);
    // One that has gone needs nothing.
    all.iter().for_each(|one| drop(one.send(message.clone())));
}
