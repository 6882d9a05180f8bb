//! The Relay as a command: its arguments, and running until a signal. Feature `cli`.
//!
//! Shared by the `veilfold-relay` binary and by `veilfold relay`. What goes to standard output is
//! left to them.

use crate::config::{Config, Data};
use crate::relay::{Relay, RelayError};
use std::net::SocketAddr;
use std::path::PathBuf;
use veilfold_wire::Limits;
use veilfold_wire::limits::ENTRY_BYTES_MAX;

/// Arguments of a Relay on the command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Folder for the store and the relay's key; made when it is missing.
    #[arg(long, value_name = "FOLDER", required_unless_present = "memory", conflicts_with = "memory")]
    data: Option<PathBuf>,
    /// Keep everything in memory; it is gone when the relay stops, and so is its key.
    #[arg(long)]
    memory: bool,
    /// Host, with its port if not the usual one, under which devices reach the relay; may be given
    /// several times. Devices led here under another name are turned away.
    #[arg(long = "authority", value_name = "HOST[:PORT]")]
    authorities: Vec<String>,
    /// Largest sealed entry in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().entry_bytes,
          value_parser = clap::value_parser!(u64).range(1..=ENTRY_BYTES_MAX as u64))]
    entry_bytes_max: u64,
    /// Entries that one connection may append per second, averaged.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().entries_per_second,
          value_parser = clap::value_parser!(u64).range(1..))]
    entries_per_second: u64,
    /// Most connections at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    connections_max: usize,
    /// Run the relay that lies on order, for tests; the other arguments do not count.
    #[cfg(feature = "testing")]
    #[arg(long, hide = true)]
    pub hostile: bool,
    /// Acknowledge what a power cut can still take back.
    #[cfg(feature = "testing")]
    #[arg(long, hide = true)]
    without_durable_before_ack: bool,
}

impl Arguments {
    /// The options that these arguments stand for.
    pub fn config(self) -> Config {
        let mut config = Config::new(self.data.map_or(Data::Memory, Data::Folder));
        config.listen = self.listen;
        config.authorities = self.authorities;
        config.limits.entry_bytes = self.entry_bytes_max;
        config.limits.entries_per_second = self.entries_per_second;
        config.connections_max = self.connections_max;
        #[cfg(feature = "testing")]
        if self.without_durable_before_ack {
            config.protections = config.protections.without_durable_before_ack();
        }
        config
    }
}

/// The one line of JSON that tells a calling program where a Relay listens and which key it has.
pub fn announcement(relay: &Relay) -> String {
    serde_json::json!({ "listening": relay.address().to_string(), "relay_key": relay.key().to_string() })
        .to_string()
}

/// Runs a Relay until SIGTERM or SIGINT, and then stops it in good order. `started` is called once
/// it listens.
///
/// # Errors
/// A [`RelayError`] when it does not start or ends by itself.
pub async fn run(config: Config, started: impl FnOnce(&Relay)) -> Result<(), RelayError> {
    let mut relay = Relay::start(config).await?;
    let stop = stop_signal()?;
    started(&relay);
    tokio::select! {
        () = stop => {}
        error = relay.failed() => return Err(error),
    }
    relay.shutdown().await;
    Ok(())
}

/// Resolves at the first signal that asks the process to end. The handlers are set when it returns.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, RelayError> {
    use tokio::signal::unix::{SignalKind, signal};
    let refused = |source| RelayError::System { what: "a signal handler", source };
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, RelayError> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
