//! What every store does, one behaviour per function; each gets an empty store.
//!
//! Run on all of them by `main.rs`.

use crate::stores::{END, all, commit, keys};
use veilfold_core::store::{Durability, Store, StoreError, Table};

pub(crate) fn a_row_is_there_until_it_is_replaced_or_deleted(store: &mut dyn Store) {
    assert_eq!(store.get(Table::Log, b"a"), Ok(None));
    commit(store, Table::Log, &[(b"a", b"one"), (b"b", b"other")]);
    assert_eq!(store.get(Table::Log, b"a"), Ok(Some(b"one".to_vec())));
    commit(store, Table::Log, &[(b"a", b"two, and longer")]);
    assert_eq!(store.get(Table::Log, b"a"), Ok(Some(b"two, and longer".to_vec())));
    store.begin().unwrap();
    store.delete(Table::Log, b"a").unwrap();
    store.delete(Table::Log, b"never there").unwrap();
    store.commit(Durability::Process).unwrap();
    assert_eq!(store.get(Table::Log, b"a"), Ok(None));
    assert_eq!(all(store, Table::Log), [(b"b".to_vec(), b"other".to_vec())]);
}

pub(crate) fn tables_are_apart(store: &mut dyn Store) {
    store.begin().unwrap();
    for (number, table) in Table::ALL.into_iter().enumerate() {
        store.put(table, b"key", &[number as u8]).unwrap();
    }
    store.commit(Durability::Process).unwrap();
    store.begin().unwrap();
    store.delete(Table::Keys, b"key").unwrap();
    store.commit(Durability::Process).unwrap();
    for (number, table) in Table::ALL.into_iter().enumerate() {
        let expected = (table != Table::Keys).then(|| vec![number as u8]);
        assert_eq!(store.get(table, b"key"), Ok(expected), "{table:?}");
        assert_eq!(all(store, table).len(), usize::from(table != Table::Keys), "{table:?}");
    }
}

pub(crate) fn keys_are_ordered_byte_by_byte(store: &mut dyn Store) {
    let sorted: [&[u8]; 9] = [b"\0", b"\0\0", b"\0\x01", b"A", b"a", b"a\0", b"aa", b"\x80", b"\xff\xff"];
    for table in Table::ALL {
        let shuffled = [4, 8, 0, 6, 2, 7, 1, 5, 3].map(|at: usize| (sorted[at], sorted[at]));
        commit(store, table, &shuffled);
        assert_eq!(keys(store, table, &[], END), sorted, "{table:?}");
    }
}

pub(crate) fn a_range_has_its_first_key_and_not_its_last(store: &mut dyn Store) {
    for table in [Table::Confirmed, Table::Fates] {
        commit(store, table, &[(b"a", b""), (b"b", b""), (b"c", b""), (b"d", b"")]);
        assert_eq!(keys(store, table, b"b", b"d"), [b"b", b"c"]);
        assert_eq!(keys(store, table, b"a\0", b"c\0"), [b"b", b"c"]);
        assert_eq!(keys(store, table, b"b", b"b\0"), [b"b"]);
        assert_eq!(keys(store, table, b"bb", b"c"), [b""; 0]);
        assert_eq!(keys(store, table, b"", b"a"), [b""; 0]);
        assert_eq!(keys(store, table, b"e", END), [b""; 0]);
    }
}

pub(crate) fn a_range_that_ends_before_it_begins_is_empty(store: &mut dyn Store) {
    for table in [Table::Confirmed, Table::Fates] {
        commit(store, table, &[(b"a", b""), (b"b", b""), (b"c", b"")]);
        for (from, to) in [("b", "b"), ("c", "a"), ("b", ""), ("", "")] {
            let (from, to) = (from.as_bytes(), to.as_bytes());
            assert_eq!(store.scan(table, from, to, 9), Ok(vec![]));
            assert_eq!(store.last(table, from, to), Ok(None));
        }
    }
}

