//! Sessions against a real exchange, without sockets: login, access, refusals, paging, timers.

use super::*;
use crate::exchange::Exchange;
use crate::fanout::QUIET_MS;
use crate::protections::Protections;
use crate::sequencer::Sequencer;
use crate::testing::{Author, FaultyStore, Seen, connection_key, hello, signing_key, subscribe};
use veilfold_wire::frame::SignedHead;

const AUTHORITY: &str = "relay.example:443";

fn at(mono_ms: u64) -> Now {
    Now { mono_ms, unix_ms: 1_000_000 + mono_ms }
}

/// One Relay with its sessions, at a time that the test sets.
struct Bench {
    exchange: Exchange<FaultyStore, ()>,
    identity: Arc<RelayIdentity>,
    limits: Limits,
    store: FaultyStore,
    now: Now,
    sessions: u64,
}

/// A device's view of one session.
struct Client {
    session: Session,
    transcript: Transcript,
}

impl Bench {
    fn new() -> Self {
        let store = FaultyStore::new();
        let sequencer = Sequencer::new(store.clone(), 8, Protections::ALL);
        Self {
            exchange: Exchange::new(sequencer),
            identity: Arc::new(RelayIdentity::from_seed(&[7; 32])),
            limits: Limits::default(),
            store,
            now: at(0),
            sessions: 0,
        }
    }

    fn connect(&mut self) -> Client {
        self.sessions += 1;
        let (nonce, signal) = ([self.sessions as u8; 32], Signal::new(self.sessions, || {}));
        let (identity, limits) = (self.identity.clone(), self.limits);
        let mut session = Session::open(identity, AUTHORITY.into(), limits, nonce, signal, self.now);
        let greeting = RelayFrame::decode(&session.poll_frame().unwrap()).unwrap();
        let RelayFrame::Hello { relay, nonce, .. } = greeting else { panic!("{greeting:?}") };
        let transcript = Transcript {
            relay,
            authority: AUTHORITY.into(),
            server_nonce: nonce,
            client_nonce: [9; 32],
            connection: connection_key(&signing_key(self.sessions)),
        };
        Client { session, transcript }
    }

    fn log_in(&mut self) -> Client {
        let mut client = self.connect();
        let frame = hello(&client.transcript, &signing_key(self.sessions));
        let answers = self.send(&mut client, frame);
        let [RelayFrame::Welcome { signature }] = answers[..] else { panic!("{answers:?}") };
        let hash = client.transcript.hash(Side::Relay);
        assert!(verify(SignatureDomain::Connection, &client.transcript.relay.0, &hash, &signature));
        client
    }

    /// Everything that comes back for one frame.
    fn send(&mut self, client: &mut Client, frame: DeviceFrame) -> Vec<RelayFrame> {
        client.session.handle_frame(&frame.encode(), self.now);
        self.drain(client)
    }

    fn subscribe(&mut self, client: &mut Client, author: &Author, have_seq: u64) -> Vec<RelayFrame> {
        let frame = subscribe(&client.transcript, author, have_seq);
        self.send(client, frame)
    }

    fn drain(&mut self, client: &mut Client) -> Vec<RelayFrame> {
        let mut answers = Vec::new();
        loop {
            while let Some(request) = client.session.poll_request() {
                self.exchange.submit((), request);
            }
            for ((), reply) in self.exchange.flush() {
                client.session.handle_reply(reply, self.now);
            }
            let frame = client.session.poll_frame().or_else(|| client.session.poll_page(self.now));
            match frame {
                Some(frame) => answers.push(RelayFrame::decode(&frame).unwrap()),
                None if self.fetches(client) => {}
                None => return answers,
            }
        }
    }

    fn fetches(&mut self, client: &mut Client) -> bool {
        client.session.poll_request().map(|request| self.exchange.submit((), request)).is_some()
    }

    /// A logged-in client, subscribed as the owner of a new Space.
    fn owner(&mut self, seed: u64) -> (Client, Author, Seen) {
        let mut client = self.log_in();
        let (author, genesis) = Author::found(seed);
        let answers = self.send(&mut client, DeviceFrame::CreateSpace { entry: genesis.bytes().clone() });
        let [RelayFrame::Created { space, head }] = answers[..] else { panic!("{answers:?}") };
        let seen = Seen::start(&space).then(&author.head.hash);
        assert_eq!((space, head.seq, head.chain), (author.space, 1, seen.chain));
        assert!(head.verify(&self.identity.key(), &space));
        let answers = self.subscribe(&mut client, &author, 0);
        let [RelayFrame::Subscribed { .. }, RelayFrame::Page { first_seq: 1, .. }] = answers[..] else {
            panic!("{answers:?}")
        };
        (client, author, seen)
    }
}

