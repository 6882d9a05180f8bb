//! W1: one commit on the engine's own thread, offline, until it is in the store; then many in one go;
//! then power-safe. Beside it the same bytes in raw SQLite.

use super::limits::{Raw, Sealer, Sync};
use super::measure::{Latencies, Stopwatch, disk_bytes};
use super::report::{Better, OWN, Report};
use super::{Options, actions, device};
use std::path::Path;
use std::time::Instant;
use veilfold_core::engine::Draft;
use veilfold_core::store::Durability;

const W: &str = "W1";
/// Actions of a burst.
const BURST: usize = 100;
/// Most commits that wait in one Outbox.
const COMMITS_MAX: usize = 100_000;

/// Measures one round.
pub fn run(options: &Options, report: &mut Report) {
    let n = options.actions(5_000).min(COMMITS_MAX);
    let power = (n / 10).clamp(500, 5_000);
    report.progress(&format!("W1: {n} commits"));
    raw(options, report, "sqlite-normal", Sync::Normal, n, 1, write_plain);
    raw(options, report, "sqlite-normal+doc", Sync::Normal, n, 1, write_plain_and_document);
    raw(options, report, "sqlite-normal+doc+seal", Sync::Normal, n, 1, write_sealed);
    raw(options, report, "sqlite-full", Sync::Full, power, 1, write_plain);
    raw(options, report, "sqlite-normal-tx100+doc+seal1", Sync::Normal, n, BURST, write_one_box);
    raw(options, report, "sqlite-full-tx100+doc+seal1", Sync::Full, power * 10, BURST, write_one_box);
    own(options, report, Names::SINGLE, Durability::Process, n, 1);
    own(options, report, Names::BURST, Durability::Process, n, BURST);
    own(options, report, Names::POWER, Durability::Power, power, 1);
    own(options, report, Names::POWER_BURST, Durability::Power, power * 10, BURST);
    compare(report);
}

fn compare(report: &mut Report) {
    let more = Better::More;
    let normal = ("sqlite-normal", "actions_per_cpu_s");
    report.compare(W, Names::SINGLE.cpu, normal, more, (Some(0.25), Some(0.45)));
    report.compare(W, Names::SINGLE.p50, ("sqlite-normal", "p50"), Better::Less, (Some(4.0), Some(2.0)));
    report.compare(W, Names::SINGLE.cpu, ("sqlite-normal+doc", "actions_per_cpu_s"), more, (None, None));
    report.compare(W, Names::SINGLE.cpu, ("sqlite-normal+doc+seal", "actions_per_cpu_s"), more, (None, None));
    report.compare(W, Names::BURST.cpu, normal, more, (Some(0.8), Some(1.3)));
    let one_box = ("sqlite-normal-tx100+doc+seal1", "actions_per_cpu_s");
    report.compare(W, Names::BURST.cpu, one_box, more, (None, None));
    report.compare(W, Names::POWER.wall, ("sqlite-full", "actions_per_s"), more, (Some(0.8), None));
    report.compare(W, Names::POWER_BURST.wall, ("sqlite-full", "actions_per_s"), more, (None, Some(8.0)));
    report.remark(
        "W1 burst: the engine has no commit of many Transactions in one store transaction, so a burst is \
         one Transaction of 100 Actions.",
    );
    report
        .remark("W1: sealing and signing happen when an Entry is cut for the Relay, off the commit's path.");
}

/// How the figures of one way of committing are called.
struct Names {
    wall: &'static str,
    cpu: &'static str,
    p50: &'static str,
    p99: &'static str,
    disk: &'static str,
}

impl Names {
    const SINGLE: Self =
        Self { wall: "actions_per_s", cpu: "actions_per_cpu_s", p50: "p50", p99: "p99", disk: "disk" };
    const BURST: Self = Self {
        wall: "burst_actions_per_s",
        cpu: "burst_actions_per_cpu_s",
        p50: "burst_p50",
        p99: "burst_p99",
        disk: "burst_disk",
    };
    const POWER: Self = Self {
        wall: "power_actions_per_s",
        cpu: "power_actions_per_cpu_s",
        p50: "power_p50",
        p99: "power_p99",
        disk: "power_disk",
    };
    const POWER_BURST: Self = Self {
        wall: "power_burst_actions_per_s",
        cpu: "power_burst_actions_per_cpu_s",
        p50: "power_burst_p50",
        p99: "power_burst_p99",
        disk: "power_burst_disk",
    };
}

