//! Which tables there are, and how a file comes from an older version to this one.
//!
//! Called once at opening. A migration that was released is never changed; a new one is added.

use super::error::failed;
use crate::store::{StoreError, Table};
use rusqlite::{Connection, TransactionBehavior};

/// "VFDV": another program's database is not taken for ours.
const APPLICATION_ID: i64 = 0x5646_4456;
/// Applied in order; a store's version is how many of them it has.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/001_tables.sql")];

/// Name of a table in the file.
pub(super) fn table_name(table: Table) -> &'static str {
    match table {
        Table::Globals => "globals",
        Table::Spaces => "spaces",
        Table::Authors => "authors",
        Table::Keys => "keys",
        Table::Log => "log",
        Table::Confirmed => "confirmed",
        Table::Overlay => "overlay",
        Table::Outbox => "outbox",
        Table::Sealed => "sealed",
        Table::Fates => "fates",
    }
}

/// How many migrations the file has.
///
/// # Errors
/// `NewerVersion`; `Corrupt` for another program's database or none at all; `InUse`.
pub(super) fn read_version(connection: &Connection) -> Result<usize, StoreError> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application != APPLICATION_ID {
        let objects: i64 = connection
            .query_row("SELECT COUNT(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(failed)?;
        if (application, version, objects) != (0, 0, 0) {
            return Err(StoreError::Corrupt("another program's database"));
        }
        return Ok(0);
    }
    match usize::try_from(version) {
        Ok(found) if (1..=MIGRATIONS.len()).contains(&found) => Ok(found),
        Ok(found) if found > MIGRATIONS.len() => Err(StoreError::NewerVersion {
            found: u32::try_from(found).unwrap_or(u32::MAX),
            supported: MIGRATIONS.len() as u32,
        }),
        _ => Err(StoreError::Corrupt("version of the file")),
    }
}

/// Applies what is missing, each migration in a transaction that survives a power cut.
pub(super) fn migrate(connection: &mut Connection, found: usize) -> Result<(), StoreError> {
    if found == MIGRATIONS.len() {
        return Ok(());
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    for (number, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        step.execute_batch(migration).map_err(failed)?;
        step.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        step.pragma_update(None, "user_version", (number + 1) as i64).map_err(failed)?;
        step.commit().map_err(failed)?;
    }
    Ok(())
}
