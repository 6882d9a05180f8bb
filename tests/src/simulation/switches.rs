//! Takes one protection away at a time and looks for the violation that it prevents.

use super::history::run_history;
use crate::harness::Protections;

/// A protection that can be taken away.
pub struct Switch {
    /// What is taken away.
    pub name: &'static str,
    /// Takes it away.
    pub off: fn(&mut Protections),
}

/// Whether the loss of a protection was noticed.
pub struct SwitchResult {
    /// What was taken away.
    pub name: &'static str,
    /// The first seed that shows it, and how.
    pub caught: Option<(u64, String)>,
    /// Seeds tried.
    pub tried: u64,
}

impl Switch {
    /// All protections that the honest simulation can miss.
    pub const ALL: &'static [Self] = &[
        Self { name: "one store transaction per step", off: |all| all.whole_transactions = false },
        Self { name: "tx_no mark", off: |all| all.device.protections.tx_mark = false },
        Self { name: "read sets and dependencies", off: |all| all.device.protections.preconditions = false },
        Self {
            name: "comparing what an author had seen",
            off: |all| all.device.protections.checks.seen_tag = false,
        },
        Self {
            name: "author numbers without gaps",
            off: |all| all.device.protections.checks.author_gap = false,
        },
        Self {
            name: "skipping a used author number",
            off: |all| all.device.protections.checks.author_number = false,
        },
        Self {
            name: "relay acknowledges only what is durable",
            off: |all| all.relay = all.relay.without_durable_before_ack(),
        },
        Self { name: "relay dedupes a repeated append", off: |all| all.relay = all.relay.without_dedupe() },
    ];
}

/// Looks for the first of `seeds` in which the loss shows.
#[must_use]
pub fn catch(switch: &Switch, seeds: impl Iterator<Item = u64>) -> SwitchResult {
    let mut protections = Protections::default();
    (switch.off)(&mut protections);
    let mut tried = 0;
    for seed in seeds {
        tried += 1;
        let result = std::panic::catch_unwind(|| run_history(seed, protections));
        let shown = match result {
            Ok(result) => result.violation,
            Err(_) => Some("a broken invariant stopped the engine".to_owned()),
        };
        if let Some(violation) = shown {
            return SwitchResult { name: switch.name, caught: Some((seed, violation)), tried };
        }
    }
    SwitchResult { name: switch.name, caught: None, tried }
}
