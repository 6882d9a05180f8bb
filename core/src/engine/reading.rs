//! What an app can look at: documents, members, status, roots. Nothing here changes anything.

use super::engine::{Engine, Parts};
use super::holds::HeldFor;
use super::remote::{Fold, open_for_fold};
use super::roots::root_now;
use crate::envelope::VerifiedEntry;
use crate::error::Error;
use crate::gather::gather;
use crate::model::{DocumentKey, Fields, StateRoot, Transaction};
use crate::query::{LiveBatch, LiveId, LiveScope};
use crate::sorted::SortedSet;
use crate::sync::{Phase, State};
use std::collections::BTreeMap;
use veilfold_wire::{AuthorHead, ChainHash, EntryHash, MemberNo, Role, SpaceId, TransportFault};

/// Where a Space stands with the Relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncState {
    /// No connection.
    Offline,
    /// A connection is being made, or the Space is being asked for.
    Connecting,
    /// Asked for and refused; it is asked for again by itself. A newcomer is refused until the
    /// Entry that adds it is ordered.
    Refused,
    /// Entries are arriving.
    CatchingUp {
        /// Newest verified position.
        done: u64,
        /// The Relay's newest position.
        total: u64,
    },
    /// What is ordered arrives as it is ordered.
    Live,
    /// Entries are kept and not folded; [`SpaceStatus::held`] says why.
    Held,
    /// The Relay misbehaved; the last good state is shown and nothing is sent.
    Forked(TransportFault),
}

/// How a Space stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceStatus {
    /// With the Relay.
    pub state: SyncState,
    /// Own Transactions that the order does not contain yet.
    pub outbox_count: u64,
    /// Of these, how many the Relay has stored.
    pub stored_count: u64,
    /// Newest position that this Device has verified and folded.
    pub seq: u64,
    /// Why Entries are kept and not folded, if they are.
    pub held: Option<HeldFor>,
}

/// A Member as this Device knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    /// Its number.
    pub member: MemberNo,
    /// Its role.
    pub role: Role,
    /// Its name, if the Entry that added it said one.
    pub name: Option<String>,
    /// True for this Device.
    pub me: bool,
}

/// One Entry of the log, opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its position.
    pub seq: u64,
    /// Who wrote it.
    pub author: MemberNo,
    /// What its author had seen.
    pub seen_seq: u64,
    /// Its bytes as sent.
    pub bytes: usize,
    /// True when every reader skips it.
    pub skipped: bool,
    /// Its Transactions; `None` for a change of membership and for what every reader skips.
    pub transactions: Option<Vec<Transaction>>,
}

/// What the order is at its end, besides the documents: all that a root covers beyond them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderPoint {
    /// Newest position.
    pub seq: u64,
    /// Running hash there.
    pub chain: ChainHash,
    /// Newest change of membership.
    pub control_head: EntryHash,
    /// Newest Entry of everybody who has written.
    pub authors: BTreeMap<MemberNo, AuthorHead>,
}

impl Engine {
    /// Where the order ends, for computing its root by other means.
    ///
    /// # Errors
    /// `Invalid` before anything of the Space has arrived.
    pub fn order_point(&mut self, id: SpaceId) -> Result<OrderPoint, Error> {
        let space = self.space(id)?;
        let head = space.cursor().log;
        let membership = space.membership.as_ref().ok_or_else(not_folded)?;
        Ok(OrderPoint {
            seq: head.seq,
            chain: head.chain,
            control_head: *membership.control_head(),
            authors: gather(space.authors.iter().map(|(member, row)| (*member, row.head))),
        })
    }

