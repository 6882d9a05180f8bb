//! Runs seeded histories: `veilfold-sim [--seeds N] [--first-seed S] [--switches] [--json]`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to people")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use veilfold_tests::harness::{Counts, Protections, State};
use veilfold_tests::simulation::{HistoryResult, Switch, SwitchResult, catch, run_history};

/// Seeds in which the loss of a protection must show.
const SWITCH_SEEDS: u64 = 2_000;
/// So many histories must reach every state that the engine has.
const STATES_SEEDS: u64 = 2_000;
const PROGRESS: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let (first, seeds) = (number("--first-seed", 1), number("--seeds", 2_000));
    let Played { counts, states, violations } = histories(first, seeds);
    let missing: Vec<&str> = states.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let missing = if seeds >= STATES_SEEDS { missing } else { Vec::new() };
    for state in &missing {
        eprintln!("no history has come to: {state}");
    }
    let switches = if flag("--switches") { switches() } else { Vec::new() };
    let caught = switches.iter().filter(|switch| switch.caught.is_some()).count();
    if flag("--json") {
        let faults: BTreeMap<&str, u64> = counts.faults().into_iter().collect();
        let said = serde_json::json!({
            "histories": seeds,
            "first_seed": first,
            "faults": faults,
            "violations": violations,
            "states_covered": states,
            "states_missing": missing,
            "switches": switches.len(),
            "switches_caught": caught,
        });
        println!("{said}");
    }
    let good = violations.is_empty() && missing.is_empty() && caught == switches.len();
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What some histories came to.
struct Played {
    counts: Counts,
    /// How many histories reached each state.
    states: BTreeMap<&'static str, u64>,
    violations: Vec<u64>,
}

fn histories(first: u64, seeds: u64) -> Played {
    let (started, mut said) = (Instant::now(), Instant::now());
    let mut counts = Counts::default();
    let mut states: BTreeMap<&str, u64> = State::ALL.iter().map(|state| (state.name(), 0)).collect();
    let mut violations = Vec::new();
    for seed in first..first + seeds {
        let result = std::panic::catch_unwind(|| run_history(seed, Protections::default()));
        let violation = match result {
            Ok(HistoryResult { counts: own, states: reached, violation, .. }) => {
                counts.add(&own);
                for state in reached.iter() {
                    *states.entry(state.name()).or_default() += 1;
                }
                violation
            }
            Err(_) => Some("a panic, as said above".to_owned()),
        };
        if let Some(violation) = violation {
            eprintln!("seed {seed}: {violation}");
            eprintln!("  again: cargo xtask sim --seeds 1 --first-seed {seed}");
            violations.push(seed);
        }
        if said.elapsed() > PROGRESS {
            said = Instant::now();
            eprintln!("  {} of {seeds} histories", seed - first + 1);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{seeds} histories from seed {first} in {seconds:.1} s, {} violations", violations.len());
    for (what, count) in counts.faults() {
        println!("  {count:>9} {what}");
    }
    println!("Histories that reached each state of the engine:");
    for (state, count) in &states {
        println!("  {count:>9} {state}");
    }
    Played { counts, states, violations }
}

fn switches() -> Vec<SwitchResult> {
    // A protection that is missing may show as a broken invariant; that is a catch, not news.
    std::panic::set_hook(Box::new(|_| {}));
    println!("Each protection taken away, and the first history that shows it:");
    let mut results = Vec::new();
    for switch in Switch::ALL {
        let result = catch(switch, 1..=SWITCH_SEEDS);
        let shown = match &result.caught {
            Some((seed, violation)) => {
                let first: String = violation.chars().take(110).collect();
                format!("seed {seed:>4}: {first}")
            }
            None => format!("NOT NOTICED in {} histories", result.tried),
        };
        println!("  {:<44} {shown}", result.name);
        results.push(result);
    }
    let _default = std::panic::take_hook();
    results
}
