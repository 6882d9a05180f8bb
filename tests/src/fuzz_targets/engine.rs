//! A real device against a Relay that lies as a script says, and then stops lying.
//!
//! Nothing that a Relay says may bring the device to a halt for good, except taking back an order
//! that it had given, or a place in it: that it must never forgive. A Relay can give another order
//! by repeating Entries, which every reader skips and counts.

use super::Outcome;
use super::duo::Duo;
use super::recorded::recorded;
use super::script::Script;
use bytes::Bytes;
use veilfold_core::engine::{Draft, Engine};
use veilfold_core::keys::SigningSecret;
use veilfold_core::model::{Action, DocumentKey, Op, Path};
use veilfold_core::wire::frame::{RefuseReason, Refused, RelayFrame, SignedHead, append_id};
use veilfold_core::wire::login::head_hash;
use veilfold_core::wire::signature::SignatureDomain;
use veilfold_core::wire::{ChainHash, EntryHash, SpaceId};

/// What reaches the engine in one run at most.
const STEPS_MAX: usize = 64;

struct Liar {
    duo: Duo,
    space: SpaceId,
    /// At least one altered message parsed.
    parsed: bool,
    /// The engine heard something that the Relay had not said, or not then.
    lied: bool,
    /// It heard of a place in the order that its Entry does not have.
    lied_about_a_place: bool,
}

pub(super) fn run(input: &[u8]) -> Outcome {
    let recorded = recorded();
    let mut liar = Liar {
        duo: recorded.reader(),
        space: recorded.space,
        parsed: false,
        lied: false,
        lied_about_a_place: false,
    };
    liar.duo.connect();
    let mut script = Script::new(input);
    for _ in 0..STEPS_MAX {
        if script.is_over() {
            break;
        }
        liar.step(&mut script);
    }
    let blamed = liar.duo.blamed.len();
    assert!(liar.lied || blamed == 0, "an honest relay is blamed: {:?}", liar.duo.blamed);
    let space = liar.space;
    let believed = liar.duo.engine.log_head(space);
    let settled = liar.duo.settle(space);
    let Duo { mut engine, relay, now_ms, .. } = liar.duo;
    let mut other = recorded.author(relay, now_ms);
    other.connect();
    assert_eq!(other.settle(space), Ok(()), "the other device follows");
    if liar.lied_about_a_place || believed.is_ok_and(|head| !has(&mut other.engine, space, head)) {
        return Outcome::parsed(liar.parsed);
    }
    assert_eq!(settled, Ok(()), "the lies stopped, the halt did not");
    assert_eq!(engine.log_head(space), other.engine.log_head(space), "both have one log");
    assert_eq!(engine.state_root(space), other.engine.state_root(space), "both have one state");
    Outcome::parsed(liar.parsed)
}

/// True when the log has this running hash at this position.
fn has(engine: &mut Engine, space: SpaceId, (seq, chain): (u64, ChainHash)) -> bool {
    let found = engine.stored_log(space, seq.saturating_sub(1), 1);
    found.is_ok_and(|found| found.first().is_some_and(|entry| (entry.seq(), entry.chain()) == (seq, chain)))
}

impl Liar {
    fn step(&mut self, script: &mut Script<'_>) {
        match script.below(16) {
            0..4 => {
                if let Some(frame) = self.duo.on_the_way.pop_front() {
                    self.duo.hear(&frame);
                }
            }
            4 => {
                if let Some(frame) = self.duo.on_the_way.pop_front() {
                    let altered = script.damage(&frame);
                    self.lie(altered.into());
                }
            }
            5 => {
                if let Some(frame) = self.duo.on_the_way.pop_front() {
                    self.duo.hear(&frame);
                    self.lie(frame);
                }
            }
            6 => {
                self.lied |= self.duo.on_the_way.pop_front().is_some();
            }
            7 => {
                let index = script.below(self.duo.sent_by_relay.len());
                if let Some(frame) = self.duo.sent_by_relay.get(index).cloned() {
                    self.lie(frame);
                }
            }
            8 | 9 => {
                if let Some(frame) = self.duo.on_the_way.pop_front() {
                    let altered = self.alter_page(&frame, script).unwrap_or(frame);
                    self.lie(altered);
                }
            }
            10 => {
                let len = script.below(256);
                let raw = Bytes::copy_from_slice(script.take(len));
                self.lie(raw);
            }
            11 | 12 => {
                let frame = self.forge(script).encode();
                self.lie(frame);
            }
            13 => {
                self.duo.now_ms += 1 << script.below(20);
                self.duo.wake();
            }
            14 => self.duo.cut(),
            _ => {
                let op = Op::Increment { path: Path::parse("n").unwrap_or_default(), by: 1 };
                let actions = vec![Action { key: DocumentKey::new("stats", "all"), op }];
                let draft = Draft { actions, ..Draft::default() };
                let result = self.duo.engine.transact(self.space, draft, self.duo.now_ms);
                assert!(result.is_ok(), "a writer can write: {result:?}");
                self.duo.carry_out();
            }
        }
    }