fn append(author: &Author, entry: &SealedEntry) -> DeviceFrame {
    DeviceFrame::Append { space: author.space, entry: entry.bytes().clone() }
}

fn reasons(answers: &[RelayFrame]) -> Vec<(Refused, RefuseReason)> {
    let refused = answers.iter().filter_map(|answer| match answer {
        RelayFrame::Refused { what, reason, .. } => Some((*what, *reason)),
        _ => None,
    });
    refused.collect()
}

#[test]
fn a_device_logs_in_creates_subscribes_appends_and_gets_its_own_entries() {
    let mut bench = Bench::new();
    let (mut client, mut author, seen) = bench.owner(1);
    let entry = author.write(seen, 100);
    let answers = bench.send(&mut client, append(&author, &entry));
    let after = seen.then(&author.head.hash);
    let id = append_id(entry.bytes());
    let (space, hash, chain) = (author.space, author.head.hash, after.chain);
    assert_eq!(
        answers,
        [
            RelayFrame::Ordered { space, id, hash, seq: 2, chain },
            RelayFrame::Page { space, first_seq: 2, head_seq: 2, entries: vec![entry.bytes().clone()] },
        ]
    );
}

#[test]
fn a_wrong_login_is_refused_and_the_connection_closes() {
    let mut bench = Bench::new();
    type Spoil = fn(&mut Transcript);
    let spoils: [Spoil; 3] = [
        |transcript| transcript.authority = "other.example:443".into(),
        |transcript| transcript.server_nonce = [0; 32],
        |transcript| transcript.relay.0[0] ^= 1,
    ];
    for spoil in spoils {
        let mut client = bench.connect();
        spoil(&mut client.transcript);
        let frame = hello(&client.transcript, &signing_key(bench.sessions));
        let answers = bench.send(&mut client, frame);
        assert_eq!(reasons(&answers), [(Refused::Connection, RefuseReason::BadSignature)]);
        assert!(client.session.is_closed());
    }
}

#[test]
fn before_login_nothing_but_a_hello_is_taken_and_after_it_no_second_one() {
    let mut bench = Bench::new();
    let mut early = bench.connect();
    let answers = bench.send(&mut early, DeviceFrame::Ping { token: 1 });
    assert_eq!(reasons(&answers), [(Refused::Connection, RefuseReason::Malformed)]);
    let mut twice = bench.log_in();
    let frame = hello(&twice.transcript, &signing_key(bench.sessions));
    let answers = bench.send(&mut twice, frame);
    assert_eq!(reasons(&answers), [(Refused::Connection, RefuseReason::Malformed)]);
    assert!(early.session.is_closed() && twice.session.is_closed());
}

#[test]
fn malformed_and_oversized_frames_close_with_their_reason() {
    let mut bench = Bench::new();
    let mut oversized = vec![5; 33];
    oversized.extend_from_slice(&[0x81, 0x80, 0x10]); // an Entry of 256 KiB and one byte
    for (bytes, reason) in [
        (vec![], RefuseReason::Malformed),
        (vec![99], RefuseReason::Malformed),
        (vec![6, 0x80, 0x00], RefuseReason::Malformed),
        (oversized, RefuseReason::TooLarge),
        (vec![0; veilfold_wire::limits::FRAME_BYTES_MAX + 1], RefuseReason::TooLarge),
    ] {
        let mut client = bench.log_in();
        client.session.handle_frame(&bytes.into(), bench.now);
        assert_eq!(reasons(&bench.drain(&mut client)), [(Refused::Connection, reason)]);
        assert!(client.session.is_closed());
    }
}

