//! Opens the file: alone, with the right permissions, in this version, and set for how it is used.
//!
//! Called by `store.rs`. Knows nothing of rows.

use super::error::{failed, file_failed};
use super::schema;
use crate::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Largest log file that stays on the disk once its pages are in the database.
const LOG_FILE_BYTES_KEPT: i64 = 8 * 1024 * 1024;
/// Enough for every statement of `store.rs`.
const STATEMENTS_CACHED: usize = 64;

/// One opening at a time in this process: closing a handle of a file gives up all POSIX locks
/// that this process holds on it, so no file is made here while another opener takes its lock.
static OPENING: Mutex<()> = Mutex::new(());

/// An open database and a handle to its log file, which is what [`File::sync_data`] makes
/// power-safe.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) log: File,
}

/// Opens `path`, making folder and file when they are missing.
pub(super) fn open(path: &Path) -> Result<Opened, StoreError> {
    let _alone = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    let (path, fresh) = make_file(path)?;
    // No URI, so that no name is taken for options; no CREATE, since SQLite knows no permissions;
    // no mutex, since the store is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
    prepare(&mut connection)?;
    let log = OpenOptions::new().write(true).open(log_path(&path)).map_err(|error| file_failed(&error))?;
    if fresh {
        sync_folder(&path)?;
    }
    Ok(Opened { connection, log })
}

/// Makes an empty file where there is none. Gives the path as SQLite will resolve it, and whether
/// the file is still empty.
fn make_file(path: &Path) -> Result<(PathBuf, bool), StoreError> {
    let failed = |error| file_failed(&error);
    let path = std::path::absolute(path).map_err(failed)?;
    let folder = path.parent().ok_or_else(|| StoreError::Failed("path without a folder".to_owned()))?;
    let path = match fs::canonicalize(&path) {
        Ok(there) if cfg!(unix) => there,
        _ => path.clone(),
    };
    let bytes_of = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let empty = bytes_of(&path) == 0;
    // SQLite would take both for a new file, and delete the log.
    if empty && bytes_of(&log_path(&path)) > 0 {
        return Err(StoreError::Corrupt("a log without its database"));
    }
    if bytes_of(&path) == 1 {
        return Err(StoreError::Corrupt("not a SQLite file"));
    }
    make_folder(folder).map_err(failed)?;
    match private_file().open(&path) {
        Ok(_made) => {
            let path = if cfg!(unix) { fs::canonicalize(&path).map_err(failed)? } else { path };
            Ok((path, true))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok((path, empty)),
        Err(error) => Err(failed(error)),
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a file that only its owner reads; SQLite gives its other files the same permissions.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// SQLite's name for the log of a database in WAL mode.
fn log_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push("-wal");
    PathBuf::from(name)
}

/// The name of a new file survives a power cut only once its folder was synced.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| file_failed(&error))?;
    }
    let _ = path;
    Ok(())
}

/// Locks the file, brings it to this version, and sets how it is written.
fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    connection.busy_timeout(Duration::ZERO).map_err(failed)?;
    // A file that turns out not to be ours, or damaged, or newer, is left as it is.
    let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(keep_log, true).map_err(failed)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(failed)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(failed)?;
    pragma(connection, "cell_size_check", "ON")?;
    // Before the first read. The lock is the system's own and ends with the process; being alone,
    // SQLite keeps the index of its log in its own memory instead of a shared file.
    pragma(connection, "locking_mode", "EXCLUSIVE")?;
    let found = schema::read_version(connection)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(failed)?;
    if mode != "wal" {
        return Err(StoreError::Failed("SQLite keeps no log here".to_owned()));
    }
    // On Apple's systems fsync leaves data in the disk's cache, and a checkpoint that is reordered
    // there costs the file. Elsewhere these two change nothing.
    pragma(connection, "fullfsync", "ON")?;
    pragma(connection, "checkpoint_fullfsync", "ON")?;
    pragma(connection, "journal_size_limit", LOG_FILE_BYTES_KEPT)?;
    schema::migrate(connection, found)?;
    pragma(connection, "synchronous", "NORMAL")?;
    connection.set_db_config(keep_log, false).map_err(failed)?;
    Ok(())
}

fn pragma(connection: &Connection, name: &str, value: impl rusqlite::ToSql) -> Result<(), StoreError> {
    match connection.pragma_update_and_check(None, name, value, |_| Ok(())) {
        Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}
