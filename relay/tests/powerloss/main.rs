//! Everything that the Relay has acknowledged survives a power cut at any moment.
//!
//! A real Relay works on files whose every change is noted (`record.c`); from the notes the test
//! makes the folder as a disk may have it after a power cut at many points (`disk.rs`), opens it,
//! and looks for what had been acknowledged by then. Killing a process would show nothing: what it
//! has written stays in the system's memory.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "how much was tried belongs to the result")]

mod disk;
#[path = "../peers/mod.rs"]
mod peers;

use bytes::Bytes;
use disk::{Dice, Disk, Left};
use peers::{Client, Process, binary, found};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use veilfold_relay::RelayIdentity;
use veilfold_relay::store::{SqliteStore, Store};
use veilfold_wire::frame::RefuseReason;
use veilfold_wire::{ChainHash, SpaceId};

/// A folder for a Relay whose changes are noted.
struct Recorded {
    folder: tempfile::TempDir,
}

impl Recorded {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/powerloss/record.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(folder.path().join("record.so"))
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(compiled.expect("a C compiler, `cc`, is needed").success());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn start(&self, more: &[&str]) -> Process {
        Process::spawn(
            binary()
                .arg("--data")
                .arg(self.data())
                .args(["--entries-per-second", "1000000"])
                .args(more)
                .env("LD_PRELOAD", self.path("record.so"))
                .env("VEILFOLD_RECORD_ROOT", self.data())
                .env("VEILFOLD_RECORD_JOURNAL", self.path("journal"))
                .env("VEILFOLD_RECORD_FAULT", self.path("fault")),
        )
    }

    fn journal_len(&self) -> u64 {
        std::fs::metadata(self.path("journal")).unwrap().len()
    }
}

/// That all Entries of a Space up to `seq` were acknowledged when the journal had this length, or
/// before: whatever led to the acknowledgement is in the journal up to there.
#[derive(Clone, Copy)]
struct Acknowledged {
    journal_len: u64,
    space: SpaceId,
    seq: u64,
}

/// One device that founds a Space after the other and writes into it, several Entries at a time.
async fn write(url: String, journal: PathBuf, number: u64, spaces: u64, entries: usize) -> Vec<Acknowledged> {
    let journal_len = || std::fs::metadata(&journal).unwrap().len();
    let mut client = Client::log_in(&url).await;
    let mut dice = Dice(number);
    let mut acknowledged = Vec::new();
    for space in 0..spaces {
        let (mut owner, mut seen) = found(&mut client, number * 1_000 + space).await;
        acknowledged.push(Acknowledged { journal_len: journal_len(), space: owner.space, seq: 1 });
        let mut left = entries;
        while left > 0 {
            let burst = left.min(1 + dice.below(8));
            let offered: Vec<_> = (0..burst).map(|_| owner.write(seen, dice.below(3_000))).collect();
            for entry in &offered {
                client.offer(owner.space, entry).await;
            }
            for entry in &offered {
                let receipt = client.outcome(entry).await.unwrap();
                seen = seen.then(&receipt.hash);
                assert_eq!((receipt.seq, receipt.chain), (seen.seq, seen.chain));
                let (journal_len, space, seq) = (journal_len(), owner.space, receipt.seq);
                acknowledged.push(Acknowledged { journal_len, space, seq });
            }
            left -= burst;
        }
    }
    acknowledged
}

/// Everything of these Spaces that a store has: Entries and running hashes.
type Logs = BTreeMap<SpaceId, (Vec<Bytes>, Vec<ChainHash>)>;

fn logs(store: &mut SqliteStore, spaces: &[SpaceId]) -> Logs {
    let log = |space: &SpaceId| {
        let entries = store.page(space, 0, usize::MAX, usize::MAX).unwrap();
        (*space, (entries, store.chains(space, 1).unwrap()))
    };
    spaces.iter().map(log).collect()
}

/// What a run has left: the notes, what was acknowledged when, and how it ended.
struct Run {
    notes: Vec<(u64, disk::Note)>,
    acknowledged: Vec<Acknowledged>,
    announced_at: u64,
    key: String,
    truth: Logs,
}

async fn run(more: &[&str], devices: u64, spaces: u64, entries: usize) -> Run {
    let recorded = Recorded::new();
    let mut relay = recorded.start(more);
    let (announced_at, key) = (recorded.journal_len(), relay.key.clone());
    let journal = recorded.path("journal");
    let writing = (1..=devices).map(|number| {
        let (url, journal) = (relay.url(), journal.clone());
        tokio::spawn(write(url, journal, number, spaces, entries))
    });
    let mut acknowledged = Vec::new();
    for device in writing.collect::<Vec<_>>() {
        acknowledged.extend(device.await.unwrap());
    }
    // Without a shutdown: what counts is what was acknowledged, not what a good end would add.
    relay.kill();
    let notes = disk::notes(&std::fs::read(&journal).unwrap());
    let spaces: Vec<_> = acknowledged.iter().map(|ack| ack.space).collect();
    let truth = logs(&mut SqliteStore::open(&recorded.data()).unwrap(), &spaces);
    Run { notes, acknowledged, announced_at, key, truth }
}

/// Cuts the power after the notes with these numbers, in order; gives what was lost.
fn cut(run: &Run, points: &[usize], seed: u64) -> Vec<String> {
    let (mut disk, mut done) = (Disk::default(), 0);
    let mut lost = Vec::new();
    for (index, point) in points.iter().enumerate() {
        for (_, note) in &run.notes[done..=*point] {
            disk.apply(note);
        }
        done = point + 1;
        let left = Left::ALL[index % Left::ALL.len()];
        let mut dice = Dice(seed ^ (index as u64) << 32);
        let folder = tempfile::tempdir().unwrap();
        disk.cut(left, &mut dice, folder.path());
        if let Err(what) = check(run, run.notes[*point].0, folder.path()) {
            lost.push(format!("after note {point} of {}, {left:?} left: {what}", run.notes.len()));
        }
    }
    lost
}

