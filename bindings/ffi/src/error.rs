//! The one error that crosses: the seven kinds of core, each with a stable code and a text.

use veilfold_core::{Error, ErrorKind, Failure};

/// What every export returns; what the app brings has errors of its own.
pub type Result<T, E = VeilfoldError> = std::result::Result<T, E>;

/// Why a call failed, sorted by who can act. Codes are stable and for programs; details are for
/// people and hold ids, sizes and positions, never names, keys or contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum VeilfoldError {
    /// There is no connection; it is tried again by itself.
    #[error("{code}: {detail}")]
    Offline {
        /// Stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
    },
    /// This Device may not do that.
    #[error("{code}: {detail}")]
    NotAllowed {
        /// Stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
    },
    /// The call is wrong.
    #[error("{code}: {detail}")]
    Invalid {
        /// Stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
    },
    /// The Relay gave something that an honest one cannot give.
    #[error("{code}: {detail}")]
    RelayMisbehaved {
        /// Stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
    },
    /// Data of a newer version of the app.
    #[error("{code}: {detail}")]
    NewerVersion {
        /// Stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
    },
    /// Local data is damaged or cannot be opened.
    #[error("{code}: {detail}")]
    Corrupt {
        /// Stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
    },
    /// A broken assumption of Veilfold itself.
    #[error("{code}: {detail}")]
    Internal {
        /// Stable code.
        code: String,
        /// What happened and what to do.
        detail: String,
    },
}

impl From<Error> for VeilfoldError {
    // Every export has it; once is enough.
    #[inline(never)]
    fn from(error: Error) -> Self {
        let Failure { kind, code, detail } = error.into();
        let code = code.to_owned();
        match kind {
            ErrorKind::Offline => Self::Offline { code, detail },
            ErrorKind::NotAllowed => Self::NotAllowed { code, detail },
            ErrorKind::Invalid => Self::Invalid { code, detail },
            ErrorKind::RelayMisbehaved => Self::RelayMisbehaved { code, detail },
            ErrorKind::NewerVersion => Self::NewerVersion { code, detail },
            ErrorKind::Corrupt => Self::Corrupt { code, detail },
            ErrorKind::Internal => Self::Internal { code, detail },
        }
    }
}