#[test]
fn an_entry_above_the_announced_size_is_refused_and_the_session_goes_on() {
    let mut bench = Bench::new();
    bench.limits.entry_bytes = 1_000;
    let (mut client, mut author, seen) = bench.owner(1);
    let large = author.clone().write(seen, 1_000);
    let answers = bench.send(&mut client, append(&author, &large));
    let what = Refused::Append(author.space, append_id(large.bytes()));
    assert_eq!(reasons(&answers), [(what, RefuseReason::TooLarge)]);
    let answers =
        bench.send(&mut client, DeviceFrame::Append { space: author.space, entry: b"x"[..].into() });
    assert_eq!(reasons(&answers)[0].1, RefuseReason::Malformed);
    let small = author.write(seen, 10);
    assert!(matches!(bench.send(&mut client, append(&author, &small))[0], RelayFrame::Ordered { .. }));
}

#[test]
fn reading_and_writing_need_the_key_of_a_member() {
    let mut bench = Bench::new();
    let (_, author, seen) = bench.owner(1);
    let mut client = bench.log_in();
    let entry = author.clone().write(seen, 10);
    let answers = bench.send(&mut client, append(&author, &entry));
    assert_eq!(reasons(&answers)[0].1, RefuseReason::NotAMember, "no subscription");
    let stranger = author.join(50, 1);
    let answers = bench.subscribe(&mut client, &stranger, 0);
    assert_eq!(reasons(&answers), [(Refused::Subscribe(author.space), RefuseReason::NotAMember)]);
    // A signature made for another connection is worth nothing on this one.
    let other = bench.log_in();
    let answers = bench.send(&mut client, subscribe(&other.transcript, &author, 0));
    assert_eq!(reasons(&answers), [(Refused::Subscribe(author.space), RefuseReason::NotAMember)]);
    let (nowhere, _) = Author::found(9);
    let answers = bench.subscribe(&mut client, &nowhere, 0);
    assert_eq!(reasons(&answers), [(Refused::Subscribe(nowhere.space), RefuseReason::UnknownSpace)]);
    let answers = bench.subscribe(&mut client, &author, 1);
    assert!(matches!(answers[..], [RelayFrame::Subscribed { head: SignedHead { seq: 1, .. }, .. }]));
}

#[test]
fn appends_sent_behind_a_subscription_need_not_wait_for_its_answer() {
    let mut bench = Bench::new();
    let (_, mut author, seen) = bench.owner(1);
    let mut client = bench.log_in();
    client.session.handle_frame(&subscribe(&client.transcript, &author, 1).encode(), bench.now);
    let entry = author.write(seen, 10);
    client.session.handle_frame(&append(&author, &entry).encode(), bench.now);
    let answers = bench.drain(&mut client);
    assert!(answers.iter().any(|answer| matches!(answer, RelayFrame::Subscribed { .. })));
    assert!(answers.iter().any(|answer| matches!(answer, RelayFrame::Ordered { seq: 2, .. })));
    let paged = answers.iter().filter(|answer| matches!(answer, RelayFrame::Page { .. })).count();
    assert_eq!(paged, 1);
}

#[test]
fn a_long_log_comes_in_pages_from_the_store_and_a_head_beyond_it_is_told_truly() {
    let mut bench = Bench::new();
    let (mut client, mut author, mut seen) = bench.owner(1);
    for _ in 0..1_300 {
        let entry = author.write(seen, 10);
        client.session.handle_frame(&append(&author, &entry).encode(), bench.now);
        seen = seen.then(&author.head.hash);
        bench.drain(&mut client);
    }
    let mut late = bench.log_in();
    let answers = bench.subscribe(&mut late, &author, 0);
    let firsts: Vec<_> = answers
        .iter()
        .filter_map(|answer| match answer {
            RelayFrame::Page { first_seq, entries, .. } => Some((*first_seq, entries.len())),
            _ => None,
        })
        .collect();
    assert_eq!(firsts, [(1, 512), (513, 512), (1025, 277)]);
    let answers = bench.subscribe(&mut late, &author, 99_999);
    let [RelayFrame::Subscribed { head, .. }] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!((head.seq, head.chain), (1_301, seen.chain));
}

#[test]
fn a_failing_store_is_answered_as_unavailable_and_the_retry_is_ordered() {
    let mut bench = Bench::new();
    let (mut client, mut author, seen) = bench.owner(1);
    let entry = author.write(seen, 10);
    bench.store.fail_commits(1);
    let answers = bench.send(&mut client, append(&author, &entry));
    let what = Refused::Append(author.space, append_id(entry.bytes()));
    assert_eq!(
        answers,
        [RelayFrame::Refused { what, reason: RefuseReason::Unavailable, retry_after_ms: 1_000 }]
    );
    let answers = bench.send(&mut client, append(&author, &entry));
    assert!(matches!(answers[0], RelayFrame::Ordered { seq: 2, .. }));
}

