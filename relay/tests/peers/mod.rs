//! A Relay as a process of its own and a client that speaks to it, for the tests in this folder.
//!
//! The client checks what every device checks of a Relay: its login and its signed heads.

#![allow(dead_code, reason = "each test file uses its part")]

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use futures_util::{SinkExt, StreamExt};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use veilfold_relay::Receipt;
use veilfold_relay::testing::{Author, Seen, connection_key, hello, signing_key, subscribe};
use veilfold_wire::frame::{DeviceFrame, RefuseReason, Refused, RelayFrame, SignedHead, append_id};
use veilfold_wire::login::{Side, Transcript};
use veilfold_wire::signature::{SignatureDomain, verify};
use veilfold_wire::{Limits, RelayKey, SealedEntry, SpaceId};

/// A command for the real binary.
pub fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_veilfold-relay"))
}

/// A running `veilfold-relay`, killed when dropped.
pub struct Process {
    child: Child,
    pub authority: String,
    pub key: String,
}

impl Process {
    pub fn start(data: &Path) -> Self {
        Self::spawn(binary().arg("--data").arg(data))
    }

    /// Runs `command` on a free port and waits for the line that it announces itself with.
    pub fn spawn(command: &mut Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let announced: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| announced[name].as_str().unwrap().to_owned();
        Self { child, authority: text("listening"), key: text("relay_key") }
    }

