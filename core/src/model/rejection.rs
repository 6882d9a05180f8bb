//! Why the fold said no to a Transaction: the same on every Device, stored with its fate.

use super::document::DocumentKey;
use super::encoding::{BodyError, Decoder, Encoder};
use thiserror::Error;

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[repr(u8)]
pub enum RejectReason {
    /// An `expect` condition was false.
    #[error("a condition did not hold")]
    ExpectFailed = 1,
    /// A document that was read has changed since.
    #[error("a document that was read has changed")]
    ReadChanged = 2,
    /// An own Transaction that this one stands on was rejected.
    #[error("an earlier transaction that this one stands on was rejected")]
    DependencyRejected = 3,
    /// `create` of a document that exists.
    #[error("the document exists already")]
    AlreadyExists = 4,
    /// The value at the path has another type than the operation needs.
    #[error("the value has another type")]
    TypeMismatch = 5,
    /// A whole number left its 64 bits.
    #[error("the number overflows")]
    Overflow = 6,
    /// A text edit lies outside the text that its author saw.
    #[error("the edit lies outside the text")]
    OutOfRange = 7,
    /// The document would be larger or more deeply nested than allowed.
    #[error("the document would be too large")]
    TooLarge = 8,
    /// Made on a state that the fold no longer looks back to.
    #[error("made on a state that is too old")]
    BaseTooOld = 9,
    /// The read set names what cannot have been read.
    #[error("the read set is not possible")]
    BadReadSet = 10,
}

const REASONS: [RejectReason; 10] = [
    RejectReason::ExpectFailed,
    RejectReason::ReadChanged,
    RejectReason::DependencyRejected,
    RejectReason::AlreadyExists,
    RejectReason::TypeMismatch,
    RejectReason::Overflow,
    RejectReason::OutOfRange,
    RejectReason::TooLarge,
    RejectReason::BaseTooOld,
    RejectReason::BadReadSet,
];

/// A reason and the document it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What was wrong.
    pub reason: RejectReason,
    /// Where, when it is about one document or about a whole collection.
    pub document: Option<DocumentKey>,
}

impl RejectReason {
    /// Its stable number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Its stable name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExpectFailed => "expect_failed",
            Self::ReadChanged => "read_changed",
            Self::DependencyRejected => "dependency_rejected",
            Self::AlreadyExists => "already_exists",
            Self::TypeMismatch => "type_mismatch",
            Self::Overflow => "overflow",
            Self::OutOfRange => "out_of_range",
            Self::TooLarge => "too_large",
            Self::BaseTooOld => "base_too_old",
            Self::BadReadSet => "bad_read_set",
        }
    }

    /// The reason of that number.
    pub fn from_code(code: u64) -> Option<Self> {
        REASONS.into_iter().find(|reason| u64::from(reason.code()) == code)
    }

    /// This reason about one document.
    pub fn at(self, document: &DocumentKey) -> Rejection {
        Rejection { reason: self, document: Some(document.clone()) }
    }
}

impl From<RejectReason> for Rejection {
    fn from(reason: RejectReason) -> Self {
        Self { reason, document: None }
    }
}

impl Rejection {
    /// Writes it for the local store.
    pub fn encode(&self, out: &mut Encoder) {
        out.uint(self.reason.code().into());
        match &self.document {
            Some(document) => document.encode(out),
            None => out.nil(),
        }
    }

    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn decode(input: &mut Decoder<'_>) -> Result<Self, BodyError> {
        let reason = RejectReason::from_code(input.uint("rejection.reason")?)
            .ok_or(BodyError::Unknown { field: "rejection.reason" })?;
        let document = match input.peek("rejection.document")? {
            rmp::Marker::Null => {
                input.nil("rejection.document")?;
                None
            }
            _ => Some(DocumentKey::decode_read(input)?),
        };
        Ok(Self { reason, document })
    }
}
