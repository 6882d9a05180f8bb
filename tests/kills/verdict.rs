//! Holds what is there at the end against everything that was promised on the way.

use super::autopsy;
use super::party::Party;
use std::collections::BTreeMap;
use std::path::Path;
use veilfold_core::client::{Client, Config, value_at};
use veilfold_core::model::{Path as Place, Position, Value};
use veilfold_core::wire::SpaceId;
use veilfold_core::wire::frame::append_id;
use veilfold_tests::reference::{Outcome, ReferenceModel};
use veilfold_tests::trace::Trace;

/// What there is at the end.
pub struct Verdict {
    pub transactions: usize,
    pub entries: usize,
    pub promised: usize,
    pub acknowledged: usize,
}

/// What a device without a network says of the Space.
struct Device {
    root: [u8; 32],
    /// Positions of accepted Transactions by id; one for each time.
    accepted: BTreeMap<String, Vec<Position>>,
    /// The root that the reference model comes to with this device's log.
    model_root: [u8; 32],
    seq: u64,
    typed: BTreeMap<String, usize>,
    texts: BTreeMap<String, String>,
}

/// # Panics
/// When a promise was broken.
pub async fn judge(relay_folder: &Path, space: SpaceId, parties: &[Party], traces: &[Trace]) -> Verdict {
    let mut devices = Vec::new();
    for party in parties {
        devices.push(look(party, space).await);
    }
    let first = &devices[0];
    for device in &devices {
        assert_eq!(device.root, first.root, "the devices' state roots differ");
        assert_eq!(device.model_root, device.root, "the reference model folds the log to another root");
    }
    // What the Relay acknowledged is where it said.
    let stored = autopsy::entries(relay_folder, space);
    assert_eq!(stored.len() as u64, first.seq, "the Relay's log and the devices' end differently");
    for (id, said) in parties.iter().flat_map(|party| &party.acknowledged) {
        let entry = stored.get(said.seq as usize - 1).expect("an acknowledged Entry is gone");
        assert_eq!(append_id(entry), *id, "another Entry stands where one was acknowledged");
    }
    let mut promised = 0;
    for (party, trace) in parties.iter().zip(traces) {
        let typed = first.typed[&party.name];
        for line in party.ledger() {
            let places = first.accepted.get(&line[1]).map_or(&[][..], Vec::as_slice);
            assert_eq!(places.len(), 1, "{}: {} is in the order {} times", party.name, line[1], places.len());
            match line[0].as_str() {
                "c" => promised += 1,
                _ => assert_eq!(line[2..], [places[0].seq.to_string(), places[0].index.to_string()]),
            }
        }
        assert!(typed >= party.promised(), "{} lost keystrokes that were promised", party.name);
        assert_eq!(first.texts[&party.name], text_after(trace, typed), "{} reads another text", party.name);
    }
    let typed: usize = parties.iter().map(|party| first.typed[&party.name]).sum();
    assert_eq!(first.typed["together"], typed, "the count of all keystrokes is another one");
    // One Transaction more laid out the Space.
    let accepted: usize = first.accepted.values().map(Vec::len).sum();
    assert_eq!(accepted, typed + 1, "not every Transaction is a keystroke once");
    Verdict {
        transactions: typed,
        entries: stored.len(),
        promised,
        acknowledged: parties.iter().map(|party| party.acknowledged.len()).sum(),
    }
}

async fn look(party: &Party, space: SpaceId) -> Device {
    let client = Client::open(&party.store, Config::default()).await.unwrap();
    let handle = client.space(space).await.unwrap();
    let status = handle.status().await.unwrap();
    assert_eq!(status.outbox_count, 0, "{} still has something to send", party.name);
    let root = handle.state_root().await.unwrap().0;
    let log = client.with_engine(move |engine| engine.log_entries(space, 0, usize::MAX >> 1)).await.unwrap();
    let point = client.with_engine(move |engine| engine.order_point(space)).await.unwrap();
    let mut model = ReferenceModel::new();
    let mut accepted: BTreeMap<String, Vec<Position>> = BTreeMap::new();
    for entry in &log {
        let Some(transactions) = &entry.transactions else { continue };
        let outcomes = model.fold_entry(entry.seq, entry.author, entry.seen_seq, transactions);
        for (index, (transaction, outcome)) in transactions.iter().zip(outcomes).enumerate() {
            if outcome == Outcome::Accepted {
                let position = Position { seq: entry.seq, index: index as u64 };
                accepted.entry(transaction.tx_id.to_string()).or_default().push(position);
            }
        }
    }
    let model_root = model.state_root(point.seq, &point.chain, &point.control_head, &point.authors);
    let mut typed = BTreeMap::new();
    for (name, fields) in handle.collection("typed").all().await.unwrap() {
        let Some(Value::Int(keys)) = fields.get("keys") else { panic!("{name} has no count") };
        typed.insert(name, usize::try_from(*keys).unwrap());
    }
    let mut texts = BTreeMap::new();
    for (name, fields) in handle.collection("texts").all().await.unwrap() {
        let Some(Value::Text(text)) = value_at(&fields, &Place::parse("text").unwrap()) else {
            panic!("{name} has no text")
        };
        texts.insert(name, text.to_string());
    }
    client.close().await.unwrap();
    Device { root, accepted, model_root, seq: point.seq, typed, texts }
}

/// What the first `count` keystrokes of a recording with one author make.
fn text_after(trace: &Trace, count: usize) -> String {
    let mut text: Vec<char> = trace.start.chars().collect();
    for patch in trace.transactions[..count].iter().flat_map(|transaction| &transaction.patches) {
        let (offset, delete) = (patch.offset as usize, patch.delete as usize);
        text.splice(offset..offset + delete, patch.insert.chars());
    }
    text.into_iter().collect()
}
