//! The overlay: what the user sees of documents that own, not yet ordered Transactions touch.
//!
//! `local.rs` of the engine adds one Transaction; `rebase.rs` starts documents over.

use super::apply::{Accepted, FoldAuthor, FoldPlace, Images, Undecided, apply};
use super::cache::Documents;
use crate::model::{DocumentKey, Image, Position, Rejection, Transaction};
use crate::resolver::Governed;
use crate::store::{Store, StoreError};

/// Both layers, as a pending Transaction sees them: overlay where there is one.
struct Visible<'a> {
    documents: &'a mut Documents,
    store: &'a dyn Store,
}

impl Images for Visible<'_> {
    fn look(&mut self, key: &DocumentKey) -> Result<&Image, StoreError> {
        self.documents.visible(self.store, key)
    }

    fn change(&mut self, key: &DocumentKey) -> Result<&mut Image, StoreError> {
        self.documents.overlay_mut(self.store, key)
    }
}

impl Documents {
    /// The image that the user sees.
    ///
    /// # Errors
    /// As the store says.
    pub fn visible(&mut self, store: &dyn Store, key: &DocumentKey) -> Result<&Image, StoreError> {
        if self.overlay(store, key)?.is_some() {
            Ok(self.overlay(store, key)?.unwrap_or(&Image::ABSENT))
        } else {
            self.confirmed(store, key)
        }
    }

    /// Takes the overlay of a document away because nothing is pending for it.
    ///
    /// # Errors
    /// As the store says.
    pub fn unshow(&mut self, store: &dyn Store, key: &DocumentKey) -> Result<(), StoreError> {
        self.set_overlay(store, key, None)
    }

    /// Shows one pending Transaction on top of everything.
    ///
    /// # Errors
    /// As the store says, and for a resolver without an answer; a rejection is a result, not an error.
    pub fn show(
        &mut self,
        store: &dyn Store,
        transaction: &Transaction,
        author: &FoldAuthor<'_>,
        base_seq: u64,
        governed: &mut Governed<'_>,
    ) -> Result<Result<Accepted, Rejection>, Undecided> {
        let place = FoldPlace { position: Position::UNORDERED, base_seq, seen_seq: base_seq };
        apply(&mut Visible { documents: self, store }, transaction, author, place, governed)
    }
}
