//! A Space: reads, blind writes, Transactions, Members, status.

use crate::action::{actions_from_json, bad_json, path_from_json};
use crate::call::{Answer, AsyncCall};
use crate::client::bytes_of_hex;
use crate::error::Result;
use crate::live::LiveQuery;
use crate::receipt::Receipt;
use crate::records::{Member, MemberRole};
use crate::streams::{FateStream, StatusStream};
use crate::transaction::TransactionBuilder;
use std::sync::Arc;
use veilfold_core::Error;
use veilfold_core::client::{self, ContactCard};
use veilfold_core::model::{ElementId, Fields, TxId, Value, fields_to_json, value_from_json, value_to_json};

/// A Space of this Device.
#[derive(Debug, uniffi::Object)]
pub struct Space {
    inner: client::Space,
}

/// Somebody who is being added.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Added {
    /// Tells when the order contains the change.
    pub receipt: Arc<Receipt>,
    /// A text for the holder of the card.
    pub ticket: String,
}

impl Space {
    pub(crate) fn new(inner: client::Space) -> Arc<Self> {
        Arc::new(Self { inner })
    }
}

#[uniffi::export]
impl Space {
    /// Its id, 64 hex digits.
    pub fn id(&self) -> Result<String> {
        Ok(self.inner.id().to_string())
    }

    /// This Device's own name for it.
    pub fn name(&self) -> Result<String> {
        Ok(self.inner.name().to_owned())
    }

    /// Commits a JSON array of Actions as one Transaction that has read nothing.
    pub fn commit(&self, actions: Vec<u8>) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::write(async move {
            let receipt = space.commit(actions_from_json(&actions)?).await?;
            Ok(Answer::Receipt(Some(Receipt::new(receipt))))
        })
    }

    /// Starts a Transaction.
    pub fn begin(&self) -> Result<Arc<TransactionBuilder>> {
        Ok(TransactionBuilder::new(self.inner.begin()))
    }

    /// Has the Space accept the newest version of every resolver that this app brings. Nothing: all of
    /// them are accepted already.
    pub fn enable_resolvers(&self) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::write(
            async move { Ok(Answer::Receipt(space.enable_resolvers().await?.map(Receipt::new))) },
        )
    }

    /// Starts a Transaction of a named mutator: its commit keeps name and arguments (JSON) with it, so
    /// that the mutator is run again when the order rejects it.
    pub fn begin_mutation(&self, name: String, args: Vec<u8>) -> Result<Arc<TransactionBuilder>> {
        value_from_json(&args).map_err(bad_json)?;
        Ok(TransactionBuilder::new(self.inner.begin_mutation(&name, args)))
    }

    /// What became of this Device's writes, from the first that nobody has taken yet.
    pub fn fates(&self) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::FateStream(FateStream::new(space.fates().await?))) })
    }

    /// Copies a document into another Space, lists, sets and texts as such. Nothing: there is none.
    pub fn copy_document(
        &self,
        collection: String,
        id: String,
        target: Arc<Space>,
        target_collection: String,
        target_id: String,
    ) -> Result<Arc<AsyncCall>> {
        let from = self.inner.collection(collection);
        let to = target.inner.collection(target_collection);
        AsyncCall::write(async move {
            Ok(Answer::Receipt(from.copy(&id, &to, &target_id).await?.map(Receipt::new)))
        })
    }

    /// A document as JSON, nothing when there is none.
    pub fn get(&self, collection: String, id: String) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(async move { space.collection(collection).get_json(&id).await.map(Answer::Json) })
    }

    /// Up to `limit` documents with ids after `after`, as a JSON array of `[id, document]`.
    pub fn page(&self, collection: String, after: Option<String>, limit: u32) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(async move {
            let rows = space.collection(collection).page(after.as_deref(), limit as usize).await?;
            let mut json = Vec::new();
            write_rows(&mut json, &rows);
            Ok(Answer::Json(Some(json)))
        })
    }

    /// The elements of the list at a path (JSON), as a JSON array of `[element, value]`.
    pub fn elements(&self, collection: String, id: String, path: Vec<u8>) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(async move {
            let path = path_from_json(&path)?;
            let elements = space.collection(collection).elements(&id, path).await?;
            Ok(Answer::Json(Some(elements_json(&elements))))
        })
    }

    /// Watches a collection, or one document of it.
    pub fn live(&self, collection: String, document: Option<String>) -> Result<Arc<AsyncCall>> {
        let collection = self.inner.collection(collection);
        AsyncCall::read(async move {
            let live = match document {
                Some(id) => collection.live_document(&id).await?,
                None => collection.live().await?,
            };
            Ok(Answer::Live(LiveQuery::new(live)))
        })
    }

    /// The receipt of a write by its id of 16 hex digits, also from an earlier run of the process.
    pub fn receipt(&self, tx_id: String) -> Result<Arc<Receipt>> {
        let id = bytes_of_hex::<8>(&tx_id)
            .ok_or_else(|| Error::invalid("bad_tx_id", "a transaction id is 16 hex digits"))?;
        Ok(Receipt::new(self.inner.receipt(TxId(id))))
    }

    /// Adds the holder of a contact card.
    pub fn add_member(&self, card: String, role: MemberRole) -> Result<Arc<AsyncCall>> {
        let card: ContactCard =
            card.parse().map_err(|error| Error::invalid("bad_card", format!("{error}")))?;
        let space = self.inner.clone();
        AsyncCall::write(async move {
            let added = space.add_member(card, role.into()).await?;
            let ticket = added.ticket.to_string();
            Ok(Answer::Added(Added { receipt: Receipt::new(added.receipt), ticket }))
        })
    }

    /// Who is in the Space.
    pub fn members(&self) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(async move {
            Ok(Answer::Members(space.members().await?.into_iter().map(Member::from).collect()))
        })
    }

    /// How it stands.
    pub fn status(&self) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::SpaceStatus(Some(space.status().await?.into()))) })
    }

    /// The status as it changes, the present one first.
    pub fn status_stream(&self) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(
            async move { Ok(Answer::StatusStream(StatusStream::new(space.status_stream().await?))) },
        )
    }

    /// Hash over the ordered state, 64 hex digits.
    pub fn state_root(&self) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::Text(Some(space.state_root().await?.to_string()))) })
    }

    /// Waits until the order contains all own writes and this Device has caught up.
    pub fn synced(&self) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        AsyncCall::read(async move { Ok(Answer::SpaceStatus(Some(space.synced().await?.into()))) })
    }

    /// Waits until this Device has folded the order up to a position.
    pub fn reached(&self, seq: i64) -> Result<Arc<AsyncCall>> {
        let space = self.inner.clone();
        let seq = u64::try_from(seq).unwrap_or(0);
        AsyncCall::read(async move { Ok(Answer::SpaceStatus(Some(space.reached(seq).await?.into()))) })
    }
}

/// `[[id, document], …]`.
pub(crate) fn write_rows(out: &mut Vec<u8>, rows: &[(String, Fields)]) {
    out.push(b'[');
    for (index, (id, fields)) in rows.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"[" } else { b",[" });
        out.extend_from_slice(&value_to_json(&Value::String(id.clone())));
        out.push(b',');
        out.extend_from_slice(&fields_to_json(fields));
        out.push(b']');
    }
    out.push(b']');
}

/// `[[element, value], …]`.
pub(crate) fn elements_json(elements: &[(ElementId, Value)]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, (id, value)) in elements.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"" } else { b"," });
        out.extend_from_slice(format!("[\"{id}\",").as_bytes());
        out.extend_from_slice(&value_to_json(value));
        out.push(b']');
    }
    out.push(b']');
    out
}
