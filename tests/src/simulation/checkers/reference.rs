//! Every device agrees with the reference model: outcomes, documents, root. What was promised is in
//! the order once, with the outcome that was told.

use super::rebase::visible;
use crate::harness::World;
use crate::reference::{Outcome, ReferenceModel};
use std::collections::BTreeMap;
use veilfold_core::model::TxId;
use veilfold_core::outbox::Fate;
use veilfold_core::wire::SpaceId;

pub(super) fn check(world: &mut World, space: SpaceId) {
    let mut model = ReferenceModel::new();
    let mut outcomes: BTreeMap<TxId, Vec<Outcome>> = BTreeMap::new();
    let entries = world.call(0, |engine| engine.log_entries(space, 0, usize::MAX >> 1));
    let Ok(entries) = entries else { return world.violated("reference: the log cannot be read") };
    for entry in entries {
        if entry.skipped && world.hostile.is_none() {
            return world.violated(format!("reference: an honest relay ordered {} in vain", entry.seq));
        }
        let Some(transactions) = entry.transactions else { continue };
        let said = model.fold_entry(entry.seq, entry.author, entry.seen_seq, &transactions);
        for (transaction, outcome) in transactions.iter().zip(said) {
            outcomes.entry(transaction.tx_id).or_default().push(outcome);
        }
    }
    documents(world, space, &model);
    root(world, space, &model);
    promises(world, space, &outcomes);
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

fn promises(world: &mut World, space: SpaceId, outcomes: &BTreeMap<TxId, Vec<Outcome>>) {
    for device in 0..world.devices.len() {
        let promised: Vec<TxId> = world.devices[device].promised.keys().copied().collect();
        for tx_id in promised {
            let fate = match world.call(device, |engine| engine.fate(space, tx_id)) {
                Ok(settled) => settled.map(|settled| settled.fate),
                Err(error) => return world.violated(format!("promises: {error}")),
            };
            let none = Vec::new();
            let said = outcomes.get(&tx_id).unwrap_or(&none);
            let accepted = said.iter().filter(|outcome| **outcome == Outcome::Accepted).count();
            let rejected = said.iter().any(|outcome| matches!(outcome, Outcome::Rejected(_)));
            let kept = match fate {
                Some(Fate::Confirmed(_)) => accepted == 1,
                Some(Fate::Rejected(..)) => accepted == 0 && rejected,
                _ => false,
            };
            if !kept {
                let what = format!("promises: {tx_id} of device {device} was told {fate:?}, and is {said:?}");
                return world.violated(what);
            }
        }
    }
}
