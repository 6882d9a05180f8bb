//! The one error at the edge of core, sorted by who can act on it.

use crate::keys::KeysLost;
use crate::store::StoreError;
use core::fmt;
use veilfold_wire::TransportFault;

/// Who can act on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorKind {
    /// There is no connection; it is tried again by itself.
    Offline,
    /// This Device may not do that in this Space.
    NotAllowed,
    /// The call is wrong; its text says what to change.
    Invalid,
    /// The Relay gave something that an honest one cannot give.
    RelayMisbehaved,
    /// Data of a newer version of the app; update it.
    NewerVersion,
    /// Local data is damaged or cannot be opened.
    Corrupt,
    /// A broken assumption of Veilfold itself; report it.
    Internal,
}

impl ErrorKind {
    /// Its stable name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::NotAllowed => "not_allowed",
            Self::Invalid => "invalid",
            Self::RelayMisbehaved => "relay_misbehaved",
            Self::NewerVersion => "newer_version",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

/// An error with a kind to act on, a stable code to compare, and a text for people.
///
/// Texts carry ids, sizes and positions, never names, keys or contents.
///
/// One pointer wide: nearly every call hands it on, and what is handed on is copied at each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Failure>);

/// What an [`Error`] says; its fields are read as if they were the error's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who can act.
    pub kind: ErrorKind,
    /// Stable, for programs: `closed`, `too_large`, `not_admitted` …
    pub code: &'static str,
    /// What happened and what to do about it.
    pub detail: String,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Failure { kind, code, detail: detail.into() }))
    }

    /// The call is wrong.
    pub fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, code, detail)
    }

    /// A broken assumption of ours.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "internal", detail)
    }
}

impl core::ops::Deref for Error {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        *error.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    #[cold]
    fn from(error: StoreError) -> Self {
        let (kind, code) = match &error {
            StoreError::InUse => (ErrorKind::Invalid, "store_in_use"),
            StoreError::NewerVersion { .. } => (ErrorKind::NewerVersion, "store_newer"),
            StoreError::Full => (ErrorKind::Corrupt, "disk_full"),
            StoreError::Corrupt(_) => (ErrorKind::Corrupt, "store_damaged"),
            StoreError::Failed(_) => (ErrorKind::Corrupt, "store_failed"),
        };
        Self::new(kind, code, error.to_string())
    }
}

impl From<KeysLost> for Error {
    #[cold]
    fn from(error: KeysLost) -> Self {
        Self::new(ErrorKind::Corrupt, "keys_lost", error.to_string())
    }
}

impl From<TransportFault> for Error {
    #[cold]
    fn from(fault: TransportFault) -> Self {
        Self::new(ErrorKind::RelayMisbehaved, "relay_misbehaved", fault.to_string())
    }
}
