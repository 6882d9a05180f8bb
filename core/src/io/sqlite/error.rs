//! What SQLite reports, in the words of the store.
//!
//! Used by the other files here. Texts carry numbers only: paths and SQL stay out of logs.

use crate::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// The store's word for SQLite's.
pub(super) fn failed(error: Error) -> StoreError {
    let code = match &error {
        Error::SqliteFailure(code, _) => code,
        Error::SqlInputError { error: code, .. } => code,
        Error::InvalidColumnType(..)
        | Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..) => {
            return StoreError::Corrupt("a row has another shape");
        }
        _ => return StoreError::Failed("a call that SQLite does not take".to_owned()),
    };
    match code.code {
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::InUse,
        ErrorCode::DatabaseCorrupt => StoreError::Corrupt("SQLite finds a page damaged"),
        ErrorCode::NotADatabase => StoreError::Corrupt("not a SQLite file"),
        _ => StoreError::Failed(format!("SQLite error {}", code.extended_code)),
    }
}

/// Why a statement could not be prepared. The statements are fixed, so when SQLite does not
/// understand one, the tables in the file are not ours.
pub(super) fn not_prepared(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::Unknown) => StoreError::Corrupt("a table is missing or has another shape"),
        _ => failed(error),
    }
}

/// The store's word for a failed file operation.
pub(super) fn file_failed(error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        kind => StoreError::Failed(format!("file: {kind}")),
    }
}
