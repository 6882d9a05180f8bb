//! A Relay for tests: it orders as the real one does and listens at two doors. At one of them it is
//! honest; what is said at the other goes through a lie first.

use super::lies::{Said, Told};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use veilfold_core::keys::{Secret, SigningSecret};
use veilfold_core::wire::frame::{DeviceFrame, RelayFrame, SignedHead, append_id};
use veilfold_core::wire::login::{Side, Transcript, head_hash};
use veilfold_core::wire::signature::SignatureDomain;
use veilfold_core::wire::{ChainHash, ConnectionKey, Limits, MemberKey, RelayKey, SealedEntry, SpaceId};
use veilfold_relay::store::{MemoryStore, Store};
use veilfold_relay::{Protections, Receipt, Sequencer};

pub use super::lies::Lie;

/// The Relay, until it is dropped.
pub struct FakeRelay {
    /// Where it tells the truth.
    pub honest: SocketAddr,
    /// Where it lies as told.
    pub lying: SocketAddr,
    shared: Arc<Shared>,
    _doors: JoinSet<()>,
}

struct Shared {
    sequencer: Mutex<Sequencer<MemoryStore>>,
    key: SigningSecret,
    lie: Mutex<Option<Lie>>,
    /// Moves when something was ordered.
    news: watch::Sender<u64>,
    /// Moves when the connections at the lying door are to end.
    cuts: watch::Sender<u64>,
    /// How many connections there are at the lying door.
    talks: watch::Sender<usize>,
}

/// What a connection ended with; which of the two does not matter.
struct Ended;

impl FakeRelay {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            sequencer: Mutex::new(Sequencer::new(MemoryStore::new(), 64, Protections::ALL)),
            key: SigningSecret::from_seed(&Secret::new([42; 32])),
            lie: Mutex::new(None),
            news: watch::channel(0).0,
            cuts: watch::channel(0).0,
            talks: watch::channel(0).0,
        });
        let mut doors = JoinSet::new();
        let mut addresses = Vec::new();
        for lies in [false, true] {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            addresses.push(listener.local_addr().unwrap());
            doors.spawn(accept(listener, shared.clone(), lies));
        }
        Self { honest: addresses[0], lying: addresses[1], shared, _doors: doors }
    }

    /// Lies like this from now on, also on connections that are open.
    pub fn lie(&self, lie: Option<Lie>) {
        *locked(&self.shared.lie) = lie;
    }

    /// Drops the connections at the lying door.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|count| *count += 1);
    }

    /// Waits until nobody is at the lying door.
    pub async fn alone(&self) {
        // The sender lives as long as `self`.
        let _ = self.shared.talks.subscribe().wait_for(|talks| *talks == 0).await;
    }

    /// The Entries of a Space from a position on.
    pub fn entries(&self, space: SpaceId, after: u64) -> Vec<Bytes> {
        self.shared.entries(space, after)
    }
}

impl Shared {
    fn sequencer(&self) -> MutexGuard<'_, Sequencer<MemoryStore>> {
        locked(&self.sequencer)
    }

    fn entries(&self, space: SpaceId, after: u64) -> Vec<Bytes> {
        self.sequencer().store_mut().page(&space, after, 512, usize::MAX).unwrap()
    }

    fn chains(&self, space: SpaceId, from_seq: u64) -> Vec<ChainHash> {
        self.sequencer().store_mut().chains(&space, from_seq).unwrap()
    }

    fn relay_key(&self) -> RelayKey {
        RelayKey(self.key.public())
    }

    fn sign_head(&self, space: SpaceId, seq: u64, chain: ChainHash) -> SignedHead {
        let hash = head_hash(&space, seq, &chain, 0);
        SignedHead { seq, chain, time_ms: 0, signature: self.key.sign(SignatureDomain::Head, &hash) }
    }

    fn newest_head(&self, space: SpaceId) -> Option<SignedHead> {
        let (seq, chain) = self.sequencer().store_mut().head(&space).unwrap()?;
        Some(self.sign_head(space, seq, chain))
    }

    fn found(&self, genesis: &SealedEntry) -> Option<SpaceId> {
        let mut sequencer = self.sequencer();
        let space = sequencer.create_space(genesis).ok()?;
        sequencer.commit().ok()?;
        Some(space)
    }

    fn order(&self, space: &SpaceId, entry: &SealedEntry, member: &MemberKey) -> Option<Receipt> {
        let mut sequencer = self.sequencer();
        let receipt = sequencer.append(space, entry, member).ok()?;
        sequencer.commit().unwrap();
        drop(sequencer);
        self.news.send_modify(|count| *count += 1);
        Some(receipt)
    }

    /// What the receipt would be if the Entry were ordered, which it is not.
    fn pretend(&self, space: &SpaceId, entry: &SealedEntry, member: &MemberKey) -> Option<Receipt> {
        let copy = self.sequencer().store_mut().clone();
        Sequencer::new(copy, 64, Protections::ALL).append(space, entry, member).ok()
    }
}

/// One connection.
struct Talk {
    shared: Arc<Shared>,
    lies: bool,
    socket: WebSocketStream<TcpStream>,
    transcript: Transcript,
    followed: BTreeMap<SpaceId, Following>,
}

#[derive(Clone, Copy)]
struct Following {
    member: MemberKey,
    have_seq: u64,
    sent_seq: u64,
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, lies: bool) {
    let mut talks = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        talks.spawn(async move {
            let mut cuts = shared.cuts.subscribe();
            shared.talks.send_modify(|talks| *talks += usize::from(lies));
            let talk = async {
                if let Some(mut talk) = Talk::begin(stream, shared.clone(), lies).await {
                    let _ = talk.run().await;
                }
            };
            tokio::select! {
                () = talk => {}
                _ = cuts.changed(), if lies => {}
            }
            shared.talks.send_modify(|talks| *talks -= usize::from(lies));
        });
    }
}

