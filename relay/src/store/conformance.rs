//! One suite that every store passes; tests of a store call [`run`] with a way to make empty ones.
//!
//! It speaks of rows alone: whether an Entry may be ordered is the sequencer's business.

use super::{Durability, Store, StoredEntry};
use bytes::Bytes;
use veilfold_wire::{AuthorHead, ChainHash, EntryHash, Kind, MemberNo, SpaceId};

/// A row with `len` bytes whose hashes are made from its numbers.
pub fn entry(
    space: SpaceId,
    seq: u64,
    member_no: u64,
    author_seq: u64,
    kind: Kind,
    len: usize,
) -> StoredEntry {
    let mut name = [0; 32];
    name[..8].copy_from_slice(&seq.to_be_bytes());
    name[8..16].copy_from_slice(&member_no.to_be_bytes());
    name[16] = space.0[0];
    StoredEntry {
        space,
        seq,
        member_no: MemberNo(member_no),
        author_seq,
        kind,
        hash: EntryHash(name),
        chain: ChainHash(name.map(|byte| !byte)),
        bytes: Bytes::from(vec![seq as u8; len]),
    }
}

/// Runs the whole suite, each part on a new store.
///
/// # Panics
/// When the store does not behave as [`Store`] says.
pub fn run<S: Store>(mut empty: impl FnMut() -> S) {
    an_unknown_space_is_empty(&mut empty());
    rows_read_back(&mut empty());
    pages_hold_to_their_limits(&mut empty());
    a_batch_is_kept_whole_or_not_at_all(&mut empty());
}

const A: SpaceId = SpaceId([0xaa; 32]);
const B: SpaceId = SpaceId([0xbb; 32]);

/// Two Spaces in one batch, the second author starting later.
fn two_spaces() -> Vec<StoredEntry> {
    vec![
        entry(A, 1, 1, 1, Kind::Control, 10),
        entry(B, 1, 1, 1, Kind::Control, 11),
        entry(A, 2, 1, 2, Kind::Control, 12),
        entry(A, 3, 2, 1, Kind::Data, 13),
        entry(A, 4, 1, 3, Kind::Data, 14),
    ]
}

fn an_unknown_space_is_empty(store: &mut impl Store) {
    store.commit(&[entry(B, 1, 1, 1, Kind::Control, 1)], Durability::PowerCut).expect("commit");
    assert_eq!(store.head(&A).expect("head"), None);
    assert!(store.chains(&A, 1).expect("chains").is_empty());
    assert!(store.control_entries(&A).expect("control entries").is_empty());
    assert_eq!(store.author_head(&A, MemberNo(1)).expect("author head"), AuthorHead::NONE);
    assert_eq!(store.find(&A, MemberNo(1), 1).expect("find"), None);
    assert!(store.page(&A, 0, 10, 1000).expect("page").is_empty());
}

fn rows_read_back(store: &mut impl Store) {
    let rows = two_spaces();
    store.commit(&rows, Durability::PowerCut).expect("commit");
    assert_eq!(store.head(&A).expect("head"), Some((4, rows[4].chain)));
    assert_eq!(store.head(&B).expect("head"), Some((1, rows[1].chain)));
    assert_eq!(store.chains(&A, 3).expect("chains"), [rows[3].chain, rows[4].chain]);
    assert_eq!(store.chains(&A, 1).expect("chains").len(), 4);
    assert_eq!(store.control_entries(&A).expect("control"), [rows[0].clone(), rows[2].clone()]);
    let head = store.author_head(&A, MemberNo(1)).expect("author head");
    assert_eq!(head, AuthorHead { author_seq: 3, hash: rows[4].hash });
    assert_eq!(store.find(&A, MemberNo(2), 1).expect("find"), Some(rows[3].clone()));
    assert_eq!(store.find(&A, MemberNo(2), 2).expect("find"), None);
    assert_eq!(store.find(&A, MemberNo(u64::MAX), u64::MAX).expect("find"), None);
    // A number that was ordered twice by mistake: the first one stands.
    store.commit(&[entry(A, 5, 1, 3, Kind::Data, 99)], Durability::PowerCut).expect("commit");
    assert_eq!(store.find(&A, MemberNo(1), 3).expect("find"), Some(rows[4].clone()));
    assert_eq!(store.author_head(&A, MemberNo(1)).expect("author head"), head);
}

fn pages_hold_to_their_limits(store: &mut impl Store) {
    let rows: Vec<_> = (1..=10).map(|seq| entry(A, seq, 1, seq, Kind::Data, 100)).collect();
    store.commit(&rows, Durability::PowerCut).expect("commit");
    let lens = |page: Vec<Bytes>| page.iter().map(|bytes| bytes[0]).collect::<Vec<_>>();
    assert_eq!(lens(store.page(&A, 0, 3, 10_000).expect("page")), [1, 2, 3]);
    assert_eq!(lens(store.page(&A, 3, 100, 300).expect("page")), [4, 5, 6]);
    assert_eq!(lens(store.page(&A, 6, 100, 1).expect("page")), [7], "one larger entry still goes alone");
    assert_eq!(lens(store.page(&A, 9, 100, 10_000).expect("page")), [10]);
    assert!(store.page(&A, 10, 100, 10_000).expect("page").is_empty());
    assert!(store.page(&A, u64::MAX, 100, 10_000).expect("page").is_empty());
}

fn a_batch_is_kept_whole_or_not_at_all(store: &mut impl Store) {
    store.commit(&two_spaces(), Durability::PowerCut).expect("commit");
    let clash = [entry(A, 5, 1, 4, Kind::Data, 1), entry(B, 1, 1, 1, Kind::Control, 1)];
    assert!(store.commit(&clash, Durability::PowerCut).is_err(), "a position is given once");
    assert_eq!(store.head(&A).expect("head").map(|(seq, _)| seq), Some(4));
    assert_eq!(store.find(&A, MemberNo(1), 4).expect("find"), None);
    store.commit(&clash[..1], Durability::PowerCut).expect("the store works on");
    assert_eq!(store.head(&A).expect("head").map(|(seq, _)| seq), Some(5));
}
