//! What a file can do to a store: wrong, newer, damaged, full. Never a panic, nothing overwritten.
//!
//! Only for `SqliteStore`; what a kill leaves is in `kill.rs`.

use crate::stores::{Opened, SqliteFolder, all, commit};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::fs;
use veilfold_core::store::{Durability, Row, Store, StoreError, Table};

/// Small rows and rows that lie on pages of their own, in tables of both kinds.
fn filled() -> SqliteFolder {
    let folder = SqliteFolder::new();
    let mut store = folder.open();
    for number in 0..60_u8 {
        let bytes = [30, 300, 3000, 20_000][usize::from(number) % 4];
        let value: Vec<u8> = (0..bytes).map(|at: usize| at as u8 ^ number).collect();
        for table in [Table::Globals, Table::Log, Table::Confirmed, Table::Outbox] {
            commit(&mut *store, table, &[(&[number, 1, 2, 3], &value)]);
        }
    }
    folder
}

fn contents(store: &dyn Store) -> BTreeMap<Table, Vec<Row>> {
    Table::ALL.into_iter().map(|table| (table, all(store, table))).collect()
}

/// Every file of the store with its bytes.
fn files(folder: &SqliteFolder) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let paths = fs::read_dir(folder.path().parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Opening fails and leaves every file as it was.
fn refused(folder: &SqliteFolder) -> StoreError {
    let before = files(folder);
    let error = folder.try_open().err().expect("the store must not open");
    assert!(files(folder) == before, "{error}: the files were changed");
    error
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let folder = filled();
    let before = contents(&*folder.open());
    let mut store = folder.open();
    assert!(contents(&*store) == before);
    store.begin().unwrap();
    store.put(Table::Log, b"x", b"not committed").unwrap();
    store.delete(Table::Log, &[0, 1, 2, 3]).unwrap();
    drop(store);
    assert!(contents(&*folder.open()) == before);
    folder.open().check().unwrap();
}

#[cfg(unix)]
#[test]
fn files_and_folder_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = SqliteFolder::new();
    let mut store = folder.open();
    commit(&mut *store, Table::Log, &[(b"a", b"1")]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let inside: Vec<_> = files(&folder).into_keys().collect();
    assert_eq!(inside, [folder.path(), folder.log_path()]);
    assert!(inside.iter().all(|path| mode(path) == 0o600));
    assert_eq!(mode(folder.path().parent().unwrap()), 0o700);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let folder = filled();
    let raw = rusqlite::Connection::open(folder.path()).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    // Leaves a log behind that belongs to the newer version.
    raw.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).unwrap();
    drop(raw);
    let Err(StoreError::NewerVersion { found: 99, supported }) = folder.try_open() else {
        panic!("expected NewerVersion");
    };
    assert!(supported < 99);
    assert!(matches!(refused(&folder), StoreError::NewerVersion { .. }));
}

#[test]
fn a_file_that_is_not_a_store_is_left_alone() {
    let folder = SqliteFolder::new();
    drop(folder.open());
    for other in
        [&b"x"[..], b"SQLite format 3\0", &[0; 100], &[0xff; 10_000], "Notes".repeat(2000).as_bytes()]
    {
        fs::write(folder.path(), other).unwrap();
        assert!(matches!(refused(&folder), StoreError::Corrupt(_)), "{} bytes", other.len());
    }
    fs::remove_file(folder.path()).unwrap();
    let raw = rusqlite::Connection::open(folder.path()).unwrap();
    raw.execute_batch("CREATE TABLE notes (text)").unwrap();
    drop(raw);
    assert!(matches!(refused(&folder), StoreError::Corrupt(_)));
    fs::remove_file(folder.path()).unwrap();
    fs::create_dir(folder.path()).unwrap();
    assert!(matches!(folder.try_open().err(), Some(StoreError::Failed(_))));
}

#[test]
fn a_log_without_its_database_is_not_taken_for_a_new_store() {
    let folder = filled();
    let store = folder.open();
    let log = fs::read(folder.log_path()).unwrap_or_default();
    drop(store);
    fs::write(folder.log_path(), if log.is_empty() { vec![1; 5000] } else { log }).unwrap();
    fs::write(folder.path(), b"").unwrap();
    assert!(matches!(refused(&folder), StoreError::Corrupt(_)));
    fs::remove_file(folder.path()).unwrap();
    assert!(matches!(refused(&folder), StoreError::Corrupt(_)));
}

/// Opens and reads everything. What comes back must be what was written; rows may be missing where
/// the tree was hit, but not when the check finds nothing.
fn read_damaged(folder: &SqliteFolder, truth: &BTreeMap<Table, Vec<Row>>, what: &str) -> Option<StoreError> {
    let store = match folder.try_open() {
        Ok(store) => store,
        Err(error @ (StoreError::Corrupt(_) | StoreError::NewerVersion { .. } | StoreError::Failed(_))) => {
            return Some(error);
        }
        Err(error) => panic!("{what}: {error}"),
    };
    let checked = store.check();
    for (table, rows) in truth {
        let scanned = store.scan(*table, &[], &[0xff; 9], usize::MAX);
        for found in scanned.iter().flatten() {
            assert!(rows.contains(found), "{what}: {table:?} has a row that nobody wrote");
        }
        for (key, value) in rows {
            match store.get(*table, key) {
                Ok(Some(found)) => assert!(found == *value, "{what}: {table:?} gave another value"),
                Ok(None) => assert!(checked.is_err(), "{what}: {table:?} lost a row and the check is silent"),
                Err(error) => assert!(checked.is_err(), "{what}: {error}, but the check is silent"),
            }
        }
    }
    checked.err()
}

