//! One connection as a state machine: login, subscriptions, appends, and what to send back.
//!
//! A connection task or a simulation feeds it frames, replies and time, and takes requests and
//! frames out. It reads no clock, draws no randomness and knows no socket.

use crate::clock::Now;
use crate::exchange::{Reply, Request};
use crate::fanout::{Fanout, Step};
use crate::feed::Signal;
use crate::keys::RelayIdentity;
use crate::rate::Bucket;
use crate::sequencer::Refusal;
use bytes::Bytes;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use veilfold_wire::entry::SealedEntry;
use veilfold_wire::frame::{DeviceFrame, RefuseReason, Refused, RelayFrame, append_id};
use veilfold_wire::ids::{ChainHash, ConnectionKey, EntryHash};
use veilfold_wire::login::{LOGIN_NONCE_LEN, Side, Transcript};
use veilfold_wire::membership::{ControlOp, ControlPublic};
use veilfold_wire::signature::{SignatureDomain, verify};
use veilfold_wire::{Limits, MemberKey, SpaceId, WireError};

/// A login must be complete this long after the connection opened.
pub const LOGIN_MS: u64 = 5_000;
/// No more input is taken while this many answers are owed or wait for the socket.
const OWED_MAX: usize = 256;
/// The same in bytes of Entries, counted until nothing is owed.
const OWED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Why [`Session::next_deadline`] wants to be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The login is not complete.
    Login,
    /// The device was silent.
    Idle,
    /// A subscription was quiet.
    Quiet,
}

#[derive(Debug)]
enum State {
    Greeted,
    /// The transcript that every later signature on this connection is bound to.
    LoggedIn(Box<Transcript>),
    /// The Relay stops: answers still go out, nothing more is taken in.
    Draining {
        retry_after_ms: u64,
    },
    /// What is left to send may be sent, then the connection ends.
    Closed,
}

#[derive(Debug)]
struct Subscription {
    member: MemberKey,
    have_seq: u64,
    ticket: u64,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    identity: Arc<RelayIdentity>,
    authority: String,
    nonce: [u8; LOGIN_NONCE_LEN],
    limits: Limits,
    state: State,
    opened_at_ms: u64,
    heard_at_ms: u64,
    bucket: Bucket,
    subscriptions: BTreeMap<SpaceId, Subscription>,
    tickets: u64,
    fanout: Fanout,
    frames: VecDeque<Bytes>,
    requests: VecDeque<Request>,
    /// Requests whose replies have not come.
    owed: usize,
    owed_bytes: usize,
}

impl Session {
    /// Starts a connection; the first frame to send is the Relay's hello.
    ///
    /// `authority` is the host and port that the device used, `nonce` is random and used once.
    pub fn open(
        identity: Arc<RelayIdentity>,
        authority: String,
        limits: Limits,
        nonce: [u8; LOGIN_NONCE_LEN],
        signal: Arc<Signal>,
        now: Now,
    ) -> Self {
        let hello = RelayFrame::Hello { relay: identity.key(), nonce, limits, time_ms: now.unix_ms };
        Self {
            identity,
            authority,
            nonce,
            limits,
            state: State::Greeted,
            opened_at_ms: now.mono_ms,
            heard_at_ms: now.mono_ms,
            bucket: Bucket::full(&limits, now.mono_ms),
            subscriptions: BTreeMap::new(),
            tickets: 0,
            fanout: Fanout::new(signal),
            frames: VecDeque::from([hello.encode()]),
            requests: VecDeque::new(),
            owed: 0,
            owed_bytes: 0,
        }
    }

    /// Takes one message from the device.
    pub fn handle_frame(&mut self, message: &Bytes, now: Now) {
        self.handle_sign_of_life(now);
        if matches!(self.state, State::Draining { .. } | State::Closed) {
            return;
        }
        let frame = match DeviceFrame::decode(message) {
            Ok(frame) => frame,
            Err(WireError::TooLarge { .. }) => return self.refuse_connection(RefuseReason::TooLarge),
            Err(_) => return self.refuse_connection(RefuseReason::Malformed),
        };
        let logged_in = matches!(self.state, State::LoggedIn(_));
        match frame {
            DeviceFrame::Hello { connection, nonce, signature } if !logged_in => {
                self.log_in(connection, nonce, &signature);
            }
            _ if !logged_in => self.refuse_connection(RefuseReason::Malformed),
            DeviceFrame::Hello { .. } => self.refuse_connection(RefuseReason::Malformed),
            DeviceFrame::CreateSpace { entry } => self.create_space(&entry, now),
            DeviceFrame::Subscribe { space, member, have_seq, signature } => {
                self.subscribe(space, member, have_seq, &signature, now);
            }
            DeviceFrame::Unsubscribe { space } => {
                self.subscriptions.remove(&space);
                self.fanout.close(&space);
            }
            DeviceFrame::Append { space, entry } => self.append(space, &entry, now),
            DeviceFrame::Ping { token } => self.send(&RelayFrame::Pong { token }),
        }
    }

