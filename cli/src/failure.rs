//! Why a verb did not do what was asked: a line for people, an exit code for scripts.
//!
//! Returned by every verb to `main.rs`.

use core::fmt;
use std::io;
use std::process::ExitCode;
use veilfold_core::store::StoreError;
use veilfold_core::{Error, ErrorKind};

/// Not possible as asked.
const REFUSED: u8 = 1;
/// The store is damaged or does not verify.
const DAMAGED: u8 = 3;
/// The store is from a newer version.
const NEWER: u8 = 4;

#[derive(Debug)]
pub struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    pub fn refused(text: impl Into<String>) -> Self {
        Self { code: REFUSED, text: text.into() }
    }

    pub fn damaged(text: impl Into<String>) -> Self {
        Self { code: DAMAGED, text: text.into() }
    }

    pub fn exit_code(&self) -> ExitCode {
        self.code.into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind {
            ErrorKind::Corrupt | ErrorKind::RelayMisbehaved => DAMAGED,
            ErrorKind::NewerVersion => NEWER,
            ErrorKind::Offline | ErrorKind::NotAllowed | ErrorKind::Invalid | ErrorKind::Internal => REFUSED,
        };
        Self { code, text: error.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::refused(format!("cannot write: {error}"))
    }
}
