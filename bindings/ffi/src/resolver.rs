//! Resolvers of the app, called many Actions at a time: one crossing for a run, JSON both ways.

use crate::error::VeilfoldError;
use crate::runtime::guard;
use std::sync::{Arc, Mutex, PoisonError};
use veilfold_core::client::{Outcome, Resolvers, Run, RunResolver, Stuck};
use veilfold_core::model::{Fields, RejectReason, Value, fields_from_json, fields_to_json, value_to_json};

/// One version of a collection's resolver. The package of each language makes it of the app's
/// function; its methods never throw for what a resolver does wrong, they say it in their answer.
///
/// Called on a thread of Veilfold's own, never the main thread, while the engine waits for the answer:
/// it must not call the client. What takes longer than five seconds counts as no answer.
#[uniffi::export(foreign)]
pub trait ForeignResolver: Send + Sync {
    /// `[{"format": 0, "state": {…} | null, "calls": [{"document", "name", "args", "version", "author",
    /// "seq", "index", "time_ms"}, …]}, …]`, `seq` and `index` null while a call is only pending. The
    /// answer has a list for each run with one of these for each call: `{"state": {…} | null}`,
    /// `{"refused": "text"}`, `{"failed": true}`. A call is made on what the one before it left, and a
    /// document of an older format is migrated before the first call on it.
    fn run(&self, version: i64, runs: Vec<u8>) -> Result<Vec<u8>, ResolverError>;

    /// `[{"format": 1, "state": {…}}, …]` as documents of `version`: `[{…} | null, …]`, null for what
    /// cannot be migrated.
    fn migrate(&self, version: i64, states: Vec<u8>) -> Result<Vec<u8>, ResolverError>;
}

/// No answer: memory or a thread was missing. It says nothing about the calls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum ResolverError {
    /// It is asked again.
    #[error("the resolver gave no answer")]
    NoAnswer,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for ResolverError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::NoAnswer
    }
}

/// The resolvers of this version of the app, handed to `Client.open`.
#[derive(Debug, Default, uniffi::Object)]
pub struct ResolverSet {
    all: Mutex<Resolvers>,
}

#[uniffi::export]
impl ResolverSet {
    /// None yet.
    #[uniffi::constructor]
    pub fn empty() -> Result<Arc<Self>, VeilfoldError> {
        guard(|| Ok(Arc::new(Self::default())))
    }

    /// Adds a version, from 1, of the resolver that governs a collection. Old versions stay: what was
    /// written for a version is folded by it for ever.
    pub fn add(
        &self,
        collection: String,
        version: i64,
        resolver: Arc<dyn ForeignResolver>,
    ) -> Result<(), VeilfoldError> {
        guard(|| {
            let version = from_one(version)?;
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            *all = std::mem::take(&mut *all).with(collection, version, Foreign(resolver));
            Ok(())
        })
    }

    /// As `add`, with a module of WebAssembly. Its hash is pinned where the Space enables it, so every
    /// app brings the very same bytes.
    pub fn add_module(&self, collection: String, version: i64, module: &[u8]) -> Result<(), VeilfoldError> {
        guard(|| self.add_compiled(collection, from_one(version)?, module))
    }
}

impl ResolverSet {
    #[cfg(feature = "wasm")]
    fn add_compiled(&self, collection: String, version: u64, module: &[u8]) -> Result<(), VeilfoldError> {
        let module = veilfold_core::resolver::Module::new(module)
            .map_err(|error| VeilfoldError::invalid("bad_module", error.to_string()))?;
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        *all = std::mem::take(&mut *all).with(collection, version, module);
        Ok(())
    }

    #[cfg(not(feature = "wasm"))]
    fn add_compiled(&self, _: String, _: u64, _: &[u8]) -> Result<(), VeilfoldError> {
        let text = "this library was built without WebAssembly; build it with the feature `wasm`";
        Err(VeilfoldError::invalid("no_wasm", text))
    }