pub(crate) fn a_scan_stops_at_its_limit(store: &mut dyn Store) {
    commit(store, Table::Log, &[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]);
    assert_eq!(store.scan(Table::Log, b"a", END, 0), Ok(vec![]));
    let two = vec![(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())];
    assert_eq!(store.scan(Table::Log, b"a", END, 2), Ok(two));
    assert_eq!(store.scan(Table::Log, b"a", END, 4).unwrap().len(), 3);
    assert_eq!(store.scan(Table::Log, b"a", END, usize::MAX).unwrap().len(), 3);
}

pub(crate) fn a_prefix_ends_where_its_last_byte_is_full(store: &mut dyn Store) {
    let rows: [&[u8]; 6] = [b"p\xfe\xff", b"p\xff", b"p\xff\0", b"p\xff\xff\xff", b"q", b"q\0"];
    commit(store, Table::Overlay, &rows.map(|key| (key, key)));
    assert_eq!(keys(store, Table::Overlay, b"p\xff", b"q"), rows[1..4]);
    assert_eq!(keys(store, Table::Overlay, b"p", b"q"), rows[..4]);
    assert_eq!(keys(store, Table::Overlay, b"p\xfe", b"p\xff"), rows[..1]);
    assert_eq!(store.last(Table::Overlay, b"p\xff", b"q").unwrap().unwrap().0, rows[3]);
}

pub(crate) fn the_last_row_of_a_range_is_its_largest(store: &mut dyn Store) {
    for table in [Table::Log, Table::Outbox] {
        assert_eq!(store.last(table, &[], END), Ok(None));
        commit(store, table, &[(b"b", b"2"), (b"a", b"1"), (b"c", b"3")]);
        assert_eq!(store.last(table, &[], END), Ok(Some((b"c".to_vec(), b"3".to_vec()))));
        assert_eq!(store.last(table, b"a", b"c"), Ok(Some((b"b".to_vec(), b"2".to_vec()))));
        assert_eq!(store.last(table, b"a", b"a\0"), Ok(Some((b"a".to_vec(), b"1".to_vec()))));
        assert_eq!(store.last(table, b"c\0", END), Ok(None));
    }
}

pub(crate) fn keys_and_values_may_be_empty_and_hold_any_byte(store: &mut dyn Store) {
    let every: Vec<u8> = (0..=255).collect();
    for table in Table::ALL {
        commit(store, table, &[(b"", b""), (&every, &every), (b"'); DROP TABLE log;--", b"\0")]);
        assert_eq!(store.get(table, b""), Ok(Some(vec![])));
        assert_eq!(store.get(table, &every), Ok(Some(every.clone())));
        assert_eq!(
            keys(store, table, b"", END),
            [b"".to_vec(), every.clone(), b"'); DROP TABLE log;--".to_vec()]
        );
    }
}

pub(crate) fn large_values_come_back_whole(store: &mut dyn Store) {
    let sizes = [1, 999, 1000, 1001, 4000, 4096, 4097, 65_536, 262_144, 1_048_577];
    for table in Table::ALL {
        store.begin().unwrap();
        for size in sizes {
            store.put(table, &(size as u32).to_be_bytes(), &pattern(size)).unwrap();
        }
        store.commit(Durability::Process).unwrap();
        for size in sizes {
            assert_eq!(
                store.get(table, &(size as u32).to_be_bytes()),
                Ok(Some(pattern(size))),
                "{table:?} {size}"
            );
        }
        assert_eq!(all(store, table).len(), sizes.len());
    }
}

pub(crate) fn reads_see_the_open_transaction(store: &mut dyn Store) {
    commit(store, Table::Spaces, &[(b"a", b"old"), (b"b", b"stays")]);
    store.begin().unwrap();
    store.put(Table::Spaces, b"a", b"new").unwrap();
    store.put(Table::Spaces, b"c", b"added").unwrap();
    store.delete(Table::Spaces, b"b").unwrap();
    assert_eq!(store.get(Table::Spaces, b"a"), Ok(Some(b"new".to_vec())));
    assert_eq!(store.get(Table::Spaces, b"b"), Ok(None));
    assert_eq!(keys(store, Table::Spaces, &[], END), [b"a", b"c"]);
    assert_eq!(store.last(Table::Spaces, &[], END), Ok(Some((b"c".to_vec(), b"added".to_vec()))));
    store.commit(Durability::Process).unwrap();
    assert_eq!(keys(store, Table::Spaces, &[], END), [b"a", b"c"]);
}

