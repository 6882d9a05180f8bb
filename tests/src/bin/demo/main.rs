//! The demo: people edit one encrypted Space offline and live, through a Relay in a process of its
//! own, and then replay a recorded session key by key. `cargo xtask demo` builds and runs it.
//!
//! `household.rs` is the first part and `replay.rs` the second; `people.rs` opens the devices,
//! `roots.rs` compares states with the reference model, `relay_view.rs` shows what the Relay holds
//! and `canary.rs` looks for plaintext in it.

#![allow(clippy::print_stdout, reason = "the demo is read by people")]

mod arguments;
mod canary;
mod household;
mod people;
mod relay_view;
mod replay;
mod roots;
mod runs;
mod show;

use arguments::Arguments;
use canary::{Canaries, Hits};
use household::Household;
use people::People;
use relay_view::RelayView;
use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;
use veilfold_core::keys::Cipher;
use veilfold_tests::trace::{Plan, Trace};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What the last line says, for programs.
struct Summary {
    converged: bool,
    counter: i64,
    trace: replay::Replayed,
    relay_plaintext_hits: u64,
    null_cipher_hits: u64,
    state_roots_equal: bool,
    root_reference_ok: bool,
    entries: u64,
    seconds: f64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(text) => {
            println!("{text}");
            return ExitCode::FAILURE;
        }
    };
    match run(&arguments).await {
        Ok(summary) => {
            if arguments.json {
                println!("{}", summary.to_json());
            }
            if summary.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            println!("\nThe demo stopped: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Outcome<Summary> {
    let started = Instant::now();
    let trace = Trace::read(&arguments.trace)
        .map_err(|error| format!("{} is not a trace that fits: {error}", arguments.trace.display()))?;
    let plan =
        trace.plan().map_err(|error| format!("{} cannot be replayed: {error}", arguments.trace.display()))?;
    if plan.authors > people::NAMES.len() {
        let text = format!("{} has {} authors", arguments.trace.display(), plan.authors);
        return Err(format!("{text}, the demo knows {} people", people::NAMES.len()).into());
    }

    show::title("Alice and Bob share a Space through a Relay that cannot read it");
    let people = People::meet(plan.authors.max(2), Cipher::Real).await?;
    let household = Household::live_in(&people, show::Words::Many).await?;

    show::title("A recorded session, key by key");
    let (replayed, follower) = replay::replay(&people, &arguments.trace, &trace, &plan).await?;

    show::title("The same state on every device, and in the reference model");
    let first = roots::Follower::start(&people.all[0].client, household.spaces()[0].id());
    let spaces = vec![(household.spaces(), first), (replayed.spaces(), follower)];
    let compared = roots::compare(&people, spaces).await?;

    show::title("What the Relay holds");
    let view = look(&people, &household, &replayed, &trace).await?;

    show::title("The same search where nothing is encrypted");
    let null_hits = search_unencrypted(&trace, &plan).await?;

    let summary = Summary {
        converged: household.converged && replayed.texts_equal,
        counter: household.counter,
        relay_plaintext_hits: view.hits.count,
        null_cipher_hits: null_hits.count,
        state_roots_equal: compared.equal,
        root_reference_ok: compared.reference_ok,
        entries: compared.entries,
        seconds: started.elapsed().as_secs_f64(),
        trace: replayed,
    };
    show::title("In short");
    summary.print();
    Ok(summary)
}

async fn look(
    people: &People,
    household: &Household,
    replayed: &replay::Replayed,
    trace: &Trace,
) -> Outcome<RelayView> {
    let words = words(household, trace);
    let canaries = Canaries::new(words.iter().map(String::as_str));
    let view = RelayView::look(people, &canaries)?;
    view.print(&canaries, replayed.space);
    Ok(view)
}

/// Runs the first part once more with a cipher that leaves everything readable: a search that finds
/// nothing has to be able to find something.
async fn search_unencrypted(trace: &Trace, plan: &Plan) -> Outcome<Hits> {
    let people = People::meet(plan.authors.max(2), Cipher::Null).await?;
    let household = Household::live_in(&people, show::Words::Few).await?;
    let words = words(&household, trace);
    let canaries = Canaries::new(words.iter().map(String::as_str));
    let view = RelayView::look(&people, &canaries)?;
    view.print_found();
    Ok(view.hits)
}

/// Everything that a Relay must not learn: names, keys, values, and pieces of the texts.
fn words(household: &Household, trace: &Trace) -> Vec<String> {
    let mut words = household.words();
    words.extend(people::NAMES.iter().map(|name| (*name).to_owned()));
    words.extend(replay::NAMES_GIVEN.iter().map(|name| (*name).to_owned()));
    let lines = trace.end.lines().map(str::trim).filter(|line| line.len() >= 16);
    words.extend(lines.take(8).map(str::to_owned));
    words.sort();
    words.dedup();
    words
}

impl Summary {
    fn is_good(&self) -> bool {
        self.converged
            && self.trace.text_ok
            && self.relay_plaintext_hits == 0
            && self.null_cipher_hits > 100
            && self.state_roots_equal
            && self.root_reference_ok
    }

    fn print(&self) {
        let said = |good: bool| if good { "yes" } else { "NO" };
        show::fact("both see the same after being offline", said(self.converged));
        show::fact("twenty presses of +1 made", self.counter);
        show::fact("the recorded text came out", said(self.trace.text_ok));
        show::fact("keystrokes replayed", show::thousands(self.trace.transactions));
        show::fact("of them made without knowing something ordered", show::thousands(self.trace.concurrent));
        show::fact("same state root on all devices", said(self.state_roots_equal));
        show::fact("and in the reference model", said(self.root_reference_ok));
        show::fact("words of the users found at the Relay", self.relay_plaintext_hits);
        show::fact("found when nothing is encrypted", show::thousands(self.null_cipher_hits));
        show::fact("entries ordered", show::thousands(self.entries));
        show::fact("seconds", format!("{:.1}", self.seconds));
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "converged": self.converged,
            "counter": self.counter,
            "trace_text_ok": self.trace.text_ok,
            "trace_transactions": self.trace.transactions,
            "concurrent_at_seal": self.trace.concurrent,
            "relay_plaintext_hits": self.relay_plaintext_hits,
            "null_cipher_hits": self.null_cipher_hits,
            "state_roots_equal": self.state_roots_equal,
            "root_reference_ok": self.root_reference_ok,
            "entries": self.entries,
            "seconds": (self.seconds * 10.0).round() / 10.0,
        })
    }
}
