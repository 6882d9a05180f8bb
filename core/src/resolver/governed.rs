//! Collections that have a resolver of the app's own, as the fold calls it.
//!
//! [`Governed::foresee`] asks for many outcomes in one crossing; [`Governed::call`] uses one when the
//! document is at the Version that it presumes, and asks anew otherwise. Since resolvers are pure,
//! what was foreseen is never wrong, only sometimes of no use.

use super::builtin::DOCUMENT_BYTES_MAX;
use super::context::FoldContext;
use super::custom::{Call, Outcome, Run, RunResolver, Stuck};
use super::enabled::Enabled;
use super::registry::Resolvers;
use crate::gather::gather;
use crate::model::{CallOp, DocumentKey, Encoder, Fields, Image, Position, RejectReason, Rejection, Value};
use crate::sorted::SortedMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// A resolver that did not answer, or that this app does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// The collection.
    pub collection: String,
    /// The version that was needed.
    pub version: u64,
    /// True when this app has no such version: an update helps, waiting does not.
    pub missing: bool,
}

/// What folding needs to know of an app's resolvers.
pub struct Governed<'a> {
    resolvers: &'a Resolvers,
    enabled: &'a Enabled,
    foreseen: SortedMap<DocumentKey, VecDeque<Foreseen>>,
    /// Resolvers that did not answer a moment ago: asking again would only take as long again.
    silent: Vec<Silent>,
}

/// What a call at a position does to a document that is then at this Version, if every one before it did
/// what was foreseen.
struct Foreseen {
    position: Position,
    version: Position,
    outcome: Outcome,
}

/// A call in the order, before it is folded.
pub struct Coming<'a> {
    /// Where.
    pub position: Position,
    /// On which document.
    pub key: &'a DocumentKey,
    /// What.
    pub op: &'a CallOp,
    /// What else the order says.
    pub context: FoldContext,
}

/// Documents larger than this are resolved one call at a time, so that what is foreseen stays small.
const FORESEEN_BYTES_MAX: usize = 16 * 1024;

impl<'a> Governed<'a> {
    /// By what this app has and what the Space accepts.
    pub fn new(resolvers: &'a Resolvers, enabled: &'a Enabled) -> Self {
        Self { resolvers, enabled, foreseen: SortedMap::new(), silent: Vec::new() }
    }

