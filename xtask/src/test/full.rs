//! `cargo xtask test --full`: the large counts, in pieces that can be shared out and resumed.
//!
//! What is done is noted under the target folder, for this state of the sources alone. A part that
//! was interrupted goes on with the piece it was at; a piece is a few minutes.

use super::report::{Outcome, Report};
use super::{count, steps};
use crate::command::Run;
use crate::place::Place;
use crate::tools::Tool;
use crate::{dist, fuzz, guests, python, size, wheel};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

/// Share `k` of `n`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    k: usize,
    n: usize,
}

impl Part {
    pub const WHOLE: Self = Self { k: 1, n: 1 };

    /// As programs say it that count from 0.
    pub fn counted_from_zero(self) -> String {
        format!("{}/{}", self.k - 1, self.n)
    }

    /// The numbers of this share among so many.
    pub fn of(self, all: u64) -> std::ops::Range<u64> {
        let bound = |k: usize| all * k as u64 / self.n as u64;
        bound(self.k - 1)..bound(self.k)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (k, n) = text.split_once('/').ok_or("a part looks like 2/5")?;
        let number = |text: &str| text.parse::<usize>().map_err(|error| format!("{text}: {error}"));
        let part = Self { k: number(k)?, n: number(n)? };
        if part.k >= 1 && part.k <= part.n { Ok(part) } else { Err("a part is one of 1/n to n/n".to_owned()) }
    }
}

const HISTORIES: u64 = 20_000;
const HISTORIES_PER_PIECE: u64 = 1_000;
/// How many inputs each target gets in all, how many of them in one piece, and how long that takes.
/// The first two feed a whole Device or Relay, which signs and verifies; a run is a small history.
const FUZZ_RUNS: [(&str, u64, u64, u64); 3] =
    [("engine", 20_000, 5_000, 4), ("relay_session", 200_000, 50_000, 4), ("page", 1_000_000, 125_000, 4)];
/// Of every other target: decoders that take microseconds.
const DECODER_RUNS: (u64, u64, u64) = (1_000_000, 250_000, 1);

fn runs_of(target: &str) -> (u64, u64, u64) {
    let found = FUZZ_RUNS.iter().find(|(name, ..)| *name == target);
    found.map_or(DECODER_RUNS, |(_, all, piece, minutes)| (*all, *piece, *minutes))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// Histories of the simulation from this seed on.
    Histories { first: u64 },
    /// Broken input for one target, from one seed of the fuzzer.
    Fuzz { target: String, round: u32 },
    /// A test target of the workspace with its numbers raised.
    Tests(Raised),
    /// What is released, built and judged.
    Release(Release),
    /// The example resolvers, compiled from source to the pinned bytes.
    Guests,
}

/// Artifacts in the profile that is shipped, which takes minutes for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Release {
    /// The XCFramework with all its slices.
    Apple,
    /// The wheel, alone in a fresh environment.
    Wheel,
    /// The wheel's tests by a Python without a global lock.
    Threads,
    /// The library against the sum of its parts.
    Size,
    /// Everything twice, with the same bytes.
    Again,
}

/// A test target whose numbers are set by variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Raised {
    target: &'static str,
    variables: &'static [(&'static str, &'static str)],
    about_minutes: u64,
}

/// Power cuts of five recorded runs of the Relay, the fold against the reference model, and the recorded
/// session of two by 500 schedules of partitions.
const RAISED: [Raised; 11] = [
    power_cuts(&[("VEILFOLD_POWERLOSS_SEED", "2"), ("VEILFOLD_POWERLOSS_CUTS", "4000")]),
    power_cuts(&[("VEILFOLD_POWERLOSS_SEED", "3"), ("VEILFOLD_POWERLOSS_CUTS", "4000")]),
    power_cuts(&[("VEILFOLD_POWERLOSS_SEED", "4"), ("VEILFOLD_POWERLOSS_CUTS", "4000")]),
    power_cuts(&[("VEILFOLD_POWERLOSS_SEED", "5"), ("VEILFOLD_POWERLOSS_CUTS", "4000")]),
    power_cuts(&[("VEILFOLD_POWERLOSS_SEED", "6"), ("VEILFOLD_POWERLOSS_CUTS", "4000")]),
    Raised { target: "reference", variables: &[("VEILFOLD_SEEDS", "20000")], about_minutes: 10 },
    partitions(&[("VEILFOLD_FIRST_SEED", "1"), ("VEILFOLD_SEEDS", "100")]),
    partitions(&[("VEILFOLD_FIRST_SEED", "101"), ("VEILFOLD_SEEDS", "100")]),
    partitions(&[("VEILFOLD_FIRST_SEED", "201"), ("VEILFOLD_SEEDS", "100")]),
    partitions(&[("VEILFOLD_FIRST_SEED", "301"), ("VEILFOLD_SEEDS", "100")]),
    partitions(&[("VEILFOLD_FIRST_SEED", "401"), ("VEILFOLD_SEEDS", "100")]),
];

