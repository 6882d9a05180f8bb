//! What tests look at and no app needs: where own writes stand, how much is held in memory, and the
//! state as it comes out when everything is folded once more.
//!
//! Nothing here reads a Space that is not open, so looking changes nothing of what is looked at.

use super::engine::{Engine, Parts};
use crate::documents::{Pending, PendingSet, RebaseContext, SeenTexts, rebase};
use crate::error::Error;
use crate::keys::Entropy;
use crate::model::{DocumentKey, Fields, TxId};
use crate::resolver::Governed;
use crate::store::Table;
use std::collections::{BTreeMap, BTreeSet};
use veilfold_wire::SpaceId;

/// Where an own Transaction stands that the order does not contain yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name, which stays.
    pub tx_id: TxId,
    /// Its number, which is another one after it was issued again.
    pub tx_no: u64,
    /// The visible state has it.
    pub shown: bool,
    /// It was issued again, and this is what is left of the first time.
    pub superseded: bool,
    /// The author's number of the sealed Entry that carries it.
    pub sealed: Option<u64>,
}

/// How much an engine holds in memory and in its store, in counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Spaces of the Device, and how many of them are open.
    pub spaces: usize,
    /// Of these, open ones.
    pub spaces_open: usize,
    /// Subscriptions, and times at which they want attention.
    pub subscriptions: usize,
    /// Times at which a Space wants attention.
    pub wake_ups: usize,
    /// Live queries.
    pub live_queries: usize,
    /// Ids that they remember, delivered ones and marked ones.
    pub live_ids: usize,
    /// Bytes that the caches of documents say they hold.
    pub cache_bytes: usize,
    /// Above this many they are emptied.
    pub cache_bytes_max: usize,
    /// Bytes that they do hold.
    pub cache_bytes_counted: usize,
    /// Images that are still to be written.
    pub cache_dirty: usize,
    /// Running hashes of the log.
    pub log_hashes: usize,
    /// Own Transactions that the order does not contain yet.
    pub pending: usize,
    /// Documents that they touch.
    pub pending_documents: usize,
    /// Numbers in the indexes over them.
    pub indexed: usize,
    /// Numbers that must be there.
    pub indexed_wanted: usize,
    /// Sealed Entries that wait.
    pub in_flight: usize,
    /// Of these, ones that the Relay has not acknowledged.
    pub unacknowledged: usize,
    /// Changes of membership that wait.
    pub wishes: usize,
    /// Authors with a row, and Members.
    pub authors: usize,
    /// Members.
    pub members: usize,
    /// Rows of the Outbox in the store.
    pub rows_outbox: usize,
    /// Rows of visible images beside the confirmed ones.
    pub rows_overlay: usize,
    /// Rows of sealed Entries and their acknowledgements.
    pub rows_sealed: usize,
}

impl Engine {
    /// True when the Space is in memory.
    pub fn is_open(&self, id: SpaceId) -> bool {
        self.open.contains_key(&id)
    }

    /// Where the own Transactions of an open Space stand, by number.
    pub fn standings(&self, id: SpaceId) -> Vec<Standing> {
        let pending = self.open.get(&id).into_iter().flat_map(|space| space.pending.iter());
        pending
            .map(|(tx_no, pending)| Standing {
                tx_id: pending.transaction.tx_id,
                tx_no,
                shown: pending.shown,
                superseded: pending.superseded,
                sealed: pending.sealed.map(|sealed| sealed.author_seq),
            })
            .collect()
    }

    /// How much is held of an open Space and beside it.
    ///
    /// # Errors
    /// As the store says.
    pub fn held(&self, id: SpaceId) -> Result<Option<Held>, Error> {
        let Some(space) = self.open.get(&id) else { return Ok(None) };
        let rows = |table| -> Result<usize, Error> {
            Ok(self.store.scan(table, &space.no.first(), &space.no.end(), usize::MAX >> 1)?.len())
        };
        let (cache_bytes, cache_bytes_counted, cache_dirty, cache_bytes_max) = space.documents.held();
        let (subscriptions, wake_ups) = self.subscriptions.held();
        let (live_queries, live_ids) = self.live.held();
        let (indexed, indexed_wanted) = space.pending.indexed();
        let touched: BTreeSet<&DocumentKey> =
            space.pending.iter().flat_map(|(_, pending)| pending.touched()).collect();
        Ok(Some(Held {
            spaces: self.numbers.len(),
            spaces_open: self.open.len(),
            subscriptions,
            wake_ups,
            live_queries,
            live_ids,
            cache_bytes,
            cache_bytes_max,
            cache_bytes_counted,
            cache_dirty,
            log_hashes: space.tail.held(),
            pending: space.pending.len(),
            pending_documents: touched.len(),
            indexed,
            indexed_wanted,
            in_flight: space.in_flight.iter().count(),
            unacknowledged: space.in_flight.unacknowledged(),
            wishes: space.wishes.len(),
            authors: space.authors.len(),
            members: space.membership.as_ref().map_or(0, |membership| membership.iter().count()),
            rows_outbox: rows(Table::Outbox)?,
            rows_overlay: rows(Table::Overlay)?,
            rows_sealed: rows(Table::Sealed)?,
        }))
    }

    /// The visible documents as they come out when the stored log is folded from its start and the
    /// whole Outbox is put on top of it; and which own Transactions are shown then.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have; `Corrupt` for what does not parse.
    pub fn refolded(
        &mut self,
        id: SpaceId,
        entropy: Box<dyn Entropy + Send>,
    ) -> Result<(BTreeMap<DocumentKey, Fields>, BTreeSet<u64>), Error> {
        let log = self.stored_log(id, 0, usize::MAX >> 1)?;
        let Parts { space, config, .. } = self.parts(id)?;
        let (me, folded, preconditions) = (space.row.me, space.row.folded, config.protections.preconditions);
        let wishes = space.wishes.clone();
        let outbox: Vec<(u64, Pending)> =
            space.pending.iter().map(|(tx_no, pending)| (tx_no, pending.clone())).collect();
        let mut again = self.refold(id, entropy)?;
        let entries = log.iter().filter(|entry| entry.seq() <= folded);
        again.feed(1, entries.map(|entry| entry.entry().bytes().clone()).collect())?;
        let engine = again.engine();
        engine.step(|engine| {
            let Parts { space, store, resolvers, .. } = engine.parts(id)?;
            space.row.me = me;
            space.wishes = wishes;
            let mut pending = PendingSet::default();
            for (tx_no, Pending { transaction, superseded, .. }) in outbox {
                pending.insert(tx_no, Pending { superseded, ..Pending::new(transaction) });
            }
            space.pending = pending;
            let touched = space.pending.iter().flat_map(|(_, pending)| pending.touched().cloned()).collect();
            let row = space.own_row();
            let me = space.me().unwrap_or(veilfold_wire::MemberNo(0));
            let context = RebaseContext { me, row: &row, preconditions, new_head: folded };
            let seen = SeenTexts::default();
            let enabled = space.enabled_with_wishes();
            let mut governed = Governed::new(resolvers, &enabled);
            rebase(&mut space.documents, store, &mut space.pending, &context, touched, &seen, &mut governed)?;
            Ok(())
        })?;
        let mut visible = BTreeMap::new();
        for key in engine.document_keys(id)? {
            if let Some(fields) = engine.read(id, &key)? {
                visible.insert(key, fields);
            }
        }
        let shown = engine.standings(id).into_iter().filter(|standing| standing.shown);
        Ok((visible, shown.map(|standing| standing.tx_no).collect()))
    }
}
