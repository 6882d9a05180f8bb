//! Recorded editing sessions: reading them, and an order in which they can be replayed.
//!
//! Used by the tests of the resolver, and meant for demos too. What a replay runs on is left to them; the
//! format is described in `tests/traces/README.md`.

use flate2::read::GzDecoder;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Read;
use std::path::Path;
use thiserror::Error;

/// A recorded session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The text before the first transaction.
    pub start: String,
    /// The text that must come out.
    pub end: String,
    /// Number of authors; they are numbered from 0.
    pub authors: usize,
    /// In the order of the file, in which every transaction comes after its parents.
    pub transactions: Vec<TraceTransaction>,
}

/// What one author did at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceTransaction {
    /// Who.
    pub author: usize,
    /// Indexes of the transactions whose merged text it was made on.
    pub parents: Vec<usize>,
    /// In order, each on the text that the one before leaves.
    pub patches: Vec<Patch>,
}

/// One cut and paste, in Unicode scalar values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Where.
    pub offset: u64,
    /// How many to delete there.
    pub delete: u64,
    /// What to insert there.
    pub insert: String,
}

/// An order for all transactions, and what each author had folded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Number of authors; they are numbered from 0.
    pub authors: usize,
    /// In the order.
    pub steps: Vec<Step>,
}

/// One transaction at its place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who.
    pub author: usize,
    /// How many steps of the order the author had folded. It knew these and its own earlier ones,
    /// and nothing else.
    pub known: usize,
    /// In order, each on the text that the one before leaves.
    pub patches: Vec<Patch>,
    /// Index of the transaction in the file.
    pub transaction: usize,
}

/// Why a file is not a trace, or a trace has no plan.
#[derive(Debug, Error)]
pub enum TraceError {
    /// The file cannot be read or unpacked.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A field is missing or has another shape.
    #[error("`{field}` is missing or has another shape (transaction {transaction:?})")]
    Shape {
        /// Which.
        field: &'static str,
        /// Where, when it is in a transaction.
        transaction: Option<usize>,
    },
    /// A parent does not come before its transaction.
    #[error("transaction {transaction} names a parent that does not come before it")]
    ParentOrder {
        /// Which.
        transaction: usize,
    },
    /// An author made two transactions side by side.
    #[error("transaction {transaction} of author {author} does not know an earlier one of the same author")]
    TwoHeads {
        /// Which.
        transaction: usize,
        /// Whose.
        author: usize,
    },
    /// Authors learned of each other's transactions in ways that no single order explains.
    #[error("no one order explains what the authors knew; transaction {transaction} can have no place in it")]
    NoOrder {
        /// The first in the file for which it shows.
        transaction: usize,
    },
}

/// Who knew what, in counts: of every author always its first ones.
struct Knowledge {
    /// The transactions of every author.
    by_author: Vec<Vec<usize>>,
    /// For every transaction how many of each author it knew.
    known: Vec<Vec<usize>>,
}