const fn power_cuts(variables: &'static [(&'static str, &'static str)]) -> Raised {
    Raised { target: "powerloss", variables, about_minutes: 5 }
}

const fn partitions(variables: &'static [(&'static str, &'static str)]) -> Raised {
    Raised { target: "partitions", variables, about_minutes: 12 }
}

impl Piece {
    fn name(&self) -> String {
        match self {
            Piece::Histories { first } => format!("histories {first}..{}", first + HISTORIES_PER_PIECE),
            Piece::Fuzz { target, round } => format!("fuzz {target} round {round}"),
            Piece::Guests => "guests".to_owned(),
            Piece::Release(release) => format!("release {release:?}").to_lowercase(),
            Piece::Tests(raised) => {
                let values: Vec<&str> = raised.variables.iter().map(|(_, value)| *value).collect();
                format!("{} {}", raised.target, values.join(" "))
            }
        }
    }

    /// For sharing out; what is said here need not be exact.
    fn about_minutes(&self) -> u64 {
        match self {
            Piece::Histories { .. } | Piece::Guests => 1,
            Piece::Fuzz { target, .. } => runs_of(target).2,
            Piece::Tests(raised) => raised.about_minutes,
            Piece::Release(Release::Again) => 25,
            Piece::Release(_) => 10,
        }
    }

    fn run(&self, place: &Place, install: bool) -> Outcome {
        match self {
            Piece::Histories { first } => {
                let said = Run::new(place.test_binary("veilfold-sim"), &place.root)
                    .args(["--seeds", &HISTORIES_PER_PIECE.to_string(), "--first-seed", &first.to_string()])
                    .arg("--json")
                    .heard();
                count::simulation(&said.text).and_exit(said.ok)
            }
            Piece::Fuzz { target, round } => Outcome::of(fuzz::one(place, target, runs_of(target).1, *round)),
            Piece::Tests(Raised { target, variables, .. }) => {
                let run = steps::tests(place).args(["--test", target]);
                let said = variables.iter().fold(run, |run, (name, value)| run.env(name, value)).heard();
                count::libtest(&said.text).and_exit(said.ok)
            }
            Piece::Guests => {
                Outcome::of(guests::run(place, &guests::Options { install, ..guests::Options::default() }))
            }
            Piece::Release(Release::Apple) => steps::xcframework(place, install, &[]),
            Piece::Release(Release::Wheel) => {
                Outcome::of(wheel::run(place, &wheel::Options { install, ..Default::default() }))
            }
            Piece::Release(Release::Threads) => match python::without_lock(place, install) {
                Some(said) => count::pytest(&said.text).and_exit(said.ok),
                None => Outcome::missing(Tool::FreeThreaded.how()),
            },
            Piece::Release(Release::Size) => Outcome::of(size::run(place, &size::Options::default())),
            Piece::Release(Release::Again) => {
                Outcome::of(dist::same_again(place, install, &[], Default::default()))
            }
        }
    }
}

