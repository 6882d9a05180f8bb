//! `SIGKILL` to clients and the Relay at chosen instants, while two people type: afterwards every
//! promise still holds.
//!
//! `party.rs` is a client's process, `town.rs` all of them with their Relay, `rounds.rs` the instants
//! at which somebody dies, `autopsy.rs` says what a kill interrupted, `verdict.rs` compares what is
//! there at the end with what was promised. The clients' side is the program `veilfold-killed`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod autopsy;
mod party;
mod rounds;
mod town;
mod verdict;

use autopsy::Phase;
use rounds::{Aim, Tally};
use std::time::Instant;
use town::Town;
use veilfold_tests::harness::Rng;

/// How often each instant is aimed at.
const AIMS: [(Aim, usize); 10] = [
    (Aim::ClientIdle, 4),
    (Aim::ClientWaiting, 12),
    (Aim::ClientSealed, 12),
    (Aim::ClientAcknowledged, 8),
    (Aim::ClientFolding, 12),
    (Aim::ClientAnytime, 16),
    (Aim::RelayIdle, 4),
    (Aim::RelayReceived, 12),
    (Aim::RelayCommitted, 12),
    (Aim::RelayAnytime, 16),
];
/// Aims that missed what they were for are tried again, so often in all.
const MORE_MAX: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_promised_survives_every_kill() {
    let seed = std::env::var("VEILFOLD_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut rng = Rng::new(seed);
    let started = Instant::now();
    let mut town = Town::found().await;
    let mut tally = Tally::default();

    let mut aims: Vec<Aim> = AIMS.iter().flat_map(|(aim, count)| vec![*aim; *count]).collect();
    for index in (1..aims.len()).rev() {
        aims.swap(index, rng.below(index as u64 + 1) as usize);
    }
    let total = aims.len();
    for (index, aim) in aims.into_iter().enumerate() {
        town.round(aim, &mut rng, &mut tally).await;
        if (index + 1) % 10 == 0 {
            eprintln!("  {} of {total} kills, {:.0} s", index + 1, started.elapsed().as_secs_f64());
        }
    }
    for _ in 0..MORE_MAX {
        let Some(phase) = Phase::ALL.into_iter().find(|phase| tally.of(*phase) == 0) else { break };
        town.round(Aim::at(phase), &mut rng, &mut tally).await;
    }

    let verdict = town.end().await;
    eprintln!("\n{} kills (seed {seed}, {:.0} s):\n", tally.kills(), started.elapsed().as_secs_f64());
    for phase in Phase::ALL {
        eprintln!("  {:<46} {:>3}", phase.says(), tally.of(phase));
    }
    eprintln!("\nOne kill may interrupt several things; {} hit work under way.", tally.under_way());
    eprintln!(
        "{} Transactions in {} Entries; {} commits and {} acknowledgements were promised, and all are there once.\n",
        verdict.transactions, verdict.entries, verdict.promised, verdict.acknowledged
    );
    assert!(tally.kills() >= 50, "only {} kills", tally.kills());
    for phase in Phase::ALL {
        assert!(tally.of(phase) > 0, "no kill hit: {}", phase.says());
    }
}
