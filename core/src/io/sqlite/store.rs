//! The `Store` of a Device over an open database: transactions, rows, and what a failure leaves.
//!
//! The driver opens it and lends it to the engine. Opening itself is `connection.rs`.

use super::connection::{self, Opened};
use super::error::{failed, not_prepared};
use super::row::{checksum, read_row, read_value};
use super::schema::table_name;
use crate::store::{Durability, Row, Store, StoreError, Table};
use rusqlite::{CachedStatement, Connection, ToSql, params};
use std::fmt;
use std::fs::File;
use std::path::Path;

/// A store in one SQLite file, beside which SQLite keeps its log (`-wal`).
///
/// The file is locked for as long as it is open, also against this process; the lock ends with the
/// process, however it ends. File and folder are made for their owner alone (0600 and 0700). The
/// app keeps them out of backups: a copy without the keys in the vault cannot be opened.
///
/// A row that is returned is the row that was written, or the call says `Corrupt`. Damage to
/// SQLite's inner pages can hide rows until [`SqliteStore::check`] or the engine, which knows what
/// ought to be there, notices.
pub struct SqliteStore {
    // Dropped before the connection, which deletes the log when it closes.
    log: File,
    connection: Connection,
    sql: [TableSql; Table::ALL.len()],
    state: State,
}

/// Where the store is between calls.
enum State {
    Idle,
    Open,
    /// A write failed, so this transaction can only be rolled back. SQLite may have done so
    /// already, and what is written after that would be permanent at once.
    Failing(StoreError),
    /// What the disk holds is unknown; only opening again tells.
    Broken(StoreError),
}

/// The statements of one table.
struct TableSql {
    put: String,
    delete: String,
    get: String,
    scan: String,
    last: String,
}

impl TableSql {
    fn new(table: Table) -> Self {
        let name = table_name(table);
        let range =
            format!("SELECT key, checksum, value FROM {name} WHERE key >= ?1 AND key < ?2 ORDER BY key");
        Self {
            put: format!(
                "INSERT INTO {name} (key, checksum, value) VALUES (?1, ?2, ?3) ON CONFLICT (key) \
                 DO UPDATE SET checksum = excluded.checksum, value = excluded.value"
            ),
            delete: format!("DELETE FROM {name} WHERE key = ?1"),
            get: format!("SELECT checksum, value FROM {name} WHERE key = ?1"),
            scan: format!("{range} LIMIT ?3"),
            last: format!("{range} DESC LIMIT 1"),
        }
    }
}

