//! One connection: offline, connecting, challenge, answer, online.
//!
//! What is sent once it is online is decided by the engine, Space by Space.

use super::backoff::Backoff;
use crate::keys::ConnectionSecret;
use bytes::Bytes;
use veilfold_wire::frame::DeviceFrame;
use veilfold_wire::limits::Limits;
use veilfold_wire::login::{LOGIN_NONCE_LEN, Side, Transcript};
use veilfold_wire::signature::{SignatureDomain, verify};
use veilfold_wire::{RelayKey, TransportFault};

/// A connection that is not online after this many milliseconds is given up.
const LOGIN_MS: u64 = 15_000;
/// After this many silent milliseconds a ping is sent, after twice as many the connection is dead.
const SILENCE_MS: u64 = 20_000;

/// A login that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Online {
    /// What both sides signed; every subscription refers to it.
    pub transcript: Transcript,
    /// What the Relay accepts.
    pub limits: Limits,
}

/// Where the connection stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No connection is wanted.
    Idle,
    /// The next attempt is due then.
    Waiting {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
    /// The transport is being opened.
    Connecting,
    /// Open; the Relay's challenge is awaited.
    Greeting {
        /// Host and port.
        authority: String,
    },
    /// Answered; the Relay's proof is awaited.
    Proving {
        /// What it will have to sign.
        online: Online,
    },
    /// Logged in.
    Online(Online),
}

/// The connection to the Relay.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    backoff: Backoff,
    since_ms: u64,
    heard_ms: u64,
    pinged: bool,
}

/// What the clock asks of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// Open a transport.
    Connect,
    /// Send this sign of life.
    Ping(Bytes),
    /// Nobody is there: close it.
    GiveUp,
}

impl Default for Session {
    fn default() -> Self {
        Self { phase: Phase::Idle, backoff: Backoff::default(), since_ms: 0, heard_ms: 0, pinged: false }
    }
}

impl Session {
    /// Where the connection stands.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The login, when there is one.
    pub fn online(&self) -> Option<&Online> {
        match &self.phase {
            Phase::Online(online) => Some(online),
            _ => None,
        }
    }

    /// Wants a connection, at once.
    pub fn start(&mut self, now_ms: u64) {
        if matches!(self.phase, Phase::Idle | Phase::Waiting { .. }) {
            self.phase = Phase::Waiting { until_ms: now_ms };
        }
    }

    /// Wants no connection any more.
    pub fn stop(&mut self) {
        self.phase = Phase::Idle;
    }

    /// The transport is open towards `authority`.
    pub fn opened(&mut self, authority: String, now_ms: u64) {
        if self.phase == Phase::Connecting {
            self.phase = Phase::Greeting { authority };
            self.heard_ms = now_ms;
        }
    }

    /// The transport is gone; tries again after a while.
    pub fn closed(&mut self, now_ms: u64, random: u64, at_least_ms: u64) {
        if self.phase != Phase::Idle {
            let wait = self.backoff.fail(random).max(at_least_ms);
            self.phase = Phase::Waiting { until_ms: now_ms.saturating_add(wait) };
        }
    }

    /// True while a transport is open. What still arrives of one that was given up is nobody's word.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Greeting { .. } | Phase::Proving { .. } | Phase::Online(_))
    }

    /// Notes that the Relay said something.
    pub fn heard(&mut self, now_ms: u64) {
        self.heard_ms = now_ms;
        self.pinged = false;
    }

    /// The Relay's challenge; gives the answer, `None` when none was due.
    pub fn challenged(
        &mut self,
        relay: RelayKey,
        server_nonce: [u8; LOGIN_NONCE_LEN],
        limits: Limits,
        client_nonce: [u8; LOGIN_NONCE_LEN],
        secret: impl Fn(&str) -> ConnectionSecret,
    ) -> Option<Bytes> {
        let Phase::Greeting { authority } = &self.phase else { return None };
        let secret = secret(authority);
        let transcript = Transcript {
            relay,
            authority: authority.clone(),
            server_nonce,
            client_nonce,
            connection: secret.public(),
        };
        let signature = secret.sign(SignatureDomain::Connection, &transcript.hash(Side::Device));
        let hello = DeviceFrame::Hello { connection: secret.public(), nonce: client_nonce, signature };
        self.phase = Phase::Proving { online: Online { transcript, limits } };
        Some(hello.encode())
    }

    /// The Relay's proof; true when this login is new.
    ///
    /// # Errors
    /// `BadRelaySignature` when it does not verify or was not due.
    pub fn welcomed(&mut self, signature: &[u8; 64]) -> Result<bool, TransportFault> {
        let (online, new) = match &self.phase {
            Phase::Proving { online } => (online, true),
            Phase::Online(online) => (online, false),
            _ => return Err(TransportFault::BadRelaySignature),
        };
        let hash = online.transcript.hash(Side::Relay);
        if !verify(SignatureDomain::Connection, &online.transcript.relay.0, &hash, signature) {
            return Err(TransportFault::BadRelaySignature);
        }
        self.phase = Phase::Online(online.clone());
        self.backoff.reset();
        Ok(new)
    }

    /// What is due at `now_ms`.
    pub fn due(&mut self, now_ms: u64) -> Due {
        match &self.phase {
            Phase::Waiting { until_ms } if *until_ms <= now_ms => {
                self.phase = Phase::Connecting;
                self.since_ms = now_ms;
                Due::Connect
            }
            Phase::Connecting | Phase::Greeting { .. } | Phase::Proving { .. }
                if now_ms >= self.since_ms + LOGIN_MS =>
            {
                Due::GiveUp
            }
            Phase::Online(_) if now_ms >= self.heard_ms + 2 * SILENCE_MS => Due::GiveUp,
            Phase::Online(_) if now_ms >= self.heard_ms + SILENCE_MS && !self.pinged => {
                self.pinged = true;
                Due::Ping(DeviceFrame::Ping { token: now_ms }.encode())
            }
            _ => Due::Nothing,
        }
    }

    /// When [`Session::due`] has something next.
    pub fn deadline(&self) -> Option<u64> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Waiting { until_ms } => Some(*until_ms),
            Phase::Connecting | Phase::Greeting { .. } | Phase::Proving { .. } => {
                Some(self.since_ms + LOGIN_MS)
            }
            Phase::Online(_) if self.pinged => Some(self.heard_ms + 2 * SILENCE_MS),
            Phase::Online(_) => Some(self.heard_ms + SILENCE_MS),
        }
    }
}
