//! Pages of honest and hostile Relays: what holds, what is named, and where.

use super::super::world::{Log, World, body};
use super::super::{OpenError, Opened, open};
use super::*;
use veilfold_wire::{AuthoredFault, Role};

/// Verifies the log in pages of the given sizes, the rest in one.
fn in_pages(space: SpaceId, entries: &[Bytes], sizes: &[usize]) -> (Log, Option<(u64, TransportFault)>) {
    let mut log = Log::new(space);
    let mut rest = entries;
    let mut sizes = sizes.iter().copied();
    while !rest.is_empty() {
        let (page, later) = rest.split_at(sizes.next().unwrap_or(rest.len()).clamp(1, rest.len()));
        let outcome = log.verify(Checks::ALL, page);
        log.take(&outcome);
        if outcome.fault.is_some() {
            return (log, outcome.fault);
        }
        rest = later;
    }
    (log, None)
}

fn altered(bytes: &Bytes, index: usize) -> Bytes {
    let mut copy = bytes.to_vec();
    copy[index] ^= 1;
    Bytes::from(copy)
}

/// A Space of an owner and two writers, with `count` Entries by them in turn.
fn writers(seed: u64, count: usize) -> World {
    let mut world = World::founded(seed);
    world.add_member(0, Role::Writer, 0);
    world.add_member(0, Role::Writer, 0);
    for number in 0..count {
        assert_eq!(world.write(number % 3, 0, &body(number as u64 + 1, "notes")), None);
    }
    world
}

fn fault_of(world: &World, entries: &[Bytes]) -> Option<(u64, TransportFault)> {
    let single = in_pages(world.log.space, entries, &vec![1; entries.len()]);
    let paged = in_pages(world.log.space, entries, &[]);
    assert_eq!(single, paged, "one page and single Entries agree");
    single.1
}

#[test]
fn pages_of_any_size_agree_with_single_entries() {
    for seed in 0..12 {
        let mut world = World::random(seed, 120);
        let faults = world.log.faults.iter().flatten().count();
        assert!(faults > 5, "seed {seed} has skipped Entries");
        let singly = in_pages(world.log.space, &world.entries, &vec![1; world.entries.len()]);
        assert_eq!(singly, (world.log.clone(), None));
        for _ in 0..5 {
            let sizes: Vec<usize> = (0..40).map(|_| 1 + world.below(30) as usize).collect();
            assert_eq!(in_pages(world.log.space, &world.entries, &sizes), singly, "seed {seed}, {sizes:?}");
        }
        assert_eq!(in_pages(world.log.space, &world.entries, &[]), singly, "seed {seed} in one page");
    }
}