/// Whether the folder holds what had been acknowledged when the journal had this length.
fn check(run: &Run, journal_len: u64, folder: &Path) -> Result<(), String> {
    let mut store = SqliteStore::open(folder).map_err(|error| format!("does not open: {error}"))?;
    let key = RelayIdentity::load_or_generate(folder).map_err(|error| error.to_string())?.key();
    if journal_len >= run.announced_at && key.to_string() != run.key {
        return Err("the relay has another key".into());
    }
    let spaces: Vec<_> = run.truth.keys().copied().collect();
    let found = logs(&mut store, &spaces);
    let mut wanted = BTreeMap::new();
    for ack in run.acknowledged.iter().filter(|ack| ack.journal_len <= journal_len) {
        let seq = wanted.entry(ack.space).or_insert(0);
        *seq = ack.seq.max(*seq);
    }
    for (space, (entries, chains)) in &found {
        let (true_entries, true_chains) = &run.truth[space];
        if !true_entries.starts_with(entries) || !true_chains.starts_with(chains) {
            return Err(format!("{space:?} has another log"));
        }
        let wanted = wanted.get(space).copied().unwrap_or(0);
        if (entries.len() as u64) < wanted {
            return Err(format!("{space:?} ends at {}, {wanted} were acknowledged", entries.len()));
        }
    }
    Ok(())
}

/// Points spread over the whole run, half of them right after a sync, where acknowledgements leave.
fn points(run: &Run, count: usize, seed: u64) -> Vec<usize> {
    let mut dice = Dice(seed);
    let synced = |(index, (_, note)): (usize, &(u64, disk::Note))| {
        matches!(note, disk::Note::Sync(_)).then_some(index)
    };
    let syncs: Vec<_> = run.notes.iter().enumerate().filter_map(synced).collect();
    let mut points: Vec<_> = (0..count)
        .map(|index| match index % 2 {
            0 if !syncs.is_empty() => syncs[dice.below(syncs.len())],
            _ => dice.below(run.notes.len()),
        })
        .collect();
    // The making of the store, note by note.
    points.extend((0..run.notes.len()).take_while(|index| run.notes[*index].0 <= run.announced_at));
    points.push(run.notes.len() - 1);
    points.sort_unstable();
    points
}

/// How often the store's file itself was synced after the start.
fn checkpoints(run: &Run) -> usize {
    let moved = |(at, note): &&(u64, disk::Note)| {
        *at > run.announced_at && matches!(note, disk::Note::Sync(path) if path == "relay.db")
    };
    run.notes.iter().filter(moved).count()
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_acknowledged_survives_a_power_cut() {
    let seed = from_environment("VEILFOLD_POWERLOSS_SEED", 1);
    let count = from_environment("VEILFOLD_POWERLOSS_CUTS", 200) as usize;
    let run = run(&[], 4, 3, 150).await;
    let points = points(&run, count, seed);
    let lost = cut(&run, &points, seed);
    let (notes, acknowledged) = (run.notes.len(), run.acknowledged.len());
    let checkpoints = checkpoints(&run);
    assert!(checkpoints > 0, "the run was too short to move anything from the log into the file");
    println!(
        "seed {seed}: {checkpoints} checkpoints, {} cuts in {notes} notes, {acknowledged} acknowledgements",
        points.len()
    );
    assert!(lost.is_empty(), "seed {seed}: {} cuts lost something: {}", lost.len(), lost.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_test_finds_what_is_acknowledged_before_it_is_durable() {
    let run = run(&["--without-durable-before-ack"], 2, 1, 60).await;
    let points = points(&run, 40, 1);
    let lost = cut(&run, &points, 1);
    println!("{} of {} cuts lost something, as they must", lost.len(), points.len());
    assert!(lost.iter().any(|what| what.contains("were acknowledged")), "{lost:?}");
}

#[tokio::test]
async fn a_full_or_broken_disk_is_said_and_got_over() {
    let recorded = Recorded::new();
    let mut relay = recorded.start(&[]);
    let mut alice = Client::log_in(&relay.url()).await;
    let (mut owner, mut seen) = found(&mut alice, 1).await;
    for fault in ["F", "S"] {
        std::fs::write(recorded.path("fault"), fault).unwrap();
        let entry = owner.write(seen, 5_000);
        for _ in 0..3 {
            let refused = alice.append(owner.space, &entry).await;
            assert!(matches!(refused, Err((RefuseReason::Unavailable, 1..))), "{fault}: {refused:?}");
        }
        // Reading goes on, for others as well.
        let mut bob = Client::log_in(&relay.url()).await;
        assert_eq!(bob.subscribe(&owner, 0).await.map(|head| head.seq), Ok(seen.seq));
        assert_eq!(bob.read(owner.space, 1, seen.seq).await.len() as u64, seen.seq);

        std::fs::remove_file(recorded.path("fault")).unwrap();
        let receipt = alice.append(owner.space, &entry).await.unwrap();
        seen = seen.then(&owner.head.hash);
        assert_eq!((receipt.seq, receipt.chain), (seen.seq, seen.chain));
        assert_eq!(bob.read(owner.space, seen.seq, seen.seq).await, [entry.bytes().clone()]);
    }
    relay.kill();
    let relay = Process::start(&recorded.data());
    let mut alice = Client::log_in(&relay.url()).await;
    assert_eq!(
        alice.subscribe(&owner, 0).await.map(|head| (head.seq, head.chain)),
        Ok((seen.seq, seen.chain))
    );
}