/// Calls `commit` for the first index of each batch, and notes the figures.
fn measure(
    report: &mut Report,
    (peer, names): (&str, &Names),
    (n, batch): (usize, usize),
    path: &Path,
    mut commit: impl FnMut(usize),
) {
    let mut latencies = Latencies::with_capacity(n / batch + 1);
    let watch = Stopwatch::start();
    for first in (0..n).step_by(batch) {
        let start = Instant::now();
        commit(first);
        latencies.push(start.elapsed());
    }
    let cost = watch.cost();
    report.figure(W, peer, names.wall, n as f64 / cost.wall, "actions/s");
    report.figure(W, peer, names.cpu, n as f64 / cost.cpu, "actions/cpu-s");
    report.figure(W, peer, names.p50, latencies.percentile_us(0.5), "us");
    report.figure(W, peer, names.p99, latencies.percentile_us(0.99), "us");
    report.figure(W, peer, names.disk, disk_bytes(path) as f64 / n as f64, "bytes/action");
}

fn own(options: &Options, report: &mut Report, names: Names, durability: Durability, n: usize, batch: usize) {
    let folder = options.scratch();
    let path = folder.path().join("device.db");
    let mut engine = device::open(&path, durability);
    let space = engine.create_space("bench", "writer", device::START_MS).expect("a new space");
    device::discard_outputs(&mut engine);
    let mut drafts: Vec<Option<Draft>> = (0..n)
        .step_by(batch)
        .map(|first| {
            let actions = (first..(first + batch).min(n)).map(actions::action).collect();
            Some(Draft { actions, ..Draft::default() })
        })
        .collect();
    measure(report, (OWN, &names), (n, batch), &path, |first| {
        let draft = drafts[first / batch].take().expect("each is committed once");
        device::commit(&mut engine, space, draft, device::START_MS + first as u64);
        device::discard_outputs(&mut engine);
    });
    let last = engine.read(space, &actions::document(n - 1)).expect("the store reads");
    assert_eq!(last.as_ref().and_then(actions::value_of), Some(actions::value(n - 1).as_str()));
}

type Write = fn(&Raw, &Sealer, usize, &[String]);

fn raw(options: &Options, report: &mut Report, peer: &str, sync: Sync, n: usize, batch: usize, write: Write) {
    let folder = options.scratch();
    let path = folder.path().join("raw.db");
    let (raw, sealer) = (Raw::open(&path, sync), Sealer::new());
    let all: Vec<String> = (0..n).map(actions::json).collect();
    measure(report, (peer, &Names::SINGLE), (n, batch), &path, |first| {
        let batch = &all[first..(first + batch).min(n)];
        raw.transaction(|raw| write(raw, &sealer, first, batch));
    });
}

fn write_plain(raw: &Raw, _: &Sealer, first: usize, batch: &[String]) {
    batch.iter().enumerate().for_each(|(offset, json)| raw.insert(first + offset, json.as_bytes()));
}

fn write_plain_and_document(raw: &Raw, sealer: &Sealer, first: usize, batch: &[String]) {
    write_plain(raw, sealer, first, batch);
    write_documents(raw, batch);
}

fn write_sealed(raw: &Raw, sealer: &Sealer, first: usize, batch: &[String]) {
    for (offset, json) in batch.iter().enumerate() {
        raw.insert(first + offset, &sealer.seal((first + offset) as u64, json.as_bytes()));
    }
    write_documents(raw, batch);
}

fn write_one_box(raw: &Raw, sealer: &Sealer, first: usize, batch: &[String]) {
    raw.insert(first, &sealer.seal(first as u64, batch.concat().as_bytes()));
    write_documents(raw, batch);
}

fn write_documents(raw: &Raw, batch: &[String]) {
    for json in batch {
        let (key, value) = actions::parse(json.as_bytes());
        raw.upsert(key, value);
    }
}