impl SqliteStore {
    /// Opens the store at `path`, making it and its folder when they are missing. A relative path
    /// counts from the current folder. The time it takes does not grow with the history.
    ///
    /// # Errors
    /// `InUse` when it is open already, here or in another process; `NewerVersion`; `Corrupt` for a
    /// damaged file or one of another program; `Full`; `Failed`. An existing file is left as it was.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let Opened { connection, log } = connection::open(path.as_ref())?;
        Ok(Self { log, connection, sql: Table::ALL.map(TableSql::new), state: State::Idle })
    }

    /// Reads everything and compares it with itself; takes as long as the store is large.
    ///
    /// # Errors
    /// `Corrupt` when a page, an index or a row is damaged, or as the disk says.
    pub fn check(&self) -> Result<(), StoreError> {
        let verdict: String =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if verdict != "ok" {
            return Err(StoreError::Corrupt("SQLite finds its pages inconsistent"));
        }
        for table in Table::ALL {
            let sql = format!("SELECT key, checksum, value FROM {}", table_name(table));
            let mut statement = self.statement(&sql)?;
            let mut rows = statement.query([]).map_err(failed)?;
            while let Some(row) = rows.next().map_err(failed)? {
                read_row(row)?;
            }
        }
        Ok(())
    }

    /// Lets the file grow by at most `pages` pages from now on, as on a disk that gets full;
    /// `None` lifts the limit.
    ///
    /// # Errors
    /// As SQLite says.
    #[cfg(feature = "testing")]
    pub fn limit_growth(&mut self, pages: Option<u32>) -> Result<(), StoreError> {
        let used = self.connection.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0));
        let max = match pages {
            Some(pages) => used.map_err(failed)?.saturating_add(pages),
            None => u32::MAX - 1,
        };
        self.connection.pragma_update_and_check(None, "max_page_count", max, |_| Ok(())).map_err(failed)
    }

    fn sql(&self, table: Table) -> &TableSql {
        &self.sql[table as usize]
    }

    fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        self.connection.prepare_cached(sql).map_err(not_prepared)
    }

    fn execute(&self, sql: &str, values: &[&dyn ToSql]) -> Result<(), StoreError> {
        self.statement(sql)?.execute(values).map_err(failed)?;
        Ok(())
    }

    fn readable(&self) -> Result<(), StoreError> {
        match &self.state {
            State::Idle | State::Open => Ok(()),
            State::Failing(error) | State::Broken(error) => Err(error.clone()),
        }
    }

    fn write(
        &mut self,
        sql: fn(&TableSql) -> &String,
        table: Table,
        values: &[&dyn ToSql],
    ) -> Result<(), StoreError> {
        match &self.state {
            State::Open => {}
            State::Idle => return Err(StoreError::Failed("a write outside of a transaction".to_owned())),
            State::Failing(error) | State::Broken(error) => return Err(error.clone()),
        }
        let done = self.execute(sql(self.sql(table)), values);
        if let Err(error) = &done {
            self.state = State::Failing(error.clone());
        }
        done
    }

    /// Ends the transaction of SQLite if it has not ended it already.
    fn end(&mut self) {
        self.state = State::Idle;
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK", &[])
        {
            self.state = State::Broken(error);
        }
    }
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        match &self.state {
            State::Idle => {}
            State::Broken(error) => return Err(error.clone()),
            State::Open | State::Failing(_) => {
                return Err(StoreError::Failed("a transaction is open already".to_owned()));
            }
        }
        self.execute("BEGIN IMMEDIATE", &[])?;
        self.state = State::Open;
        Ok(())
    }

    /// Durability `Power` also makes earlier commits power-safe.
    fn commit(&mut self, durability: Durability) -> Result<(), StoreError> {
        match &self.state {
            State::Open => {}
            State::Idle => return Err(StoreError::Failed("no transaction is open".to_owned())),
            State::Broken(error) => return Err(error.clone()),
            State::Failing(error) => {
                let error = error.clone();
                self.end();
                return Err(error);
            }
        }
        if let Err(error) = self.execute("COMMIT", &[]) {
            self.end();
            return Err(error);
        }
        self.state = State::Idle;
        match durability {
            Durability::Process => Ok(()),
            Durability::Power => self.sync_log(),
        }
    }

    fn rollback(&mut self) {
        if matches!(self.state, State::Open | State::Failing(_)) {
            self.end();
        }
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.write(|sql| &sql.put, table, params![key, checksum(key, value), value])
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StoreError> {
        self.write(|sql| &sql.delete, table, params![key])
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.readable()?;
        let mut statement = self.statement(&self.sql(table).get)?;
        let mut rows = statement.query(params![key]).map_err(failed)?;
        rows.next().map_err(failed)?.map(|row| read_value(key, row)).transpose()
    }

    fn scan(&self, table: Table, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<Row>, StoreError> {
        self.readable()?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.statement(&self.sql(table).scan)?;
        let mut rows = statement.query(params![from, to, limit]).map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            found.push(read_row(row)?);
        }
        Ok(found)
    }

    fn last(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Option<Row>, StoreError> {
        self.readable()?;
        let mut statement = self.statement(&self.sql(table).last)?;
        let mut rows = statement.query(params![from, to]).map_err(failed)?;
        rows.next().map_err(failed)?.map(read_row).transpose()
    }
}

impl SqliteStore {
    /// Puts on the disk what the commits so far have written.
    ///
    /// With `synchronous=NORMAL` SQLite writes a commit to its log and leaves it to the system;
    /// FULL would sync the log at the end of each commit, but cannot be switched on inside of a
    /// transaction. Syncing the log right after the commit is the same work in the same order:
    /// the log's name and header are synced by SQLite when it makes or restarts the file, and
    /// what a checkpoint has moved to the database was synced there.
    fn sync_log(&mut self) -> Result<(), StoreError> {
        self.log.sync_data().map_err(|error| {
            // The system may have dropped the pages it could not write, and a second sync would
            // not say so. The transaction can no longer be taken back either.
            let error = StoreError::Failed(format!("a sync failed, open the store again: {}", error.kind()));
            self.state = State::Broken(error.clone());
            error
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
