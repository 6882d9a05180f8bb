//! Roots that this Device took, and what other writers say theirs were.
//!
//! Taken at some of the multiples of 256, attached once to an own Entry, compared with what others
//! attach. What a difference leads to is `healing.rs`.

mod kept;

pub(super) use kept::{ROOT_EVERY, Roots};

use super::engine::{Engine, Parts};
use super::space::Space;
use crate::documents::{DocumentHashes, RootPoint, place_of, short, state_root};
use crate::error::Error;
use crate::model::{ClaimedRoot, DocumentKey, StateRoot};
use crate::store::{Store, StoreError};
use kept::{Difference, NEAR};
use veilfold_wire::{MemberNo, SpaceId};

impl Engine {
    /// After how many of the next Entries a root is due, when it is inside of them.
    pub(super) fn root_within(
        &mut self,
        id: SpaceId,
        first_seq: u64,
        count: usize,
    ) -> Result<Option<usize>, Error> {
        let Self { subscriptions, config, .. } = self;
        let near = subscriptions.get(id).missing(first_seq).is_some_and(|missing| missing <= NEAR);
        let every = config.root_every;
        let space = self.space(id)?;
        let due = space.roots.due_after(space.row.log_seq, every);
        let within = (due + 1).checked_sub(first_seq).filter(|entries| *entries <= count as u64);
        Ok(within.filter(|_| near).map(|entries| entries as usize))
    }

    /// Makes the newest root that was not attached yet a wrong one, as a faulty writer's would be. False when
    /// there is none.
    ///
    /// # Errors
    /// As the store says.
    #[cfg(feature = "testing")]
    pub fn invent_root(&mut self, id: SpaceId) -> Result<bool, Error> {
        self.step(|engine| {
            let space = engine.space(id)?;
            space.dirty.roots = true;
            Ok(space.roots.invent())
        })
    }

    /// Takes the root of the position that is folded now.
    pub(super) fn take_root(&mut self, id: SpaceId) -> Result<(), Error> {
        let Parts { space, store, .. } = self.parts(id)?;
        space.documents.flush(store)?;
        let Some(RootNow { root, buckets, documents }) = root_now(space, store)? else { return Ok(()) };
        space.roots.take(space.row.folded, root, &buckets, &documents);
        space.dirty.roots = true;
        Ok(())
    }
}

/// The root of everything that is folded, and what it is made of.
pub(super) struct RootNow {
    pub(super) root: StateRoot,
    buckets: Vec<[u8; 32]>,
    documents: DocumentHashes,
}

/// Costs a pass over all documents, as they are written. `None` while Entries are kept that are not folded.
pub(super) fn root_now(space: &Space, store: &dyn Store) -> Result<Option<RootNow>, StoreError> {
    let (cursor, Some(membership)) = (space.cursor(), &space.membership) else { return Ok(None) };
    if !cursor.is_folded() {
        return Ok(None);
    }
    let point = RootPoint {
        seq: cursor.folded,
        chain: &cursor.log.chain,
        control_head: membership.control_head(),
        settings: &space.enabled.hash(),
        authors: &space.authors,
    };
    let documents = DocumentHashes::of(&space.documents, store, cursor.folded)?;
    let buckets = documents.buckets();
    Ok(Some(RootNow { root: state_root(&buckets, &point), buckets, documents }))
}

/// A writer attached its root: gives what to tell the app's developer, if it is not the one here.
pub(super) fn compare_root(
    parts: &mut Parts<'_>,
    author: MemberNo,
    claim: &ClaimedRoot,
) -> Result<Option<(Difference, Vec<DocumentKey>)>, Error> {
    let Parts { space, store, config, .. } = parts;
    if space.me() == Some(author) {
        return Ok(None);
    }
    let Some(difference) = space.roots.compare(claim) else { return Ok(None) };
    let news = space.roots.note(author, claim.seq, &difference, config.app);
    space.dirty.roots = true;
    if !news {
        return Ok(None);
    }
    let mut documents = Vec::new();
    if !difference.places.is_empty() {
        space.documents.flush(*store)?;
        space.documents.for_each_confirmed(*store, |key, _| {
            if difference.places.binary_search(&short(&place_of(&key))).is_ok() {
                documents.push(key);
            }
        })?;
    }
    Ok(Some((difference, documents)))
}
