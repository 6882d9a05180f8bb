//! What the transport and the clock say, and what the Relay answers.

use super::engine::{Engine, Parts};
use super::output::{Event, Output};
use super::settle::Batch;
use crate::error::Error;
use crate::outbox::{Content, Fate, RefusedReason, Settled};
use crate::sync::{Due, Phase};
use bytes::Bytes;
use veilfold_wire::frame::{RefuseReason, Refused, RelayFrame, SignedHead};
use veilfold_wire::{SpaceId, TransportFault};

/// How long sending waits after a refusal that more of the log will resolve, in milliseconds.
const RESEAL_MS: u64 = 50;
/// How long sending waits after a refusal that should not have happened, in milliseconds.
const PUZZLED_MS: u64 = 30_000;
/// A Relay that asks for a longer wait is taken to mean this, in milliseconds: a mistake or malice
/// must not keep a device away for good.
const RETRY_AFTER_MS_MAX: u64 = 3_600_000;

impl Engine {
    /// Wants to be connected from now on, and tries at once.
    pub fn connect(&mut self, now_ms: u64) {
        self.session.start(now_ms);
    }

    /// True from `connect` to `disconnect`, whether or not there is a connection.
    pub fn wants_connection(&self) -> bool {
        *self.session.phase() != Phase::Idle
    }

    /// Wants no connection any more.
    pub fn disconnect(&mut self) {
        self.session.stop();
        self.lose_connection();
        self.outputs.push_back(Output::Disconnect);
    }

    /// The transport is open; `authority` is the host and port that it was asked for.
    pub fn opened(&mut self, authority: String, now_ms: u64) {
        self.session.opened(authority, now_ms);
    }

    /// The transport is gone.
    pub fn closed(&mut self, now_ms: u64) {
        self.hang_up(now_ms, 0);
    }

    /// The clock reached [`Engine::next_deadline`].
    ///
    /// # Errors
    /// As the store says.
    pub fn handle_timeout(&mut self, now_ms: u64) -> Result<(), Error> {
        self.now_ms = now_ms;
        self.retry_held(now_ms)?;
        self.heal_on()?;
        match self.session.due(now_ms) {
            Due::Nothing => {}
            Due::Connect => self.outputs.push_back(Output::Connect),
            Due::Ping(frame) => self.outputs.push_back(Output::Send(frame)),
            Due::GiveUp => {
                self.outputs.push_back(Output::Disconnect);
                self.hang_up(now_ms, 0);
            }
        }
        let due = self.subscriptions.take_due(now_ms);
        if due.is_empty() {
            return Ok(());
        }
        self.step(|engine| due.into_iter().try_for_each(|id| engine.attend(id, now_ms)))
    }

    /// A message from the Relay. Whatever it is, nothing is lost by it.
    ///
    /// # Errors
    /// As the store says; the connection is then given up, and what came is fetched again.
    pub fn received(&mut self, message: &Bytes, now_ms: u64) -> Result<(), Error> {
        self.now_ms = now_ms;
        if !self.session.is_open() {
            return Ok(());
        }
        self.session.heard(now_ms);
        let result = match RelayFrame::decode(message) {
            // Before it has proved who it is, it has nothing to say of any Space.
            Ok(frame) if self.session.online().is_none() && frame.is_about_a_space() => {
                self.distrust_connection(TransportFault::BadRelaySignature, now_ms);
                Ok(())
            }
            Ok(frame) => self.relay_frame(frame, now_ms),
            Err(error) => {
                self.distrust_connection(TransportFault::Malformed(error), now_ms);
                Ok(())
            }
        };
        if let Err(error) = &result {
            self.outputs.push_back(Output::Event(Event::StoreFailed { detail: error.to_string() }));
            self.outputs.push_back(Output::Disconnect);
            self.hang_up(now_ms, 1_000);
        }
        result
    }

