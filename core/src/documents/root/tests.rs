//! What a root is about, and where a document is found again when two roots differ.

use super::*;
use crate::model::{Fields, Image, Position, Value};
use crate::store::rows::SpaceNo;
use crate::store::{Durability, MemoryStore};
use veilfold_wire::AuthorHead;
use veilfold_wire::limits::SEEN_WINDOW;

const SPACE: SpaceNo = SpaceNo(1);

fn key(number: usize) -> DocumentKey {
    DocumentKey::new("notes", number.to_string())
}

fn image(fields: Option<i64>, seq: u64) -> Image {
    let fields = fields.map(|n| Fields::from([("n".to_owned(), Value::Int(n))]));
    let (version, foreign) = (Position { seq, index: 2 }, Position { seq: 1, index: 3 });
    Image { fields, version, author: MemberNo(4), foreign, format: 5 }
}

fn hash(key: &DocumentKey, image: &Image, seq: u64) -> Option<[u8; 32]> {
    document_hash(key, &StoredImage::read(&image.to_bytes()).unwrap(), seq)
}

/// Documents as they are stored: what they hold by their number, deleted ones among them.
fn stored(documents: impl IntoIterator<Item = (usize, Option<i64>)>) -> (MemoryStore, Documents) {
    let (mut store, mut all) = (MemoryStore::new(), Documents::new(SPACE));
    for (number, fields) in documents {
        all.replace(&store, &key(number), image(fields, 9)).unwrap();
    }
    store.begin().unwrap();
    all.flush(&mut store).unwrap();
    store.commit(Durability::Process).unwrap();
    (store, all)
}

fn hashes(documents: impl IntoIterator<Item = (usize, Option<i64>)>) -> DocumentHashes {
    let (store, documents) = stored(documents);
    DocumentHashes::of(&documents, &store, 10).unwrap()
}

#[test]
fn everything_that_a_later_fold_may_look_at_is_in_the_hash_of_a_document() {
    let start = image(Some(1), 9);
    let mut all = vec![
        hash(&key(1), &start, 10),
        hash(&key(2), &start, 10),
        hash(&DocumentKey::new("note", "s1"), &start, 10),
        hash(&key(1), &image(Some(2), 9), 10),
        hash(&key(1), &image(None, 9), 10),
        hash(&key(1), &image(Some(1), 8), 10),
    ];
    for other in [
        Image { version: Position { seq: 9, index: 1 }, ..start.clone() },
        Image { author: MemberNo(1), ..start.clone() },
        Image { foreign: Position { seq: 2, index: 3 }, ..start.clone() },
        Image { foreign: Position { seq: 1, index: 1 }, ..start.clone() },
        Image { format: 1, ..start.clone() },
    ] {
        all.push(hash(&key(1), &other, 10));
    }
    assert!(all.iter().all(Option::is_some));
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len());
    assert_eq!(hash(&key(1), &start, 10), hash(&key(1), &start, 5000), "nothing else");
}

#[test]
fn a_deleted_document_is_remembered_for_the_window_and_another_for_ever() {
    let remembered = |fields, seq| hash(&key(1), &image(fields, 9), seq).is_some();
    assert!(remembered(None, 9) && remembered(None, 9 + SEEN_WINDOW - 1));
    assert!(!remembered(None, 9 + SEEN_WINDOW) && !remembered(None, 9 + 2 * SEEN_WINDOW));
    assert!(remembered(Some(1), 9) && remembered(Some(1), 9 + SEEN_WINDOW));
    assert_eq!(hash(&key(1), &Image::ABSENT, 1), None);
    assert_eq!(hash(&key(1), &image(Some(1), 0), 1), None, "never was");
}

