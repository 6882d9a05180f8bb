//! What a killed process was in the middle of, from what it left on disk.

use super::party::Party;
use std::collections::BTreeSet;
use std::path::Path;
use veilfold_core::documents::PendingSet;
use veilfold_core::io::SqliteStore;
use veilfold_core::outbox::{Content, InFlight};
use veilfold_core::store::rows::{SpaceNo, number_of};
use veilfold_core::store::{Store, Table};
use veilfold_core::wire::SpaceId;
use veilfold_core::wire::frame::append_id;
use veilfold_relay::store::{SqliteStore as RelayStore, Store as _};

/// The only Space of a typist.
const SPACE: SpaceNo = SpaceNo(1);

/// What a kill interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    ClientIdle,
    ClientInsideCommit,
    ClientCommittedNotSealed,
    ClientSealedNotAcknowledged,
    ClientAcknowledgedNotReturned,
    ClientFolding,
    RelayIdle,
    RelayNotCommitted,
    RelayCommittedNotAcknowledged,
}

impl Phase {
    /// Every run of the test has some of each.
    pub const ALL: [Self; 9] = [
        Self::ClientIdle,
        Self::ClientInsideCommit,
        Self::ClientCommittedNotSealed,
        Self::ClientSealedNotAcknowledged,
        Self::ClientAcknowledgedNotReturned,
        Self::ClientFolding,
        Self::RelayIdle,
        Self::RelayNotCommitted,
        Self::RelayCommittedNotAcknowledged,
    ];

    pub fn says(self) -> &'static str {
        match self {
            Self::ClientIdle => "client: nothing under way",
            Self::ClientInsideCommit => "client: committed, the call had not returned",
            Self::ClientCommittedNotSealed => "client: committed, not sealed",
            Self::ClientSealedNotAcknowledged => "client: sealed, not acknowledged",
            Self::ClientAcknowledgedNotReturned => "client: acknowledged, not returned in order",
            Self::ClientFolding => "client: Entries received, not folded",
            Self::RelayIdle => "relay: nothing under way",
            Self::RelayNotCommitted => "relay: Entries received, not committed",
            Self::RelayCommittedNotAcknowledged => "relay: committed, not acknowledged",
        }
    }
}

/// Looks at a killed client's store. `passed_seq` is how far the order was sent to it.
pub fn client(party: &Party, passed_seq: u64) -> BTreeSet<Phase> {
    let store = SqliteStore::open(&party.store).unwrap();
    let in_flight = InFlight::load(&store, SPACE).unwrap();
    let pending = PendingSet::load(&store, SPACE).unwrap();
    let newest = store.last(Table::Log, &SPACE.first(), &SPACE.end()).unwrap();
    let log_seq = newest.map_or(0, |(key, _)| number_of(&key).unwrap());
    let is_sealed = |tx_no: u64| {
        in_flight.iter().any(|row| match row.content {
            Content::Transactions { first, last } => (first..=last).contains(&tx_no),
            Content::Control { .. } => false,
        })
    };
    let mut phases = BTreeSet::new();
    if pending.iter().any(|(tx_no, _)| !is_sealed(tx_no)) {
        phases.insert(Phase::ClientCommittedNotSealed);
    }
    if in_flight.iter().any(|row| row.acked_seq == 0) {
        phases.insert(Phase::ClientSealedNotAcknowledged);
    }
    if in_flight.iter().any(|row| row.acked_seq > 0) {
        phases.insert(Phase::ClientAcknowledgedNotReturned);
    }
    if log_seq < passed_seq {
        phases.insert(Phase::ClientFolding);
    }
    if phases.is_empty() {
        phases.insert(Phase::ClientIdle);
    }
    phases
}

/// Looks at a killed Relay's store: what was offered and is not there, and what is there without
/// anybody knowing.
pub fn relay(folder: &Path, space: SpaceId, parties: &[Party]) -> BTreeSet<Phase> {
    let stored: BTreeSet<[u8; 32]> = entries(folder, space).iter().map(|entry| append_id(entry)).collect();
    let mut phases = BTreeSet::new();
    for party in parties {
        let open = party.offered.iter().filter(|id| !party.acknowledged.contains_key(*id));
        for id in open {
            phases.insert(match stored.contains(id) {
                true => Phase::RelayCommittedNotAcknowledged,
                false => Phase::RelayNotCommitted,
            });
        }
    }
    if phases.is_empty() {
        phases.insert(Phase::RelayIdle);
    }
    phases
}

/// Every Entry of the Space that the Relay's store has, in order.
pub fn entries(folder: &Path, space: SpaceId) -> Vec<bytes::Bytes> {
    let mut store = RelayStore::open(folder).unwrap();
    let mut all = Vec::new();
    loop {
        let page = store.page(&space, all.len() as u64, 512, usize::MAX).unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
