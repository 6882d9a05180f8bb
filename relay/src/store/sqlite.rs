//! The store of a Relay with a folder: one SQLite file, synced to disk at every commit.
//!
//! Used from the sequencer's thread alone. The file is locked for as long as it is open.

use super::{Durability, Store, StoreError, StoredEntry, page_takes};
use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use veilfold_wire::{AuthorHead, ChainHash, EntryHash, Kind, MemberNo, SpaceId};

const FILE: &str = "relay.db";
/// "VFRL", so that another program's database is not taken for ours.
const APPLICATION_ID: i64 = 0x5646_524c;
/// Applied in order; the store's version is how many of them it has.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/001_entries.sql")];

/// Keeps Entries in a folder.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    durability: Durability,
}

impl SqliteStore {
    /// Opens the store in `folder`, making both when they are missing.
    ///
    /// # Errors
    /// `NewerVersion`, `Foreign`, `InUse` or `Folder`, with nothing changed; others when SQLite fails.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        make_folder(folder).map_err(|source| StoreError::Folder { path: folder.to_owned(), source })?;
        let path = folder.join(FILE);
        let mut connection = Connection::open(&path).map_err(|error| opening(&path, error))?;
        prepare(&mut connection, &path)?;
        // The names of new files must survive a power cut as their contents do.
        #[cfg(unix)]
        std::fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| StoreError::Folder { path: folder.to_owned(), source })?;
        Ok(Self { connection, durability: Durability::PowerCut })
    }

    /// Lets the file grow to at most `pages` pages more than now, as on a disk that gets full;
    /// `None` lifts the limit.
    #[cfg(feature = "testing")]
    pub fn limit_growth(&mut self, pages: Option<u32>) -> Result<(), StoreError> {
        let used = self.connection.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0));
        let max = match pages {
            Some(pages) => used.map_err(failed)?.saturating_add(pages),
            None => u32::MAX - 1,
        };
        self.connection.pragma_update_and_check(None, "max_page_count", max, |_| Ok(())).map_err(failed)
    }

    fn set_durability(&mut self, durability: Durability) -> Result<(), StoreError> {
        if self.durability != durability {
            let level = match durability {
                Durability::PowerCut => "FULL",
                Durability::Lazy => "OFF",
            };
            self.connection.pragma_update(None, "synchronous", level).map_err(failed)?;
            self.durability = durability;
        }
        Ok(())
    }
}

