//! Order, refusals, repetition, batches and failing commits, on stores in memory and in files.

use super::*;
use crate::feed::Following;
use crate::store::SqliteStore;
use crate::testing::{Author, FaultyStore, Seen};
use veilfold_wire::limits::SEEN_WINDOW;
use veilfold_wire::{Header, Role};

fn sequencer<S: Store>(store: S) -> Sequencer<S> {
    Sequencer::new(store, 8, Protections::ALL)
}

/// A Space with its owner, created and durable.
fn founded<S: Store>(sequencer: &mut Sequencer<S>, seed: u64) -> (Author, Seen) {
    let (owner, genesis) = Author::found(seed);
    assert_eq!(sequencer.create_space(&genesis), Ok(owner.space));
    sequencer.commit().unwrap();
    (owner.clone(), Seen::start(&owner.space).then(&owner.head.hash))
}

/// Makes the Member `number` of the owner's Space, durable; also moves `seen` on.
fn joined<S: Store>(
    sequencer: &mut Sequencer<S>,
    owner: &mut Author,
    seen: &mut Seen,
    number: u64,
    role: Role,
) -> Author {
    let other = owner.join(1_000 + number, number);
    let control_head = *sequencer.membership(&owner.space).unwrap().unwrap().control_head();
    let entry = owner.add(*seen, number - 1, control_head, &other, role);
    *seen = seen.then(&sequencer.append(&owner.space, &entry, &owner.member()).unwrap().hash);
    sequencer.commit().unwrap();
    other
}

fn refused<S: Store>(sequencer: &mut Sequencer<S>, author: &Author, entry: &SealedEntry) -> RefuseReason {
    sequencer.append(&author.space, entry, &author.member()).unwrap_err().reason
}

#[test]
fn entries_of_a_batch_follow_each_other_and_are_kept_by_one_commit() {
    let store = FaultyStore::new();
    let mut sequencer = sequencer(store.clone());
    let (mut owner, mut seen) = founded(&mut sequencer, 1);
    let feed = sequencer.feed(&owner.space).unwrap().unwrap();
    for seq in 2..=9 {
        let entry = owner.write(seen, 100);
        let receipt = sequencer.append(&owner.space, &entry, &owner.member()).unwrap();
        seen = seen.then(&owner.head.hash);
        assert_eq!(receipt, Receipt { hash: owner.head.hash, seq, chain: seen.chain });
    }
    assert_eq!(feed.head_seq(), 1, "what is staged is shown to nobody");
    assert_eq!(store.commits(), 1);
    sequencer.commit().unwrap();
    assert_eq!(store.commits(), 2);
    assert_eq!(feed.head_seq(), 9);
}

#[test]
fn a_repeated_entry_gets_its_first_receipt_staged_durable_or_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = sequencer(SqliteStore::open(folder.path()).unwrap());
    let (mut owner, seen) = founded(&mut first, 1);
    let genesis = Author::found(1).1;
    let entry = owner.write(seen, 100);
    let receipt = first.append(&owner.space, &entry, &owner.member()).unwrap();
    assert_eq!(first.append(&owner.space, &entry, &owner.member()), Ok(receipt));
    first.commit().unwrap();
    assert_eq!(first.append(&owner.space, &entry, &owner.member()), Ok(receipt));
    drop(first);
    let mut second = sequencer(SqliteStore::open(folder.path()).unwrap());
    assert_eq!(second.append(&owner.space, &entry, &owner.member()), Ok(receipt));
    assert_eq!(second.create_space(&genesis), Ok(owner.space));
    second.commit().unwrap();
    assert_eq!(second.feed(&owner.space).unwrap().unwrap().head_seq(), 2);
}

