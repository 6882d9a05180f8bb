//! Resolvers of the app, called many Actions at a time: one crossing for a run, JSON both ways.

use crate::error::VeilfoldError;
use std::sync::{Arc, Mutex, PoisonError};
use veilfold_core::Error;
use veilfold_core::client::{Outcome, Resolvers, Run, RunResolver, Stuck};
use veilfold_core::model::Fields;
use veilfold_core::resolver::{outcomes_from_json, runs_to_json, states_from_json, states_to_json};

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
        Ok(Arc::new(Self::default()))
    }

    /// Adds a version, from 1, of the resolver that governs a collection. Old versions stay: what was
    /// written for a version is folded by it for ever.
    pub fn add(
        &self,
        collection: String,
        version: i64,
        resolver: Arc<dyn ForeignResolver>,
    ) -> Result<(), VeilfoldError> {
        let version = from_one(version)?;
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        *all = std::mem::take(&mut *all).with(collection, version, Foreign(resolver));
        Ok(())
    }

    /// As `add`, with a module of WebAssembly. Its hash is pinned where the Space enables it, so every
    /// app brings the very same bytes.
    pub fn add_module(&self, collection: String, version: i64, module: &[u8]) -> Result<(), VeilfoldError> {
        Ok(self.add_compiled(collection, from_one(version)?, module)?)
    }
}

impl ResolverSet {
    #[cfg(feature = "wasm")]
    fn add_compiled(&self, collection: String, version: u64, module: &[u8]) -> Result<(), Error> {
        let module = veilfold_core::resolver::Module::new(module)
            .map_err(|error| Error::invalid("bad_module", error.to_string()))?;
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        *all = std::mem::take(&mut *all).with(collection, version, module);
        Ok(())
    }

    #[cfg(not(feature = "wasm"))]
    fn add_compiled(&self, _: String, _: u64, _: &[u8]) -> Result<(), Error> {
        let text = "this library was built without WebAssembly; build it with the feature `wasm`";
        Err(Error::invalid("no_wasm", text))
    }

    pub(crate) fn all(&self) -> Resolvers {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn from_one(version: i64) -> Result<u64, Error> {
    let version = u64::try_from(version).ok().filter(|version| *version > 0);
    version.ok_or_else(|| Error::invalid("bad_version", "resolver versions start at 1"))
}

struct Foreign(Arc<dyn ForeignResolver>);

const NO_ANSWER: Stuck = Stuck("it gave no answer");

impl RunResolver for Foreign {
    fn run(&self, version: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
        let answer = self.0.run(version.cast_signed(), runs_to_json(&runs)).map_err(|_| NO_ANSWER)?;
        Ok(outcomes_from_json(&answer, runs.iter().map(|run| run.calls.len())))
    }

    fn migrate(&self, version: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        let answer = self.0.migrate(version.cast_signed(), states_to_json(&states)).map_err(|_| NO_ANSWER)?;
        Ok(states_from_json(&answer, states.len()))
    }
}
