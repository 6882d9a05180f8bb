//! `cargo xtask fuzz`: the targets in `tests/fuzz`, each fed with broken input for a number of runs.
//!
//! Also used by `cargo xtask test --full`. Inputs that ever crashed a target belong into
//! `tests/fuzz/crashes`, where the ordinary tests replay them.

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

/// One target for a number of inputs. What it finds stays under the target folder, so that the
/// committed corpus changes only on purpose; seed 0 draws one by the clock.
pub fn one(place: &Place, target: &str, runs: u64, seed: u32) -> bool {
    let Some(program) = cargo_tool(place, "cargo-fuzz") else { return false };
    let own = |what: &str| place.target.join("fuzz").join(what).join(target);
    let (corpus, crashes) = (own("corpus"), own("crashes"));
    if let Err(error) = std::fs::create_dir_all(&corpus).and_then(|()| std::fs::create_dir_all(&crashes)) {
        println!("{}: {error}", place.target.display());
        return false;
    }
    Run::new(program, &place.root.join("tests"))
        // The toolchain is chosen for everything that cargo-fuzz starts.
        .env("RUSTUP_TOOLCHAIN", "nightly")
        // Nothing here is unsafe, and what watches memory makes signatures ten times as slow.
        .args(["run", "--sanitizer", "none", "--fuzz-dir", "fuzz", "--target-dir"])
        .arg(place.target.join("fuzz"))
        .arg(target)
        // New inputs go into the first folder, the others are read.
        .arg(corpus)
        .arg(place.root.join("tests/fuzz/corpus").join(target))
        .args(["--", &format!("-runs={runs}"), &format!("-seed={seed}"), "-rss_limit_mb=2048"])
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .succeeds()
}
