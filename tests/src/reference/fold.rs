//! Transactions folded in order: preconditions, then Actions, all or nothing.
//!
//! Called by simulations and by tests of the engine's fold. `act.rs` says what an Action does,
//! `author.rs` what is known of an author, `root.rs` hashes the result.

use super::act::{Actor, Change, act, find};
use super::author::Author;
use super::called::{called, second};
use super::node::{Ids, Node};
use super::text::Viewer;
use std::collections::{BTreeMap, BTreeSet};
use veilfold_core::model::{
    Action, CallOp, DocumentKey, Op, Path, Position, RejectReason, Rejection, Transaction,
};
use veilfold_core::wire::MemberNo;
use veilfold_core::wire::limits::SEEN_WINDOW;

/// What the order makes of a Transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of its Actions happened.
    Accepted,
    /// None of them did.
    Rejected(Rejection),
    /// Its number is not above the author's newest: it was folded, or left out, before.
    Duplicate,
}

/// A document and everybody who changed it.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    /// A map; `None` while the document does not exist.
    pub(super) node: Option<Node>,
    /// Where accepted Transactions changed it, and who wrote them, in order.
    pub(super) changes: Vec<(Position, MemberNo)>,
    /// The version of the collection's own resolver that wrote it.
    pub(super) format: u64,
}

/// The state of a Space after a list of Entries.
#[derive(Clone, Debug, Default)]
pub struct ReferenceModel {
    pub(super) seq: u64,
    pub(super) documents: BTreeMap<DocumentKey, Document>,
    pub(super) authors: BTreeMap<MemberNo, Author>,
    /// Collections with a resolver of their own, with the versions that are accepted, in their order.
    pub(super) enabled: BTreeSet<(String, u64)>,
    outcomes: BTreeMap<(MemberNo, u64), Outcome>,
}

impl Document {
    /// Position of the newest change; the start when it never changed.
    pub(super) fn version(&self) -> Position {
        self.changes.last().map_or(Position::START, |(position, _)| *position)
    }

    /// Position of the newest change by anyone but `reader`.
    pub(super) fn changed_by_others(&self, reader: MemberNo) -> Position {
        let foreign = self.changes.iter().filter(|(_, author)| *author != reader);
        foreign.map(|(position, _)| *position).max().unwrap_or(Position::START)
    }

    /// A deleted document is remembered for the seen window, and is then as if it had never been.
    pub(super) fn is_forgotten(&self, seq: u64) -> bool {
        self.node.is_none() && self.version().seq + SEEN_WINDOW <= seq
    }
}

impl ReferenceModel {
    /// A Space with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds the data Entry at `seq` and says what becomes of each of its Transactions.
    ///
    /// Entries are given in order; those that every reader skips, and changes of membership, are not
    /// given at all. `seen_seq` is what the Entry's header says its author had seen.
    ///
    /// # Panics
    /// When `seq` is not above the last one.
    pub fn fold_entry(
        &mut self,
        seq: u64,
        author: MemberNo,
        seen_seq: u64,
        transactions: &[Transaction],
    ) -> Vec<Outcome> {
        self.fold_entry_watched(seq, author, seen_seq, transactions, |_, _| {})
    }

    /// The same; `before` sees the state that each Transaction meets.
    ///
    /// # Panics
    /// When `seq` is not above the last one.
    pub fn fold_entry_watched(
        &mut self,
        seq: u64,
        author: MemberNo,
        seen_seq: u64,
        transactions: &[Transaction],
        mut before: impl FnMut(&Self, &Transaction),
    ) -> Vec<Outcome> {
        assert!(seq > self.seq, "entry {seq} comes after {}", self.seq);
        self.seq = seq;
        self.documents.retain(|_, document| !document.is_forgotten(seq));
        let mut outcomes = Vec::new();
        for (index, transaction) in transactions.iter().enumerate() {
            let position = Position { seq, index: index as u64 };
            before(self, transaction);
            outcomes.push(self.fold(position, author, seen_seq, transaction));
        }
        outcomes
    }

    fn fold(
        &mut self,
        position: Position,
        author: MemberNo,
        seen_seq: u64,
        transaction: &Transaction,
    ) -> Outcome {
        if transaction.tx_no <= self.authors.entry(author).or_default().mark() {
            return Outcome::Duplicate;
        }
        let before = self.documents.clone();
        let result = self
            .check(position, author, seen_seq, transaction)
            .and_then(|()| self.apply(position, author, transaction));
        if result.is_err() {
            self.documents = before;
        }
        let outcome = match result {
            Ok(()) => Outcome::Accepted,
            Err(rejection) => Outcome::Rejected(rejection),
        };
        let accepted = outcome == Outcome::Accepted;
        self.authors.entry(author).or_default().note(transaction.tx_no, position.seq, accepted);
        self.outcomes.insert((author, transaction.tx_no), outcome.clone());
        outcome
    }

