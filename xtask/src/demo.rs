//! `cargo xtask demo`: two devices and a Relay, on this machine, on real input.

use crate::command::Run;
use crate::place::Place;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Options {
    /// Ends with one line of JSON for programs
    #[arg(long)]
    pub json: bool,
    /// A recorded session to replay instead of the one in `tests/traces`
    #[arg(long)]
    pub trace: Option<PathBuf>,
}

pub fn run(place: &Place, options: &Options) -> bool {
    // The Relay is a process of its own; the demo finds its program beside itself.
    let built = Run::cargo(&place.root)
        .args(["build", "--release", "-p", "veilfold-tests", "-p", "veilfold-relay"])
        .args(["--bin", "veilfold-demo", "--bin", "veilfold-relay"])
        .succeeds();
    if !built {
        return false;
    }
    let mut run = Run::new(place.target.join("release/veilfold-demo"), &place.root);
    if options.json {
        run = run.arg("--json");
    }
    if let Some(trace) = &options.trace {
        // The demo runs in the root; a path given elsewhere has to mean the same file there.
        run = run.arg("--trace").arg(std::path::absolute(trace).unwrap_or_else(|_| trace.clone()));
    }
    run.succeeds()
}
