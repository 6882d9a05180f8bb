//! What can be wrong with bytes, with a Relay, or with an author.
//!
//! [`WireError`] is about bytes alone. The two classes below it decide everything that follows:
//! a [`TransportFault`] stops the reader (the Relay misbehaved, nothing is lost), an
//! [`AuthoredFault`] makes every reader skip the same Entry (protocol 4.5).

use crate::ids::MemberNo;
use thiserror::Error;

/// Bytes that are not the one canonical encoding of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The bytes end inside a field.
    #[error("bytes end inside `{field}`")]
    TooShort {
        /// The field that was being read.
        field: &'static str,
    },
    /// A number is not in its shortest form, or does not fit.
    #[error("`{field}` is not a minimal number")]
    BadNumber {
        /// The field that was being read.
        field: &'static str,
    },
    /// A length or count is above its limit.
    #[error("`{field}` is {found}, at most {max} is allowed")]
    TooLarge {
        /// The field that was being read.
        field: &'static str,
        /// The limit.
        max: u64,
        /// What the bytes say.
        found: u64,
    },
    /// A byte has a value that means nothing.
    #[error("`{field}` has the unknown value {found}")]
    Unknown {
        /// The field that was being read.
        field: &'static str,
        /// The value found.
        found: u64,
    },
    /// A field contradicts another one.
    #[error("`{field}` does not fit the rest of the message")]
    Inconsistent {
        /// The field at fault.
        field: &'static str,
    },
    /// Bytes follow the end of the message.
    #[error("{bytes} bytes follow the end")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// The Relay gave something that an honest Relay cannot give. The reader halts before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TransportFault {
    /// The bytes do not parse.
    #[error("entry is malformed: {0}")]
    Malformed(WireError),
    /// The signature over the Entry, or over the newest Entry of its author, does not verify.
    #[error("signature of member {author} does not verify")]
    BadSignature {
        /// Claimed author.
        author: MemberNo,
    },
    /// The author had seen Entries that this reader was not given.
    #[error("member {author} had seen position {seen_seq}, this log ends before it")]
    SeenAhead {
        /// Author of the Entry.
        author: MemberNo,
        /// Position it had seen.
        seen_seq: u64,
    },
    /// The author had seen another log than this one.
    #[error("member {author} had seen another log at position {seen_seq}")]
    ForkDetected {
        /// Author of the Entry.
        author: MemberNo,
        /// Position at which the logs differ at the latest.
        seen_seq: u64,
        /// True when the Entry's own signature covers what its author saw.
        proven: bool,
    },
    /// An earlier Entry of this author is missing.
    #[error("an earlier entry of member {author} is missing (found number {found}, expected {expected})")]
    AuthorGap {
        /// Author of the Entry.
        author: MemberNo,
        /// The number that had to follow.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// The Relay's log is shorter than what it had acknowledged or shown.
    #[error("the relay's log ends at {found}, it had shown {expected}")]
    Rollback {
        /// Position known before.
        expected: u64,
        /// Position the Relay now says is its newest.
        found: u64,
    },
    /// The Relay numbered Entries other than contiguously.
    #[error("the relay sent position {found} where {expected} had to follow")]
    WrongPosition {
        /// The position that had to follow.
        expected: u64,
        /// The position sent.
        found: u64,
    },
    /// The Relay's log differs from the one that was verified, at the latest here.
    #[error("the relay's log differs at position {seq} from the one that was verified")]
    HeadMismatch {
        /// The position.
        seq: u64,
    },
    /// The first Entry is not the genesis that the Space's id names.
    #[error("the first entry is not this space's genesis")]
    WrongGenesis,
    /// The Relay's signature over a head or login is not of the pinned key.
    #[error("the relay's own signature does not verify")]
    BadRelaySignature,
}

/// The author wrote something that has no effect. Every reader skips it alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthoredFault {
    /// The member number is unknown at this position.
    #[error("the author is not a member here")]
    NotAMember,
    /// The author's number was used before, with these same bytes.
    #[error("the entry was already ordered")]
    DuplicateEntry,
    /// The author's number was used before, with other bytes. The first one stands.
    #[error("the author's number was already used")]
    Equivocation,
    /// The author had seen too little of the log.
    #[error("the author was more than the window behind")]
    SeenTooOld,
    /// The author's role does not allow it.
    #[error("the author's role does not allow it")]
    NotAllowed,
    /// Sealed for an epoch that is not the current one.
    #[error("sealed for another epoch")]
    StaleEpoch,
    /// Another change of membership came first.
    #[error("another change of membership came first")]
    ControlConflict,
    /// The public part of a control Entry does not parse.
    #[error("the public part is malformed")]
    BadControl,
    /// The box does not open with the committed epoch key.
    #[error("the sealed part does not open")]
    Undecryptable,
    /// The padding is not the canonical one.
    #[error("the padding is not canonical")]
    BadPadding,
    /// The sealed body does not parse.
    #[error("the body is malformed")]
    BadBody,
}
