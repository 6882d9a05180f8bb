//! `cargo xtask sim`: seeded histories of the whole system on a virtual clock.
//!
//! With `--shard`, a share of very many: in pieces, each noted in `tests/simulation/TOTAL.json` when it
//! is done (`sim/total.rs`), so that a run that was killed goes on where it was.

mod total;

use crate::command::Run;
use crate::place::Place;
use crate::test::Part;
use total::Total;

#[derive(clap::Args)]
pub struct Options {
    /// Plays this one history again
    #[arg(long, conflicts_with_all = ["seeds", "first_seed", "shard"])]
    pub seed: Option<u64>,
    /// How many histories; with --shard, how many all shares have together
    #[arg(long, default_value_t = 200)]
    pub seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 1)]
    pub first_seed: u64,
    /// Plays this share, for instance 3/100, leaves out what was played before, and notes what it did
    #[arg(long, conflicts_with_all = ["first_seed", "switches"])]
    pub shard: Option<Part>,
    /// Also takes one protection away at a time and looks for the violation it prevents
    #[arg(long)]
    pub switches: bool,
    /// Says what came of it in one line for programs
    #[arg(long)]
    pub json: bool,
}

/// Histories between two notes.
const PIECE: u64 = 1_000;

pub fn run(place: &Place, options: &Options) -> bool {
    if let Some(shard) = options.shard {
        let seeds = shard.of(options.seeds);
        return share(place, 1 + seeds.start, 1 + seeds.end);
    }
    let (first, seeds) = match options.seed {
        Some(seed) => (seed, 1),
        None => (options.first_seed, options.seeds),
    };
    let run = Run::cargo(&place.root)
        .args(["run", "--release", "-q", "-p", "veilfold-tests", "--bin", "veilfold-sim", "--"])
        .args(["--seeds", &seeds.to_string(), "--first-seed", &first.to_string()]);
    let run = if options.switches { run.arg("--switches") } else { run };
    let run = if options.json { run.arg("--json") } else { run };
    run.succeeds()
}

/// Plays the seeds from `first` up to and without `end` that nobody has played yet.
fn share(place: &Place, first: u64, end: u64) -> bool {
    let built = Run::cargo(&place.root)
        .args(["build", "--release", "-q", "-p", "veilfold-tests", "--bin", "veilfold-sim"])
        .succeeds();
    let commit = Run::new("git", &place.root).args(["rev-parse", "--short=10", "HEAD"]).quietly();
    let date = Run::new("date", &place.root).args(["-u", "+%F"]).quietly();
    let (true, Some(commit), Some(date)) = (built, commit, date) else { return false };
    // A copy, so that building goes on beside a run of hours.
    let program = place.target.join("release").join(format!("veilfold-sim-{first}"));
    if let Err(error) = std::fs::copy(place.target.join("release/veilfold-sim"), &program) {
        println!("{}: {error}", program.display());
        return false;
    }
    let file = place.root.join("tests/simulation/TOTAL.json");
    let mut good = true;
    let mut next = first;
    while next < end {
        match Total::read(&file) {
            Ok(total) => {
                if let Some(after) = total.played_up_to(next) {
                    next = after;
                    continue;
                }
            }
            Err(error) => {
                println!("{}: {error}", file.display());
                return false;
            }
        }
        let count = PIECE.min(end - next);
        let said = Run::new(&program, &place.root)
            .args(["--seeds", &count.to_string(), "--first-seed", &next.to_string(), "--json"])
            .heard();
        let Some(violations) = total::violations(&said.text) else {
            println!("the histories from {next} on came to no end");
            return false;
        };
        good &= violations.is_empty();
        let noted = Total::change(&file, &place.target, |total| {
            total.note(next, count, commit.trim(), date.trim(), &violations);
        });
        if let Err(error) = noted {
            println!("{}: {error}", file.display());
            return false;
        }
        next += count;
    }
    good
}
