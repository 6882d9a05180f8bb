//! What a step reads, keeps and writes.

use super::*;
use crate::documents::counted::CountedStore;
use crate::model::{Fields, Position, Value};
use crate::store::{Durability, MemoryStore};

const SPACE: SpaceNo = SpaceNo(1);

fn key(number: usize) -> DocumentKey {
    DocumentKey::new("items", format!("{number}"))
}

fn image(seq: u64) -> Image {
    Image { fields: Some(Fields::new()), version: Position { seq, index: 0 }, ..Image::ABSENT }
}

fn step(store: &mut MemoryStore, documents: &mut Documents) {
    store.begin().unwrap();
    documents.flush(store).unwrap();
    store.commit(Durability::Process).unwrap();
}

#[test]
fn a_step_writes_what_it_changed_and_nothing_else() {
    let (mut store, mut documents) = (MemoryStore::default(), Documents::new(SPACE));
    for number in 0..100 {
        *documents.confirmed_mut(&store, &key(number)).unwrap() = image(number as u64 + 1);
    }
    step(&mut store, &mut documents);
    let mut again = Documents::new(SPACE);
    for number in 0..100 {
        assert_eq!(again.confirmed(&store, &key(number)), Ok(&image(number as u64 + 1)));
    }
    // Rows that are taken away behind its back do not come back with a later step.
    store.begin().unwrap();
    (0..100).for_each(|number| store.delete(Table::Confirmed, &SPACE.document(&key(number))).unwrap());
    store.commit(Durability::Process).unwrap();
    *documents.confirmed_mut(&store, &key(7)).unwrap() = image(200);
    step(&mut store, &mut documents);
    let rows = store.scan(Table::Confirmed, &SPACE.first(), &SPACE.end(), 200).unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(documents.confirmed(&store, &key(8)), Ok(&image(9)));
}

#[test]
fn an_overlay_is_found_from_its_first_image_to_its_last() {
    let (mut store, mut documents) = (MemoryStore::default(), Documents::new(SPACE));
    assert_eq!(documents.overlay(&store, &key(1)), Ok(None));
    *documents.overlay_mut(&store, &key(1)).unwrap() = image(1);
    documents.set_overlay(&store, &key(2), Some(image(2))).unwrap();
    for _ in 0..2 {
        assert_eq!(documents.overlay(&store, &key(1)), Ok(Some(&image(1))));
        assert_eq!(documents.overlay(&store, &key(2)), Ok(Some(&image(2))));
        step(&mut store, &mut documents);
    }
    let mut again = Documents::new(SPACE);
    again.set_overlay(&store, &key(1), None).unwrap();
    assert_eq!(again.overlay(&store, &key(1)), Ok(None));
    assert_eq!(again.overlay(&store, &key(2)), Ok(Some(&image(2))));
    step(&mut store, &mut again);
    assert_eq!(again.overlay(&store, &key(2)), Ok(Some(&image(2))));
    again.set_overlay(&store, &key(2), None).unwrap();
    step(&mut store, &mut again);
    assert_eq!(again.overlay(&store, &key(2)), Ok(None));
    assert_eq!(store.last(Table::Overlay, &SPACE.first(), &SPACE.end()), Ok(None));
}

#[test]
fn an_overlay_that_was_not_changed_after_all_hides_nothing_later() {
    let (mut store, mut documents) = (MemoryStore::default(), Documents::new(SPACE));
    documents.overlay_mut(&store, &key(1)).unwrap();
    step(&mut store, &mut documents);
    *documents.confirmed_mut(&store, &key(1)).unwrap() = image(5);
    documents.set_overlay(&store, &key(2), Some(image(6))).unwrap();
    step(&mut store, &mut documents);
    assert_eq!(documents.overlay(&store, &key(1)), Ok(None));
    assert_eq!(documents.visible(&store, &key(1)), Ok(&image(5)));
}

/// An image with this many bytes, its row's key not counted.
fn of_bytes(bytes: usize) -> Image {
    let with = |text: usize| Image {
        fields: Some([("t".to_owned(), Value::String("x".repeat(text)))].into()),
        ..image(1)
    };
    let text = 2 * bytes - with(bytes).to_bytes().len();
    assert_eq!(with(text).to_bytes().len(), bytes);
    with(text)
}

fn count(documents: &mut Documents, change: impl FnOnce(&mut Documents, &CountedStore)) -> usize {
    let mut store = CountedStore::default();
    change(documents, &store);
    store.begin().unwrap();
    documents.flush(&mut store).unwrap();
    store.commit(Durability::Process).unwrap();
    store.asked()
}