#[test]
fn each_fault_has_its_refusal_and_leaves_nothing_behind() {
    let mut sequencer = sequencer(FaultyStore::new());
    let (mut owner, mut seen) = founded(&mut sequencer, 1);
    let mut writer = joined(&mut sequencer, &mut owner, &mut seen, 2, Role::Writer);
    let reader = joined(&mut sequencer, &mut owner, &mut seen, 3, Role::Reader);
    let stranger = owner.join(77, 1);
    let space = owner.space;

    let good = writer.clone().write(seen, 10);
    let mut flipped = good.bytes().to_vec();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let flipped = SealedEntry::decode(flipped).unwrap();
    assert_eq!(refused(&mut sequencer, &writer, &flipped), RefuseReason::BadSignature);
    assert_eq!(refused(&mut sequencer, &stranger, &good), RefuseReason::NotAMember);
    assert_eq!(refused(&mut sequencer, &reader, &good), RefuseReason::WrongAuthor);
    assert_eq!(refused(&mut sequencer, &reader, &reader.clone().write(seen, 10)), RefuseReason::NotAllowed);

    let ahead = Seen { seq: seen.seq + 1, ..seen };
    assert_eq!(
        refused(&mut sequencer, &writer, &writer.clone().write(ahead, 10)),
        RefuseReason::SeenMismatch
    );
    let other_log = Seen { chain: ChainHash([9; 32]), ..seen };
    let forked = writer.clone().write(other_log, 10);
    assert_eq!(refused(&mut sequencer, &writer, &forked), RefuseReason::SeenMismatch);
    let mut skipping = writer.clone();
    skipping.write(seen, 10);
    let second = skipping.write(seen, 10);
    assert_eq!(refused(&mut sequencer, &writer, &second), RefuseReason::AuthorConflict);
    let mut early = writer.clone();
    early.epoch = 1;
    assert_eq!(refused(&mut sequencer, &writer, &early.write(seen, 10)), RefuseReason::StaleEpoch);

    let newcomer = owner.join(1_004, 4);
    let stale = owner.clone().add(seen, 3, EntryHash([5; 32]), &newcomer, Role::Writer);
    assert_eq!(refused(&mut sequencer, &owner, &stale), RefuseReason::ControlConflict);
    let junk = owner.clone().seal(Kind::Control, seen, b"junk", 10);
    assert_eq!(refused(&mut sequencer, &owner, &junk), RefuseReason::Malformed);
    let unknown = Author::found(2).0;
    assert_eq!(refused(&mut sequencer, &unknown, &good), RefuseReason::UnknownSpace);
    let elsewhere = Author { space: SpaceId([3; 32]), ..writer.clone() }.write(seen, 10);
    assert_eq!(refused(&mut sequencer, &writer, &elsewhere), RefuseReason::BadSignature);

    sequencer.append(&space, &writer.write(seen, 10), &writer.member()).unwrap();
    let again = Author { head: veilfold_wire::AuthorHead::NONE, ..writer.clone() }.write(seen, 11);
    assert_eq!(refused(&mut sequencer, &writer, &again), RefuseReason::AuthorConflict);
    sequencer.commit().unwrap();
    assert_eq!(sequencer.feed(&space).unwrap().unwrap().head_seq(), seen.seq + 1);
}

#[test]
fn a_genesis_that_is_not_one_is_refused() {
    let mut sequencer = sequencer(FaultyStore::new());
    let (mut owner, genesis) = Author::found(1);
    let mut flipped = genesis.bytes().to_vec();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    let flipped = SealedEntry::decode(flipped).unwrap();
    assert_eq!(sequencer.create_space(&flipped), Err(RefuseReason::BadSignature.into()));
    let data = owner.write(Seen::start(&owner.space), 10);
    assert_eq!(sequencer.create_space(&data), Err(RefuseReason::Malformed.into()));
    sequencer.commit().unwrap();
    assert!(sequencer.feed(&owner.space).unwrap().is_none());
}

#[test]
fn an_author_beyond_the_window_is_refused_and_one_at_its_edge_is_not() {
    let mut sequencer = sequencer(FaultyStore::new());
    let (mut owner, mut seen) = founded(&mut sequencer, 1);
    let mut late = joined(&mut sequencer, &mut owner, &mut seen, 2, Role::Writer);
    let old = seen;
    while seen.seq < old.seq + SEEN_WINDOW - 1 {
        let entry = owner.write(seen, 1);
        sequencer.append(&owner.space, &entry, &owner.member()).unwrap();
        seen = seen.then(&owner.head.hash);
    }
    sequencer.commit().unwrap();
    let older = Seen { seq: old.seq - 1, chain: ChainHash([0; 32]) };
    assert_eq!(refused(&mut sequencer, &late, &late.clone().write(older, 1)), RefuseReason::SeenTooOld);
    // The same from a freshly loaded state, which must know as many hashes.
    let mut reloaded = Sequencer::new(sequencer.into_store(), 8, Protections::ALL);
    assert_eq!(refused(&mut reloaded, &late, &late.clone().write(older, 1)), RefuseReason::SeenTooOld);
    let entry = late.write(old, 1);
    assert!(reloaded.append(&late.space, &entry, &late.member()).is_ok());
}

