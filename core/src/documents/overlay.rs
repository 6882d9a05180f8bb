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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Condition, Op, Path, TxId, TxNos, Value};
    use crate::resolver::{Enabled, Resolvers};
    use crate::store::MemoryStore;
    use crate::store::rows::{AuthorRow, SpaceNo};
    use veilfold_wire::MemberNo;

    fn key(document: &str) -> DocumentKey {
        DocumentKey::new("notes", document)
    }

    fn add(document: &str, by: i64) -> Action {
        Action { key: key(document), op: Op::Increment { path: Path::parse("n").unwrap(), by } }
    }

    fn shown(documents: &mut Documents, document: &str) -> Option<Value> {
        let image = documents.visible(&MemoryStore::new(), &key(document)).unwrap();
        image.fields.as_ref().and_then(|fields| fields.get("n")).cloned()
    }

    /// Shows a Transaction; gives what it changed, or nothing when it does not hold.
    fn show(documents: &mut Documents, actions: Vec<Action>) -> Option<Vec<DocumentKey>> {
        let (reads, depends, tx_id) = (Vec::new(), TxNos::default(), TxId([1; 8]));
        let transaction = Transaction { tx_no: 1, tx_id, base_seq: 1, time_ms: 0, reads, depends, actions };
        let author = FoldAuthor { member: MemberNo(2), row: &AuthorRow::NEW, preconditions: true };
        let (resolvers, enabled) = (Resolvers::default(), Enabled::default());
        let mut governed = Governed::new(&resolvers, &enabled);
        let told = documents.show(&MemoryStore::new(), &transaction, &author, 1, &mut governed);
        told.unwrap().ok().map(|accepted| accepted.changed)
    }

    fn confirmed(documents: &mut Documents, document: &str) -> Image {
        documents.confirmed(&MemoryStore::new(), &key(document)).unwrap().clone()
    }

    #[test]
    fn pending_transactions_are_seen_one_on_the_other_and_leave_the_confirmed_as_it_is() {
        let mut documents = Documents::new(SpaceNo(1));
        let fields = Some([("n".to_owned(), Value::Int(1))].into());
        let version = Position { seq: 1, index: 0 };
        let image = Image { fields, version, ..Image::ABSENT };
        documents.replace(&MemoryStore::new(), &key("a"), image.clone()).unwrap();
        assert_eq!(show(&mut documents, vec![add("a", 2), add("b", 2)]), Some(vec![key("a"), key("b")]));
        let at_least = |least| Action {
            key: key("a"),
            op: Op::Expect { path: Path::parse("n").unwrap(), condition: Condition::AtLeast(least) },
        };
        assert_eq!(show(&mut documents, vec![at_least(3), add("b", 4)]), Some(vec![key("b")]));
        assert_eq!(show(&mut documents, vec![add("a", 9), at_least(13)]), None);
        assert_eq!(shown(&mut documents, "a"), Some(Value::Int(3)));
        assert_eq!(shown(&mut documents, "b"), Some(Value::Int(6)));
        assert_eq!((confirmed(&mut documents, "a"), confirmed(&mut documents, "b")), (image, Image::ABSENT));
        // What is not pending any more is not visible any more.
        documents.unshow(&MemoryStore::new(), &key("a")).unwrap();
        documents.unshow(&MemoryStore::new(), &key("b")).unwrap();
        assert_eq!((shown(&mut documents, "a"), shown(&mut documents, "b")), (Some(Value::Int(1)), None));
    }

    #[test]
    fn a_pending_deletion_hides_what_is_confirmed() {
        let mut documents = Documents::new(SpaceNo(1));
        let fields = Some([("n".to_owned(), Value::Int(1))].into());
        let version = Position { seq: 1, index: 0 };
        documents
            .replace(&MemoryStore::new(), &key("a"), Image { fields, version, ..Image::ABSENT })
            .unwrap();
        let delete = Action { key: key("a"), op: Op::Delete };
        assert_eq!(show(&mut documents, vec![delete]), Some(vec![key("a")]));
        assert_eq!(documents.visible(&MemoryStore::new(), &key("a")).unwrap().fields, None);
    }
}