    /// What a Transaction demands before any of its Actions.
    fn check(
        &self,
        position: Position,
        author: MemberNo,
        seen_seq: u64,
        transaction: &Transaction,
    ) -> Result<(), Rejection> {
        let base_seq = transaction.base_seq;
        if base_seq > seen_seq || base_seq + SEEN_WINDOW < position.seq {
            return Err(RejectReason::BaseTooOld.into());
        }
        let own = transaction.reads.iter().flat_map(|read| [&read.own, &read.absent]);
        if own.chain([&transaction.depends]).any(|own| own.last() >= Some(transaction.tx_no)) {
            return Err(RejectReason::BadReadSet.into());
        }
        let nobody = Author::default();
        let known = self.authors.get(&author).unwrap_or(&nobody);
        if !known.all_accepted(&transaction.depends) {
            return Err(RejectReason::DependencyRejected.into());
        }
        for read in &transaction.reads {
            let changed = self.documents.get(&read.key).map(|document| document.changed_by_others(author));
            if changed.is_some_and(|changed| changed > read.version) {
                return Err(RejectReason::ReadChanged.at(&read.key));
            }
            if known.any_accepted(&read.absent) {
                return Err(RejectReason::ReadChanged.at(&read.key));
            }
            if !known.all_accepted(&read.own) {
                return Err(RejectReason::DependencyRejected.at(&read.key));
            }
        }
        Ok(())
    }

    /// All Actions, one after the other; whoever calls undoes them when one is rejected.
    fn apply(
        &mut self,
        position: Position,
        author: MemberNo,
        transaction: &Transaction,
    ) -> Result<(), Rejection> {
        let ids = Ids::new(transaction.tx_id);
        let mut actor = Actor { author, seq: position.seq, base_seq: transaction.base_seq, ids };
        let mut written = BTreeSet::new();
        for action in &transaction.actions {
            let change = match &action.op {
                Op::Call(call) => self.call(&action.key, call, author, position)?,
                Op::Expect { .. } => self.act(action, &mut actor)?,
                _ if self.enabled.iter().any(|(collection, _)| *collection == action.key.collection) => {
                    return Err(RejectReason::NeedsResolver.at(&action.key));
                }
                _ => self.act(action, &mut actor)?,
            };
            if let Change::Becomes(node) = change {
                let document = self.documents.entry(action.key.clone()).or_default();
                let format = if document.node.is_some() { document.format } else { 0 };
                document.format = match &action.op {
                    Op::Call(call) if node.is_some() => call.version.max(format),
                    _ => 0,
                };
                document.node = node;
                if document.version() != position {
                    document.changes.push((position, author));
                }
                written.insert(action.key.collection.clone());
            }
        }
        // A collection is a document without an id that never exists.
        for collection in written {
            self.documents
                .entry(DocumentKey::whole(collection))
                .or_default()
                .changes
                .push((position, author));
        }
        Ok(())
    }

    fn act(&self, action: &Action, actor: &mut Actor) -> Result<Change, Rejection> {
        let node = self.documents.get(&action.key).and_then(|document| document.node.as_ref());
        act(node, &action.op, actor).map_err(|reason| reason.at(&action.key))
    }

    /// What the simulation's own resolver does, written a second time (`simulation/resolver.rs`).
    fn call(
        &self,
        key: &DocumentKey,
        call: &CallOp,
        author: MemberNo,
        position: Position,
    ) -> Result<Change, Rejection> {
        if !self.enabled.contains(&(key.collection.clone(), call.version)) {
            return Err(RejectReason::VersionNotEnabled.at(key));
        }
        let document = self.documents.get(key).filter(|document| document.node.is_some());
        let format = document.map_or(0, |document| document.format);
        let before = document.and_then(|document| document.node.as_ref()).map(Node::to_json);
        let unchanged = before.clone().filter(|_| format >= call.version);
        match called(before, format, call, author, position) {
            Ok(after) if after == unchanged && after.is_some() => Ok(Change::Nothing),
            Ok(None) if document.is_none() => Ok(Change::Nothing),
            Ok(after) => Ok(Change::Becomes(after.map(|json| Node::from_json(&json)))),
            Err((reason, None)) => Err(reason.at(key)),
            Err((reason, Some(words))) => Err(reason.at(key).because(words.to_owned())),
        }
    }

    /// The Space accepts this version from here on.
    pub fn enable(&mut self, collection: &str, version: u64) {
        self.enabled.insert((collection.to_owned(), version));
    }

    /// A document as JSON, sets as arrays and texts as strings; `None` when it does not exist.
    pub fn document(&self, key: &DocumentKey) -> Option<Vec<u8>> {
        let document = self.documents.get(key)?;
        let mut json = document.node.as_ref()?.to_json();
        if document.format == 1 && self.enabled.contains(&(key.collection.clone(), 2)) {
            // Readers of the newer version see a copy of it.
            json = second(json);
        }
        Some(json.to_string().into_bytes())
    }

    /// Every document that exists, as JSON, by name.
    pub fn documents(&self) -> BTreeMap<DocumentKey, Vec<u8>> {
        let keys = self.documents.keys();
        keys.filter_map(|key| self.document(key).map(|json| (key.clone(), json))).collect()
    }

    /// Position of the last accepted Transaction that changed a document; the start when it never was,
    /// or was deleted so long ago that it is forgotten.
    pub fn version(&self, key: &DocumentKey) -> Position {
        self.documents.get(key).map_or(Position::START, Document::version)
    }

    /// What became of a Transaction; `None` when none of that number was folded.
    pub fn outcome(&self, author: MemberNo, tx_no: u64) -> Option<&Outcome> {
        self.outcomes.get(&(author, tx_no))
    }

    /// Position of the last Entry that was folded.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// How many characters of a text an author saw who had folded the order up to `base_seq`, and
    /// all of its own; `None` when no text is there.
    pub fn seen_chars(
        &self,
        key: &DocumentKey,
        path: &Path,
        author: MemberNo,
        base_seq: u64,
    ) -> Option<usize> {
        match find(self.documents.get(key)?.node.as_ref()?, &path.0)? {
            Node::Text(text) => Some(text.count_for(&Viewer { author, base_seq })),
            _ => None,
        }
    }
}
