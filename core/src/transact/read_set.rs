//! What a Transaction has read, so that the order can reject it when that has changed.
//!
//! The read set names, per document, the ordered Version below and every own unordered Transaction
//! that had changed it: naming only the last changer would accept a value that never existed. Own ones
//! that did not hold and were left out are named too, for the order may have them after all.

use crate::documents::{Documents, PendingSet};
use crate::model::{DocumentKey, DocumentRead, Position, TxNos};
use crate::store::{Store, StoreError};

/// What was read, exactly: equal tokens mean that nothing has changed in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadToken {
    key: DocumentKey,
    version: Position,
    own: TxNos,
    absent: TxNos,
}

/// The token of a document as it is visible now.
///
/// # Errors
/// As the store says.
pub fn token(
    documents: &mut Documents,
    pending: &PendingSet,
    store: &dyn Store,
    key: &DocumentKey,
) -> Result<ReadToken, StoreError> {
    let version = documents.confirmed(store, key)?.version;
    let (own, absent) = (pending.shown_on(key), pending.hidden_on(key));
    Ok(ReadToken { key: key.clone(), version, own, absent })
}

/// The read that the order will check; `None` when the document has changed since the token.
///
/// # Errors
/// As the store says.
pub fn document_read(
    documents: &mut Documents,
    pending: &PendingSet,
    store: &dyn Store,
    read: &ReadToken,
) -> Result<Option<DocumentRead>, StoreError> {
    let now = token(documents, pending, store, &read.key)?;
    Ok((now == *read).then(|| DocumentRead {
        key: read.key.clone(),
        version: read.version,
        own: read.own.clone(),
        absent: read.absent.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Pending;
    use crate::model::{Action, Image, Op, Transaction, TxId};
    use crate::store::MemoryStore;
    use crate::store::rows::SpaceNo;

    fn pending(tx_no: u64, key: &DocumentKey, shown: bool) -> Pending {
        let actions = vec![Action { key: key.clone(), op: Op::Delete }];
        let (reads, depends, tx_id) = (Vec::new(), TxNos::default(), TxId([tx_no as u8; 8]));
        let transaction = Transaction { tx_no, tx_id, base_seq: 0, time_ms: 0, reads, depends, actions };
        Pending { shown, ..Pending::new(transaction) }
    }

    fn numbers(numbers: &TxNos) -> &[(u64, u64)] {
        numbers.ranges()
    }

    #[test]
    fn a_read_names_the_version_and_what_was_pending_on_it() {
        let (store, mut documents) = (MemoryStore::new(), Documents::new(SpaceNo(1)));
        let (key, other) = (DocumentKey::new("notes", "a"), DocumentKey::new("notes", "b"));
        let version = Position { seq: 5, index: 2 };
        documents.replace(&store, &key, Image { version, ..Image::ABSENT }).unwrap();
        let mut outbox = PendingSet::default();
        for (tx_no, key, shown) in [(1, &key, true), (2, &key, false), (3, &other, true), (4, &key, true)] {
            outbox.insert(tx_no, pending(tx_no, key, shown));
        }
        let token = token(&mut documents, &outbox, &store, &key).unwrap();
        let read = document_read(&mut documents, &outbox, &store, &token).unwrap().unwrap();
        assert_eq!((read.key, read.version), (key, version));
        assert_eq!((numbers(&read.own), numbers(&read.absent)), (&[(1, 1), (4, 1)][..], &[(2, 1)][..]));
    }

    #[test]
    fn a_document_that_has_changed_since_was_not_read() {
        let (store, mut documents) = (MemoryStore::new(), Documents::new(SpaceNo(1)));
        let key = DocumentKey::new("notes", "a");
        let mut outbox = PendingSet::default();
        outbox.insert(1, pending(1, &key, true));
        let before = token(&mut documents, &outbox, &store, &key).unwrap();
        let same = |documents: &mut Documents, outbox: &PendingSet| {
            document_read(documents, outbox, &store, &before).unwrap().is_some()
        };
        assert!(same(&mut documents, &outbox));
        outbox.insert(2, pending(2, &DocumentKey::new("notes", "b"), true));
        assert!(same(&mut documents, &outbox), "another document's");
        outbox.insert(3, pending(3, &key, true));
        assert!(!same(&mut documents, &outbox), "one more is pending");
        outbox.remove(3);
        assert!(same(&mut documents, &outbox));
        let first = outbox.get(1).unwrap().transaction.clone();
        outbox.replace(1, first.clone(), false);
        assert!(!same(&mut documents, &outbox), "one is left out now");
        outbox.replace(1, first, true);
        let version = Position { seq: 1, index: 0 };
        documents.replace(&store, &key, Image { version, ..Image::ABSENT }).unwrap();
        assert!(!same(&mut documents, &outbox), "the order has another Version");
    }
}
