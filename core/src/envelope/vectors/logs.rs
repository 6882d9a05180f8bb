//! Vectors of whole logs: the running hash, and what each fault comes to at which position.

use super::super::world::{Log, World, body, hedge};
use super::super::{Opened, SealContext, open};
use super::{Case, Vector, variant};
use crate::keys::{DeviceSeed, EpochSecret, Keyring, SeededEntropy, hex};
use bytes::Bytes;
use serde_json::{Value, json};
use veilfold_wire::membership::Settings;
use veilfold_wire::{AuthoredFault, Checks, ControlOp, Judgement, MemberNo, Role, SpaceId, TransportFault};
use zeroize::Zeroizing;

pub(super) fn vectors() -> Vec<Vector> {
    vec![
        Vector {
            name: "entry-hash-chain",
            about: "A log of three authors: hash of each Entry, running hash after it, opened body.",
            cases: chain_cases,
            outputs: outcome,
        },
        Vector {
            name: "faults",
            about: "Logs with faults. `expected` is what holds when the log is verified as one page; \
                `page_fault` and `single_fault` are where one page, and single Entries, stop.",
            cases: fault_cases,
            outputs: outcome,
        },
    ]
}

fn outcome(case: &Case) -> Value {
    let space = SpaceId(case.array("space"));
    let entries: Vec<Bytes> = case.list("entries").into_iter().map(Bytes::from).collect();
    let paged = Log::new(space).verify(Checks::ALL, &entries);
    let mut entropy = SeededEntropy::new(0);
    let nobody = DeviceSeed::generate(&mut entropy).member(&[0; 32], 0);
    let mut keyring = Keyring::new(space, nobody, hedge(&mut entropy));
    keyring.insert(0, EpochSecret::from_bytes(Zeroizing::new(case.array("epoch_secret"))));
    let expected: Vec<Value> = paged
        .verified
        .iter()
        .map(|verified| {
            let opened = open(&keyring, verified).map(|opened| match opened {
                Opened::Data(body) => hex::encode(body.encode()),
                Opened::Control(bytes) => hex::encode(bytes),
            });
            let chained = matches!(verified.judgement(), Judgement::Chained { .. });
            json!({
                "seq": verified.seq(),
                "hash": verified.hash().to_string(),
                "chain": verified.chain().to_string(),
                "odd": !chained,
                "fault": verified.fault().map(variant),
                "opened": opened.as_ref().ok(),
                "opening_fault": opened.as_ref().err().map(|error| match error {
                    super::super::OpenError::Authored(fault) => variant(fault),
                    super::super::OpenError::KeyMissing(_) => "KeyMissing".to_owned(),
                }),
            })
        })
        .collect();
    let mut log = Log::new(space);
    let single = entries.iter().find_map(|entry| {
        let outcome = log.verify(Checks::ALL, std::slice::from_ref(entry));
        log.take(&outcome);
        outcome.fault
    });
    json!({ "expected": expected, "page_fault": fault(paged.fault), "single_fault": fault(single) })
}

fn fault(fault: Option<(u64, TransportFault)>) -> Value {
    fault.map_or(Value::Null, |(seq, fault)| json!({ "seq": seq, "kind": variant(fault) }))
}

fn case(why: &str, world: &World, entries: &[Bytes]) -> Value {
    let secret = world.devices[0].keyring.secret(0).unwrap();
    json!({
        "why": why,
        "space": world.log.space.to_string(),
        "epoch_secret": hex::encode(secret.bytes()),
        "entries": entries.iter().map(hex::encode).collect::<Vec<_>>(),
    })
}

/// Owner, writer and reader, then `count` Entries by owner and writer in turn.
fn team(seed: u64, count: u64) -> World {
    let mut world = World::founded(seed);
    world.add_member(0, Role::Writer, 0);
    world.add_member(0, Role::Reader, 0);
    for number in 0..count {
        world.write((number % 2) as usize, 0, &body(number + 1, "notes"));
    }
    world
}

fn chain_cases() -> Vec<Value> {
    let mut world = World::founded(20);
    world.add_member(0, Role::Writer, 0);
    world.add_member(0, Role::Admin, 0);
    for number in 0..8 {
        world.write(number % 3, number as u64 % 4, &body(number as u64 + 1, "notes"));
    }
    world.add_member(2, Role::Reader, 1);
    for number in 8..16 {
        world.write(number % 3, number as u64 % 4, &body(number as u64 + 1, "notes"));
    }
    vec![case("20 Entries, four of control; authors are up to three Entries behind", &world, &world.entries)]
}

fn flipped(bytes: &Bytes, from_end: usize) -> Bytes {
    let mut copy = bytes.to_vec();
    let at = copy.len() - from_end;
    copy[at] ^= 1;
    Bytes::from(copy)
}

fn fault_cases() -> Vec<Value> {
    let world = team(30, 6);
    let last = world.entries.len() - 1;
    let with = |edit: &dyn Fn(&mut Vec<Bytes>)| {
        let mut entries = world.entries.clone();
        edit(&mut entries);
        entries
    };
    let other = team(31, 0);
    let log = |why: &str, edit: &dyn Fn(&mut Vec<Bytes>)| case(why, &world, &with(edit));
    vec![
        log("no fault", &|_| {}),
        log("another Space's genesis", &|entries| entries[0] = other.entries[0].clone()),
        log("the newest signature is broken", &|entries| entries[last] = flipped(&entries[last], 1)),
        log(
            "a broken signature whose author wrote again: a page accepts it by the later signature",
            &|entries| {
                entries[5] = flipped(&entries[5], 1);
            },
        ),
        log("a byte of a sealed part is flipped", &|entries| entries[5] = flipped(&entries[5], 100)),
        log("an Entry is left out, a reader of it notices", &|entries| drop(entries.remove(5))),
        log("two Entries are swapped", &|entries| entries.swap(5, 6)),
        log("bytes that are no Entry", &|entries| entries.insert(4, Bytes::from_static(b"junk"))),
        gap_case(),
        fork_case("a fork, shown by a data Entry", false),
        fork_case("a fork, proven by a control Entry", true),
        forged_member_case(),
        authored_case(),
        opening_case(),
        settings_case(),
    ]
}

