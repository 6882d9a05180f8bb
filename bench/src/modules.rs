//! Modules: calls of a resolver that is compiled to WebAssembly, beside the same one in Rust.
//!
//! The pinned examples of `guests/`, called as the fold calls a resolver: a run at a time, with nothing
//! of the log, the documents or the store around it.

use super::Options;
use super::measure::Cost;
use super::report::{Better, OWN, Report};
use std::path::Path;
use veilfold_core::model::{Fields, Position, Value};
use veilfold_core::resolver::{Call, Module, Outcome, Refusal, Resolver, Run, RunResolver};
use veilfold_wire::MemberNo;

const W: &str = "modules";
/// Calls in one run.
const RUN: usize = 100;

/// What the pinned modules do with the two calls that are made here.
struct Native;

impl Resolver for Native {
    fn resolve(&self, state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
        let mut state = state.unwrap_or_else(|| [("free".to_owned(), Value::Int(3))].into());
        let buyer = format!("of {}", call.author.0);
        let number = |name: &str| match state.get(name) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        };
        let (by, free, own) = (if call.name == "buy" { 1 } else { -1 }, number("free"), number(&buyer));
        state.insert("free".to_owned(), Value::Int(free - by));
        state.insert(buyer, Value::Int(own + by));
        Ok(Some(state))
    }
}

/// Measures one round.
pub fn run(options: &Options, report: &mut Report) {
    let count = options.actions(10_000);
    report.progress(&format!("modules: {count} calls"));
    let native = note(report, "native", &Native, count);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/pinned");
    for language in ["rust", "assemblyscript", "zig"] {
        let bytes = std::fs::read(folder.join(format!("tickets-{language}.wasm"))).expect("a pinned module");
        let module = Module::new(&bytes).expect("a module");
        assert_eq!(note(report, language, &module, count), native, "{language}");
        let metric = format!("{language}_calls_per_cpu_s");
        report.compare(W, &metric, ("native", "native_calls_per_cpu_s"), Better::More, (None, None));
    }
}

/// Measures, and gives what the last call left.
fn note(report: &mut Report, name: &str, resolver: &dyn RunResolver, count: usize) -> Option<Outcome> {
    let call = |index: usize| Call {
        document: "gig".to_owned(),
        name: ["buy", "give back"][index % 2].to_owned(),
        args: Value::Null,
        version: 2,
        author: MemberNo(7),
        position: Some(Position { seq: index as u64 + 1, index: 0 }),
        time_ms: 1_800_000_000_000,
    };
    let run = Run { state: None, format: 0, calls: (0..RUN).map(call).collect() };
    let (last, cost) = Cost::of(|| {
        let mut last = None;
        for _ in 0..count.div_ceil(RUN) {
            let answers = resolver.run(2, vec![run.clone()]).expect("it always answers");
            last = answers.into_iter().flatten().last();
        }
        last
    });
    let calls = (count.div_ceil(RUN) * RUN) as f64;
    let peer = if name == "native" { name } else { OWN };
    report.figure(W, peer, &format!("{name}_calls_per_cpu_s"), calls / cost.cpu, "calls/cpu-s");
    last
}