impl Trace {
    /// Reads a `.json` or `.json.gz` file.
    ///
    /// # Errors
    /// A [`TraceError`] that says what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, TraceError> {
        let file = std::fs::read(path)?;
        if path.extension().is_none_or(|extension| extension != "gz") {
            return Self::parse(&file);
        }
        let mut json = Vec::new();
        GzDecoder::new(&file[..]).read_to_end(&mut json)?;
        Self::parse(&json)
    }

    /// Reads the JSON of a trace.
    ///
    /// # Errors
    /// A [`TraceError`] that says what is wrong with it.
    pub fn parse(json: &[u8]) -> Result<Self, TraceError> {
        let json: Value = serde_json::from_slice(json)?;
        let shape = |field| TraceError::Shape { field, transaction: None };
        let text = |field: &'static str| json[field].as_str().map(str::to_owned).ok_or(shape(field));
        let concurrent = json["kind"] == "concurrent";
        let authors = match concurrent {
            true => json["numAgents"].as_u64().filter(|count| (1..=1000).contains(count)),
            false => Some(1),
        };
        let authors = authors.ok_or(shape("numAgents"))? as usize;
        let transactions = json["txns"].as_array().ok_or(shape("txns"))?;
        let transactions = transactions.iter().enumerate().map(|(index, transaction)| {
            if concurrent {
                read_concurrent(transaction, index, authors)
            } else {
                read_alone(transaction, index)
            }
        });
        Ok(Self {
            start: if json["startContent"].is_null() { String::new() } else { text("startContent")? },
            end: text("endContent")?,
            authors,
            transactions: transactions.collect::<Result<_, _>>()?,
        })
    }

    /// Finds an order in which what every author knew is a beginning of the order, plus its own
    /// earlier transactions: what a device knows that folds one log. With one or two authors there
    /// always is one, with more it depends on the recording.
    ///
    /// # Errors
    /// `TwoHeads`, `NoOrder`, `ParentOrder`.
    pub fn plan(&self) -> Result<Plan, TraceError> {
        let knowledge = self.knowledge()?;
        let order = self.order(&knowledge)?;
        let mut place = vec![0; order.len()];
        for (index, transaction) in order.iter().enumerate() {
            place[*transaction] = index;
        }
        let steps = order.iter().map(|index| {
            let transaction = &self.transactions[*index];
            // The first place that holds something the author did not know.
            let unknown = knowledge.by_author.iter().zip(&knowledge.known[*index]);
            let unknown = unknown.filter_map(|(all, count)| all.get(*count)).map(|first| place[*first]);
            Step {
                author: transaction.author,
                known: unknown.min().unwrap_or(order.len()),
                patches: transaction.patches.clone(),
                transaction: *index,
            }
        });
        Ok(Plan { authors: self.authors, steps: steps.collect() })
    }

    /// For every transaction how many of each author its author had seen, of its own all before it.
    ///
    /// # Errors
    /// `TwoHeads`, `ParentOrder`.
    pub fn known(&self) -> Result<Vec<Vec<usize>>, TraceError> {
        Ok(self.knowledge()?.known)
    }

    fn knowledge(&self) -> Result<Knowledge, TraceError> {
        let mut by_author = vec![Vec::new(); self.authors];
        let mut known: Vec<Vec<usize>> = Vec::with_capacity(self.transactions.len());
        for (index, transaction) in self.transactions.iter().enumerate() {
            let mut counts = vec![0; self.authors];
            for parent in &transaction.parents {
                let above = known.get(*parent).ok_or(TraceError::ParentOrder { transaction: index })?;
                counts.iter_mut().zip(above).for_each(|(count, above)| *count = (*count).max(*above));
                let parent = self.transactions[*parent].author;
                counts[parent] = counts[parent].max(above[parent] + 1);
            }
            let own = &mut by_author[transaction.author];
            if counts[transaction.author] != own.len() {
                let author = transaction.author;
                return Err(TraceError::TwoHeads { transaction: index, author });
            }
            own.push(index);
            known.push(counts);
        }
        Ok(Knowledge { by_author, known })
    }

    /// Sorts the transactions so that each comes after what it knew, and so that of any two authors
    /// the last one that a third knew comes before the first of the other that it did not know.
    fn order(&self, knowledge: &Knowledge) -> Result<Vec<usize>, TraceError> {
        let Knowledge { by_author, known } = knowledge;
        let mut later = vec![Vec::new(); known.len()];
        let mut waits_for = vec![0usize; known.len()];
        let mut before = |first: usize, then: usize| {
            later[first].push(then);
            waits_for[then] += 1;
        };
        for (index, counts) in known.iter().enumerate() {
            let others = || (0..self.authors).filter(|author| *author != self.transactions[index].author);
            for author in 0..self.authors {
                if let Some(last) = counts[author].checked_sub(1) {
                    before(by_author[author][last], index);
                }
            }
            for one in others() {
                let Some(last) = counts[one].checked_sub(1) else { continue };
                for other in others().filter(|other| *other != one) {
                    if let Some(unknown) = by_author[other].get(counts[other]) {
                        before(by_author[one][last], *unknown);
                    }
                }
            }
        }
        let free = waits_for.iter().enumerate().filter(|(_, count)| **count == 0);
        let mut ready: BinaryHeap<_> = free.map(|(index, _)| Reverse(index)).collect();
        let mut order = Vec::with_capacity(known.len());
        while let Some(Reverse(index)) = ready.pop() {
            order.push(index);
            for then in &later[index] {
                waits_for[*then] -= 1;
                if waits_for[*then] == 0 {
                    ready.push(Reverse(*then));
                }
            }
        }
        match waits_for.iter().position(|count| *count > 0) {
            Some(transaction) => Err(TraceError::NoOrder { transaction }),
            None => Ok(order),
        }
    }
}

