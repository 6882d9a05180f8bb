//! W3: a newcomer catches up. Single-action Entries of one and of five authors, and Entries of a
//! hundred actions, in pages as a Relay sends them. Beside it the same without product logic.

use super::Options;
use super::limits::{self, CatchUp, Raw, Sealer, Sync};
use super::log::{Log, Shape};
use super::measure::{Cost, disk_bytes};
use super::report::{Better, OWN, Report};
use veilfold_wire::limits::PAGE_ENTRIES_MAX;

const W: &str = "W3";

/// A log and what its figures are called.
struct Case {
    shape: Shape,
    rate: &'static str,
    rate_wall: &'static str,
    wire: &'static str,
    disk: &'static str,
}

/// The logs, written once for all rounds.
pub struct Logs(Vec<(Case, Log)>);

impl Logs {
    /// Has the logs written.
    pub fn write(options: &Options, report: &mut Report) -> Self {
        let actions = options.actions(10_000);
        let cases = [
            Case {
                shape: Shape { actions, authors: 1, per_entry: 1 },
                rate: "actions_per_cpu_s",
                rate_wall: "actions_per_s",
                wire: "wire",
                disk: "disk",
            },
            Case {
                shape: Shape { actions, authors: 5, per_entry: 1 },
                rate: "authors5_actions_per_cpu_s",
                rate_wall: "authors5_actions_per_s",
                wire: "authors5_wire",
                disk: "authors5_disk",
            },
            Case {
                shape: Shape { actions, authors: 1, per_entry: 100 },
                rate: "entries_of_100_actions_per_cpu_s",
                rate_wall: "entries_of_100_actions_per_s",
                wire: "entries_of_100_wire",
                disk: "entries_of_100_disk",
            },
        ];
        let write = |case: Case| {
            report.progress(&format!("W3: writing a log, {:?}", case.shape));
            let log = Log::write(case.shape, options.scratch());
            (case, log)
        };
        Self(cases.into_iter().map(write).collect())
    }
}

/// Measures one round.
pub fn run(options: &Options, report: &mut Report, logs: &mut Logs) {
    report.progress("W3: catching up");
    let n = options.actions(10_000);
    limit(options, report, "sealed1-verify-each", n, 1, CatchUp::VerifyEach);
    limit(options, report, "sealed1-chain-head", n, 1, CatchUp::ChainAndHead);
    limit(options, report, "sealed1-chain-head-dirtydocs", n, 1, CatchUp::ChainHeadDirtyDocuments);
    limit(options, report, "sealed100-chain-head", n, 100, CatchUp::ChainAndHead);
    limit(options, report, "sealed100-chain-head-dirtydocs", n, 100, CatchUp::ChainHeadDirtyDocuments);
    for (case, log) in &mut logs.0 {
        let folder = options.scratch();
        let path = folder.path().join("newcomer.db");
        let mut newcomer = log.newcomer(&path);
        let ((), cost) = Cost::of(|| newcomer.catch_up());
        newcomer.check();
        let actions = case.shape.actions as f64;
        report.figure(W, OWN, case.rate, actions / cost.cpu, "actions/cpu-s");
        report.figure(W, OWN, case.rate_wall, actions / cost.wall, "actions/s");
        report.figure(W, OWN, case.wire, newcomer.wire_bytes() as f64 / actions, "bytes/action");
        drop(newcomer);
        report.figure(W, OWN, case.disk, disk_bytes(&path) as f64 / actions, "bytes/action");
    }
    compare(report);
}

fn compare(report: &mut Report) {
    let rate = "actions_per_cpu_s";
    for own in [rate, "authors5_actions_per_cpu_s"] {
        let more = Better::More;
        report.compare(W, own, ("sealed1-chain-head", rate), more, (Some(0.7), None));
        report.compare(W, own, ("sealed1-chain-head-dirtydocs", rate), more, (None, Some(0.7)));
        report.compare(W, own, ("sealed1-verify-each", rate), more, (Some(5.0), Some(10.0)));
    }
    let own = "entries_of_100_actions_per_cpu_s";
    report.compare(W, own, ("sealed100-chain-head", rate), Better::More, (Some(0.6), None));
    report.compare(W, own, ("sealed100-chain-head-dirtydocs", rate), Better::More, (None, Some(0.5)));
}

fn limit(options: &Options, report: &mut Report, peer: &str, n: usize, batch: usize, how: CatchUp) {
    let folder = options.scratch();
    let path = folder.path().join("raw.db");
    let (raw, sealer) = (Raw::open(&path, Sync::Normal), Sealer::new());
    let boxes = limits::boxes(&sealer, n, batch);
    let page = (PAGE_ENTRIES_MAX / batch).max(1);
    let (actions, cost) = Cost::of(|| limits::catch_up(&raw, &sealer, &boxes, page, how));
    assert_eq!(actions, n);
    let n = n as f64;
    report.figure(W, peer, "actions_per_cpu_s", n / cost.cpu, "actions/cpu-s");
    report.figure(W, peer, "actions_per_s", n / cost.wall, "actions/s");
    let wire: usize = boxes.iter().map(Vec::len).sum();
    report.figure(W, peer, "wire", wire as f64 / n, "bytes/action");
}
