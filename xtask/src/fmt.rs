//! `cargo xtask fmt`: all Rust code in the one format.

use crate::command::Run;
use crate::place::Place;

#[derive(clap::Args, Default)]
pub struct Options {
    /// Only says what would change
    #[arg(long)]
    pub check: bool,
}

pub fn run(place: &Place, options: &Options) -> bool {
    let run = Run::cargo(&place.root).args(["fmt", "--all"]);
    if options.check { run.arg("--check") } else { run }.succeeds()
}