    fn relay_frame(&mut self, frame: RelayFrame, now_ms: u64) -> Result<(), Error> {
        match frame {
            RelayFrame::Hello { relay, nonce, limits, .. } => {
                let own = crate::keys::random(self.entropy.as_mut());
                let seed = &self.seed;
                let secret = |authority: &str| seed.connection(authority);
                let answer = self.session.challenged(relay, nonce, limits, own, secret);
                self.outputs.extend(answer.map(Output::Send));
                Ok(())
            }
            RelayFrame::Welcome { signature } => match self.session.welcomed(&signature) {
                Ok(false) => Ok(()),
                Ok(true) => {
                    let spaces: Vec<SpaceId> = self.spaces().collect();
                    self.step(|engine| {
                        spaces.into_iter().try_for_each(|id| {
                            engine.outputs.push_back(Output::Status(id));
                            engine.attend(id, now_ms)
                        })
                    })
                }
                Err(fault) => {
                    self.distrust_connection(fault, now_ms);
                    Ok(())
                }
            },
            RelayFrame::Created { space, head } => self.for_known(space, |engine| {
                engine.step(|engine| {
                    if engine.trust_head(space, &head, now_ms)? {
                        let known = engine.space(space)?;
                        known.row.genesis_unsent = false;
                        known.dirty.core = true;
                        engine.subscriptions.get(space).again();
                    }
                    engine.attend(space, now_ms)
                })
            }),
            RelayFrame::Subscribed { space, head } => self.for_known(space, |engine| {
                engine.step(|engine| {
                    if engine.trust_head(space, &head, now_ms)? {
                        let have = engine.space(space)?.row.log_seq;
                        engine.subscriptions.get(space).answered(head.seq, have);
                        engine.outputs.push_back(Output::Status(space));
                    }
                    engine.attend(space, now_ms)
                })
            }),
            RelayFrame::Head { space, head } => self.for_known(space, |engine| {
                engine.step(|engine| engine.trust_head(space, &head, now_ms).map(|_| ()))
            }),
            RelayFrame::Page { space, first_seq, entries, .. } => {
                self.for_known(space, |engine| {
                    // A page that was under way when the Space halted must not set it going again.
                    match engine.subscriptions.get(space).is_followed() {
                        true => engine.page(space, first_seq, entries, now_ms),
                        false => Ok(()),
                    }
                })
            }
            RelayFrame::Ordered { space, id, hash, seq, .. } => self.for_known(space, |engine| {
                engine.step(|engine| {
                    let Parts { space: known, store, outputs, .. } = engine.parts(space)?;
                    let row = known.in_flight.acknowledge(store, known.no, &id, seq)?;
                    if row.is_some_and(|row| row.hash != hash) {
                        engine.distrust(space, TransportFault::HeadMismatch { seq }, now_ms);
                    } else {
                        outputs.push_back(Output::Status(space));
                    }
                    engine.attend(space, now_ms)
                })
            }),
            RelayFrame::Refused { what, reason, retry_after_ms } => {
                self.refused(what, reason, retry_after_ms.min(RETRY_AFTER_MS_MAX), now_ms)
            }
            RelayFrame::Pong { .. } => Ok(()),
            RelayFrame::Goodbye { retry_after_ms } => {
                self.outputs.push_back(Output::Disconnect);
                self.hang_up(now_ms, retry_after_ms.min(RETRY_AFTER_MS_MAX));
                Ok(())
            }
        }
    }

    /// A Relay may name a Space that this Device does not have; that is nobody's business here.
    fn for_known(
        &mut self,
        id: SpaceId,
        then: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.numbers.contains_key(&id) { then(self) } else { Ok(()) }
    }

    /// Compares what the Relay signs with what this Device has verified.
    fn trust_head(&mut self, id: SpaceId, head: &SignedHead, now_ms: u64) -> Result<bool, Error> {
        let relay = self.session.online().map(|online| online.transcript.relay);
        let log = self.space(id)?.cursor().log;
        let fault = if !relay.is_some_and(|relay| head.verify(&relay, &id)) {
            Some(TransportFault::BadRelaySignature)
        } else if head.seq < log.seq {
            Some(TransportFault::Rollback { expected: log.seq, found: head.seq })
        } else if head.seq == log.seq && head.chain != log.chain {
            Some(TransportFault::HeadMismatch { seq: head.seq })
        } else {
            None
        };
        if let Some(fault) = fault {
            self.distrust(id, fault, now_ms);
        }
        Ok(fault.is_none())
    }

