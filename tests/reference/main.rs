//! The reference model and the engine's own fold, side by side over random histories.
//!
//! `VEILFOLD_SEEDS=n` plays the first n seeds, `VEILFOLD_SEED=n` that one alone. A history on which
//! the two disagree is cut down to what is needed for it, and printed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dice;
mod engine;
mod history;

use engine::EngineFold;
use history::{Entry, history};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use veilfold_core::model::{Body, RejectReason};
use veilfold_core::wire::{AuthorHead, ChainHash, EntryHash, MemberNo};
use veilfold_tests::reference::{Outcome, ReferenceModel};

/// Seeds of a normal run.
const SEEDS: u64 = 300;

/// Folds a history both ways and tells of the first difference.
fn compare(entries: &[Entry]) -> Result<Vec<Outcome>, String> {
    let mut reference = ReferenceModel::new();
    let mut engine = EngineFold::new();
    let mut heads = BTreeMap::new();
    let mut all = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Entry { seq, author, seen_seq, transactions } = entry;
        let outcomes = reference.fold_entry(*seq, *author, *seen_seq, transactions);
        let theirs = engine.fold_entry(*seq, *author, *seen_seq, transactions);
        if outcomes != theirs {
            return Err(format!("seq {seq}: the engine says {theirs:?}, the reference {outcomes:?}"));
        }
        all.extend(outcomes);
        if index % 7 == 6 {
            engine.reopen();
        }
        let (documents, theirs) = (reference.documents(), engine.documents());
        if documents != theirs {
            let texts = |documents: &BTreeMap<_, Vec<u8>>| {
                documents.values().map(|json| String::from_utf8_lossy(json).into_owned()).collect::<Vec<_>>()
            };
            let (documents, theirs) = (texts(&documents), texts(&theirs));
            return Err(format!("seq {seq}: the engine has {theirs:?}, the reference {documents:?}"));
        }
        let hash = EntryHash([index as u8; 32]);
        heads.insert(*author, AuthorHead { author_seq: index as u64, hash });
        // Also a while later, when nothing but forgetting has happened.
        let later = if index % 4 == 0 { &[0, 1024][..] } else { &[0] };
        for later in later {
            let (seq, chain) = (seq + later, ChainHash([3; 32]));
            let root = reference.state_root(seq, &chain, &hash, &heads);
            let theirs = engine.state_root(seq, &chain, &hash, &heads);
            if root != theirs {
                return Err(format!("seq {seq}: the state roots differ\n{}", engine.images()));
            }
        }
    }
    Ok(all)
}

/// Leaves out whatever the difference does not need.
fn shrink(mut entries: Vec<Entry>) -> Vec<Entry> {
    let try_without = |entries: &mut Vec<Entry>, cut: &dyn Fn(&mut Vec<Entry>)| {
        let mut smaller = entries.clone();
        cut(&mut smaller);
        let fails = compare(&smaller).is_err();
        if fails {
            *entries = smaller;
        }
        fails
    };
    loop {
        let before = entries.len();
        for entry in (0..entries.len()).rev() {
            if try_without(&mut entries, &|entries| drop(entries.remove(entry))) {
                continue;
            }
            for tx in (0..entries[entry].transactions.len()).rev() {
                let is_last = entries[entry].transactions.len() == 1;
                if !is_last && try_without(&mut entries, &|all| drop(all[entry].transactions.remove(tx))) {
                    continue;
                }
                try_without(&mut entries, &|all| all[entry].transactions[tx].reads.clear());
                try_without(&mut entries, &|all| {
                    all[entry].transactions[tx].depends = Default::default();
                });
                for action in (0..entries[entry].transactions[tx].actions.len()).rev() {
                    if entries[entry].transactions[tx].actions.len() > 1 {
                        try_without(&mut entries, &|all| {
                            all[entry].transactions[tx].actions.remove(action);
                        });
                    }
                }
            }
        }
        if entries.len() == before {
            return entries;
        }
    }
}

