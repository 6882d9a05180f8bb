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
