//! The nouns of the product as plain data: values, documents, actions, transactions.
//!
//! Used by every folder to the left of it (ARCHITECTURE.md); knows no I/O, keys or store.

mod action;
mod document;
mod encoding;
mod json;
mod path;
mod rejection;
mod root;
mod text;
mod transaction;
mod value;

pub(crate) use action::SPLICES_MAX;
pub use action::{Action, CallOp, Condition, Op, Place, TextSplice};
pub(crate) use document::COLLECTION_BYTES_MAX;
pub use document::{DocumentKey, Fields, Image, Position, StoredImage};
pub use encoding::{BodyError, DEPTH_MAX, Decoder, Encoder};
pub use json::{JsonError, fields_from_json, fields_to_json, tree_from_json, value_from_json, value_to_json};
pub use path::{ElementId, Path, PathError, Segment};
pub use rejection::{RejectReason, Rejection};
pub use root::{ClaimedRoot, RootDetail, ShortHash, StateRoot};
pub use text::Text;
pub(crate) use text::{Stamp, View};
pub(crate) use transaction::{ACTIONS_MAX, READS_MAX, TRANSACTIONS_MAX};
pub use transaction::{Body, DocumentRead, Transaction, TxId, TxNos};
pub use value::{List, SetMember, Value};
