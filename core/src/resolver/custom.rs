//! Resolvers that an app brings for collections of its own.
//!
//! A resolver is a pure function of state, call and what the order itself says; equal input must give
//! equal output on every Device, for ever. What it may not look at: clocks, randomness, locale, hash
//! order, the network, other documents.

use crate::model::{Fields, Position, RejectReason, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use thiserror::Error;
use veilfold_wire::MemberNo;

/// An Action of the app's own, as its resolver sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The document's id.
    pub document: String,
    /// What to do, in the app's words.
    pub name: String,
    /// With what.
    pub args: Value,
    /// The resolver version that its writer wrote it for; at most this resolver's own.
    pub version: u64,
    /// Who wrote it.
    pub author: MemberNo,
    /// Its place in the order, `None` while it is only pending on this Device.
    pub position: Option<Position>,
    /// The writer's clock in milliseconds since 1970, as claimed.
    pub time_ms: u64,
}

/// A resolver's own no, with a text for whoever wrote the Action. It rejects the whole Transaction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal with this text, of which a fate keeps the first 512 bytes.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// One version of a collection's resolver.
///
/// ```
/// use veilfold_core::model::{Fields, Value};
/// use veilfold_core::resolver::{Call, Refusal, Resolver};
///
/// /// A seat is taken once.
/// struct Seats;
///
/// impl Resolver for Seats {
///     fn resolve(&self, state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
///         let mut seat = state.unwrap_or_default();
///         if call.name != "take" || seat.contains_key("by") {
///             return Err(Refusal::new("the seat is taken"));
///         }
///         seat.insert("by".to_owned(), call.args.clone());
///         Ok(Some(seat))
///     }
/// }
/// ```
pub trait Resolver: Send + Sync {
    /// The document after the call; `None` deletes it. Lists come and go as plain arrays.
    ///
    /// # Errors
    /// The refusal, which every Device gives alike.
    fn resolve(&self, state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal>;

    /// A document of the older version `from` as one of this version; 0 is what the built-in
    /// operations wrote. Runs before the first newer call on the document, and on a copy for reads.
    ///
    /// # Errors
    /// The refusal, which rejects that call.
    fn migrate(&self, from: u64, state: Fields) -> Result<Fields, Refusal> {
        let _ = from;
        Ok(state)
    }
}

/// Calls on one document, each on what the ones before it left; a rejected one leaves it as it was.
#[derive(Clone, Debug)]
pub struct Run {
    /// The document.
    pub state: Option<Fields>,
    /// The version that wrote it.
    pub format: u64,
    /// In order.
    pub calls: Vec<Call>,
}

/// What became of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The document afterwards.
    State(Option<Fields>),
    /// Why not, and in whose words.
    Rejected(RejectReason, Option<String>),
}