#[test]
fn random_logs_hold_every_fault_that_an_author_can_cause() {
    let mut found = std::collections::BTreeSet::new();
    for seed in 0..12 {
        found.extend(World::random(seed, 120).log.faults.iter().flatten().map(|fault| format!("{fault:?}")));
    }
    let all = ["ControlConflict", "DuplicateEntry", "Equivocation", "NotAMember", "NotAllowed", "StaleEpoch"];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

#[test]
fn random_damage_is_found_at_the_same_place_by_pages_and_singly() {
    for seed in 0..60 {
        let mut world = World::random(seed % 6, 60);
        let at = world.below(60) as usize;
        let mut entries = world.entries.clone();
        // The last 64 bytes are the signature, whose damage a later page head may outweigh.
        let index = world.below(entries[at].len() as u64 - 64) as usize;
        entries[at] = altered(&entries[at], index);
        let singly = in_pages(world.log.space, &entries, &[1; 60]);
        let sizes: Vec<usize> = (0..20).map(|_| 1 + world.below(20) as usize).collect();
        assert_eq!(in_pages(world.log.space, &entries, &sizes), singly, "seed {seed}");
        assert_eq!(in_pages(world.log.space, &entries, &[]), singly, "seed {seed}");
    }
}

#[test]
fn no_altered_byte_becomes_another_body() {
    let mut world = World::founded(1);
    world.add_member(0, Role::Writer, 0);
    for number in 1..4 {
        world.write((number % 2) as usize, 1, &body(number, "notes"));
    }
    let original = verify_first_page(Checks::ALL, &world.log.space, &world.entries);
    for (at, bytes) in world.entries.iter().enumerate() {
        for index in 0..bytes.len() {
            let mut entries = world.entries.clone();
            entries[at] = altered(bytes, index);
            let outcome = verify_first_page(Checks::ALL, &world.log.space, &entries);
            for (verified, before) in outcome.verified.iter().zip(&original.verified) {
                let opened = open(&world.devices[0].keyring, verified);
                if verified.entry() == before.entry() {
                    // Its author may be unknown now, because the Entry that added it was altered.
                    let skipped = matches!(opened, Err(OpenError::Authored(AuthoredFault::NotAMember)));
                    assert!(skipped || opened == open(&world.devices[0].keyring, before));
                } else {
                    // Either it is skipped, or only the signature differs and a later one covers it.
                    let covered = verified.hash() == before.hash() && index >= bytes.len() - 64;
                    assert!(
                        covered || matches!(opened, Err(OpenError::Authored(_))),
                        "entry {at} byte {index}"
                    );
                }
            }
            assert!(
                outcome.fault.is_some() || outcome.head != original.head || index >= bytes.len() - 64,
                "entry {at} byte {index} went unnoticed"
            );
        }
    }
}

#[test]
fn a_broken_signature_in_the_middle_is_covered_by_its_authors_next_entry() {
    let world = writers(2, 9);
    let mut entries = world.entries.clone();
    let at = 5;
    entries[at] = altered(&entries[at], entries[at].len() - 1);
    assert_eq!(in_pages(world.log.space, &entries, &[]).1, None, "a page that reaches the next Entry");
    let author = SealedEntry::decode(entries[at].clone()).unwrap().header().member_no;
    let singly = in_pages(world.log.space, &entries, &vec![1; entries.len()]);
    assert_eq!(singly.1, Some((6, TransportFault::BadSignature { author })), "live, it halts");
    let (log, fault) = in_pages(world.log.space, &entries, &[6]);
    assert_eq!((log.head().seq, fault), (5, singly.1), "a page that ends there");
    let longer = log.verify(Checks::ALL, &entries[5..]);
    assert_eq!(longer.fault, None, "after the halt, a longer page heals");
}

#[test]
fn a_broken_newest_signature_keeps_the_good_prefix() {
    let world = writers(3, 12);
    for at in [12, 13, 14] {
        let mut entries = world.entries.clone();
        entries[at] = altered(&entries[at], entries[at].len() - 1);
        let outcome = verify_first_page(Checks::ALL, &world.log.space, &entries);
        let author = SealedEntry::decode(entries[at].clone()).unwrap().header().member_no;
        let seq = at as u64 + 1;
        assert_eq!(outcome.fault, Some((seq, TransportFault::BadSignature { author })));
        assert_eq!(outcome.head, world.log.head_at(seq - 1));
    }
}

#[test]
fn a_forged_membership_change_takes_its_effects_along() {
    // The Relay adds its own key in the owner's name, then writes with it.
    let mut world = writers(4, 3);
    let (public, intruder) = world.addition(0, Role::Writer);
    let sealed = world.seal_control(0, 0, &public);
    let forged = altered(sealed.entry.bytes(), sealed.entry.bytes().len() - 1);
    let before = world.log.clone();
    world.order(sealed.entry.bytes());
    world.devices.push(intruder);
    let written = world.seal(3, &world.context(3, 0), &body(1, "notes"));
    let outcome = before.verify(Checks::ALL, &[forged, written.entry.bytes().clone()]);
    assert_eq!(outcome.fault, Some((7, TransportFault::BadSignature { author: MemberNo(1) })));
    assert_eq!((outcome.verified.len(), outcome.membership), (0, None));
}

#[test]
fn a_hidden_entry_is_missed_by_its_author_and_by_its_readers() {
    let world = writers(5, 9);
    // Position 7 is by the first author, whose next Entry is at 10; at 8 another had seen it.
    let mut hidden = world.entries.clone();
    hidden.remove(6);
    let readers = TransportFault::SeenAhead { author: MemberNo(2), seen_seq: 7 };
    assert_eq!(fault_of(&world, &hidden), Some((7, readers)));

    let mut world = writers(6, 0);
    for number in 1..4 {
        let context = world.context(0, number);
        let sealed = world.seal(0, &context, &body(number, "notes"));
        world.order(sealed.entry.bytes());
    }
    let mut hidden = world.entries.clone();
    hidden.remove(3);
    let author = TransportFault::AuthorGap { author: MemberNo(1), expected: 4, found: 5 };
    assert_eq!(fault_of(&world, &hidden), Some((4, author)));
}

#[test]
fn swapped_entries_are_noticed() {
    let world = writers(7, 9);
    let mut swapped = world.entries.clone();
    swapped.swap(6, 7);
    assert!(matches!(fault_of(&world, &swapped), Some((7, TransportFault::SeenAhead { .. }))));
}

#[test]
fn a_fork_is_named_and_proven_by_a_control_entry() {
    let mut left = writers(8, 4);
    let mut right = writers(8, 4);
    left.write(1, 0, &body(9, "left"));
    right.write(2, 0, &body(9, "right"));
    // What an author on the left writes next does not fit the right.
    let data = left.seal(0, &left.context(0, 0), &body(10, "notes"));
    let fault = right.log.verify(Checks::ALL, &[data.entry.bytes().clone()]).fault;
    let expected = TransportFault::ForkDetected { author: MemberNo(1), seen_seq: 8, proven: false };
    assert_eq!(fault, Some((9, expected)));
    let (public, _) = left.addition(0, Role::Writer);
    let control = left.seal_control(0, 0, &public);
    let fault = right.log.verify(Checks::ALL, &[control.entry.bytes().clone()]).fault;
    let expected = TransportFault::ForkDetected { author: MemberNo(1), seen_seq: 8, proven: true };
    assert_eq!(fault, Some((9, expected)));
}

#[test]
fn an_entry_of_another_space_does_not_fit() {
    let world = writers(9, 2);
    let other = writers(10, 2);
    let outcome = world.log.verify(Checks::ALL, &other.entries[5..]);
    assert!(outcome.fault.is_some() || outcome.verified.iter().all(|entry| entry.fault().is_some()));
    let genesis = verify_first_page(Checks::ALL, &world.log.space, &other.entries);
    assert_eq!(genesis.fault, Some((1, TransportFault::WrongGenesis)));
}

#[test]
fn an_author_far_behind_is_skipped() {
    let mut world = writers(11, 1);
    let late = world.seal(2, &world.context(2, 0), &body(1, "late"));
    for number in 0..1023 {
        world.write(0, 0, &body(number + 2, "notes"));
    }
    let within = world.log.verify(Checks::ALL, &[late.entry.bytes().clone()]);
    assert_eq!(within.verified[0].fault(), None, "1024 positions later it still counts");
    world.write(1, 0, &body(2000, "notes"));
    assert_eq!(world.order(late.entry.bytes()), Some(AuthoredFault::SeenTooOld));
    assert_eq!(world.write(2, 0, &body(2001, "notes")), None, "its author's head did not move");
    assert_eq!(in_pages(world.log.space, &world.entries, &[512, 300]), (world.log.clone(), None));
}

#[test]
fn bytes_that_do_not_parse_end_the_page() {
    let world = writers(12, 3);
    let mut entries = world.entries.clone();
    entries.insert(4, Bytes::from_static(b"junk"));
    assert!(matches!(fault_of(&world, &entries), Some((5, TransportFault::Malformed(_)))));
    assert!(matches!(fault_of(&world, &entries[4..]), Some((1, TransportFault::Malformed(_)))));
}

#[test]
fn an_empty_page_changes_nothing() {
    let world = writers(13, 1);
    let outcome = world.log.verify(Checks::ALL, &[]);
    assert_eq!((outcome.head, outcome.fault, outcome.membership), (world.log.head(), None, None));
    assert_eq!(verify_first_page(Checks::ALL, &world.log.space, &[]).head, LogHead::start(&world.log.space));
}

#[test]
fn opened_bodies_are_those_that_were_written() {
    let world = writers(15, 6);
    let outcome = verify_first_page(Checks::ALL, &world.log.space, &world.entries);
    for (number, verified) in outcome.verified[3..].iter().enumerate() {
        let Ok(Opened::Data(opened)) = open(&world.devices[1].keyring, verified) else { panic!("{number}") };
        assert_eq!(opened.encode(), body(number as u64 + 1, "notes"));
    }
}
