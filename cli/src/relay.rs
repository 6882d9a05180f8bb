//! `veilfold relay`: a Relay until a signal ends it, as `veilfold-relay` runs it.

use crate::failure::Failure;
use std::io::Write;
use tracing_subscriber::EnvFilter;
use veilfold_relay::command::{Arguments, announcement, run as run_relay};

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    arguments: Arguments,
}

pub fn run(options: Options) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_env("VEILFOLD_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::refused(format!("the system gives no threads: {error}")))?;
    let ran = runtime.block_on(run_relay(options.arguments.config(), |relay| {
        let mut stdout = std::io::stdout().lock();
        // Whoever started the relay may have closed its end; that is no reason to stop.
        let _ = writeln!(stdout, "{}", announcement(relay)).and_then(|()| stdout.flush());
    }));
    ran.map_err(|error| Failure::refused(error.to_string()))
}