/// This Device could not find out what a resolver says; nothing about the order follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the resolver gave no answer: {0}")]
pub struct Stuck(pub &'static str);

/// How the fold calls a resolver: many calls at once, because crossing into another language costs.
pub trait RunResolver: Send + Sync {
    /// One list of outcomes for each run, as long as its calls. `version` is the resolver's own.
    ///
    /// # Errors
    /// [`Stuck`] for what says nothing about the calls: time-out, no memory, a lost thread.
    fn run(&self, version: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck>;

    /// Documents of older versions as ones of `version`; `None` for what cannot be migrated.
    ///
    /// # Errors
    /// As [`RunResolver::run`].
    fn migrate(&self, version: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck>;

    /// Hash of the module, when the resolver is one that is pinned by its bytes.
    fn module(&self) -> Option<[u8; 32]> {
        None
    }
}

/// A panic is an exception like any other: it rejects the call on every Device alike.
impl<R: Resolver> RunResolver for R {
    fn run(&self, version: u64, runs: Vec<Run>) -> Result<Vec<Vec<Outcome>>, Stuck> {
        let migrate = |from, state| Ok(asked(|| Resolver::migrate(self, from, state).map(Some)));
        let resolve = |state, call: &Call| Ok(asked(|| self.resolve(state, call)));
        runs.into_iter().map(|run| each_on_the_one_before(version, run, migrate, resolve)).collect()
    }

    fn migrate(&self, _: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        let one = |(from, state)| match asked(|| Resolver::migrate(self, from, state).map(Some)) {
            Outcome::State(state) => state,
            Outcome::Rejected(..) => None,
        };
        Ok(states.into_iter().map(one).collect())
    }
}

fn asked(resolver: impl FnOnce() -> Result<Option<Fields>, Refusal>) -> Outcome {
    match catch_unwind(AssertUnwindSafe(resolver)) {
        Ok(Ok(state)) => Outcome::State(state),
        Ok(Err(Refusal(text))) => Outcome::Rejected(RejectReason::RefusedByResolver, Some(text)),
        Err(_) => Outcome::Rejected(RejectReason::ResolverFailed, None),
    }
}

/// The calls of a run by what asks about one document and about one call. A document of an older version
/// is migrated before the first call; a rejected one leaves it as it was.
pub(super) fn each_on_the_one_before(
    version: u64,
    run: Run,
    migrate: impl Fn(u64, Fields) -> Result<Outcome, Stuck>,
    resolve: impl Fn(Option<Fields>, &Call) -> Result<Outcome, Stuck>,
) -> Result<Vec<Outcome>, Stuck> {
    let (mut state, mut format) = (run.state, run.format);
    let mut outcomes = Vec::with_capacity(run.calls.len());
    for call in &run.calls {
        let before = match state.clone() {
            Some(fields) if format < version => migrate(format, fields)?,
            before => Outcome::State(before),
        };
        let outcome = match before {
            Outcome::State(before) => resolve(before, call)?,
            rejected => rejected,
        };
        if let Outcome::State(after) = &outcome {
            (state, format) = (after.clone(), version);
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes down the names of the calls, one after the other, and refuses or panics at some.
    struct Names;

    fn names(text: &str) -> Fields {
        [("names".to_owned(), Value::String(text.to_owned()))].into()
    }

    fn call(name: &str) -> Call {
        Call {
            document: "d".to_owned(),
            name: name.to_owned(),
            args: Value::Null,
            version: 1,
            author: MemberNo(2),
            position: None,
            time_ms: 0,
        }
    }

    impl Resolver for Names {
        fn resolve(&self, state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
            let before = state.and_then(|mut fields| fields.remove("names"));
            match (&*call.name, before) {
                ("no", _) => Err(Refusal::new("no")),
                ("broken", _) => panic!("on purpose"),
                ("end", _) => Ok(None),
                (name, Some(Value::String(before))) => Ok(Some(names(&(before + name)))),
                (name, _) => Ok(Some(names(name))),
            }
        }

        fn migrate(&self, from: u64, mut state: Fields) -> Result<Fields, Refusal> {
            match (from, state.remove("names")) {
                (0, _) => Err(Refusal::new("too old")),
                (from, Some(Value::String(text))) => Ok(names(&format!("{text}@{from}"))),
                _ => panic!("on purpose"),
            }
        }
    }

    fn run(state: Option<Fields>, format: u64, calls: &[&str]) -> Vec<Outcome> {
        let run = Run { state, format, calls: calls.iter().map(|name| call(name)).collect() };
        let other = Run { state: None, format: 0, calls: vec![call("other")] };
        let mut told = RunResolver::run(&Names, 3, vec![run, other]).unwrap();
        assert_eq!(told.pop(), Some(vec![Outcome::State(Some(names("other")))]));
        assert_eq!(told.len(), 1);
        told.remove(0)
    }

    fn state(text: &str) -> Outcome {
        Outcome::State(Some(names(text)))
    }

    fn refused(text: &str) -> Outcome {
        Outcome::Rejected(RejectReason::RefusedByResolver, Some(text.to_owned()))
    }

    const FAILED: Outcome = Outcome::Rejected(RejectReason::ResolverFailed, None);

    #[test]
    fn each_call_is_made_on_what_the_ones_before_it_left() {
        let told = run(None, 0, &["a", "b", "no", "c", "broken", "d", "end", "e"]);
        let (ab, abc, abcd) = (state("ab"), state("abc"), state("abcd"));
        assert_eq!(
            told,
            [state("a"), ab, refused("no"), abc, FAILED, abcd, Outcome::State(None), state("e")]
        );
    }

    #[test]
    fn an_older_document_is_migrated_once_before_the_first_call_that_is_accepted() {
        assert_eq!(
            run(Some(names("x")), 2, &["no", "a", "b"]),
            [refused("no"), state("x@2a"), state("x@2ab")]
        );
        assert_eq!(run(Some(names("x")), 3, &["a"]), [state("xa")]);
        assert_eq!(run(Some(names("x")), 0, &["a", "b"]), [refused("too old"), refused("too old")]);
        assert_eq!(run(Some(Fields::new()), 1, &["a"]), [FAILED]);
        assert_eq!(run(None, 1, &["a"]), [state("a")]);
    }

    #[test]
    fn copies_are_migrated_each_for_itself() {
        let states = vec![(1, names("x")), (0, names("y")), (2, Fields::new()), (2, names("z"))];
        let told = RunResolver::migrate(&Names, 3, states);
        assert_eq!(told, Ok(vec![Some(names("x@1")), None, None, Some(names("z@2"))]));
        assert_eq!(Names.module(), None);
    }

    #[test]
    fn a_resolver_without_a_migration_takes_documents_as_they_are() {
        struct Plain;
        impl Resolver for Plain {
            fn resolve(&self, state: Option<Fields>, _: &Call) -> Result<Option<Fields>, Refusal> {
                Ok(state)
            }
        }
        assert_eq!(RunResolver::migrate(&Plain, 2, vec![(1, names("x"))]), Ok(vec![Some(names("x"))]));
    }
}
