//! The engine's confirmed fold on a store in memory, without Entries, keys and Outbox around it.
//!
//! What it leaves to the engine proper is what stands between an Entry and its Transactions.

use std::collections::BTreeMap;
use std::fmt::Write;
use veilfold_core::documents::{DocumentHashes, Documents, FoldAuthor, FoldPlace, RootPoint, state_root};
use veilfold_core::model::{Decoder, DocumentKey, Position, StoredImage, Transaction, Value, fields_to_json};
use veilfold_core::resolver::{Enabled, Governed, Resolvers};
use veilfold_core::sorted::SortedMap;
use veilfold_core::store::rows::{AuthorRow, SpaceNo};
use veilfold_core::store::{Durability, MemoryStore, Store};
use veilfold_core::wire::{AuthorHead, ChainHash, EntryHash, MemberNo};
use veilfold_tests::reference::Outcome;

const SPACE: SpaceNo = SpaceNo(7);

pub struct EngineFold {
    store: MemoryStore,
    documents: Documents,
    authors: SortedMap<MemberNo, AuthorRow>,
}

impl EngineFold {
    pub fn new() -> Self {
        Self { store: MemoryStore::new(), documents: Documents::new(SPACE), authors: SortedMap::new() }
    }

    pub fn fold_entry(
        &mut self,
        seq: u64,
        member: MemberNo,
        seen_seq: u64,
        transactions: &[Transaction],
    ) -> Vec<Outcome> {
        let row = self.authors.get_or_insert_with(member, || AuthorRow::NEW);
        let mut outcomes = Vec::new();
        for (index, transaction) in transactions.iter().enumerate() {
            if transaction.tx_no <= row.tx_mark {
                outcomes.push(Outcome::Duplicate);
                continue;
            }
            let position = Position { seq, index: index as u64 };
            let place = FoldPlace { position, base_seq: transaction.base_seq, seen_seq };
            let author = FoldAuthor { member, row, preconditions: true };
            let (resolvers, enabled) = (Resolvers::default(), Enabled::default());
            let mut governed = Governed::new(&resolvers, &enabled);
            let result =
                self.documents.fold(&self.store, transaction, &author, place, &mut governed).unwrap();
            row.mark(transaction.tx_no, result.is_ok(), seq);
            outcomes.push(match result {
                Ok(_) => Outcome::Accepted,
                Err(rejection) => Outcome::Rejected(rejection),
            });
        }
        self.store.begin().unwrap();
        self.documents.flush(&mut self.store).unwrap();
        self.store.commit(Durability::Process).unwrap();
        outcomes
    }

    /// What a start of the app does: everything is read from the store again.
    pub fn reopen(&mut self) {
        self.documents = Documents::new(SPACE);
        for row in self.authors.values_mut() {
            *row = AuthorRow::from_bytes(&row.to_bytes()).unwrap();
        }
    }

    pub fn documents(&self) -> BTreeMap<DocumentKey, Vec<u8>> {
        let mut all = BTreeMap::new();
        let visit = |key: DocumentKey, image: StoredImage<'_>| {
            if let Some(bytes) = image.fields {
                let Value::Map(fields) = Value::decode(&mut Decoder::new(bytes)).unwrap() else {
                    unreachable!("fields are a map")
                };
                all.insert(key, fields_to_json(&fields));
            }
        };
        self.documents.for_each_confirmed(&self.store, visit).unwrap();
        all
    }

    /// All that is kept of the documents, for a person to look at.
    pub fn images(&self) -> String {
        let mut told = String::new();
        let visit = |key, image: StoredImage<'_>| writeln!(told, "{key:?}: {image:?}").unwrap();
        self.documents.for_each_confirmed(&self.store, visit).unwrap();
        told
    }

    pub fn state_root(
        &self,
        seq: u64,
        chain: &ChainHash,
        control_head: &EntryHash,
        heads: &BTreeMap<MemberNo, AuthorHead>,
    ) -> [u8; 32] {
        let mut authors = self.authors.clone();
        for (member, head) in heads {
            authors.get_or_insert_with(*member, || AuthorRow::NEW).head = *head;
        }
        let settings = Enabled::default().hash();
        let point = RootPoint { seq, chain, control_head, settings: &settings, authors: &authors };
        let documents = DocumentHashes::of(&self.documents, &self.store, seq).unwrap();
        state_root(&documents.buckets(), &point).0
    }
}