    pub(crate) fn all(&self) -> Resolvers {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn from_one(version: i64) -> Result<u64, VeilfoldError> {
    let version = u64::try_from(version).ok().filter(|version| *version > 0);
    version.ok_or_else(|| VeilfoldError::invalid("bad_version", "resolver versions start at 1"))
}

struct Foreign(Arc<dyn ForeignResolver>);

const NO_ANSWER: Stuck = Stuck("it gave no answer");

impl RunResolver for Foreign {
    fn run(&self, version: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
        let wanted: Vec<usize> = runs.iter().map(|run| run.calls.len()).collect();
        let answer = self.0.run(version.cast_signed(), runs_json(&runs)).map_err(|_| NO_ANSWER)?;
        let answers: Vec<serde_json::Value> = serde_json::from_slice(&answer).unwrap_or_default();
        // What is no answer to the question is a failure of the app's code like any other. It says nothing
        // of the calls after it, which may have been made on that: so there is no answer for the whole
        // run, and each call is asked for alone. Otherwise a fate would depend on what was asked together.
        let whole = |told: &serde_json::Value, wanted: usize| -> Option<Vec<Outcome>> {
            let outcomes: Vec<Outcome> = told.as_array()?.iter().map(outcome).collect::<Option<_>>()?;
            (outcomes.len() == wanted).then_some(outcomes)
        };
        let told = |index: usize, wanted: usize| answers.get(index).and_then(|told| whole(told, wanted));
        Ok(wanted
            .into_iter()
            .enumerate()
            .map(|(index, wanted)| told(index, wanted).unwrap_or_default())
            .collect())
    }

    fn migrate(&self, version: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        let count = states.len();
        let mut json = vec![b'['];
        for (index, (format, state)) in states.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            json.extend(format!("{comma}{{\"format\":{format},\"state\":").bytes());
            json.extend(fields_to_json(state));
            json.push(b'}');
        }
        json.push(b']');
        let answer = self.0.migrate(version.cast_signed(), json).map_err(|_| NO_ANSWER)?;
        let answers: Vec<serde_json::Value> = serde_json::from_slice(&answer).unwrap_or_default();
        let states = answers.iter().map(|told| fields(told).flatten());
        Ok(states.chain(std::iter::repeat(None)).take(count).collect())
    }
}

fn outcome(told: &serde_json::Value) -> Option<Outcome> {
    if let Some(state) = told.get("state") {
        return fields(state).map(Outcome::State);
    }
    if let Some(text) = told.get("refused") {
        return Some(Outcome::Rejected(RejectReason::RefusedByResolver, Some(text.as_str()?.to_owned())));
    }
    told.get("failed").map(|_| Outcome::Rejected(RejectReason::ResolverFailed, None))
}

/// A document or null; nothing for what is neither.
fn fields(told: &serde_json::Value) -> Option<Option<Fields>> {
    if told.is_null() {
        return Some(None);
    }
    fields_from_json(&serde_json::to_vec(told).ok()?).ok().map(Some)
}

fn runs_json(runs: &[Run]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, run) in runs.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        out.extend(format!("{comma}{{\"format\":{},\"state\":", run.format).bytes());
        out.extend(run.state.as_ref().map_or(b"null".to_vec(), fields_to_json));
        out.extend(b",\"calls\":[");
        for (index, call) in run.calls.iter().enumerate() {
            let place = call.position.map_or("\"seq\":null,\"index\":null".to_owned(), |position| {
                format!("\"seq\":{},\"index\":{}", position.seq, position.index)
            });
            let comma = if index == 0 { "" } else { "," };
            let (version, author, time_ms) = (call.version, call.author.0, call.time_ms);
            out.extend(
                format!("{comma}{{\"version\":{version},\"author\":{author},{place},\"time_ms\":{time_ms},")
                    .bytes(),
            );
            out.extend(b"\"document\":");
            out.extend(value_to_json(&Value::String(call.document.clone())));
            out.extend(b",\"name\":");
            out.extend(value_to_json(&Value::String(call.name.clone())));
            out.extend(b",\"args\":");
            out.extend(value_to_json(&call.args));
            out.push(b'}');
        }
        out.extend(b"]}");
    }
    out.push(b']');
    out
}