    /// Notes that the device is there, by whatever it sent.
    pub fn handle_sign_of_life(&mut self, now: Now) {
        self.heard_at_ms = self.heard_at_ms.max(now.mono_ms);
    }

    /// Answers a message that was too large to be taken off the socket, and closes.
    pub fn handle_oversized(&mut self) {
        self.refuse_connection(RefuseReason::TooLarge);
    }

    /// Takes the reply to a request.
    pub fn handle_reply(&mut self, reply: Reply, now: Now) {
        self.owed = self.owed.saturating_sub(1);
        if self.owed == 0 {
            self.owed_bytes = 0;
        }
        match reply {
            Reply::Created(space, Ok(feed)) => {
                let head = feed.signed_head(&self.identity, now);
                self.send(&RelayFrame::Created { space, head });
            }
            Reply::Created(space, Err(refusal)) => self.refuse(Refused::CreateSpace(space), refusal),
            Reply::Subscribed(space, ticket, result) => {
                // A later subscription to the same Space, or its end, makes this reply void.
                let current = self.subscriptions.get(&space).filter(|current| current.ticket == ticket);
                let Some(have_seq) = current.map(|current| current.have_seq) else { return };
                match result {
                    Ok(feed) => {
                        let head = feed.signed_head(&self.identity, now);
                        self.send(&RelayFrame::Subscribed { space, head });
                        self.fanout.open(space, feed, have_seq, now);
                    }
                    Err(refusal) => {
                        self.subscriptions.remove(&space);
                        self.refuse(Refused::Subscribe(space), refusal);
                    }
                }
            }
            Reply::Appended(space, id, Ok(receipt)) => {
                let (hash, seq, chain) = (receipt.hash, receipt.seq, receipt.chain);
                self.send(&RelayFrame::Ordered { space, id, hash, seq, chain });
            }
            Reply::Appended(space, id, Err(refusal)) => self.refuse(Refused::Append(space, id), refusal),
            Reply::Page(space, page) => self.fanout.handle_page(space, page),
        }
        self.finish_draining();
    }

    /// Acts on the timers that are due.
    pub fn handle_deadline(&mut self, now: Now) {
        if self.deadlines().any(|(at_ms, _)| at_ms <= now.mono_ms) {
            self.close();
        }
    }

    /// Takes nothing more in, answers what is owed, then says goodbye and closes.
    pub fn handle_shutdown(&mut self, retry_after_ms: u64) {
        if !matches!(self.state, State::Closed) {
            self.state = State::Draining { retry_after_ms };
            self.finish_draining();
        }
    }

    /// The moment, on the forward clock, at which to call [`Session::handle_deadline`] and then
    /// [`Session::poll_page`], and why. While the socket is not `writable`, pages and heads wait.
    pub fn next_deadline(&self, writable: bool) -> Option<(u64, Timer)> {
        let quiet = self.fanout.next_quiet_ms().filter(|_| writable && self.is_live());
        let quiet = quiet.map(|at_ms| (at_ms, Timer::Quiet));
        self.deadlines().chain(quiet).min_by_key(|(at_ms, _)| *at_ms)
    }

    /// The next request for the exchange.
    pub fn poll_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// The next answer to send.
    pub fn poll_frame(&mut self) -> Option<Bytes> {
        self.frames.pop_front()
    }

    /// The next page or head to send. To be called when everything before it has left, and after
    /// it [`Session::poll_request`], since a page may have to be fetched.
    pub fn poll_page(&mut self, now: Now) -> Option<Bytes> {
        while self.is_live() {
            match self.fanout.poll(now) {
                Step::Page(frame) => return Some(frame),
                Step::Fetch(request) => self.request(request),
                Step::Quiet(space, feed) => {
                    let head = feed.signed_head(&self.identity, now);
                    return Some(RelayFrame::Head { space, head }.encode());
                }
                Step::Idle => break,
            }
        }
        None
    }

    /// Whether the next message of the device may be taken off the socket.
    pub fn wants_input(&self) -> bool {
        let open = matches!(self.state, State::Greeted | State::LoggedIn(_));
        open && self.owed + self.frames.len() < OWED_MAX && self.owed_bytes < OWED_BYTES_MAX
    }

