//! How fast a commit is beside SQLite itself, for whoever changes the store.
//!
//! Prints and asserts nothing; `bench/` holds the numbers that are watched.

use crate::stores::SqliteFolder;
use std::io::Write;
use std::time::{Duration, Instant};
use veilfold_core::store::{Durability, Store, Table};

const COMMITS: u32 = 20_000;
const ROUNDS: u32 = 5;
/// About a small action, and about a small document.
const ACTION: [u8; 120] = [7; 120];
const DOCUMENT: [u8; 250] = [9; 250];

/// Commits per second of processor time and of wall time, the best of the rounds each.
struct Rate {
    cpu: f64,
    wall: f64,
}

fn best(mut round: impl FnMut() -> Spent) -> Rate {
    let rounds: Vec<Spent> = (0..ROUNDS).map(|_| round()).collect();
    let least = |time: fn(&Spent) -> Duration| rounds.iter().map(time).min().unwrap_or_default();
    let per_second = |time: Duration| f64::from(COMMITS) / time.as_secs_f64();
    Rate { cpu: per_second(least(|spent| spent.cpu)), wall: per_second(least(|spent| spent.wall)) }
}

struct Spent {
    cpu: Duration,
    wall: Duration,
}

/// Measures the calling thread. Where the system does not tell its processor time, that is zero.
fn spent(work: impl FnOnce()) -> Spent {
    let (cpu, wall) = (thread_cpu(), Instant::now());
    work();
    Spent { cpu: thread_cpu() - cpu, wall: wall.elapsed() }
}

fn thread_cpu() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = times.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

/// One row per commit, as SQLite does it when nothing stands before it.
fn raw() -> Spent {
    let folder = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("raw.db")).unwrap();
    let setup = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
                 CREATE TABLE log (seq INTEGER PRIMARY KEY, data BLOB NOT NULL)";
    connection.execute_batch(setup).unwrap();
    let mut insert = connection.prepare("INSERT INTO log (seq, data) VALUES (?1, ?2)").unwrap();
    spent(|| {
        for number in 0..COMMITS {
            insert.execute(rusqlite::params![number, ACTION]).unwrap();
        }
    })
}

/// What one local write costs the store: a pending Transaction and the Document it changes.
fn store(durability: Durability) -> Spent {
    let mut store = SqliteFolder::new().open();
    spent(|| {
        for number in 0..COMMITS {
            let document =
                [&[0; 20][..], &(number.wrapping_mul(2_654_435_761) % 10_000).to_be_bytes()].concat();
            store.begin().unwrap();
            store.put(Table::Outbox, &u64::from(number).to_be_bytes(), &ACTION).unwrap();
            store.put(Table::Overlay, &document, &DOCUMENT).unwrap();
            store.commit(durability).unwrap();
        }
    })
}

/// Opening and reading one row, of a store that holds so many.
fn open(rows: u32) -> Duration {
    let folder = SqliteFolder::new();
    let mut writing = folder.open();
    writing.begin().unwrap();
    for number in 0..rows {
        writing.put(Table::Log, &number.to_be_bytes(), &DOCUMENT).unwrap();
    }
    writing.commit(Durability::Process).unwrap();
    drop(writing);
    let once = || {
        let start = Instant::now();
        let store = folder.open();
        store.get(Table::Log, &0_u32.to_be_bytes()).unwrap();
        start.elapsed()
    };
    (0..20).map(|_| once()).min().unwrap_or_default()
}

#[test]
#[ignore = "measures and takes a while: run it alone, with --release --nocapture"]
fn commits_per_second_beside_raw_sqlite() {
    let raw = best(raw);
    let process = best(|| store(Durability::Process));
    let power = best(|| store(Durability::Power));
    let mut out = std::io::stdout();
    writeln!(out, "commits per second                   processor       wall     of raw").unwrap();
    for (name, rate) in [
        ("raw SQLite, one INSERT each", &raw),
        ("store, two puts each", &process),
        ("the same, surviving a power cut", &power),
    ] {
        let (cpu, wall) = (rate.cpu / raw.cpu, rate.wall / raw.wall);
        writeln!(out, "{name:<34} {:>11.0} {:>10.0}  {cpu:.2} {wall:.2}", rate.cpu, rate.wall).unwrap();
    }
    for rows in [1_000, 100_000] {
        writeln!(out, "open and read one of {rows:>7} rows   {:>9.0} µs", open(rows).as_secs_f64() * 1e6)
            .unwrap();
    }
}
