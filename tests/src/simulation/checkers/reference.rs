//! Every device agrees with the reference model: outcomes, documents, root.
//!
//! What must hold of Transactions at their place in the order is looked at on the way.

use super::rebase::visible;
use super::{promises, serializability};
use crate::harness::{State, World};
use crate::reference::{Outcome, ReferenceModel};
use crate::simulation::resolver::TICKETS;
use std::collections::{BTreeMap, BTreeSet};
use veilfold_core::model::{Position, TxId};
use veilfold_core::wire::SpaceId;

pub(super) fn check(world: &mut World, space: SpaceId, enabled: &[(u64, u64)]) {
    let mut model = ReferenceModel::new();
    let mut outcomes: BTreeMap<TxId, Vec<Outcome>> = BTreeMap::new();
    let mut accepted: BTreeSet<Position> = BTreeSet::new();
    let mut enabled = enabled.iter().peekable();
    let seen = serializability::seen(world);
    let entries = world.call(0, |engine| engine.log_entries(space, 0, usize::MAX >> 1));
    let Ok(entries) = entries else { return world.violated("reference: the log cannot be read") };
    for entry in entries {
        world.states.reached_if(entry.skipped, State::EntrySkipped);
        if entry.skipped && world.hostile.is_none() {
            return world.violated(format!("reference: an honest relay ordered {} in vain", entry.seq));
        }
        while let Some((_, version)) = enabled.next_if(|(seq, _)| *seq <= entry.seq) {
            model.enable(TICKETS, *version);
        }
        let Some(transactions) = entry.transactions else { continue };
        let mut other = BTreeMap::new();
        let (seq, author, seen_seq) = (entry.seq, entry.author, entry.seen_seq);
        let said = model.fold_entry_watched(seq, author, seen_seq, &transactions, |model, transaction| {
            let seen = seen.get(&transaction.tx_id);
            if let Some(differs) = seen.and_then(|seen| serializability::differs(model, seen)) {
                other.insert(transaction.tx_id, differs);
            }
        });
        for (index, (transaction, outcome)) in transactions.iter().zip(said).enumerate() {
            if outcome == Outcome::Accepted {
                accepted.insert(Position { seq, index: index as u64 });
            }
            if let (Outcome::Accepted, Some(differs)) = (&outcome, other.get(&transaction.tx_id)) {
                world.violated(format!("serializability: {} at {seq}: {differs}", transaction.tx_id));
            }
            outcomes.entry(transaction.tx_id).or_default().push(outcome);
        }
    }
    documents(world, space, &model);
    root(world, space, &model);
    promises::check(world, space, &outcomes);
    promises::check_mutators(world, space, &accepted);
}

fn documents(world: &mut World, space: SpaceId, model: &ReferenceModel) {
    let wanted: BTreeMap<String, Vec<u8>> = model
        .documents()
        .into_iter()
        .map(|(key, json)| (format!("{}/{}", key.collection, key.document), json))
        .collect();
    let shown: BTreeMap<String, Vec<u8>> = visible(world, 0, space).into_iter().collect();
    if let Some((key, json)) = wanted.iter().find(|(key, json)| shown.get(*key) != Some(*json)) {
        let shown = shown.get(key).map(|json| String::from_utf8_lossy(json).into_owned());
        let wanted = String::from_utf8_lossy(json).into_owned();
        world.violated(format!("reference: {key} is {shown:?} and should be {wanted}"));
    } else if shown.len() != wanted.len() {
        world.violated("reference: there are documents that should not be");
    }
}

fn root(world: &mut World, space: SpaceId, model: &ReferenceModel) {
    let point = world.call(0, |engine| engine.order_point(space));
    let root = world.call(0, |engine| engine.state_root(space));
    let (Ok(point), Ok(root)) = (point, root) else { return world.violated("reference: no root") };
    let wanted = model.state_root(point.seq, &point.chain, &point.control_head, &point.authors);
    if root.0 != wanted {
        world.violated("reference: the root is another one");
    }
}