impl Talk {
    async fn begin(stream: TcpStream, shared: Arc<Shared>, lies: bool) -> Option<Self> {
        let mut authority = String::new();
        #[expect(clippy::result_large_err, reason = "the shape that the handshake asks for")]
        let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            let host = request.headers().get("host").and_then(|host| host.to_str().ok());
            authority = host.unwrap_or_default().to_owned();
            Ok(response)
        };
        let socket = accept_hdr_async(stream, note).await.ok()?;
        let transcript = Transcript {
            relay: shared.relay_key(),
            authority,
            server_nonce: [9; 32],
            client_nonce: [0; 32],
            connection: ConnectionKey::ZERO,
        };
        Some(Self { shared, lies, socket, transcript, followed: BTreeMap::new() })
    }

    async fn run(&mut self) -> Result<(), Ended> {
        let (relay, nonce) = (self.transcript.relay, self.transcript.server_nonce);
        self.say(RelayFrame::Hello { relay, nonce, limits: Limits::default(), time_ms: 0 }).await?;
        let mut news = self.shared.news.subscribe();
        loop {
            tokio::select! {
                message = self.socket.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        let frame = DeviceFrame::decode(&bytes).map_err(|_| Ended)?;
                        self.hear(frame).await?;
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(Ended),
                },
                _ = news.changed() => {}
            }
            self.send_pages().await?;
        }
    }

    async fn hear(&mut self, frame: DeviceFrame) -> Result<(), Ended> {
        match frame {
            DeviceFrame::Hello { connection, nonce, .. } => {
                self.transcript.connection = connection;
                self.transcript.client_nonce = nonce;
                let hash = self.transcript.hash(Side::Relay);
                let signature = self.shared.key.sign(SignatureDomain::Connection, &hash);
                self.say(RelayFrame::Welcome { signature }).await
            }
            DeviceFrame::CreateSpace { entry } => {
                let entry = SealedEntry::decode(entry).map_err(|_| Ended)?;
                let space = self.shared.found(&entry).ok_or(Ended)?;
                let head = self.shared.newest_head(space).ok_or(Ended)?;
                self.say(RelayFrame::Created { space, head }).await
            }
            DeviceFrame::Subscribe { space, member, have_seq, .. } => {
                let head = self.shared.newest_head(space).ok_or(Ended)?;
                self.followed.insert(space, Following { member, have_seq, sent_seq: have_seq });
                self.say(RelayFrame::Subscribed { space, head }).await
            }
            DeviceFrame::Unsubscribe { space } => {
                self.followed.remove(&space);
                Ok(())
            }
            DeviceFrame::Append { space, entry } => self.append(space, &entry).await,
            DeviceFrame::Ping { token } => self.say(RelayFrame::Pong { token }).await,
        }
    }

    async fn append(&mut self, space: SpaceId, bytes: &Bytes) -> Result<(), Ended> {
        // Nothing is refused here; what the order does not take is not answered.
        let Some(Following { member, .. }) = self.followed.get(&space).copied() else { return Ok(()) };
        let entry = SealedEntry::decode(bytes.clone()).map_err(|_| Ended)?;
        let forgets = self.lies && *locked(&self.shared.lie) == Some(Lie::Forgets);
        let receipt = match forgets {
            true => self.shared.pretend(&space, &entry, &member),
            false => self.shared.order(&space, &entry, &member),
        };
        let Some(Receipt { hash, seq, chain }) = receipt else { return Ok(()) };
        self.say(RelayFrame::Ordered { space, id: append_id(bytes), hash, seq, chain }).await
    }

    async fn send_pages(&mut self) -> Result<(), Ended> {
        for (space, following) in self.followed.clone() {
            let entries = self.shared.entries(space, following.sent_seq);
            if entries.is_empty() {
                continue;
            }
            let first_seq = following.sent_seq + 1;
            let head_seq = following.sent_seq + entries.len() as u64;
            self.followed.insert(space, Following { sent_seq: head_seq, ..following });
            self.say(RelayFrame::Page { space, first_seq, head_seq, entries }).await?;
        }
        Ok(())
    }

    async fn say(&mut self, frame: RelayFrame) -> Result<(), Ended> {
        let lie = locked(&self.shared.lie).clone().filter(|_| self.lies);
        let told = lie.map_or(Told::Truth, |lie| lie.tell(&frame, &self.said_about(&frame)));
        let messages = match told {
            Told::Truth => vec![frame.encode()],
            Told::Instead(messages) => messages,
        };
        for message in messages {
            self.socket.send(Message::Binary(message)).await.map_err(|_| Ended)?;
        }
        Ok(())
    }

    /// What a lie about this frame can be made of.
    fn said_about(&self, frame: &RelayFrame) -> Said<'_> {
        let space = match frame {
            RelayFrame::Subscribed { space, .. } | RelayFrame::Page { space, .. } => Some(*space),
            _ => None,
        };
        let following = space.and_then(|space| self.followed.get(&space));
        let have_seq = following.map_or(0, |following| following.have_seq);
        let chains = space.map(|space| self.shared.chains(space, 1)).unwrap_or_default();
        let sign = |space, seq, chain| self.shared.sign_head(space, seq, chain);
        Said { have_seq, chains, sign: Box::new(sign) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