    /// Something that the Relay did not say now.
    fn lie(&mut self, frame: Bytes) {
        self.lied = true;
        if let Ok(decoded) = RelayFrame::decode(&frame) {
            let said = self.duo.sent_by_relay.contains(&frame);
            self.parsed |= !said;
            let places = matches!(decoded, RelayFrame::Ordered { space, .. } if space == self.space);
            self.lied_about_a_place |= places && !said;
        }
        self.duo.hear(&frame);
    }

    /// A page in another order, with gaps, repetitions, or at another place.
    fn alter_page(&self, frame: &Bytes, script: &mut Script<'_>) -> Option<Bytes> {
        let Ok(RelayFrame::Page { space, first_seq, head_seq, entries }) = RelayFrame::decode(frame) else {
            return None;
        };
        let (mut first_seq, mut head_seq, mut entries) = (first_seq, head_seq, entries);
        for _ in 0..=script.below(3) {
            let (at, other) = (script.below(entries.len()), script.below(entries.len()));
            let what = script.below(8);
            if entries.is_empty() && what < 6 {
                continue;
            }
            match what {
                0 => entries.swap(at, other),
                1 => drop(entries.remove(at)),
                2 => entries.insert(at, entries[other].clone()),
                3 => entries.truncate(at),
                4 | 5 => entries[at] = script.damage(&entries[at]).into(),
                6 => first_seq = first_seq.wrapping_add(script.number()).wrapping_sub(3),
                _ => head_seq = script.number(),
            }
        }
        Some(RelayFrame::Page { space, first_seq, head_seq, entries }.encode())
    }

    /// A message with a meaning, signed with the Relay's own key where one is needed.
    fn forge(&self, script: &mut Script<'_>) -> RelayFrame {
        let space = if script.byte() < 240 { self.space } else { SpaceId([script.byte(); 32]) };
        let own = self.duo.sent_by_device.get(script.below(self.duo.sent_by_device.len()));
        let id = own.and_then(|frame| frame.get(35..)).map_or([0; 32], append_id);
        match script.below(9) {
            0 => RelayFrame::Subscribed { space, head: head(&space, script) },
            1 => RelayFrame::Head { space, head: head(&space, script) },
            2 => RelayFrame::Created { space, head: head(&space, script) },
            3 => {
                let (seq, chain) = (script.number(), ChainHash([script.byte(); 32]));
                RelayFrame::Ordered { space, id, hash: EntryHash([script.byte(); 32]), seq, chain }
            }
            4 | 5 => {
                let what = match script.below(4) {
                    0 => Refused::Connection,
                    1 => Refused::Subscribe(space),
                    2 => Refused::CreateSpace(space),
                    _ => Refused::Append(space, id),
                };
                let reason = REASONS[script.below(REASONS.len())];
                RelayFrame::Refused { what, reason, retry_after_ms: script.number() }
            }
            6 => RelayFrame::Pong { token: script.number() },
            7 => RelayFrame::Goodbye { retry_after_ms: script.number() },
            _ => RelayFrame::Page {
                space,
                first_seq: script.number(),
                head_seq: script.number(),
                entries: vec![Bytes::copy_from_slice(script.take(40)); script.below(3)],
            },
        }
    }
}

const REASONS: [RefuseReason; 14] = [
    RefuseReason::Malformed,
    RefuseReason::UnknownSpace,
    RefuseReason::NotAMember,
    RefuseReason::NotAllowed,
    RefuseReason::TooLarge,
    RefuseReason::WrongAuthor,
    RefuseReason::BadSignature,
    RefuseReason::AuthorConflict,
    RefuseReason::StaleEpoch,
    RefuseReason::SeenTooOld,
    RefuseReason::SeenMismatch,
    RefuseReason::ControlConflict,
    RefuseReason::RateLimited,
    RefuseReason::Unavailable,
];

fn head(space: &SpaceId, script: &mut Script<'_>) -> SignedHead {
    let (seq, chain, time_ms) = (script.number(), ChainHash([script.byte(); 32]), script.number());
    let key = SigningSecret::from_seed(&crate::harness::KEY_SEED);
    let signature = key.sign(SignatureDomain::Head, &head_hash(space, seq, &chain, time_ms));
    SignedHead { seq, chain, time_ms, signature }
}
