//! `cargo xtask bench`: the workloads of `bench/`, built for release.

use crate::command::Run;
use crate::place::Place;

/// Everything after the verb goes to `veilfold-bench` as it is, `--json` for instance.
pub fn run(place: &Place, arguments: &[String]) -> bool {
    Run::cargo(&place.root)
        .args(["run", "--release", "-q", "-p", "veilfold-bench", "--bin", "veilfold-bench", "--"])
        .args(arguments)
        .succeeds()
}
