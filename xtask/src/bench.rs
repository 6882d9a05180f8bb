//! `cargo xtask bench`: the workloads of `bench/`, built for release; and `cargo xtask bench crossing`,
//! what a call costs from each language.

mod crossing;

use crate::command::Run;
use crate::place::Place;
use crate::ship;

/// Measures the code as users get it: compiled for size.
const SHIPPED: &str = "--shipped";

/// Everything else after the verb goes to the program that measures, `--json` for instance.
pub fn run(place: &Place, arguments: &[String]) -> bool {
    if let Some((first, rest)) = arguments.split_first()
        && first == "crossing"
    {
        return crossing::run(place, rest);
    }
    let profile =
        if arguments.iter().any(|argument| argument == SHIPPED) { ship::PROFILE } else { "release" };
    Run::cargo(&place.root)
        .args(["run", "--profile", profile, "-q", "-p", "veilfold-bench", "--bin", "veilfold-bench", "--"])
        .args(arguments.iter().filter(|argument| *argument != SHIPPED))
        .succeeds()
}