pub fn run(place: &Place, install: bool, part: Part) -> bool {
    let mut report = Report::new();
    let has_c = Tool::C.get(place, install);
    let has_fuzz = Tool::CargoFuzz.get(place, install);
    if !has_c || !has_fuzz {
        let missing = if has_c { Tool::CargoFuzz } else { Tool::C };
        report.step("tools", || Outcome::missing(missing.how()));
        return report.close();
    }
    if !report.step("build", || Outcome::of(steps::tests(place).arg("--no-run").succeeds())) {
        return report.close();
    }
    let pieces = share(all(&fuzz::targets(place)), part);
    let mut progress = Progress::open(place);
    for (number, piece) in pieces.iter().enumerate() {
        let name = piece.name();
        println!("\n== {} of {}: {name}", number + 1, pieces.len());
        if progress.done.contains(&name) {
            println!("done before");
            report.step(&name, || Outcome::of(true).with_note("done before"));
        } else if report.step(&name, || piece.run(place, install)) {
            progress.note(name);
        }
    }
    report.close()
}

fn all(targets: &[String]) -> Vec<Piece> {
    let histories = (0..HISTORIES / HISTORIES_PER_PIECE)
        .map(|piece| Piece::Histories { first: 1 + piece * HISTORIES_PER_PIECE });
    let fuzz = targets.iter().flat_map(|target| {
        let (all, piece, _) = runs_of(target);
        (1..=(all / piece) as u32).map(move |round| Piece::Fuzz { target: target.clone(), round })
    });
    let releases =
        [Release::Apple, Release::Wheel, Release::Threads, Release::Size, Release::Again].map(Piece::Release);
    let own = releases.into_iter().chain([Piece::Guests]);
    own.chain(RAISED.into_iter().map(Piece::Tests)).chain(histories).chain(fuzz).collect()
}

/// Gives every piece to the part that has least to do so far; all parts together have all pieces.
fn share(mut pieces: Vec<Piece>, part: Part) -> Vec<Piece> {
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.about_minutes()));
    let mut minutes = vec![0; part.n];
    let mut own = Vec::new();
    for piece in pieces {
        let least = (0..part.n).min_by_key(|n| minutes[*n]).unwrap_or(0);
        minutes[least] += piece.about_minutes();
        if least + 1 == part.k {
            own.push(piece);
        }
    }
    own
}

/// The names of pieces that passed, for one state of the sources.
struct Progress {
    file: PathBuf,
    sources: String,
    done: BTreeSet<String>,
}

impl Progress {
    fn open(place: &Place) -> Self {
        let file = place.target.join("full-progress.json");
        let sources = sources(place);
        let said: serde_json::Value = std::fs::read_to_string(&file)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let mut done = BTreeSet::new();
        if said["sources"] == sources.as_str() && !sources.is_empty() {
            let names = said["done"].as_array().into_iter().flatten();
            done.extend(names.filter_map(|name| Some(name.as_str()?.to_owned())));
        }
        Self { file, sources, done }
    }

    fn note(&mut self, name: String) {
        self.done.insert(name);
        let said = serde_json::json!({ "sources": self.sources, "done": self.done });
        if let Err(error) = std::fs::write(&self.file, said.to_string()) {
            println!("{}: {error}; this piece would run again", self.file.display());
        }
    }
}

/// The commit and a sum over everything that differs from it; empty when git cannot tell.
fn sources(place: &Place) -> String {
    let git = |arguments: &[&str]| Run::new("git", &place.root).args(arguments).quietly();
    let (Some(commit), Some(changes)) = (git(&["rev-parse", "HEAD"]), git(&["diff", "HEAD"])) else {
        return String::new();
    };
    let sum = changes.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    format!("{} {sum:x}", commit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_one_of_its_number() {
        assert_eq!("2/5".parse(), Ok(Part { k: 2, n: 5 }));
        for wrong in ["", "2", "0/5", "6/5", "a/b", "1/"] {
            assert!(wrong.parse::<Part>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_parts_together_have_every_piece_once() {
        let whole = all(&["entry".to_owned(), "frame".to_owned()]);
        let mut names: Vec<String> = whole.iter().map(Piece::name).collect();
        let mut shared: Vec<String> =
            (1..=3).flat_map(|k| share(whole.clone(), Part { k, n: 3 })).map(|piece| piece.name()).collect();
        names.sort();
        shared.sort();
        assert_eq!(names, shared);
        let minutes =
            |k| share(whole.clone(), Part { k, n: 3 }).iter().map(Piece::about_minutes).sum::<u64>();
        assert!(minutes(1).abs_diff(minutes(2)) <= 2 && minutes(1).abs_diff(minutes(3)) <= 2);
    }
}
