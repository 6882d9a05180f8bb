//! The `veilfold-relay` binary: arguments, logs to standard error, one line of JSON to standard output.
//!
//! Everything else is the library's, in `command.rs`.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use veilfold_relay::RelayError;
use veilfold_relay::command::{Arguments, announcement, run};

/// Orders and stores sealed entries it cannot read.
#[derive(Parser)]
#[command(name = "veilfold-relay", version, about)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Command::parse();
    let filter = EnvFilter::try_from_env("VEILFOLD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    #[cfg(feature = "testing")]
    if command.arguments.hostile {
        return ended(veilfold_relay::testing::hostile::serve().await);
    }
    let ran = run(command.arguments.config(), |relay| {
        let mut stdout = std::io::stdout().lock();
        // Whoever started the relay may have closed its end; that is no reason to stop.
        let _ = writeln!(stdout, "{}", announcement(relay)).and_then(|()| stdout.flush());
    });
    ended(ran.await)
}

fn ended(ran: Result<(), RelayError>) -> ExitCode {
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "veilfold-relay: {error}");
            ExitCode::FAILURE
        }
    }
}