fn play(seed: u64) -> Vec<Outcome> {
    let entries = history(seed);
    for entry in &entries {
        let body = Body { transactions: entry.transactions.clone(), root: None };
        assert_eq!(Body::decode(&body.encode()), Ok(body), "seed {seed} makes what no Device reads");
    }
    match compare(&entries) {
        Ok(outcomes) => outcomes,
        Err(difference) => {
            let entries = shrink(entries);
            let mut told = String::new();
            entries.iter().for_each(|entry| writeln!(told, "{entry:?}").unwrap());
            let smaller = compare(&entries).err().unwrap_or_default();
            panic!("seed {seed}: {difference}\ncut down to\n{told}{smaller}");
        }
    }
}

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a seed or a number of seeds"))
}

#[test]
fn the_engine_folds_random_histories_as_the_reference_model_does() {
    if let Some(seed) = number_from("VEILFOLD_SEED") {
        play(seed);
        return;
    }
    let mut seen = BTreeSet::new();
    let (mut accepted, mut all) = (0, 0);
    for seed in 0..number_from("VEILFOLD_SEEDS").unwrap_or(SEEDS) {
        for outcome in play(seed) {
            all += 1;
            match outcome {
                Outcome::Accepted => accepted += 1,
                Outcome::Rejected(rejection) => drop(seen.insert(rejection.reason.code())),
                Outcome::Duplicate => drop(seen.insert(0)),
            }
        }
    }
    // Histories in which nothing happens, or nothing goes wrong, would show little.
    assert!(all < 100 || accepted * 5 > all * 2 && accepted * 10 < all * 9, "{accepted} of {all} accepted");
    // Those of resolvers come up in the simulation, which has one.
    let reasons = (1..).map_while(RejectReason::from_code);
    let built_in = reasons.take_while(|reason| *reason != RejectReason::VersionNotEnabled).count();
    assert!(all < 10_000 || seen.len() == built_in + 1, "only {seen:?} came up");
}

#[test]
fn a_deletion_remembers_who_changed_the_document_long_before() {
    use veilfold_core::model::{Action, DocumentKey, Op, Path, Transaction, TxId, TxNos};
    let entry = |seq, author, op| {
        let actions = vec![Action { key: DocumentKey::new("c", "d"), op }];
        let (reads, depends) = (Vec::new(), TxNos::default());
        let (tx_id, base_seq) = (TxId([1; 8]), seq - 1);
        let transaction = Transaction { tx_no: 1, tx_id, base_seq, time_ms: 0, reads, depends, actions };
        Entry { seq, author: MemberNo(author), seen_seq: base_seq, transactions: vec![transaction] }
    };
    let increment = Op::Increment { path: Path::parse("n").unwrap(), by: 1 };
    for later in [1024, 1025, 1026, 5000] {
        compare(&[entry(1, 1, increment.clone()), entry(later, 2, Op::Delete)]).unwrap();
    }
}

#[test]
fn both_agree_on_many_documents_in_many_buckets() {
    use veilfold_core::model::{Action, DocumentKey, Op, Path, Transaction, TxId, TxNos};
    let author = MemberNo(1);
    let mut entries = Vec::new();
    for seq in 1..=12 {
        let action = |document: u64| Action {
            key: DocumentKey::new("c", document.to_string()),
            op: Op::Increment { path: Path::parse("n").unwrap(), by: 1 },
        };
        // 55 new ones each time, so that the number of buckets grows on the way.
        let transactions = vec![Transaction {
            tx_no: seq,
            tx_id: TxId([seq as u8; 8]),
            base_seq: seq - 1,
            time_ms: 0,
            reads: Vec::new(),
            depends: TxNos::default(),
            actions: (seq * 55..seq * 55 + 110).map(action).collect(),
        }];
        entries.push(Entry { seq, author, seen_seq: seq - 1, transactions });
    }
    let outcomes = compare(&entries).unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Accepted));
}
