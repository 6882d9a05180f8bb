//! The hostile Relay as a process, for test helpers in languages that carry no Relay themselves.

use super::{HostileRelay, Lie};
use crate::relay::RelayError;
use std::io::Write;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Starts one, says where as a line of JSON on standard output, and then does what it is told on
/// standard input: the name of a lie, or `truth`, on a line each. Every line is answered with `ok` or
/// `no` once it is done. Ends with its input.
///
/// # Errors
/// A [`RelayError`] when it does not start.
pub async fn serve() -> Result<(), RelayError> {
    let relay = HostileRelay::start().await?;
    say(&serde_json::json!({ "listening": relay.url(), "lying": relay.lying_url() }).to_string());
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(order)) = orders.next_line().await {
        let done = match (order.as_str(), order.parse::<Lie>()) {
            ("truth", _) => relay.lie(None).await.is_ok(),
            (_, Ok(lie)) => relay.lie(Some(lie)).await.is_ok(),
            _ => false,
        };
        say(if done { "ok" } else { "no" });
    }
    relay.shutdown().await;
    Ok(())
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // Whoever started it may have closed its end; its input ends then, too.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