fn gap_case() -> Value {
    let mut world = team(32, 0);
    for number in 1..4 {
        world.write(0, number, &body(number, "notes"));
    }
    let mut entries = world.entries.clone();
    entries.remove(3);
    case("an Entry is left out, its author's next one notices", &world, &entries)
}

fn fork_case(why: &str, proven: bool) -> Value {
    let (mut left, mut right) = (team(33, 2), team(33, 2));
    left.write(0, 0, &body(9, "left"));
    right.write(1, 0, &body(9, "right"));
    let next = if proven {
        let (public, _) = left.addition(0, Role::Writer);
        left.seal_control(0, 0, &public)
    } else {
        left.seal(0, &left.context(0, 0), &body(10, "notes"))
    };
    right.entries.push(next.entry.bytes().clone());
    case(why, &right, &right.entries)
}

fn forged_member_case() -> Value {
    let mut world = team(34, 2);
    let (public, intruder) = world.addition(0, Role::Writer);
    let sealed = world.seal_control(0, 0, &public);
    world.order(sealed.entry.bytes());
    world.devices.push(intruder);
    world.write(3, 0, &body(1, "notes"));
    let mut entries = world.entries.clone();
    entries[5] = flipped(&entries[5], 1);
    case("a Member added in the owner's name, and what it wrote", &world, &entries)
}

fn authored_case() -> Value {
    let mut world = team(35, 2);
    let again = world.entries[3].clone();
    world.order(&again);
    let mut number_used = world.context(0, 0);
    number_used.author.head.author_seq -= 1;
    let used = world.seal(0, &number_used, b"again");
    world.order(used.entry.bytes());
    let stranger = SealContext {
        author: super::super::Author { member_no: MemberNo(9), ..world.context(0, 0).author },
        ..world.context(0, 0)
    };
    let unknown = world.seal(0, &stranger, b"stranger");
    world.order(unknown.entry.bytes());
    world.write(2, 0, &body(1, "notes"));
    let mut entropy = world.entropy.clone();
    world.devices[1].keyring.insert(7, EpochSecret::generate(&mut entropy));
    let stale = world.seal(1, &SealContext { epoch: 7, ..world.context(1, 0) }, b"stale");
    world.order(stale.entry.bytes());
    let (public, _) = world.addition(0, Role::Writer);
    let by_writer = world.seal_control(1, 0, &public);
    world.order(by_writer.entry.bytes());
    let mut wrong_number = public.clone();
    if let ControlOp::AddMember(op) = &mut wrong_number.op {
        op.member_no = MemberNo(40);
    }
    let malformed = world.seal_control(0, 0, &wrong_number);
    world.order(malformed.entry.bytes());
    let first = world.seal_control(0, 0, &public);
    world.order(first.entry.bytes());
    let late = world.seal_control(0, 0, &public);
    world.order(late.entry.bytes());
    world.write(0, 0, &body(20, "notes"));
    case(
        "every fault of an author that the chained bytes show; each is skipped, the log goes on",
        &world,
        &world.entries,
    )
}

fn opening_case() -> Value {
    let mut world = team(36, 1);
    world.write(0, 0, b"no body");
    let other_floor = SealContext { padding_floor: 256, ..world.context(0, 0) };
    let padded = world.seal(0, &other_floor, &body(2, "notes"));
    world.order(padded.entry.bytes());
    let committed = world.devices[1].keyring.secret(0).unwrap().clone();
    let mut entropy = world.entropy.clone();
    world.devices[1].keyring.insert(0, EpochSecret::generate(&mut entropy));
    world.write(1, 0, &body(3, "notes"));
    world.devices[1].keyring.insert(0, committed);
    world.write(1, 0, &body(4, "notes"));
    case(
        "every fault that only opening shows; a writer used another key for one Entry",
        &world,
        &world.entries,
    )
}

fn settings_case() -> Value {
    let mut world = team(37, 1);
    world.add_member(0, Role::Admin, 0);
    for (by, body_format, fault) in [
        (0, 1, None),
        (3, 255, None),
        (0, 0, Some(AuthoredFault::BadControl)),
        (1, 1, Some(AuthoredFault::NotAllowed)),
        (2, 1, Some(AuthoredFault::NotAllowed)),
    ] {
        let public = world.control(ControlOp::Settings(Settings { body_format }));
        let sealed = world.seal_control(by, 0, &public);
        assert_eq!(world.order(sealed.entry.bytes()), fault);
    }
    let mut late = world.control(ControlOp::Settings(Settings { body_format: 1 }));
    late.control_seq -= 1;
    let sealed = world.seal_control(0, 0, &late);
    assert_eq!(world.order(sealed.entry.bytes()), Some(AuthoredFault::ControlConflict));
    world.add_member(0, Role::Reader, 0);
    case(
        "settings by those who may, by those who may not, of no format, and too late",
        &world,
        &world.entries,
    )
}