#[test]
fn what_was_read_is_read_once_and_nothing_is_looked_for_where_nothing_is() {
    let mut documents = Documents::new(SPACE);
    let asked = count(&mut documents, |documents, store| {
        for round in 0..3 {
            for number in 0..5 {
                documents.visible(store, &key(number)).unwrap();
                documents.set_overlay(store, &key(number + 10), None).unwrap();
            }
            assert_eq!(store.asked(), if round == 0 { 5 + 1 } else { 0 });
        }
    });
    assert_eq!(asked, 0);
    let asked = count(&mut documents, |documents, store| {
        documents.set_overlay(store, &key(1), Some(image(2))).unwrap();
        documents.set_overlay(store, &key(1), None).unwrap();
    });
    assert_eq!(asked, 1, "the overlay of that document");
}

#[test]
fn what_is_kept_is_counted_by_its_rows() {
    let (mut store, mut documents) = (MemoryStore::default(), Documents::new(SPACE));
    let long = DocumentKey::new("a collection", "a document");
    let sum = |documents: &Documents| {
        let layers = [&documents.confirmed, &documents.overlay];
        assert!(layers.iter().all(|layer| layer.dirty.is_empty()));
        layers.map(|layer| {
            assert_eq!(layer.bytes, layer.slots.iter().map(|slot| slot.bytes).sum::<usize>());
            layer.bytes
        })
    };
    documents.replace(&store, &key(1), of_bytes(100)).unwrap();
    documents.replace(&store, &long, of_bytes(1000)).unwrap();
    documents.set_overlay(&store, &key(1), Some(of_bytes(50))).unwrap();
    step(&mut store, &mut documents);
    assert_eq!(sum(&documents), [(100 + 6) + (1000 + 22), 50 + 6]);
    documents.replace(&store, &long, of_bytes(300)).unwrap();
    documents.set_overlay(&store, &key(1), None).unwrap();
    step(&mut store, &mut documents);
    assert_eq!(sum(&documents), [(100 + 6) + (300 + 22), 6]);
    // Read again, and with one that is not there.
    let mut again = Documents::new(SPACE);
    again.confirmed(&store, &long).unwrap();
    again.confirmed(&store, &key(1)).unwrap();
    again.confirmed(&store, &key(2)).unwrap();
    assert_eq!(sum(&again), [(100 + 6) + (300 + 22) + 6, 0]);
}

#[test]
fn more_than_4_mib_are_dropped_when_a_step_ends() {
    const MOST: usize = 4 * 1024 * 1024;
    for (bytes, kept) in [(MOST - 6, 1), (MOST - 5, 0)] {
        let (mut store, mut documents) = (MemoryStore::default(), Documents::new(SPACE));
        documents.replace(&store, &key(1), of_bytes(bytes)).unwrap();
        step(&mut store, &mut documents);
        assert_eq!((documents.confirmed.slots.len(), documents.confirmed.index.len()), (kept, kept));
        assert_eq!(documents.confirmed.bytes, if kept == 1 { MOST } else { 0 });
        assert_eq!(documents.confirmed(&store, &key(1)), Ok(&of_bytes(bytes)));
        assert_eq!(documents.confirmed(&store, &key(2)), Ok(&Image::ABSENT));
    }
}

#[cfg(feature = "testing")]
#[test]
fn the_simulation_is_told_what_is_kept() {
    let (store, mut documents) = (MemoryStore::default(), Documents::new(SPACE));
    documents.replace(&store, &key(1), image(1)).unwrap();
    documents.replace(&store, &key(2), image(1)).unwrap();
    documents.set_overlay(&store, &key(1), Some(image(2))).unwrap();
    assert_eq!(documents.held(), (6 + 6 + 6, 6 + 6 + 6, 3, 8 * 1024 * 1024));
}

#[test]
fn documents_whose_hashes_are_the_same_are_told_apart() {
    let (mut store, mut documents) = (MemoryStore::default(), Documents::new(SPACE));
    documents.replace(&store, &key(1), image(1)).unwrap();
    documents.replace(&store, &key(2), image(2)).unwrap();
    step(&mut store, &mut documents);
    let mut again = Documents::new(SPACE);
    // The second finds the first in its place.
    let Err(number) = again.confirmed.find(&key(2)) else { panic!("nothing was read yet") };
    again.confirmed(&store, &key(1)).unwrap();
    again.confirmed.index.insert(number, 0);
    for _ in 0..2 {
        assert_eq!(again.confirmed(&store, &key(2)), Ok(&image(2)));
        assert_eq!(again.confirmed(&store, &key(1)), Ok(&image(1)));
    }
    assert_eq!((again.confirmed.find(&key(2)), again.confirmed.slots.len()), (Ok(1), 2));
}