#[test]
fn a_failed_commit_takes_the_whole_batch_back_and_the_next_one_works() {
    let store = FaultyStore::new();
    let mut sequencer = sequencer(store.clone());
    let (mut owner, mut seen) = founded(&mut sequencer, 1);
    let other = Author::found(2);
    let member = owner.join(1_002, 2);
    let adding = owner.add(seen, 1, owner.head.hash, &member, Role::Writer);
    sequencer.append(&owner.space, &adding, &owner.member()).unwrap();
    sequencer.create_space(&other.1).unwrap();
    store.fail_commits(1);
    assert!(matches!(sequencer.commit(), Err(StoreError::Full)));
    assert!(sequencer.membership(&owner.space).unwrap().unwrap().find(&member.member()).is_none());
    assert!(sequencer.feed(&other.0.space).unwrap().is_none());
    assert_eq!(sequencer.feed(&owner.space).unwrap().unwrap().head_seq(), 1);

    let receipt = sequencer.append(&owner.space, &adding, &owner.member()).unwrap();
    sequencer.commit().unwrap();
    seen = seen.then(&owner.head.hash);
    assert_eq!((receipt.seq, receipt.chain), (2, seen.chain));
    assert!(sequencer.membership(&owner.space).unwrap().unwrap().find(&member.member()).is_some());
}

#[test]
fn spaces_are_dropped_when_too_many_are_loaded_and_read_on_as_before() {
    let mut sequencer = Sequencer::new(FaultyStore::new(), 2, Protections::ALL);
    let mut spaces: Vec<_> = (0..10).map(|seed| founded(&mut sequencer, seed)).collect();
    let feeds: Vec<_> =
        spaces.iter().map(|(owner, _)| sequencer.feed(&owner.space).unwrap().unwrap()).collect();
    sequencer.commit().unwrap();
    assert!(sequencer.spaces.len() <= 2);
    for (owner, seen) in &mut spaces {
        let entry = owner.write(*seen, 10);
        sequencer.append(&owner.space, &entry, &owner.member()).unwrap();
        sequencer.commit().unwrap();
    }
    assert!(feeds.iter().all(|feed| feed.head_seq() == 2), "a feed outlives the loaded space");
    assert_eq!(feeds[0].following(0), Following::InStore);
    let page = sequencer.page(&spaces[0].0.space, 0).unwrap().unwrap();
    assert_eq!((page.first_seq, page.last_seq), (1, 2));
    drop(feeds);
    sequencer.commit().unwrap();
    assert!(sequencer.feeds.len() <= 4);
}

#[test]
fn without_dedupe_a_repeated_entry_is_ordered_twice() {
    let mut sequencer =
        Sequencer::new(FaultyStore::new(), 8, Protections { dedupe: false, ..Protections::ALL });
    let (mut owner, seen) = founded(&mut sequencer, 1);
    let entry = owner.write(seen, 10);
    let first = sequencer.append(&owner.space, &entry, &owner.member()).unwrap();
    let second = sequencer.append(&owner.space, &entry, &owner.member()).unwrap();
    sequencer.commit().unwrap();
    assert_eq!((first.seq, second.seq), (2, 3));
    let next = owner.write(seen, 10);
    assert_eq!(sequencer.append(&owner.space, &next, &owner.member()).map(|receipt| receipt.seq), Ok(4));
}

#[test]
fn without_durability_before_the_receipt_a_power_cut_takes_back_what_was_acknowledged() {
    for (protections, survives) in
        [(Protections::ALL, 2), (Protections { durable_before_ack: false, ..Protections::ALL }, 0)]
    {
        let store = FaultyStore::new();
        let mut sequencer = Sequencer::new(store.clone(), 8, protections);
        let (mut owner, seen) = founded(&mut sequencer, 1);
        let entry = owner.write(seen, 10);
        sequencer.append(&owner.space, &entry, &owner.member()).unwrap();
        sequencer.commit().unwrap();
        store.cut_power();
        let left = store.clone().head(&owner.space).unwrap().map_or(0, |(seq, _)| seq);
        assert_eq!(left, survives);
    }
}

#[test]
fn numbers_beyond_every_bound_are_refused_without_harm() {
    let mut sequencer = sequencer(FaultyStore::new());
    let (owner, seen) = founded(&mut sequencer, 1);
    let entry = owner.clone().write(seen, 10);
    for (member_no, author_seq, seen_seq) in [(u64::MAX, 1, 1), (1, u64::MAX, 1), (1, 2, u64::MAX)] {
        let member_no = MemberNo(member_no);
        let header = Header { member_no, author_seq, seen_seq, ..*entry.header() };
        let header_bytes = header.encode(&[], entry.sealed().len());
        let forged = SealedEntry::assemble(&header_bytes, entry.sealed(), &entry.signature()).unwrap();
        assert!(sequencer.append(&owner.space, &forged, &owner.member()).is_err());
    }
}