#[test]
fn too_many_entries_at_once_are_told_when_to_come_back() {
    let mut bench = Bench::new();
    bench.limits.entries_per_second = 1;
    let (mut client, mut author, mut seen) = bench.owner(1);
    let mut ordered = 0;
    let refused = loop {
        let before = author.clone();
        let entry = author.write(seen, 10);
        let answers = bench.send(&mut client, append(&author, &entry));
        match answers[0] {
            RelayFrame::Ordered { hash, .. } => seen = seen.then(&hash),
            RelayFrame::Refused { reason, retry_after_ms, .. } => {
                author = before;
                break (reason, retry_after_ms);
            }
            _ => panic!("{answers:?}"),
        }
        ordered += 1;
    };
    // Creating and subscribing took two of the burst of ten.
    assert_eq!((ordered, refused), (8, (RefuseReason::RateLimited, 1_000)));
    bench.now = at(1_000);
    let entry = author.write(seen, 10);
    assert!(matches!(bench.send(&mut client, append(&author, &entry))[0], RelayFrame::Ordered { .. }));
}

#[test]
fn silence_ends_a_connection_and_a_slow_login_even_sooner() {
    let mut bench = Bench::new();
    let mut slow = bench.connect();
    assert_eq!(slow.session.next_deadline(true), Some((LOGIN_MS, Timer::Login)));
    slow.session.handle_deadline(at(LOGIN_MS - 1));
    assert!(!slow.session.is_closed());
    slow.session.handle_deadline(at(LOGIN_MS));
    assert!(slow.session.is_closed());

    let mut silent = bench.log_in();
    let idle_ms = bench.limits.idle_ms;
    assert_eq!(silent.session.next_deadline(true), Some((idle_ms, Timer::Idle)));
    bench.now = at(idle_ms - 1);
    assert_eq!(bench.send(&mut silent, DeviceFrame::Ping { token: 3 }), [RelayFrame::Pong { token: 3 }]);
    silent.session.handle_deadline(at(idle_ms));
    assert!(!silent.session.is_closed());
    silent.session.handle_deadline(at(2 * idle_ms));
    assert!(silent.session.is_closed());
}

#[test]
fn a_quiet_subscription_gets_a_signed_head() {
    let mut bench = Bench::new();
    let (mut client, author, seen) = bench.owner(1);
    assert_eq!(client.session.next_deadline(true), Some((QUIET_MS, Timer::Quiet)));
    assert_eq!(client.session.next_deadline(false).map(|(_, timer)| timer), Some(Timer::Idle));
    bench.now = at(QUIET_MS);
    let answers = bench.drain(&mut client);
    let [RelayFrame::Head { space, head }] = answers[..] else { panic!("{answers:?}") };
    assert_eq!((space, head.seq, head.time_ms), (author.space, seen.seq, bench.now.unix_ms));
    assert!(head.verify(&bench.identity.key(), &space));
}

#[test]
fn a_stopping_relay_answers_what_it_owes_before_it_says_goodbye() {
    let mut bench = Bench::new();
    let (mut client, mut author, seen) = bench.owner(1);
    let entry = author.write(seen, 10);
    client.session.handle_frame(&append(&author, &entry).encode(), bench.now);
    client.session.handle_shutdown(500);
    assert!(!client.session.wants_input() && !client.session.is_closed());
    let answers = bench.drain(&mut client);
    assert!(matches!(answers[..], [RelayFrame::Ordered { .. }, RelayFrame::Goodbye { retry_after_ms: 500 }]));
    assert!(client.session.is_closed());
}

#[test]
fn a_client_that_takes_nothing_holds_up_its_own_input_only() {
    let mut bench = Bench::new();
    let mut client = bench.log_in();
    let mut taken = 0;
    while client.session.wants_input() {
        client.session.handle_frame(&DeviceFrame::Ping { token: taken }.encode(), bench.now);
        taken += 1;
    }
    assert_eq!(taken as usize, OWED_MAX);
}
