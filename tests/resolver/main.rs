//! Folds recorded editing sessions and compares what comes out with what was recorded.
//!
//! Run with `--release` for times that say something; the sessions are described in `tests/traces/`.

#![allow(clippy::unwrap_used)] // A test that cannot read its recording has nothing to say.

use std::path::Path as FilePath;
use std::time::Instant;
use veilfold_core::model::{Fields, Op, Path, Position, TextSplice, TxId, Value};
use veilfold_core::resolver::{FoldContext, SizeBound, resolve_within};
use veilfold_core::wire::MemberNo;
use veilfold_tests::trace::{Step, Trace};

fn read(name: &str) -> Trace {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    Trace::read(&folder.join(name)).unwrap()
}

/// One document that is folded one Entry per transaction.
struct Fold {
    fields: Option<Fields>,
    bound: SizeBound,
    entries: u64,
}

impl Fold {
    fn of(start: &str) -> Self {
        let mut fold = Self { fields: None, bound: SizeBound::default(), entries: 0 };
        fold.apply(0, 0, &Op::TextCreate { path: path(), text: start.to_owned() });
        fold
    }

    fn apply(&mut self, author: usize, base_seq: u64, op: &Op) {
        self.entries += 1;
        let mut context = FoldContext {
            author: MemberNo(author as u64 + 1),
            position: Position { seq: self.entries, index: 0 },
            time_ms: 0,
            tx_id: TxId([0; 8]),
            base_seq,
            elements: 0,
        };
        resolve_within(&mut self.fields, op, &mut context, &mut self.bound).unwrap();
    }

    /// Folds a step by an author that had folded `known` steps; the Entry before them made the text.
    fn step(&mut self, step: &Step, known: usize) {
        let splices = step.patches.iter().map(|patch| TextSplice {
            offset: patch.offset,
            delete: patch.delete,
            insert: patch.insert.clone(),
        });
        let op = Op::TextEdit { path: path(), splices: splices.collect() };
        self.apply(step.author, known as u64 + 1, &op);
    }

    fn shown(&self) -> String {
        match &self.fields.as_ref().unwrap()["text"] {
            Value::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

fn path() -> Path {
    Path::parse("text").unwrap()
}

fn fold(name: &str) -> usize {
    let trace = read(name);
    let plan = trace.plan().unwrap();
    let mut fold = Fold::of(&trace.start);
    let start = Instant::now();
    plan.steps.iter().for_each(|step| fold.step(step, step.known));
    let elapsed = start.elapsed();
    let lag = plan.steps.iter().enumerate().map(|(index, step)| index - step.known).max().unwrap_or(0);
    eprintln!("{name}: {} transactions in {elapsed:?}, {lag} behind at most", plan.steps.len());
    assert!(fold.shown() == trace.end, "{name} ends with another text");
    lag
}

#[test]
fn one_person_writes_a_component() {
    assert_eq!(fold("sveltecomponent.json.gz"), 0);
}

#[test]
fn one_person_writes_a_paper() {
    assert_eq!(fold("automerge-paper.json.gz"), 0);
}

#[test]
fn two_people_write_at_once() {
    let lag = fold("friendsforever.json.gz");
    assert!((1..1024).contains(&lag), "side by side, and inside the window");
}

#[test]
fn own_edits_need_not_be_folded_to_be_known() {
    let trace = read("friendsforever.json.gz");
    let plan = trace.plan().unwrap();
    let (mut newest, mut least) = (Fold::of(&trace.start), Fold::of(&trace.start));
    for (index, step) in plan.steps.iter().enumerate() {
        newest.step(step, step.known);
        let by_others = plan.steps[..step.known].iter().rposition(|other| other.author != step.author);
        // One alone for long would fall out of the window, had it folded none of its own.
        least.step(step, by_others.map_or(0, |last| last + 1).max(index.saturating_sub(1000)));
    }
    assert!(newest.fields == least.fields && least.shown() == trace.end);
}