#[test]
fn a_truncated_file_is_an_error_or_right() {
    let folder = filled();
    let truth = contents(&*folder.open());
    let whole = fs::read(folder.path()).unwrap();
    let cuts = (1..60).map(|step| whole.len() * step / 60).chain([1, 15, 16, 99, 100, 511, 4095, 4096, 4097]);
    for bytes in cuts {
        fs::write(folder.path(), &whole[..bytes]).unwrap();
        let error = read_damaged(&folder, &truth, &format!("cut at {bytes}"));
        assert!(error.is_some(), "cut at {bytes}");
        let _ = fs::remove_file(folder.log_path());
    }
}

#[test]
fn flipped_bytes_are_an_error_or_right() {
    let folder = filled();
    let truth = contents(&*folder.open());
    let whole = fs::read(folder.path()).unwrap();
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let (mut noticed, flips) = (0, 400);
    for flip in 0..flips {
        let mut bytes = whole.clone();
        // Every second one where SQLite keeps its own account: heads of pages.
        let page = 4096 * (dice.next_u32() as usize % (whole.len() / 4096));
        let at = page + dice.next_u32() as usize % if flip % 2 == 0 { 4096 } else { 120 };
        bytes[at] ^= 1 << (dice.next_u32() % 8);
        fs::write(folder.path(), &bytes).unwrap();
        noticed += u32::from(read_damaged(&folder, &truth, &format!("byte {at}")).is_some());
        let _ = fs::remove_file(folder.log_path());
    }
    assert!(noticed > flips / 2, "{noticed} of {flips} were noticed");
}

#[test]
fn a_damaged_log_gives_an_earlier_state() {
    let folder = SqliteFolder::new();
    let mut store = folder.open();
    for number in 0..40_u8 {
        commit(&mut *store, Table::Log, &[(&[number], &[number; 700])]);
    }
    let (database, log) = (fs::read(folder.path()).unwrap(), fs::read(folder.log_path()).unwrap());
    drop(store);
    let mut dice = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..60 {
        let mut damaged = log.clone();
        let at = dice.next_u32() as usize % damaged.len();
        damaged[at] ^= 0x40;
        damaged.truncate(damaged.len() - dice.next_u32() as usize % 3000);
        fs::write(folder.path(), &database).unwrap();
        fs::write(folder.log_path(), &damaged).unwrap();
        let Ok(store) = folder.try_open() else { continue };
        let Ok(rows) = store.scan(Table::Log, &[], &[0xff; 9], usize::MAX) else { continue };
        let numbers: Vec<u8> = rows.iter().map(|(key, _)| key[0]).collect();
        assert!(numbers.iter().copied().eq(0..numbers.len() as u8), "byte {at}: {numbers:?}");
    }
}

/// Writes until the store is full; gives the rows that were committed.
fn fill(store: &mut Opened) -> usize {
    for number in 0..100_000_u32 {
        store.begin().unwrap();
        let written = store.put(Table::Log, &number.to_be_bytes(), &[number as u8; 3000]);
        let ended = store.commit(Durability::Process);
        if ended.is_ok() {
            assert_eq!(written, Ok(()));
            continue;
        }
        assert_eq!(ended, Err(StoreError::Full));
        return number as usize;
    }
    panic!("the disk is never full");
}

fn full_and_free_again(mut store: Opened, free: impl FnOnce(&mut Opened)) {
    let committed = fill(&mut store);
    assert_eq!(all(&*store, Table::Log).len(), committed);
    // The same again, with the transaction going on after the failure and then given up.
    store.begin().unwrap();
    store.put(Table::Globals, b"a", b"in the same transaction").unwrap();
    let failed = (0..1000_u32).find_map(|number| {
        store.put(Table::Log, &[&[0xff][..], &number.to_be_bytes()].concat(), &[1; 30_000]).err()
    });
    if failed.is_some() {
        assert_eq!(failed, Some(StoreError::Full));
        assert_eq!(store.put(Table::Globals, b"b", b"after it"), Err(StoreError::Full));
    }
    store.rollback();
    assert_eq!(all(&*store, Table::Globals), []);
    assert_eq!(all(&*store, Table::Log).len(), committed);
    free(&mut store);
    commit(&mut *store, Table::Log, &[(&[0xff; 5], &[1; 30_000])]);
    assert_eq!(all(&*store, Table::Log).len(), committed + 1);
    store.check().unwrap();
}

#[test]
fn a_full_disk_takes_the_transaction_back_and_the_store_goes_on_with_space() {
    let mut store = SqliteFolder::new().open();
    store.limit_growth(Some(300)).unwrap();
    full_and_free_again(store, |store| store.limit_growth(None).unwrap());
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "mounts a small disk, which only root may do"]
fn a_really_full_disk_takes_the_transaction_back() {
    let folder = SqliteFolder::new();
    let disk = folder.path().parent().unwrap().to_owned();
    fs::create_dir(&disk).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs"])
        .arg(&disk)
        .status()
        .unwrap();
    assert!(mount.success());
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![1; 2_000_000]).unwrap();
    let outcome = std::panic::catch_unwind(|| {
        full_and_free_again(folder.open(), |_| fs::remove_file(&ballast).unwrap());
    });
    std::process::Command::new("umount").arg(&disk).status().unwrap();
    outcome.unwrap();
}
