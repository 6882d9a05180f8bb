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
    /// Made for a version of the collection's resolver that the Space has not enabled.
    #[error("the space has not enabled that version of the collection's resolver")]
    VersionNotEnabled = 11,
    /// A built-in operation on a collection that has a resolver of its own.
    #[error("only its own resolver may change this collection")]
    NeedsResolver = 12,
    /// The collection's resolver said no.
    #[error("the collection's resolver refused it")]
    RefusedByResolver = 13,
    /// The collection's resolver threw, or gave what is not a document.
    #[error("the collection's resolver failed")]
    ResolverFailed = 14,
    /// The collection's resolver used more than its fuel or gave more than a document may hold.
    #[error("the collection's resolver went beyond its limits")]
    ResolverLimit = 15,
}

/// Longest text that a resolver's refusal may carry in bytes; the rest is cut.
pub(crate) const DETAIL_BYTES_MAX: usize = 512;

const REASONS: [RejectReason; 15] = [
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
    RejectReason::VersionNotEnabled,
    RejectReason::NeedsResolver,
    RejectReason::RefusedByResolver,
    RejectReason::ResolverFailed,
    RejectReason::ResolverLimit,
];

/// A reason and the document it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What was wrong.
    pub reason: RejectReason,
    /// Where, when it is about one document or about a whole collection.
    pub document: Option<DocumentKey>,
    /// In the words of the collection's own resolver, when it was that one that said no.
    pub detail: Option<String>,
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
            Self::VersionNotEnabled => "version_not_enabled",
            Self::NeedsResolver => "needs_resolver",
            Self::RefusedByResolver => "refused_by_resolver",
            Self::ResolverFailed => "resolver_failed",
            Self::ResolverLimit => "resolver_limit",
        }
    }

    /// The reason of that number.
    pub fn from_code(code: u64) -> Option<Self> {
        REASONS.into_iter().find(|reason| u64::from(reason.code()) == code)
    }

    /// This reason about one document.
    pub fn at(self, document: &DocumentKey) -> Rejection {
        Rejection { reason: self, document: Some(document.clone()), detail: None }
    }
}

impl From<RejectReason> for Rejection {
    fn from(reason: RejectReason) -> Self {
        Self { reason, document: None, detail: None }
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
        match &self.detail {
            Some(detail) => out.str(detail),
            None => out.nil(),
        }
    }

    /// The same, in the words of whoever said no, cut to a length that a fate can keep.
    pub fn because(self, mut words: String) -> Self {
        let mut end = words.len().min(DETAIL_BYTES_MAX);
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        words.truncate(end);
        Self { detail: Some(words), ..self }
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
        let detail = match input.peek("rejection.detail")? {
            rmp::Marker::Null => input.nil("rejection.detail").map(|()| None)?,
            _ => Some(input.str(DETAIL_BYTES_MAX, "rejection.detail")?.to_owned()),
        };
        Ok(Self { reason, document, detail })
    }
}
