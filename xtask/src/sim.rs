//! `cargo xtask sim`: seeded histories of the whole system on a virtual clock.

use crate::command::Run;
use crate::place::Place;

#[derive(clap::Args)]
pub struct Options {
    /// Plays this one history again
    #[arg(long, conflicts_with_all = ["seeds", "first_seed"])]
    pub seed: Option<u64>,
    /// How many histories
    #[arg(long, default_value_t = 200)]
    pub seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 1)]
    pub first_seed: u64,
    /// Also takes one protection away at a time and looks for the violation it prevents
    #[arg(long)]
    pub switches: bool,
    /// Goes to `veilfold-sim` as it is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub more: Vec<String>,
}

pub fn run(place: &Place, options: &Options) -> bool {
    let (first, seeds) = match options.seed {
        Some(seed) => (seed, 1),
        None => (options.first_seed, options.seeds),
    };
    let run = Run::cargo(&place.root)
        .args(["run", "--release", "-q", "-p", "veilfold-tests", "--bin", "veilfold-sim", "--"])
        .args(["--seeds", &seeds.to_string(), "--first-seed", &first.to_string()]);
    let run = if options.switches { run.arg("--switches") } else { run };
    run.args(&options.more).succeeds()
}