/// Makes the folder, for its owner only, so that its name survives a power cut.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<_> = folder.ancestors().take_while(|path| !path.exists()).collect();
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    #[cfg(unix)]
    for parent in missing.iter().filter_map(|path| path.parent()) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        std::fs::File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Locks the file, brings it to this version, and sets how it is written.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let opening = |error| opening(path, error);
    connection.busy_timeout(std::time::Duration::ZERO).map_err(opening)?;
    connection.set_prepared_statement_cache_capacity(16);
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(())).map_err(opening)?;
    let found: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(opening)?;
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(opening)?;
    let tables: i64 =
        connection.query_row("SELECT COUNT(*) FROM sqlite_master", [], |row| row.get(0)).map_err(opening)?;
    if application != APPLICATION_ID && (tables > 0 || found != 0) {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    let supported = MIGRATIONS.len() as i64;
    if !(0..=supported).contains(&found) {
        return Err(StoreError::NewerVersion { path: path.to_owned(), found, supported });
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(opening)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(opening)?;
    let todo = MIGRATIONS.iter().zip(1_i64..).filter(|(_, version)| *version > found);
    for (migration, version) in todo {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(opening)?;
        step.execute_batch(migration).map_err(opening)?;
        step.pragma_update(None, "application_id", APPLICATION_ID).map_err(opening)?;
        step.pragma_update(None, "user_version", version).map_err(opening)?;
        step.commit().map_err(opening)?;
    }
    Ok(())
}

const COLUMNS: &str = "space, seq, member_no, author_seq, kind, hash, chain, bytes";

impl Store for SqliteStore {
    fn head(&mut self, space: &SpaceId) -> Result<Option<(u64, ChainHash)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq, chain FROM entries WHERE space = ?1 ORDER BY seq DESC LIMIT 1")
            .map_err(failed)?;
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?));
        let newest = statement.query_row(params![space.0], row).optional().map_err(failed)?;
        newest.map(|(seq, chain)| Ok((unsigned(seq)?, ChainHash(chain)))).transpose()
    }

    fn chains(&mut self, space: &SpaceId, from_seq: u64) -> Result<Vec<ChainHash>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT chain FROM entries WHERE space = ?1 AND seq >= ?2 ORDER BY seq")
            .map_err(failed)?;
        let rows = statement
            .query_map(params![space.0, signed(from_seq)], |row| row.get::<_, [u8; 32]>(0))
            .map_err(failed)?;
        rows.map(|row| row.map(ChainHash).map_err(failed)).collect()
    }

    fn control_entries(&mut self, space: &SpaceId) -> Result<Vec<StoredEntry>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM entries WHERE space = ?1 AND kind = 1 ORDER BY seq");
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let mut rows = statement.query(params![space.0]).map_err(failed)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            entries.push(read_entry(row)?);
        }
        Ok(entries)
    }

    fn author_head(&mut self, space: &SpaceId, author: MemberNo) -> Result<AuthorHead, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT author_seq, hash FROM entries WHERE space = ?1 AND member_no = ?2 \
                 ORDER BY author_seq DESC, seq ASC LIMIT 1",
            )
            .map_err(failed)?;
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?));
        let newest =
            statement.query_row(params![space.0, signed(author.0)], row).optional().map_err(failed)?;
        let Some((author_seq, hash)) = newest else { return Ok(AuthorHead::NONE) };
        Ok(AuthorHead { author_seq: unsigned(author_seq)?, hash: EntryHash(hash) })
    }

    fn find(
        &mut self,
        space: &SpaceId,
        author: MemberNo,
        author_seq: u64,
    ) -> Result<Option<StoredEntry>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entries WHERE space = ?1 AND member_no = ?2 AND author_seq = ?3 \
             ORDER BY seq LIMIT 1"
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        let mut rows =
            statement.query(params![space.0, signed(author.0), signed(author_seq)]).map_err(failed)?;
        rows.next().map_err(failed)?.map(read_entry).transpose()
    }

    fn page(
        &mut self,
        space: &SpaceId,
        after: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Bytes>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT bytes FROM entries WHERE space = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3")
            .map_err(failed)?;
        let limit = i64::try_from(entries_max).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![space.0, signed(after), limit]).map_err(failed)?;
        let (mut page, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next().map_err(failed)? {
            let entry = row.get_ref(0).map_err(failed)?;
            let entry = entry.as_blob().map_err(|_| StoreError::Corrupt { what: "entry is not bytes" })?;
            if !page_takes(page.len(), bytes, entry.len(), entries_max, bytes_max) {
                break;
            }
            bytes += entry.len();
            page.push(Bytes::copy_from_slice(entry));
        }
        Ok(page)
    }

    fn commit(&mut self, batch: &[StoredEntry], durability: Durability) -> Result<(), StoreError> {
        self.set_durability(durability)?;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        {
            let sql = format!("INSERT INTO entries ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
            let mut statement = transaction.prepare_cached(&sql).map_err(failed)?;
            for entry in batch {
                let values = params![
                    entry.space.0,
                    signed(entry.seq),
                    signed(entry.member_no.0),
                    signed(entry.author_seq),
                    kind_number(entry.kind),
                    entry.hash.0,
                    entry.chain.0,
                    &entry.bytes[..],
                ];
                statement.execute(values).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        // Moves what the log still holds into the file, so that the folder can be copied as it is.
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)
    }
}

fn read_entry(row: &Row<'_>) -> Result<StoredEntry, StoreError> {
    let number = |column| row.get::<_, i64>(column).map_err(failed).and_then(unsigned);
    let hash = |column| row.get::<_, [u8; 32]>(column).map_err(failed);
    Ok(StoredEntry {
        space: SpaceId(hash(0)?),
        seq: number(1)?,
        member_no: MemberNo(number(2)?),
        author_seq: number(3)?,
        kind: match row.get::<_, i64>(4).map_err(failed)? {
            0 => Kind::Data,
            1 => Kind::Control,
            _ => return Err(StoreError::Corrupt { what: "an entry has an unknown kind" }),
        },
        hash: EntryHash(hash(5)?),
        chain: ChainHash(hash(6)?),
        bytes: row.get::<_, Vec<u8>>(7).map_err(failed)?.into(),
    })
}

fn kind_number(kind: Kind) -> i64 {
    match kind {
        Kind::Data => 0,
        Kind::Control => 1,
    }
}

/// A number beyond SQLite's range is beyond every stored one, which is all that a lookup asks.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Corrupt { what: "a number is negative" })
}

fn failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt { what: "the file is not a sound database" }
        }
        Some(code) => StoreError::Database(format!("{code:?}")),
        None => StoreError::Database("a value does not have the wanted type".into()),
    }
}

fn opening(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = PathBuf::from(path);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse { path },
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { path },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::Folder { path, source: std::io::ErrorKind::PermissionDenied.into() }
        }
        _ => failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_the_suite_of_every_store() {
        let folder = tempfile::tempdir().unwrap();
        let mut number = 0;
        crate::store::conformance::run(|| {
            number += 1;
            SqliteStore::open(&folder.path().join(number.to_string())).unwrap()
        });
    }

    #[test]
    fn what_was_committed_is_there_after_opening_again() {
        let folder = tempfile::tempdir().unwrap();
        let entry = crate::store::conformance::entry(SpaceId([1; 32]), 1, 1, 1, Kind::Control, 40);
        let mut store = SqliteStore::open(folder.path()).unwrap();
        store.commit(std::slice::from_ref(&entry), Durability::PowerCut).unwrap();
        drop(store);
        let mut store = SqliteStore::open(folder.path()).unwrap();
        assert_eq!(store.control_entries(&entry.space).unwrap(), [entry]);
    }

    #[test]
    fn a_store_of_a_newer_version_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        drop(SqliteStore::open(folder.path()).unwrap());
        let path = folder.path().join(FILE);
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = SqliteStore::open(folder.path());
        assert!(matches!(refused, Err(StoreError::NewerVersion { found: 99, supported: 1, .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_store_is_open_once_only_and_foreign_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = SqliteStore::open(folder.path()).unwrap();
        assert!(matches!(SqliteStore::open(folder.path()), Err(StoreError::InUse { .. })));
        drop(first);
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join(FILE), [7; 4096]).unwrap();
        assert!(matches!(SqliteStore::open(other.path()), Err(StoreError::Foreign { .. })));
        assert_eq!(std::fs::read(other.path().join(FILE)).unwrap(), [7; 4096]);
    }
}