    /// True once the device has proven its connection key.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::LoggedIn(_))
    }

    /// True when the connection ends after what [`Session::poll_frame`] still gives.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn deadlines(&self) -> impl Iterator<Item = (u64, Timer)> + use<> {
        let login = matches!(self.state, State::Greeted)
            .then_some((self.opened_at_ms.saturating_add(LOGIN_MS), Timer::Login));
        let idle = (!self.is_closed())
            .then_some((self.heard_at_ms.saturating_add(self.limits.idle_ms), Timer::Idle));
        login.into_iter().chain(idle)
    }

    fn log_in(&mut self, connection: ConnectionKey, client_nonce: [u8; 32], signature: &[u8; 64]) {
        let transcript = Transcript {
            relay: self.identity.key(),
            authority: self.authority.clone(),
            server_nonce: self.nonce,
            client_nonce,
            connection,
        };
        let hash = transcript.hash(Side::Device);
        if !verify(SignatureDomain::Connection, &connection.0, &hash, signature) {
            return self.refuse_connection(RefuseReason::BadSignature);
        }
        let signature = self.identity.sign_login(&transcript);
        self.state = State::LoggedIn(Box::new(transcript));
        self.send(&RelayFrame::Welcome { signature });
    }

    fn create_space(&mut self, entry: &[u8], now: Now) {
        let decoded = self.decode(entry, now);
        let name = decoded.as_ref().map_or(SpaceId::ZERO, claimed_space);
        match decoded {
            Ok(entry) => self.request(Request::Create { entry, name }),
            Err(refusal) => self.refuse(Refused::CreateSpace(name), refusal),
        }
    }

    fn subscribe(
        &mut self,
        space: SpaceId,
        member: MemberKey,
        have_seq: u64,
        signature: &[u8; 64],
        now: Now,
    ) {
        let State::LoggedIn(transcript) = &self.state else { return };
        let refused = Refused::Subscribe(space);
        if let Err(refusal) = self.bucket.take(now.mono_ms).map_err(rate_limited) {
            return self.refuse(refused, refusal);
        }
        let known = self.subscriptions.contains_key(&space);
        if !known && self.subscriptions.len() as u64 >= self.limits.subscriptions {
            return self.refuse(refused, RefuseReason::RateLimited.into());
        }
        let hash = transcript.space_hash(&space, &member);
        if !verify(SignatureDomain::SpaceAuth, &member.0, &hash, signature) {
            return self.refuse(refused, RefuseReason::NotAMember.into());
        }
        self.tickets += 1;
        let ticket = self.tickets;
        self.fanout.close(&space);
        self.subscriptions.insert(space, Subscription { member, have_seq, ticket });
        self.request(Request::Subscribe { space, member, ticket });
    }

    fn append(&mut self, space: SpaceId, bytes: &[u8], now: Now) {
        let id = append_id(bytes);
        let refused = Refused::Append(space, id);
        // The key has signed for this Space on this connection; that it is a Member's key, and this
        // Entry's author, the sequencer checks at the position where the Entry would be.
        let Some(member) = self.subscriptions.get(&space).map(|current| current.member) else {
            return self.refuse(refused, RefuseReason::NotAMember.into());
        };
        match self.decode(bytes, now) {
            Ok(entry) => self.request(Request::Append { space, member, entry, id }),
            Err(refusal) => self.refuse(refused, refusal),
        }
    }

    /// Copies the Entry: the message it came in may share its memory with a whole read buffer.
    fn decode(&mut self, entry: &[u8], now: Now) -> Result<SealedEntry, Refusal> {
        self.bucket.take(now.mono_ms).map_err(rate_limited)?;
        if entry.len() as u64 > self.limits.entry_bytes {
            return Err(RefuseReason::TooLarge.into());
        }
        Ok(SealedEntry::decode(Bytes::copy_from_slice(entry)).map_err(|_| RefuseReason::Malformed)?)
    }

    fn request(&mut self, request: Request) {
        self.owed += 1;
        if let Request::Create { entry, .. } | Request::Append { entry, .. } = &request {
            self.owed_bytes += entry.bytes().len();
        }
        self.requests.push_back(request);
    }

    fn send(&mut self, frame: &RelayFrame) {
        self.frames.push_back(frame.encode());
    }

    fn refuse(&mut self, what: Refused, refusal: Refusal) {
        let Refusal { reason, retry_after_ms } = refusal;
        self.send(&RelayFrame::Refused { what, reason, retry_after_ms });
    }

    fn refuse_connection(&mut self, reason: RefuseReason) {
        self.refuse(Refused::Connection, reason.into());
        self.close();
    }

    fn finish_draining(&mut self) {
        if let State::Draining { retry_after_ms } = self.state
            && self.owed == 0
        {
            self.send(&RelayFrame::Goodbye { retry_after_ms });
            self.close();
        }
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.requests.clear();
    }
}

fn rate_limited(retry_after_ms: u64) -> Refusal {
    Refusal { reason: RefuseReason::RateLimited, retry_after_ms }
}

/// The Space that an Entry would create if it were a sound genesis; zero when it is none at all.
fn claimed_space(entry: &SealedEntry) -> SpaceId {
    match ControlPublic::decode(entry.public()).map(|public| public.op) {
        Ok(ControlOp::Genesis(genesis)) => {
            let key = genesis.creator.sign;
            SpaceId(entry.hash(&SpaceId::ZERO, &key, &EntryHash::ZERO, &ChainHash::ZERO).0)
        }
        _ => SpaceId::ZERO,
    }
}

#[cfg(test)]
mod tests;