    /// Up to `limit` Entries of the log after the position `after`.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn log_entries(&mut self, id: SpaceId, after: u64, limit: usize) -> Result<Vec<LogEntry>, Error> {
        let Parts { space, store, .. } = self.parts(id)?;
        let floor = space.membership.as_ref().map_or(0, |membership| membership.padding_floor());
        let kept = crate::log::read_log(store, space.no, after, limit, floor)?;
        Ok(kept
            .into_iter()
            .map(|(seq, entry)| {
                let header = *entry.entry().header();
                let transactions = match open_for_fold(space, &entry) {
                    Fold::Body(body) => Some(body.transactions),
                    _ => None,
                };
                LogEntry {
                    seq,
                    author: header.member_no,
                    seen_seq: header.seen_seq,
                    bytes: entry.entry().bytes().len(),
                    skipped: entry.fault().is_some(),
                    transactions,
                }
            })
            .collect())
    }

    /// Up to `limit` Entries of the log after the position `after`, sealed, as they are stored.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have; `Corrupt` for what does not parse.
    pub fn stored_log(&mut self, id: SpaceId, after: u64, limit: usize) -> Result<Vec<VerifiedEntry>, Error> {
        let Parts { space, store, .. } = self.parts(id)?;
        let floor = space.membership.as_ref().map_or(0, |membership| membership.padding_floor());
        let kept = crate::log::read_log(store, space.no, after, limit, floor)?;
        Ok(kept.into_iter().map(|(_, entry)| entry).collect())
    }

    /// The documents that were ever in the order or wait in the Outbox; some may be deleted.
    ///
    /// Costs a pass over all documents.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn document_keys(&mut self, id: SpaceId) -> Result<SortedSet<DocumentKey>, Error> {
        let Parts { space, store, .. } = self.parts(id)?;
        let mut keys: SortedSet<DocumentKey> =
            space.pending.iter().flat_map(|(_, pending)| pending.touched().cloned()).collect();
        space.documents.for_each_confirmed(store, |key, _| {
            keys.insert(key);
        })?;
        Ok(keys)
    }

    /// This Device's own name for the Space.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn space_name(&mut self, id: SpaceId) -> Result<String, Error> {
        Ok(self.space(id)?.row.name.clone())
    }

    /// Who is in the Space.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn members(&mut self, id: SpaceId) -> Result<Vec<MemberInfo>, Error> {
        let space = self.space(id)?;
        let me = space.me();
        let Some(membership) = &space.membership else { return Ok(Vec::new()) };
        Ok(membership
            .iter()
            .map(|(member, info)| MemberInfo {
                member,
                role: info.role,
                name: space.roster.name(member).map(str::to_owned),
                me: me == Some(member),
            })
            .collect())
    }

    /// How the Space stands.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn status(&mut self, id: SpaceId) -> Result<SpaceStatus, Error> {
        let online = match self.session.phase() {
            Phase::Idle | Phase::Waiting { .. } => Some(SyncState::Offline),
            Phase::Connecting | Phase::Greeting { .. } | Phase::Proving { .. } => Some(SyncState::Connecting),
            Phase::Online(_) => None,
        };
        let (subscription, fault, refused) = match self.subscriptions.look(&id) {
            Some(known) => (Some(known.state().clone()), known.fault(), known.refused()),
            None => (None, None, None),
        };
        let why = self.holds.why(&id).cloned();
        let space = self.space(id)?;
        let cursor = space.cursor();
        let held = why.or_else(|| (!cursor.is_folded()).then_some(HeldFor::Key));
        let asked = match subscription {
            Some(State::CatchingUp { target }) => {
                SyncState::CatchingUp { done: cursor.log.seq, total: target }
            }
            Some(State::Live) if !cursor.is_folded() => SyncState::Held,
            Some(State::Live) => SyncState::Live,
            Some(State::Waiting { .. }) if refused.is_some() => SyncState::Refused,
            _ => SyncState::Connecting,
        };
        let stored = space.in_flight.iter().filter(|row| row.acked_seq > 0).map(|row| match row.content {
            crate::outbox::Content::Transactions { first, last } => last - first + 1,
            crate::outbox::Content::Control { .. } => 1,
        });
        Ok(SpaceStatus {
            state: fault.map(SyncState::Forked).or(online).unwrap_or(asked),
            outbox_count: (space.pending.len() + space.wishes.len()) as u64,
            stored_count: stored.sum(),
            seq: cursor.folded,
            held,
        })
    }

    /// A document as it is visible; `None` when it does not exist.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn read(&mut self, id: SpaceId, key: &DocumentKey) -> Result<Option<Fields>, Error> {
        let Parts { space, store, .. } = self.parts(id)?;
        Ok(space.documents.read(store, key)?)
    }

    /// Up to `limit` documents of a collection after the id `after`, by id.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn read_collection(
        &mut self,
        id: SpaceId,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Fields)>, Error> {
        let Parts { space, store, .. } = self.parts(id)?;
        Ok(space.documents.read_collection(store, collection, after, limit)?)
    }

    /// Starts watching; the first state is due at once.
    ///
    /// # Errors
    /// `Invalid` for a Space that this Device does not have.
    pub fn live(&mut self, scope: LiveScope) -> Result<LiveId, Error> {
        self.space(scope.space)?;
        Ok(self.live.open(scope))
    }

    /// What is due for a live query, at most about `max` documents; `None` when nothing is.
    ///
    /// # Errors
    /// As the store says.
    pub fn take_live(&mut self, id: LiveId, max: usize) -> Result<Option<LiveBatch>, Error> {
        let Some(space) = self.live.space(id) else { return Ok(None) };
        self.space(space)?;
        let Self { live, open, store, .. } = self;
        let space = open.get_mut(&space).ok_or_else(|| Error::internal("a loaded space is not there"))?;
        Ok(live.take(id, &mut space.documents, store.as_ref(), max)?)
    }

    /// Stops watching.
    pub fn close_live(&mut self, id: LiveId) {
        self.live.close(id);
    }

    /// The root over the whole folded state: equal on all Devices at the same position.
    ///
    /// Costs a pass over all documents.
    ///
    /// # Errors
    /// `Invalid` while Entries are kept that are not folded yet.
    pub fn state_root(&mut self, id: SpaceId) -> Result<StateRoot, Error> {
        let Parts { space, store, .. } = self.parts(id)?;
        Ok(root_now(space, store)?.ok_or_else(not_folded)?.root)
    }
}

fn not_folded() -> Error {
    Error::invalid("not_folded", "the space is not folded to its end; wait for its key")
}