fn read_concurrent(json: &Value, index: usize, authors: usize) -> Result<TraceTransaction, TraceError> {
    let shape = |field| TraceError::Shape { field, transaction: Some(index) };
    let author = json["agent"].as_u64().filter(|author| *author < authors as u64).ok_or(shape("agent"))?;
    let parents = json["parents"].as_array().ok_or(shape("parents"))?;
    let parents = parents.iter().map(|parent| match parent.as_u64() {
        Some(parent) if parent < index as u64 => Ok(parent as usize),
        Some(_) => Err(TraceError::ParentOrder { transaction: index }),
        None => Err(shape("parents")),
    });
    Ok(TraceTransaction {
        author: author as usize,
        parents: parents.collect::<Result<_, _>>()?,
        patches: read_patches(json).ok_or(shape("patches"))?,
    })
}

fn read_alone(json: &Value, index: usize) -> Result<TraceTransaction, TraceError> {
    let patches =
        read_patches(json).ok_or(TraceError::Shape { field: "patches", transaction: Some(index) })?;
    Ok(TraceTransaction { author: 0, parents: index.checked_sub(1).into_iter().collect(), patches })
}

fn read_patches(json: &Value) -> Option<Vec<Patch>> {
    let patch = |patch: &Value| match patch.as_array()?.as_slice() {
        [offset, delete, insert] => Some(Patch {
            offset: offset.as_u64()?,
            delete: delete.as_u64()?,
            insert: insert.as_str()?.to_owned(),
        }),
        _ => None,
    };
    json["patches"].as_array()?.iter().map(patch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Transactions without patches: author and parents of each.
    fn trace(transactions: &[(usize, &[usize])]) -> Trace {
        let authors = transactions.iter().map(|(author, _)| author + 1).max().unwrap_or(0);
        let transactions = transactions.iter().map(|(author, parents)| TraceTransaction {
            author: *author,
            parents: parents.to_vec(),
            patches: Vec::new(),
        });
        let transactions = transactions.collect();
        Trace { start: String::new(), end: String::new(), authors, transactions }
    }

    fn planned(trace: &Trace) -> Vec<(usize, usize)> {
        trace.plan().unwrap().steps.iter().map(|step| (step.transaction, step.known)).collect()
    }

    #[test]
    fn a_file_with_one_author_is_a_chain() {
        let json = br#"{"startContent":"a","endContent":"b",
            "txns":[{"time":"","patches":[[0,1,"x"],[0,1,"b"]]},{"time":"","patches":[]}]}"#;
        let trace = Trace::parse(json).unwrap();
        assert_eq!((trace.start.as_str(), trace.authors), ("a", 1));
        let first = Patch { offset: 0, delete: 1, insert: "x".into() };
        assert_eq!(trace.transactions[0].patches[0], first);
        let plan = trace.plan().unwrap();
        assert_eq!(plan.steps.iter().map(|step| step.known).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn two_authors_know_what_they_merged_and_their_own() {
        let trace = trace(&[(0, &[]), (0, &[0]), (1, &[0]), (1, &[2]), (0, &[1, 3]), (1, &[3])]);
        assert_eq!(planned(&trace), [(0, 0), (1, 1), (2, 1), (3, 1), (4, 4), (5, 1)]);
    }

    #[test]
    fn the_order_explains_what_a_third_author_knew() {
        // The third knew the second's edit before the first's, so the order has it first.
        let trace = trace(&[(0, &[]), (1, &[]), (2, &[1]), (2, &[2, 0])]);
        assert_eq!(planned(&trace), [(1, 0), (0, 0), (2, 1), (3, 3)]);
    }

    #[test]
    fn what_no_order_explains_is_said() {
        let crossed = trace(&[(0, &[]), (1, &[]), (2, &[0]), (3, &[1])]);
        assert!(matches!(crossed.plan(), Err(TraceError::NoOrder { transaction: 0 })));
        let two_heads = trace(&[(0, &[]), (0, &[])]);
        assert!(matches!(two_heads.plan(), Err(TraceError::TwoHeads { transaction: 1, author: 0 })));
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        for json in [
            &b"["[..],
            b"{}",
            br#"{"endContent":"","txns":[{}]}"#,
            br#"{"kind":"concurrent","numAgents":1,"endContent":"",
                "txns":[{"agent":1,"parents":[],"patches":[]}]}"#,
            br#"{"kind":"concurrent","numAgents":1,"endContent":"",
                "txns":[{"agent":0,"parents":[0],"patches":[]}]}"#,
        ] {
            assert!(Trace::parse(json).is_err());
        }
    }
}
