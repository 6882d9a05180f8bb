//! Workloads against the raw limits of the machine, both in the same run, so that a ratio means
//! something whatever else the machine does. `docs/benchmarks.md` says what is measured and how.

mod actions;
mod device;
mod echo;
mod limits;
mod log;
mod measure;
mod modules;
mod order;
mod report;
mod w1;
mod w2;
mod w3;
mod w5;

use report::Report;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use tempfile::TempDir;

const USAGE: &str =
    "veilfold-bench [w1 w2 w3 w5 modules …] [--json] [--quick] [--n ACTIONS] [--rounds R] [--dir FOLDER]";
/// Actions of a full run.
const ACTIONS: usize = 100_000;

/// What was asked for on the command line.
pub struct Options {
    workloads: Vec<String>,
    as_json: bool,
    quick: bool,
    n: Option<usize>,
    rounds: Option<usize>,
    dir: PathBuf,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            workloads: Vec::new(),
            as_json: false,
            quick: false,
            n: None,
            rounds: None,
            dir: std::env::temp_dir(),
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut next = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            let count = |text: String| match text.parse::<usize>() {
                Ok(count) if count > 0 => Ok(Some(count)),
                _ => Err(format!("not a count: {text}")),
            };
            match argument.as_str() {
                "--json" => options.as_json = true,
                "--quick" => options.quick = true,
                "--n" => options.n = count(next()?)?,
                "--rounds" => options.rounds = count(next()?)?,
                "--dir" => options.dir = PathBuf::from(next()?),
                "w1" | "w2" | "w3" | "w5" | "modules" => options.workloads.push(argument),
                _ => return Err(format!("unknown: {argument}")),
            }
        }
        Ok(options)
    }

    /// How many actions a workload takes: as asked for, or all, or `quick` of them.
    pub fn actions(&self, quick: usize) -> usize {
        self.n.unwrap_or(if self.quick { quick } else { ACTIONS })
    }

    /// True for a run of about a minute.
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// How often everything is measured; the median counts.
    fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 1 } else { 3 })
    }

    /// A folder that is deleted when it is dropped.
    pub fn scratch(&self) -> TempDir {
        tempfile::tempdir_in(&self.dir).expect("the scratch folder can be written; choose one with --dir")
    }

    fn wants(&self, workload: &str) -> bool {
        self.workloads.is_empty() || self.workloads.iter().any(|wanted| wanted == workload)
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == w2::CHILD).is_some() {
        let line = w2::child(arguments);
        let said = line.as_ref().map(|line| std::io::stdout().write_all(line.as_bytes()));
        return if matches!(said, Some(Ok(()))) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(options.as_json);
    if options.wants("w1") {
        for _ in 0..options.rounds() {
            w1::run(&options, &mut report);
            w5::api(&options, &mut report);
        }
    }
    if options.wants("w2") {
        let stores = w2::Stores::make(&options, &mut report);
        (0..options.rounds()).for_each(|_| w2::run(&mut report, &stores));
    }
    if options.wants("w3") {
        let mut logs = w3::Logs::write(&options, &mut report);
        (0..options.rounds()).for_each(|_| w3::run(&options, &mut report, &mut logs));
    }
    if options.wants("w5") {
        (0..options.rounds()).for_each(|_| w5::run(&options, &mut report));
    }
    if options.wants("modules") {
        (0..options.rounds()).for_each(|_| modules::run(&options, &mut report));
    }
    report.finish();
    ExitCode::SUCCESS
}