    pub fn url(&self) -> String {
        format!("ws://{}", self.authority)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    /// Ends it at once, without a chance to finish anything.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Why an Entry was not ordered, and when to come back.
pub type NotOrdered = (RefuseReason, u64);

/// One connection of a device.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub transcript: Transcript,
    key: SigningKey,
    pub limits: Limits,
    /// Entries received and not yet asked for, with the position of the first.
    pages: Vec<(SpaceId, u64, Vec<Bytes>)>,
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

impl Client {
    /// Connects without logging in.
    pub async fn connect(url: &str) -> Self {
        let (socket, _) = connect_async(url).await.unwrap();
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let key = signing_key(number);
        let transcript = Transcript {
            relay: RelayKey::ZERO,
            authority: url.trim_start_matches("ws://").into(),
            server_nonce: [0; 32],
            client_nonce: [number as u8; 32],
            connection: connection_key(&key),
        };
        let mut client = Self { socket, transcript, key, limits: Limits::default(), pages: Vec::new() };
        let greeting = client.next().await;
        let Some(RelayFrame::Hello { relay, nonce, limits, .. }) = greeting else { panic!("{greeting:?}") };
        client.transcript.relay = relay;
        client.transcript.server_nonce = nonce;
        client.limits = limits;
        client
    }

    /// Connects and logs in.
    pub async fn log_in(url: &str) -> Self {
        let mut client = Self::connect(url).await;
        let frame = hello(&client.transcript, &client.key);
        client.send(frame).await;
        let answer = client.next().await;
        let Some(RelayFrame::Welcome { signature }) = answer else { panic!("{answer:?}") };
        let (relay, hash) = (client.transcript.relay, client.transcript.hash(Side::Relay));
        assert!(verify(SignatureDomain::Connection, &relay.0, &hash, &signature));
        client
    }

    pub async fn send(&mut self, frame: DeviceFrame) {
        self.send_raw(frame.encode()).await;
    }

    pub async fn send_raw(&mut self, bytes: Bytes) {
        self.socket.send(Message::Binary(bytes)).await.unwrap();
    }

    /// The next frame; `None` when the connection has ended.
    pub async fn next(&mut self) -> Option<RelayFrame> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Binary(bytes)) => return Some(RelayFrame::decode(&bytes).unwrap()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The first frame that `pick` wants. Pages before it are kept for [`Client::read`].
    pub async fn until<T>(&mut self, mut pick: impl FnMut(&RelayFrame) -> Option<T>) -> T {
        loop {
            let frame = self.next().await.expect("the connection goes on");
            if let Some(picked) = pick(&frame) {
                return picked;
            }
            match frame {
                RelayFrame::Page { space, first_seq, entries, .. } => {
                    self.pages.push((space, first_seq, entries));
                }
                RelayFrame::Head { .. } => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    pub async fn create(&mut self, genesis: &SealedEntry) -> (SpaceId, SignedHead) {
        self.send(DeviceFrame::CreateSpace { entry: genesis.bytes().clone() }).await;
        let relay = self.transcript.relay;
        self.until(|frame| match frame {
            RelayFrame::Created { space, head } => {
                assert!(head.verify(&relay, space));
                Some((*space, *head))
            }
            _ => None,
        })
        .await
    }

    pub async fn subscribe(&mut self, author: &Author, have_seq: u64) -> Result<SignedHead, RefuseReason> {
        self.send(subscribe(&self.transcript, author, have_seq)).await;
        let relay = self.transcript.relay;
        self.until(|frame| match frame {
            RelayFrame::Subscribed { space, head } => {
                assert!(head.verify(&relay, space));
                Some(Ok(*head))
            }
            RelayFrame::Refused { what: Refused::Subscribe(_), reason, .. } => Some(Err(*reason)),
            _ => None,
        })
        .await
    }

    pub async fn offer(&mut self, space: SpaceId, entry: &SealedEntry) {
        self.send(DeviceFrame::Append { space, entry: entry.bytes().clone() }).await;
    }

    /// Waits for what became of an Entry that was offered.
    pub async fn outcome(&mut self, entry: &SealedEntry) -> Result<Receipt, NotOrdered> {
        let wanted = append_id(entry.bytes());
        self.until(|frame| match frame {
            RelayFrame::Ordered { id, hash, seq, chain, .. } if *id == wanted => {
                Some(Ok(Receipt { hash: *hash, seq: *seq, chain: *chain }))
            }
            RelayFrame::Refused { what: Refused::Append(_, id), reason, retry_after_ms } if *id == wanted => {
                Some(Err((*reason, *retry_after_ms)))
            }
            _ => None,
        })
        .await
    }

    pub async fn append(&mut self, space: SpaceId, entry: &SealedEntry) -> Result<Receipt, NotOrdered> {
        self.offer(space, entry).await;
        self.outcome(entry).await
    }

    /// The Entries of a subscribed Space from `first` to `last`, which come in order without gaps.
    pub async fn read(&mut self, space: SpaceId, first: u64, last: u64) -> Vec<Bytes> {
        let mut log = Vec::new();
        loop {
            for (of, first_seq, entries) in std::mem::take(&mut self.pages) {
                if of == space {
                    assert_eq!(first_seq, first + log.len() as u64, "pages follow each other");
                    log.extend(entries);
                }
            }
            if first + log.len() as u64 > last {
                return log;
            }
            match self.next().await.expect("the connection goes on") {
                RelayFrame::Page { space, first_seq, entries, .. } => {
                    self.pages.push((space, first_seq, entries));
                }
                RelayFrame::Head { .. } => {}
                other => panic!("unexpected: {other:?}"),
            }
        }
    }
}

/// Founds the Space that `seed` stands for at the Relay and subscribes as its owner.
pub async fn found(client: &mut Client, seed: u64) -> (Author, Seen) {
    let (owner, genesis) = Author::found(seed);
    let (space, head) = client.create(&genesis).await;
    let seen = Seen::start(&space).then(&owner.head.hash);
    assert_eq!((space, head.seq, head.chain), (owner.space, 1, seen.chain));
    assert_eq!(client.subscribe(&owner, 0).await.map(|head| head.seq), Ok(1));
    assert_eq!(client.read(space, 1, 1).await, [genesis.bytes().clone()]);
    (owner, seen)
}

/// The only reason for which the connection as a whole was refused, and that it has ended.
pub async fn refused_connection(client: &mut Client) -> RefuseReason {
    let reason = client
        .until(|frame| match frame {
            RelayFrame::Refused { what: Refused::Connection, reason, .. } => Some(*reason),
            _ => None,
        })
        .await;
    assert_eq!(client.next().await, None, "it closes after this");
    reason
}
