//! `cargo xtask bench`: the workloads of `bench/`, built for release; and `cargo xtask bench crossing`,
//! what a call costs from each language.

mod crossing;

use crate::command::Run;
use crate::place::Place;

/// Everything after the verb goes to the program that measures, `--json` for instance.
pub fn run(place: &Place, arguments: &[String]) -> bool {
    if let Some((first, rest)) = arguments.split_first()
        && first == "crossing"
    {
        return crossing::run(place, rest);
    }
    Run::cargo(&place.root)
        .args(["run", "--release", "-q", "-p", "veilfold-bench", "--bin", "veilfold-bench", "--"])
        .args(arguments)
        .succeeds()
}
