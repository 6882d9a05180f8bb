//! `cargo xtask test`: every check and test, one after the other, and one line that sums them up.
//!
//! `steps.rs` says what each step does, `count.rs` reads how many tests a program ran, `report.rs`
//! keeps the results, and `full.rs` runs the large counts of `--full`.

mod count;
mod full;
mod report;
mod steps;

use crate::place::Place;
pub use full::Part;
use report::Report;
use steps::STEPS;

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine: Debian packages by name, the rest under `target/`
    #[arg(long)]
    pub install: bool,
    /// Runs only these steps or groups of steps
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Runs the large counts instead: millions of broken inputs, tens of thousands of histories
    #[arg(long, conflicts_with = "only")]
    pub full: bool,
    /// Which share of `--full`, for instance 2/5; each is to take less than an hour
    #[arg(long, requires = "full")]
    pub part: Option<Part>,
}

impl Options {
    pub fn for_ci() -> Self {
        Self { install: true, ..Self::default() }
    }
}

pub fn run(place: &Place, options: &Options) -> bool {
    if options.full {
        return full::run(place, options.install, options.part.unwrap_or(Part::WHOLE));
    }
    let wanted: Vec<_> = STEPS
        .iter()
        .filter(|step| {
            let named = |name: &String| name == step.name || name == step.group;
            options.only.is_empty() || options.only.iter().any(named)
        })
        .collect();
    if wanted.is_empty() {
        let mut names: Vec<&str> = STEPS.iter().flat_map(|step| [step.group, step.name]).collect();
        names.dedup();
        println!("no such step; there are: {}", names.join(", "));
        return false;
    }
    let mut report = Report::new();
    for (number, step) in wanted.iter().enumerate() {
        println!("\n== {} of {}: {} ({})", number + 1, wanted.len(), step.title, step.name);
        let before: Vec<&str> = wanted[..number].iter().map(|step| step.name).collect();
        report.step(step.name, || step.run_after(&before, place, options.install));
    }
    report.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_needs_is_made_by_one_that_comes_before_it() {
        for (number, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                assert!(STEPS[..number].iter().any(|before| before.name == need.step), "{}", need.step);
            }
        }
        let players = STEPS.iter().find(|step| step.name == "players");
        assert_eq!(players.map_or(0, |step| step.needs.len()), 3, "each language beside Rust");
    }
}