    fn refused(
        &mut self,
        what: Refused,
        reason: RefuseReason,
        retry_after_ms: u64,
        now_ms: u64,
    ) -> Result<(), Error> {
        match what {
            Refused::Connection => {
                self.outputs.push_back(Output::Disconnect);
                self.hang_up(now_ms, retry_after_ms);
                Ok(())
            }
            Refused::Subscribe(space) | Refused::CreateSpace(space) => self.for_known(space, |engine| {
                let random = engine.random_u64();
                engine.subscriptions.get(space).refuse(reason, now_ms, random, retry_after_ms);
                engine.subscriptions.wake_when_due(space);
                engine.outputs.push_back(Output::Status(space));
                Ok(())
            }),
            Refused::Append(space, id) => self.for_known(space, |engine| {
                engine.step(|engine| engine.append_refused(space, &id, reason, retry_after_ms, now_ms))
            }),
        }
    }

    fn append_refused(
        &mut self,
        id: SpaceId,
        append: &[u8; 32],
        reason: RefuseReason,
        retry_after_ms: u64,
        now_ms: u64,
    ) -> Result<(), Error> {
        let mut parts = self.parts(id)?;
        let Some(row) = parts.space.in_flight.find(append).cloned() else { return Ok(()) };
        let wait = match reason {
            // The bytes are good and stay; they are sent again.
            RefuseReason::RateLimited | RefuseReason::Unavailable => {
                parts.space.in_flight.restart();
                retry_after_ms.max(RESEAL_MS)
            }
            _ => {
                let mut batch = Batch::begin();
                let dropped = parts.space.in_flight.drop_from(parts.store, parts.space.no, row.author_seq)?;
                for row in dropped {
                    batch.unseal(&mut parts.space.pending, row.content);
                }
                if let Some(reason) = RefusedReason::from_wire(reason) {
                    refuse_content(&mut parts, &mut batch, row.content, reason)?;
                }
                let rebased = batch.finish(&mut parts)?;
                self.shown(id, rebased);
                match reason {
                    RefuseReason::SeenMismatch => {
                        self.distrust(id, TransportFault::HeadMismatch { seq: row.seen_seq }, now_ms);
                        return Ok(());
                    }
                    RefuseReason::Malformed | RefuseReason::WrongAuthor | RefuseReason::BadSignature => {
                        tracing::error!(space = %id, ?reason, "the relay refused an own entry");
                        PUZZLED_MS
                    }
                    _ => RESEAL_MS,
                }
            }
        };
        let subscription = self.subscriptions.get(id);
        subscription.quiet(now_ms.saturating_add(wait));
        self.subscriptions.wake(id, now_ms.saturating_add(wait));
        self.outputs.push_back(Output::Status(id));
        Ok(())
    }

    fn distrust_connection(&mut self, fault: TransportFault, now_ms: u64) {
        self.outputs.push_back(Output::Event(Event::RelayMisbehaved { space: None, fault }));
        self.outputs.push_back(Output::Disconnect);
        self.hang_up(now_ms, 0);
    }

    fn hang_up(&mut self, now_ms: u64, at_least_ms: u64) {
        let random = self.random_u64();
        self.session.closed(now_ms, random, at_least_ms);
        self.lose_connection();
    }

    fn lose_connection(&mut self) {
        self.subscriptions.disconnected();
        for space in self.open.values_mut() {
            space.in_flight.restart();
        }
        self.outputs.extend(self.numbers.keys().map(|id| Output::Status(*id)));
    }
}

/// What an Entry carried will never be in the order.
fn refuse_content(
    parts: &mut Parts<'_>,
    batch: &mut Batch,
    content: Content,
    reason: RefusedReason,
) -> Result<(), Error> {
    let fate = Fate::Refused(reason);
    match content {
        Content::Control { wish } => {
            let id = crate::model::TxId(wish);
            parts.space.wishes.retain(|other| other.id != id);
            parts.space.save_wish(parts.store, id)?;
            parts.tell(Settled::once(id, fate))?;
        }
        Content::Transactions { first, last } => {
            for tx_no in first..=last {
                let Some(pending) = parts.space.pending.remove(tx_no) else { continue };
                parts.space.pending.save(parts.store, parts.space.no, tx_no)?;
                batch.changed(pending.touched().cloned().collect());
                if !pending.superseded {
                    parts.tell_of(&pending, fate.clone())?;
                }
            }
        }
    }
    Ok(())
}
