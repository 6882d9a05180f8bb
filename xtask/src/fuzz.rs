//! `cargo xtask fuzz`: the targets in `tests/fuzz`, each fed with broken input for a number of runs.
//!
//! Also used by `cargo xtask test --full`. Inputs that ever crashed a target stay in its corpus.

use crate::command::Run;
use crate::place::Place;
use crate::tools::{Tool, cargo_tool};

#[derive(clap::Args)]
pub struct Options {
    /// The target; without one, all of them
    pub target: Option<String>,
    /// How many inputs each
    #[arg(long, default_value_t = 100_000)]
    pub runs: u64,
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
}

pub fn run(place: &Place, options: &Options) -> bool {
    if !Tool::CargoFuzz.get(place, options.install) {
        return false;
    }
    let all = targets(place);
    let wanted: Vec<&String> = match &options.target {
        Some(name) => all.iter().filter(|target| *target == name).collect(),
        None => all.iter().collect(),
    };
    if wanted.is_empty() {
        println!("no such target; there are: {}", all.join(", "));
        return false;
    }
    wanted.into_iter().all(|target| one(place, target, options.runs, 0))
}

/// The names of all targets: one file each.
pub fn targets(place: &Place) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(place.root.join("tests/fuzz/fuzz_targets")) else { return Vec::new() };
    let mut names: Vec<String> = folder
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let rust = path.extension().is_some_and(|extension| extension == "rs");
            rust.then(|| path.file_stem().map(|name| name.to_string_lossy().into_owned()))?
        })
        .collect();
    names.sort();
    names
}

/// One target for a number of inputs; the same seed feeds the same inputs to the same program.
pub fn one(place: &Place, target: &str, runs: u64, seed: u32) -> bool {
    let Some(program) = cargo_tool(place, "cargo-fuzz") else { return false };
    let seed = if seed == 0 { String::new() } else { format!("-seed={seed}") };
    Run::new(program, &place.root.join("tests"))
        // The toolchain is chosen for everything that cargo-fuzz starts.
        .env("RUSTUP_TOOLCHAIN", "nightly")
        .args(["fuzz", "run", "--fuzz-dir", "fuzz", "--target-dir"])
        .arg(place.target.join("fuzz"))
        .arg(target)
        .args(["--", &format!("-runs={runs}"), "-rss_limit_mb=2048", "-print_final_stats=1"])
        .args(Some(seed).filter(|seed| !seed.is_empty()))
        .succeeds()
}
