//! W2: from closed to the first document, and to all of them, each in a process of its own, after a
//! short and a long history; bytes on the disk; and the state built again from the log.

use super::limits::{Raw, Sync};
use super::log::{Log, Shape};
use super::measure::{Cost, Stopwatch, disk_bytes, peak_rss_mib};
use super::report::{Better, OWN, Report};
use super::{Options, actions, device};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use veilfold_core::model::DocumentKey;
use veilfold_core::store::Durability;

const W: &str = "W2";
/// First argument of a process that only opens a store.
pub const CHILD: &str = "open-store";
/// The short history.
const SHORT: usize = 1_000;
/// Processes per round and store; the median counts.
const OPENINGS: usize = 9;

/// The stores, made once for all rounds.
pub struct Stores {
    // Deletes the folder when dropped.
    _folder: TempDir,
    /// Kind, name in figures, file.
    all: Vec<(Kind, &'static str, PathBuf)>,
}

/// What to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Own,
    Raw,
}

impl Stores {
    /// Has Devices catch up with short and long histories, and writes the same documents raw.
    pub fn make(options: &Options, report: &mut Report) -> Self {
        let folder = options.scratch();
        let n = options.actions(10_000);
        let mut all = Vec::new();
        for (actions, name, raw_name) in [(SHORT, "1k", "sqlite-docs-1k"), (n, "all", "sqlite-docs-all")] {
            report.progress(&format!("W2: making stores of {actions} actions"));
            let path = folder.path().join(format!("own-{name}.db"));
            let mut log = Log::write(Shape { actions, authors: 1, per_entry: 1 }, options.scratch());
            let mut newcomer = log.newcomer(&path);
            let ((), cost) = Cost::of(|| newcomer.catch_up());
            newcomer.check();
            drop(newcomer);
            if name == "all" {
                report.figure(
                    W,
                    OWN,
                    "rebuild_actions_per_cpu_s",
                    actions as f64 / cost.cpu,
                    "actions/cpu-s",
                );
                report.figure(W, OWN, "disk", disk_bytes(&path) as f64 / actions as f64, "bytes/action");
            }
            all.push((Kind::Own, name, path));
            all.push((Kind::Raw, raw_name, raw_documents(folder.path(), name, actions)));
        }
        let log_path = raw_log(folder.path(), n);
        report.figure(W, "sqlite-plain-log", "disk", disk_bytes(&log_path) as f64 / n as f64, "bytes/action");
        report.remark(format!("W2: short history {SHORT} actions, long history {n} actions."));
        Self { _folder: folder, all }
    }
}

fn raw_documents(folder: &Path, name: &str, actions: usize) -> PathBuf {
    let path = folder.join(format!("raw-{name}.db"));
    let raw = Raw::open(&path, Sync::Normal);
    raw.transaction(|raw| {
        (0..actions).for_each(|index| raw.upsert(&actions::key(index), &actions::value(index)));
    });
    raw.checkpoint();
    path
}

fn raw_log(folder: &Path, actions: usize) -> PathBuf {
    let path = folder.join("raw-log.db");
    let raw = Raw::open(&path, Sync::Normal);
    raw.transaction(|raw| {
        (0..actions).for_each(|index| raw.insert(index, actions::json(index).as_bytes()));
    });
    raw.checkpoint();
    path
}

/// Measures one round.
pub fn run(report: &mut Report, stores: &Stores) {
    report.progress("W2: opening");
    for (kind, name, path) in &stores.all {
        let mut openings: Vec<Opening> =
            (0..OPENINGS).filter_map(|_| Opening::in_new_process(*kind, path)).collect();
        let peer = if *kind == Kind::Own { OWN } else { *name };
        let suffix = if *kind == Kind::Own { format!("_{name}") } else { String::new() };
        type Part = (&'static str, fn(&Opening) -> f64, &'static str);
        let parts: [Part; 5] = [
            ("first", |opening| opening.first_ms, "ms"),
            ("first_cpu", |opening| opening.first_cpu_ms, "cpu-ms"),
            ("all_documents", |opening| opening.all_ms, "ms"),
            ("all_documents_cpu", |opening| opening.all_cpu_ms, "cpu-ms"),
            ("peak_rss", |opening| opening.rss_mib, "MiB"),
        ];
        for (metric, value, unit) in parts {
            openings.sort_by(|a, b| value(a).total_cmp(&value(b)));
            if let Some(median) = openings.get(openings.len() / 2) {
                report.figure(W, peer, &format!("{metric}{suffix}"), value(median), unit);
            }
        }
    }
    compare(report);
}

fn compare(report: &mut Report) {
    let less = Better::Less;
    let first = (Some(5.0), Some(2.0));
    report.compare(W, "first_all", ("sqlite-docs-all", "first"), less, first);
    report.compare(W, "first_cpu_all", ("sqlite-docs-all", "first_cpu"), less, first);
    report.compare(W, "first_cpu_all", (OWN, "first_cpu_1k"), less, (Some(1.5), None));
    report.compare(W, "all_documents_cpu_all", ("sqlite-docs-all", "all_documents_cpu"), less, first);
    report.compare(W, "peak_rss_all", ("sqlite-docs-all", "peak_rss"), less, (None, None));
    report.compare(W, "disk", ("sqlite-plain-log", "disk"), less, (Some(2.0), Some(0.8)));
}

/// What one process found.
struct Opening {
    first_ms: f64,
    first_cpu_ms: f64,
    all_ms: f64,
    all_cpu_ms: f64,
    rss_mib: f64,
}

impl Opening {
    fn in_new_process(kind: Kind, path: &Path) -> Option<Self> {
        let program = std::env::current_exe().expect("this program has a file");
        let kind = if kind == Kind::Own { "own" } else { "raw" };
        let output = Command::new(program).args([CHILD, kind]).arg(path).output().expect("it starts again");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).ok()?;
        let mut numbers = text.split_whitespace().map_while(|word| word.parse().ok());
        let mut next = || numbers.next();
        Some(Self {
            first_ms: next()?,
            first_cpu_ms: next()?,
            all_ms: next()?,
            all_cpu_ms: next()?,
            rss_mib: next()?,
        })
    }
}

/// What the new process does; gives the line that it says.
pub fn child(mut arguments: impl Iterator<Item = String>) -> Option<String> {
    let own = arguments.next()? == "own";
    let path = PathBuf::from(arguments.next()?);
    let key = actions::key(1);
    let watch = Stopwatch::start();
    let (first, whole, count);
    if own {
        let mut engine = device::open(&path, Durability::Process);
        let space = engine.spaces().next()?;
        let document = DocumentKey::new(actions::COLLECTION, key);
        let fields = engine.read(space, &document).ok()??;
        assert_eq!(actions::value_of(&fields).map(str::len), Some(60));
        first = watch.cost();
        count = engine.read_collection(space, actions::COLLECTION, None, usize::MAX).ok()?.len();
        whole = watch.cost();
    } else {
        let raw = Raw::open(&path, Sync::Normal);
        assert_eq!(raw.read(&key).len(), 60);
        first = watch.cost();
        count = raw.read_all().len();
        whole = watch.cost();
    }
    assert!(count >= SHORT);
    let ms = |seconds: f64| seconds * 1e3;
    Some(format!(
        "{} {} {} {} {}\n",
        ms(first.wall),
        ms(first.cpu),
        ms(whole.wall),
        ms(whole.cpu),
        peak_rss_mib()
    ))
}
