//! A resolver that adds, and counts how often it is asked.

use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use veilfold_core::client::{Call, Outcome, Refusal, Resolver, Resolvers, Run, RunResolver, Stuck};
use veilfold_core::model::{Fields, Value};

/// What it governs.
pub const COLLECTION: &str = "counted";

/// How many calls, and in how many questions.
#[derive(Clone, Default)]
pub struct Counted {
    calls: Arc<AtomicU64>,
    crossings: Arc<AtomicU64>,
}

impl Counted {
    /// What a client is opened with.
    pub fn resolvers(&self) -> Resolvers {
        Resolvers::default().with(COLLECTION, 1, self.clone())
    }

    /// What was counted so far.
    pub fn json(&self) -> Json {
        let [calls, crossings] = [&self.calls, &self.crossings].map(|count| count.load(Ordering::Relaxed));
        json!({ "calls": calls, "crossings": crossings })
    }
}

impl RunResolver for Counted {
    fn run(&self, version: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
        let calls: usize = runs.iter().map(|run| run.calls.len()).sum();
        self.calls.fetch_add(calls as u64, Ordering::Relaxed);
        self.crossings.fetch_add(1, Ordering::Relaxed);
        RunResolver::run(&Adds, version, runs)
    }

    fn migrate(&self, version: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        RunResolver::migrate(&Adds, version, states)
    }
}

struct Adds;

impl Resolver for Adds {
    fn resolve(&self, state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
        let mut fields = state.unwrap_or_default();
        let (Some(Value::Int(n)), Value::Int(by)) = (fields.get("n").or(Some(&Value::Int(0))), &call.args)
        else {
            return Err(Refusal::new("no number"));
        };
        let sum = n.checked_add(*by).ok_or_else(|| Refusal::new("too large"))?;
        fields.insert("n".to_owned(), Value::Int(sum));
        Ok(Some(fields))
    }
}
