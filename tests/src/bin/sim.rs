//! Runs seeded histories: `veilfold-sim [--seeds N] [--first-seed S] [--switches] [--json]`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to people")]

use std::process::ExitCode;
use std::time::{Duration, Instant};
use veilfold_tests::harness::{Counts, Protections};
use veilfold_tests::simulation::{Switch, SwitchResult, catch, run_history};

/// Seeds in which the loss of a protection must show.
const SWITCH_SEEDS: u64 = 2_000;
const PROGRESS: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let (first, seeds) = (number("--first-seed", 1), number("--seeds", 2_000));
    let (counts, violations) = histories(first, seeds);
    let switches = if flag("--switches") { switches() } else { Vec::new() };
    let caught = switches.iter().filter(|switch| switch.caught.is_some()).count();
    if flag("--json") {
        println!("{}", json(seeds, &counts, &violations, switches.len(), caught));
    }
    let good = violations.is_empty() && caught == switches.len();
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn histories(first: u64, seeds: u64) -> (Counts, Vec<u64>) {
    let (started, mut said) = (Instant::now(), Instant::now());
    let mut counts = Counts::default();
    let mut violations = Vec::new();
    for seed in first..first + seeds {
        let result = run_history(seed, Protections::default());
        counts.add(&result.counts);
        if let Some(violation) = result.violation {
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
    (counts, violations)
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

fn json(seeds: u64, counts: &Counts, violations: &[u64], switches: usize, caught: usize) -> String {
    let faults: serde_json::Map<_, _> =
        counts.faults().map(|(what, count)| (what.to_owned(), count.into())).into_iter().collect();
    serde_json::json!({
        "histories": seeds,
        "faults": faults,
        "violations": violations,
        "switches": switches,
        "switches_caught": caught,
    })
    .to_string()
}