    /// The resolver of a version, if this app has the one that the Space has enabled: of a pinned module
    /// the very same bytes.
    fn resolver(&self, collection: &str, version: u64) -> Option<&'a Arc<dyn RunResolver>> {
        let module = self.enabled.module(collection, version);
        let known = self.resolvers.knows(collection, version, module.as_ref());
        self.resolvers.get(collection, version).filter(|_| known)
    }

    /// True when only its own resolver may change the collection.
    pub fn governs(&self, collection: &str) -> bool {
        self.enabled.newest(collection) > 0
    }

    /// Asks each resolver once for all coming calls. `image` gives a document as it is before them.
    ///
    /// # Errors
    /// As `image` says. A resolver that does not answer is noted and found out again by the fold.
    pub fn foresee<E>(
        &mut self,
        coming: Vec<Coming<'_>>,
        mut image: impl FnMut(&DocumentKey) -> Result<Image, E>,
    ) -> Result<(), E> {
        /// The runs of one resolver, with the places of their calls and the Version they start from.
        type Runs<'b> = Vec<(&'b DocumentKey, Position, Vec<(Position, u64)>, Run)>;
        let mut by_document: SortedMap<&DocumentKey, Vec<Coming<'_>>> = SortedMap::new();
        for call in coming {
            if self.enabled.accepts(&call.key.collection, call.op.version) {
                by_document.get_or_insert_with(call.key, Vec::new).push(call);
            }
        }
        let mut by_resolver: SortedMap<(&str, u64), Runs<'_>> = SortedMap::new();
        for (key, calls) in by_document {
            let now = image(key)?;
            if now.encode_fields().len() > FORESEEN_BYTES_MAX {
                continue;
            }
            let format = if now.fields.is_some() { now.format } else { 0 };
            let version = calls.iter().map(|call| call.op.version).max().unwrap_or(0).max(format);
            // A document that calls of several versions touch changes its resolver on the way.
            if calls.iter().any(|call| call.op.version.max(format) != version) {
                continue;
            }
            let places = calls.iter().map(|call| (call.position, call.op.version)).collect();
            let run = Run {
                state: now.fields.as_ref().map(plain),
                format,
                calls: calls.iter().map(|call| as_call(call.key, call.op, &call.context)).collect(),
            };
            let runs = by_resolver.get_or_insert_with((&key.collection, version), Vec::new);
            runs.push((key, now.version, places, run));
        }
        for ((collection, version), runs) in by_resolver {
            let Some(resolver) = self.resolver(collection, version) else { continue };
            let asked = runs.iter().map(|(.., run)| run.clone()).collect();
            let Ok(answers) = resolver.run(version, asked) else {
                self.silent.push(Silent { collection: collection.to_owned(), version, missing: false });
                continue;
            };
            for ((key, start, places, run), outcomes) in runs.into_iter().zip(answers) {
                let (mut at, mut state) = (start, run.state);
                if outcomes.len() != places.len() {
                    continue;
                }
                for ((place, made_for), outcome) in places.into_iter().zip(outcomes) {
                    if state.is_none() && made_for != version {
                        // Deleted on the way: what makes it anew does so in its own version.
                        break;
                    }
                    let foreseen = Foreseen { position: place, version: at, outcome: outcome.clone() };
                    self.foreseen.get_or_insert_with(key.clone(), VecDeque::new).push_back(foreseen);
                    if let Outcome::State(after) = outcome
                        && after != state
                    {
                        (at, state) = (place, after);
                    }
                }
            }
        }
        Ok(())
    }

    /// Applies one call to a document; a rejection leaves it as it was. Gives whether it changed.
    ///
    /// # Errors
    /// [`Silent`] when this Device cannot find out.
    pub fn call(
        &mut self,
        image: &mut Image,
        key: &DocumentKey,
        op: &CallOp,
        context: &FoldContext,
    ) -> Result<Result<bool, Rejection>, Silent> {
        if !self.enabled.accepts(&key.collection, op.version) {
            return Ok(Err(RejectReason::VersionNotEnabled.at(key)));
        }
        let format = if image.fields.is_some() { image.format } else { 0 };
        let version = op.version.max(format);
        let silent = |missing| Silent { collection: key.collection.clone(), version, missing };
        let outcome = match self.take_foreseen(key, context.position, image.version) {
            Some(outcome) => outcome,
            None => {
                if self.silent.iter().any(|other| *other == silent(false)) {
                    return Err(silent(false));
                }
                let resolver = self.resolver(&key.collection, version).ok_or_else(|| silent(true))?;
                let calls = vec![as_call(key, op, context)];
                let run = Run { state: image.fields.as_ref().map(plain), format, calls };
                match resolver.run(version, vec![run]) {
                    Ok(mut answer) => answer.pop().and_then(|mut outcomes| outcomes.pop()).unwrap_or(GARBAGE),
                    Err(Stuck(_)) => {
                        self.silent.push(silent(false));
                        return Err(silent(false));
                    }
                }
            }
        };
        let after = match outcome {
            Outcome::State(after) => after,
            Outcome::Rejected(reason, None) => return Ok(Err(reason.at(key))),
            Outcome::Rejected(reason, Some(words)) => return Ok(Err(reason.at(key).because(words))),
        };
        if let Err(reason) = check(after.as_ref()) {
            return Ok(Err(reason.at(key)));
        }
        let format = if after.is_some() { version } else { 0 };
        let changed = image.fields != after || image.format != format;
        (image.fields, image.format) = (after, format);
        Ok(Ok(changed))
    }

    /// What was foreseen of this call. Once it was not what happens, nothing that was foreseen of the
    /// document is: a Version alone does not say how it came about.
    fn take_foreseen(&mut self, key: &DocumentKey, position: Position, version: Position) -> Option<Outcome> {
        let coming = self.foreseen.get_mut(key)?;
        // Calls of Transactions that were rejected before their turn are passed by.
        while coming.front().is_some_and(|next| next.position < position) {
            coming.pop_front();
        }
        let next = coming.pop_front().filter(|next| (next.position, next.version) == (position, version));
        if next.is_none() {
            self.foreseen.remove(key);
        }
        next.map(|next| next.outcome)
    }

    /// Documents of one collection as a reader of the newest version sees them: copies that are
    /// migrated, where that is possible.
    pub fn present(&self, collection: &str, documents: &mut [(u64, &mut Fields)]) {
        let newest = self.enabled.newest(collection);
        let mut older: Vec<_> = documents.iter_mut().filter(|(format, _)| *format < newest).collect();
        if older.is_empty() {
            return;
        }
        let Some(resolver) = self.resolver(collection, newest) else { return };
        let asked = older.iter().map(|(format, fields)| (*format, plain(fields))).collect();
        let migrated = resolver.migrate(newest, asked).unwrap_or_default();
        for ((_, fields), migrated) in older.iter_mut().zip(migrated) {
            if let Some(migrated) = migrated {
                **fields = migrated;
            }
        }
    }
}

/// What an answer without the outcome asked for amounts to.
const GARBAGE: Outcome = Outcome::Rejected(RejectReason::ResolverFailed, None);

fn as_call(key: &DocumentKey, op: &CallOp, context: &FoldContext) -> Call {
    Call {
        document: key.document.clone(),
        name: op.name.clone(),
        args: op.args.clone(),
        version: op.version,
        author: context.author,
        position: (context.position != Position::UNORDERED).then_some(context.position),
        time_ms: context.time_ms,
    }
}

/// What a resolver gave must be a document: literals, within the limits.
fn check(fields: Option<&Fields>) -> Result<(), RejectReason> {
    let Some(fields) = fields else { return Ok(()) };
    let value = Value::Map(fields.clone());
    if !value.is_literal() {
        return Err(RejectReason::ResolverFailed);
    }
    let mut out = Encoder::with_capacity(1024);
    value.encode(&mut out);
    if out.len() > DOCUMENT_BYTES_MAX { Err(RejectReason::ResolverLimit) } else { Ok(()) }
}

/// The fields as JSON would show them: lists, sets and texts as arrays and strings.
fn plain(fields: &Fields) -> Fields {
    gather(fields.iter().map(|(name, value)| (name.clone(), value.plain())))
}

#[cfg(test)]
mod tests;
