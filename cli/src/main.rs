//! The `veilfold` command: one file per verb. Looks into stores and runs a Relay.
//!
//! Exit codes: 0 done; 1 not possible as asked; 2 wrong arguments; 3 the store is damaged or does not
//! verify; 4 the store is from a newer version. No key is ever printed.

mod failure;
mod inspect;
mod open;
mod relay;
mod verify;

use clap::{Parser, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// Looks into encrypted stores and runs a relay.
#[derive(Parser)]
#[command(name = "veilfold", version, about)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs a relay, which orders and stores sealed entries it cannot read
    Relay(relay::Options),
    /// Shows what is in a device's store
    Inspect(inspect::Options),
    /// Verifies and folds every stored log once more, and compares with what is stored
    Verify(verify::Options),
}

fn main() -> ExitCode {
    let done = match Command::parse().verb {
        Verb::Relay(options) => relay::run(options),
        Verb::Inspect(options) => inspect::run(&options, &mut std::io::stdout().lock()),
        Verb::Verify(options) => verify::run(&options, &mut std::io::stdout().lock()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Without standard error there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "veilfold: {failure}");
            failure.exit_code()
        }
    }
}
