//! What a device holds is bounded by what is pending and by what is live: nothing grows with the
//! history.

use crate::harness::World;
use veilfold_core::engine::Held;
use veilfold_core::wire::SpaceId;
use veilfold_core::wire::limits::{IN_FLIGHT_MAX, SEEN_WINDOW};

/// Documents that the watched collection ever has.
const WATCHED_DOCUMENTS: usize = 4;

pub(in super::super) fn check(world: &mut World, device: usize, space: SpaceId) {
    // What a faulty writer seals again carries nothing that is pending.
    let copies = world.counts.copies as usize;
    let Some(engine) = &world.devices[device].engine else { return };
    match engine.held(space) {
        Ok(None) => {}
        Ok(Some(held)) => {
            if let Some(what) = above(&held, copies) {
                world.violated(format!("memory: device {device}: {what}"));
            }
        }
        Err(error) => world.violated(format!("memory: device {device}: {error}")),
    }
}

/// What is more than it may be.
fn above(held: &Held, copies: usize) -> Option<String> {
    let bounds = [
        ("open spaces", held.spaces_open, held.spaces),
        ("subscriptions", held.subscriptions, held.spaces),
        ("wake-ups", held.wake_ups, held.spaces * (IN_FLIGHT_MAX + 4)),
        ("live queries", held.live_queries, 1),
        ("ids of live queries", held.live_ids, 2 * WATCHED_DOCUMENTS),
        ("bytes of documents", held.cache_bytes_counted, held.cache_bytes_max),
        ("bytes of documents, uncounted", held.cache_bytes_counted, held.cache_bytes),
        ("images to be written", held.cache_dirty, 0),
        ("running hashes", held.log_hashes, SEEN_WINDOW as usize + 1),
        ("numbers in indexes", held.indexed, held.indexed_wanted),
        ("sealed entries", held.in_flight, held.pending + held.wishes + copies),
        ("unacknowledged entries", held.unacknowledged, IN_FLIGHT_MAX + 1 + copies),
        ("authors", held.authors, held.members),
        ("rows of the outbox", held.rows_outbox, held.pending),
        ("rows of the overlay", held.rows_overlay, held.pending_documents),
        ("rows of sealed entries", held.rows_sealed, 2 * held.in_flight),
    ];
    let above = bounds.into_iter().find(|(_, is, most)| is > most);
    above.map(|(what, is, most)| format!("{is} {what}, at most {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_is_noticed_when_it_is_passed() {
        let held = Held { spaces: 1, cache_bytes: 10, cache_bytes_max: 10, ..Held::default() };
        assert_eq!(above(&held, 0), None);
        let grown: [fn(&mut Held); 15] = [
            |held| held.spaces_open = 2,
            |held| held.subscriptions = 2,
            |held| held.wake_ups = IN_FLIGHT_MAX + 5,
            |held| held.live_queries = 2,
            |held| held.live_ids = 9,
            |held| held.cache_bytes_counted = 11,
            |held| held.cache_dirty = 1,
            |held| held.log_hashes = SEEN_WINDOW as usize + 2,
            |held| held.indexed = 1,
            |held| held.in_flight = 1,
            |held| (held.unacknowledged, held.pending) = (IN_FLIGHT_MAX + 2, 100),
            |held| held.authors = 1,
            |held| held.rows_outbox = 1,
            |held| held.rows_overlay = 1,
            |held| held.rows_sealed = 1,
        ];
        for (number, grow) in grown.iter().enumerate() {
            let mut held = held.clone();
            grow(&mut held);
            assert!(above(&held, 0).is_some(), "bound {number}");
        }
    }
}
