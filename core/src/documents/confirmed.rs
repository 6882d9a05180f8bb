//! The confirmed layer: the fold of the order and nothing else.
//!
//! Written by `apply.rs` when an ordered Transaction is folded.

use super::apply::{Accepted, FoldAuthor, FoldPlace, Images, Undecided, apply};
use super::cache::Documents;
use crate::model::{DocumentKey, Image, Position, Rejection, Transaction};
use crate::resolver::Governed;
use crate::store::{Store, StoreError};
use veilfold_wire::limits::SEEN_WINDOW;

/// The confirmed layer as the fold at one position sees it.
struct ConfirmedAt<'a> {
    documents: &'a mut Documents,
    store: &'a dyn Store,
    seq: u64,
}

impl Images for ConfirmedAt<'_> {
    fn look(&mut self, key: &DocumentKey) -> Result<&Image, StoreError> {
        let forgotten = is_forgotten(self.documents.confirmed(self.store, key)?, self.seq);
        if forgotten {
            // Written as well, so that what a root says and what is kept stay the same.
            *self.documents.confirmed_mut(self.store, key)? = Image::ABSENT;
        }
        self.documents.confirmed(self.store, key)
    }

    fn change(&mut self, key: &DocumentKey) -> Result<&mut Image, StoreError> {
        self.look(key)?;
        self.documents.confirmed_mut(self.store, key)
    }
}

/// A deleted document is remembered for the seen window and is then as if it had never been.
fn is_forgotten(image: &Image, seq: u64) -> bool {
    image.fields.is_none() && is_past(image.version, seq)
}

/// Nothing written at `seq` or later can speak of that change any more.
pub(super) fn is_past(version: Position, seq: u64) -> bool {
    version.seq + SEEN_WINDOW <= seq
}

impl Documents {
    /// Folds one ordered Transaction into the confirmed layer, all of it or nothing.
    ///
    /// # Errors
    /// As the store says, and for a resolver without an answer; a rejection is a result, not an error.
    pub fn fold(
        &mut self,
        store: &dyn Store,
        transaction: &Transaction,
        author: &FoldAuthor<'_>,
        place: FoldPlace,
        governed: &mut Governed<'_>,
    ) -> Result<Result<Accepted, Rejection>, Undecided> {
        let mut images = ConfirmedAt { documents: self, store, seq: place.position.seq };
        apply(&mut images, transaction, author, place, governed)
    }
}
