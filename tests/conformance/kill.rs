//! A process that is killed at any moment leaves whole transactions and no lock.
//!
//! The test runs its own binary again as the process to kill.

use crate::stores::{SqliteFolder, all};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use veilfold_core::io::SqliteStore;
use veilfold_core::store::{Durability, Store, StoreError, Table};

const FOLDER: &str = "VEILFOLD_TEST_STORE";
const KILLS: u32 = 12;
/// In which every transaction writes.
const TABLES: [Table; 3] = [Table::Outbox, Table::Overlay, Table::Log];

/// Starts this test binary as one of the processes below.
fn start(process: &str, folder: &SqliteFolder) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", process, "--ignored", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// The next thing the process says, past what the test runner prints.
fn heard(lines: &mut impl BufRead) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the process ended early");
        if let Some((_, said)) = line.split_once("SAY ") {
            return said.trim().to_owned();
        }
    }
}

fn say(what: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "SAY {what}").unwrap();
    out.flush().unwrap();
}

fn path_given() -> std::path::PathBuf {
    std::env::var_os(FOLDER).expect("only started by the tests here").into()
}

/// Number of the newest transaction; all tables must agree on it and hold every earlier one.
fn newest(store: &dyn Store) -> u64 {
    let count = |table| all(store, table).len() as u64;
    let numbers = TABLES.map(count);
    assert_eq!(numbers, [numbers[0]; 3], "half of a transaction");
    for table in TABLES {
        for (at, (key, value)) in all(store, table).into_iter().enumerate() {
            assert_eq!(key, (at as u64 + 1).to_be_bytes());
            assert_eq!(value, value_of(at as u64 + 1));
        }
    }
    numbers[0]
}

fn value_of(number: u64) -> Vec<u8> {
    vec![number as u8; 50 + (number as usize * 37) % 9000]
}

#[test]
#[ignore = "the process that is killed; started by the test below"]
fn writer() {
    let mut store = SqliteStore::open(path_given()).unwrap();
    let first = store.last(Table::Outbox, &[], &[0xff; 9]).unwrap();
    let mut number = first.map_or(0, |(key, _)| u64::from_be_bytes(key.try_into().unwrap()));
    loop {
        number += 1;
        store.begin().unwrap();
        for table in TABLES {
            store.put(table, &number.to_be_bytes(), &value_of(number)).unwrap();
        }
        let durability = if number % 50 == 0 { Durability::Power } else { Durability::Process };
        store.commit(durability).unwrap();
        say(number);
    }
}

#[test]
fn a_killed_process_leaves_whole_transactions_and_everything_it_was_told() {
    let folder = SqliteFolder::new();
    let mut kept = 0;
    for kill in 1..=KILLS {
        let (mut child, mut lines) = start("kill::writer", &folder);
        let mut told = kept;
        for _ in 0..kill * kill {
            told = heard(&mut lines).parse().unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = folder.open();
        kept = newest(&*store);
        assert!(kept >= told, "told {told}, kept {kept}");
        store.check().unwrap();
    }
}

#[test]
#[ignore = "the second process; started by the test below"]
fn second_opener() {
    say(match SqliteStore::open(path_given()) {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string(),
    });
}

#[test]
fn a_store_is_open_in_one_process_at_a_time() {
    let folder = SqliteFolder::new();
    let ask = || {
        let (mut child, mut lines) = start("kill::second_opener", &folder);
        let said = heard(&mut lines);
        child.wait().unwrap();
        said
    };
    let mut store = folder.open();
    let in_use = StoreError::InUse.to_string();
    assert_eq!(ask(), in_use);
    store.begin().unwrap();
    store.put(Table::Log, b"a", b"1").unwrap();
    assert_eq!(ask(), in_use);
    store.commit(Durability::Process).unwrap();
    // A refused opening in this process must not give up the lock of the one that holds it.
    assert_eq!(folder.try_open().err(), Some(StoreError::InUse));
    assert_eq!(ask(), in_use);
    drop(store);
    assert_eq!(ask(), "opened");
    assert_eq!(all(&*folder.open(), Table::Log).len(), 1);
}

#[test]
fn openers_at_the_same_moment_get_one_store() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/veilfold.db");
        let answers = std::thread::scope(|scope| {
            let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| SqliteStore::open(&path))).collect();
            openers.into_iter().map(|opener| opener.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(*answer, StoreError::InUse);
        }
    }
}
