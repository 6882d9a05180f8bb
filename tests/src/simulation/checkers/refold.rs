//! What is visible is what comes out when the log is folded from its start and the whole Outbox put
//! on top: a rebase may leave out work, and nothing else.

use crate::harness::World;
use veilfold_core::keys::SeededEntropy;
use veilfold_core::model::{DocumentKey, fields_to_json};
use veilfold_core::wire::SpaceId;

pub(in super::super) fn check(world: &mut World, device: usize, space: SpaceId) {
    if world.devices[device].engine.is_none() {
        return;
    }
    let shown = super::rebase::visible(world, device, space);
    let entropy = Box::new(SeededEntropy::new(1));
    let (again, shown_again) = match world.call(device, |engine| engine.refolded(space, entropy)) {
        Ok(again) => again,
        Err(error) => return world.violated(format!("refold: device {device}: {error}")),
    };
    let name = |key: &DocumentKey| format!("{}/{}", key.collection, key.document);
    let mut wanted: Vec<(String, Vec<u8>)> =
        again.iter().map(|(key, fields)| (name(key), fields_to_json(fields))).collect();
    wanted.sort();
    let mut rows = shown;
    rows.sort();
    if rows != wanted {
        let text = |rows: &[(String, Vec<u8>)], others: &[(String, Vec<u8>)]| {
            let other = rows.iter().filter(|row| !others.contains(row));
            let other = other.map(|(name, json)| format!("{name} {}", String::from_utf8_lossy(json)));
            other.collect::<Vec<_>>().join(", ")
        };
        let (is, should) = (text(&rows, &wanted), text(&wanted, &rows));
        return world.violated(format!("refold: device {device} shows {is} and should show {should}"));
    }
    let Some(engine) = &world.devices[device].engine else { return };
    let standings = engine.standings(space);
    let is = standings.iter().filter(|standing| standing.shown).map(|standing| standing.tx_no);
    let is: std::collections::BTreeSet<u64> = is.collect();
    if is != shown_again {
        world.violated(format!("refold: device {device} shows writes {is:?}, should {shown_again:?}"));
    }
}