pub(crate) fn rollback_restores_what_was_replaced_deleted_and_added(store: &mut dyn Store) {
    for table in Table::ALL {
        commit(store, table, &[(b"a", b"1"), (b"b", b"2")]);
        let before = all(store, table);
        store.begin().unwrap();
        for round in 0..3_u8 {
            store.put(table, b"a", &[round]).unwrap();
            store.delete(table, b"b").unwrap();
            store.put(table, b"c", &pattern(100_000)).unwrap();
            store.delete(table, b"c").unwrap();
            store.put(table, b"b", &[round]).unwrap();
        }
        store.put(table, b"d", b"added").unwrap();
        store.rollback();
        assert_eq!(all(store, table), before, "{table:?}");
        assert!(store.put(table, b"a", b"x").is_err(), "no transaction is open after a rollback");
        commit(store, table, &[(b"e", b"goes on")]);
        assert_eq!(all(store, table).len(), 3);
    }
}

pub(crate) fn rollback_without_a_transaction_does_nothing(store: &mut dyn Store) {
    store.rollback();
    commit(store, Table::Globals, &[(b"a", b"1")]);
    store.rollback();
    assert_eq!(all(store, Table::Globals).len(), 1);
}

pub(crate) fn a_transaction_is_opened_once(store: &mut dyn Store) {
    store.begin().unwrap();
    store.put(Table::Globals, b"a", b"1").unwrap();
    assert!(matches!(store.begin(), Err(StoreError::Failed(_))));
    store.put(Table::Globals, b"b", b"2").unwrap();
    store.commit(Durability::Process).unwrap();
    assert_eq!(all(store, Table::Globals).len(), 2);
    assert!(matches!(store.commit(Durability::Process), Err(StoreError::Failed(_))));
    store.begin().unwrap();
    store.rollback();
}

pub(crate) fn writes_need_a_transaction(store: &mut dyn Store) {
    assert!(matches!(store.put(Table::Globals, b"a", b"1"), Err(StoreError::Failed(_))));
    assert!(matches!(store.delete(Table::Globals, b"a"), Err(StoreError::Failed(_))));
    assert!(matches!(store.commit(Durability::Power), Err(StoreError::Failed(_))));
    assert_eq!(all(store, Table::Globals), []);
    commit(store, Table::Globals, &[(b"a", b"1")]);
}

pub(crate) fn an_empty_transaction_commits(store: &mut dyn Store) {
    for durability in [Durability::Process, Durability::Power] {
        store.begin().unwrap();
        store.commit(durability).unwrap();
    }
}

pub(crate) fn either_durability_commits(store: &mut dyn Store) {
    for round in 0..6_u8 {
        store.begin().unwrap();
        store.put(Table::Outbox, &[round], &pattern(10_000)).unwrap();
        let power = round % 2 == 0;
        store.commit(if power { Durability::Power } else { Durability::Process }).unwrap();
    }
    assert_eq!(all(store, Table::Outbox).len(), 6);
}

/// More than SQLite keeps in memory, so that part of the transaction is written before its end.
pub(crate) fn many_rows_in_one_transaction(store: &mut dyn Store) {
    let count = 3000_u32;
    let write = |store: &mut dyn Store| {
        for number in 0..count {
            let key = number.wrapping_mul(2_654_435_761).to_be_bytes();
            store.put(Table::Confirmed, &key, &pattern(2000)).unwrap();
        }
    };
    store.begin().unwrap();
    write(store);
    store.rollback();
    assert_eq!(all(store, Table::Confirmed), []);
    store.begin().unwrap();
    write(store);
    store.commit(Durability::Process).unwrap();
    let found = all(store, Table::Confirmed);
    assert_eq!(found.len(), count as usize);
    assert!(found.is_sorted_by(|one, two| one.0 < two.0));
    assert!(found.iter().all(|(_, value)| *value == pattern(2000)));
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 7 + at / 256) as u8).collect()
}
