//! What happened is what would have happened one after the other: every accepted Transaction met
//! exactly what its user had read.
//!
//! Looked at while the reference model folds the order, so that what is compared is the state at the
//! Transaction's own place.

use crate::harness::{Seen, World};
use crate::reference::ReferenceModel;
use std::collections::BTreeMap;
use veilfold_core::model::TxId;

/// What every user had read.
pub(super) fn seen(world: &World) -> BTreeMap<TxId, Vec<Seen>> {
    world.devices.iter().flat_map(|device| device.seen.clone()).collect()
}

/// What is there now and was not read so, if anything.
pub(super) fn differs(model: &ReferenceModel, seen: &[Seen]) -> Option<String> {
    seen.iter().find_map(|seen| match seen {
        Seen::Document(key, read) => {
            let there = model.document(key);
            (there != *read).then(|| {
                format!("{}/{} is {}, read {}", key.collection, key.document, text(&there), text(read))
            })
        }
        Seen::Collection(collection, read) => {
            let there = model.documents().into_iter().filter(|(key, _)| key.collection == *collection);
            let there: BTreeMap<_, _> = there.map(|(key, json)| (key.document, json)).collect();
            (there != *read).then(|| format!("{collection} has {:?}, read {:?}", there.keys(), read.keys()))
        }
    })
}

fn text(json: &Option<Vec<u8>>) -> String {
    json.as_ref().map_or("missing".to_owned(), |json| String::from_utf8_lossy(json).into_owned())
}