#[test]
fn there_is_a_bucket_for_every_256_documents_and_each_document_is_in_its_own() {
    let live = |count: usize| (0..count).map(|number| (number, Some(1)));
    let deleted = (1000..1300).map(|number| (number, None));
    assert_eq!(hashes([]).buckets().len(), 1);
    for (count, buckets) in [(256, 1), (257, 2), (512, 2), (513, 4), (1025, 8)] {
        assert_eq!(hashes(live(count)).buckets().len(), buckets, "{count}");
    }
    assert_eq!(hashes(live(256).chain(deleted.clone())).buckets().len(), 1, "deleted ones do not count");
    let all = hashes(live(700).chain(deleted));
    assert_eq!((all.count(), all.buckets().len()), (1000, 4));
    let mut found: Vec<Vec<ShortHash>> = vec![Vec::new(); 4];
    for number in (0..700).chain(1000..1300) {
        let place = place_of(&key(number));
        assert_eq!(all.bucket_of(&key(number)), u64::from(place[0] >> 6));
        found[all.bucket_of(&key(number)) as usize].push(short(&place));
    }
    for (number, mut places) in found.into_iter().enumerate() {
        places.sort_unstable();
        assert!(places.len() > 100, "spread by chance: {}", places.len());
        assert!(all.shorts(number as u64).iter().map(|(place, _)| place).eq(&places));
    }
}

#[test]
fn a_difference_is_found_in_its_bucket_by_place_and_hash() {
    let documents = (0..600).map(|number| (number, Some(1)));
    let (one, other) = (hashes(documents.clone()), hashes(documents.clone().chain([(77, Some(2))])));
    let bucket = one.bucket_of(&key(77));
    for (number, (one, other)) in one.buckets().iter().zip(other.buckets()).enumerate() {
        assert_eq!(*one != other, number as u64 == bucket, "{number}");
    }
    let (mine, theirs) = (one.shorts(bucket), other.shorts(bucket));
    let different: Vec<_> = mine.iter().zip(&theirs).filter(|(one, other)| one != other).collect();
    let [(mine, theirs)] = different[..] else { panic!("{different:?}") };
    let of = |n| short(&hash(&key(77), &image(Some(n), 9), 10).unwrap());
    assert_eq!((mine, theirs), (&(short(&place_of(&key(77))), of(1)), &(short(&place_of(&key(77))), of(2))));
    // Also one that only one of them has.
    let without = hashes(documents.filter(|(number, _)| *number != 77));
    let differ = without.buckets().into_iter().zip(one.buckets()).filter(|(one, other)| one != other);
    assert_eq!(differ.count(), 1);
    assert!(without.shorts(bucket).len() + 1 == one.shorts(bucket).len());
}

#[test]
fn a_short_hash_is_the_beginning() {
    let mut hash = [0; 32];
    (0..).zip(&mut hash).for_each(|(number, byte)| *byte = number);
    assert_eq!(short(&hash), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_ne!(place_of(&DocumentKey::new("ab", "c")), place_of(&DocumentKey::new("a", "bc")));
}

#[test]
fn a_root_is_about_the_place_in_the_order_the_settings_the_authors_and_the_documents() {
    let row = |tx_mark| AuthorRow { head: AuthorHead::NONE, tx_mark, unaccepted: vec![(4, 2, 1)] };
    let authors = |member, tx_mark| SortedMap::from([(MemberNo(member), row(tx_mark))]);
    let (chain, control_head, mine) = (ChainHash([1; 32]), EntryHash([2; 32]), authors(1, 9));
    let point = || RootPoint {
        seq: 9,
        chain: &chain,
        control_head: &control_head,
        settings: &[3; 32],
        authors: &mine,
    };
    let buckets = [[4; 32], [5; 32]];
    let roots = [
        state_root(&buckets, &point()),
        state_root(&buckets, &RootPoint { seq: 8, ..point() }),
        state_root(&buckets, &RootPoint { chain: &ChainHash([9; 32]), ..point() }),
        state_root(&buckets, &RootPoint { control_head: &EntryHash([9; 32]), ..point() }),
        state_root(&buckets, &RootPoint { settings: &[9; 32], ..point() }),
        state_root(&buckets, &RootPoint { authors: &authors(2, 9), ..point() }),
        state_root(&buckets, &RootPoint { authors: &authors(1, 8), ..point() }),
        state_root(&buckets, &RootPoint { authors: &SortedMap::new(), ..point() }),
        state_root(&buckets[..1], &point()),
        state_root(&[buckets[1], buckets[0]], &point()),
    ];
    let different: std::collections::BTreeSet<_> = roots.iter().map(|root| root.0).collect();
    assert_eq!(different.len(), roots.len());
    assert_eq!(state_root(&buckets, &point()), roots[0]);
}
