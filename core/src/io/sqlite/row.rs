//! One row as it lies in its table, with the checksum that tells a damaged one.
//!
//! SQLite checks the form of its pages but not the bytes in them, and phones' flash does flip bits:
//! a wrong value must become an error, not a document. Used by `store.rs`.

use crate::store::{Row, StoreError};

/// Checksum of a row. The length keeps key and value apart.
pub(super) fn checksum(key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(value);
    hasher.finalize()
}

/// The value in columns 0 (checksum) and 1 (value) of the row of `key`.
pub(super) fn read_value(key: &[u8], row: &rusqlite::Row<'_>) -> Result<Vec<u8>, StoreError> {
    read(key, row, 0).map(<[u8]>::to_vec)
}

/// Key and value in columns 0 (key), 1 (checksum) and 2 (value).
pub(super) fn read_row(row: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
    let key = blob(row, 0)?;
    let value = read(key, row, 1)?;
    Ok((key.to_vec(), value.to_vec()))
}

fn read<'a>(key: &[u8], row: &'a rusqlite::Row<'_>, first: usize) -> Result<&'a [u8], StoreError> {
    let value = blob(row, first + 1)?;
    let found = row.get_ref(first).map_err(super::error::failed)?.as_i64();
    if found != Ok(i64::from(checksum(key, value))) {
        return Err(StoreError::Corrupt("a row does not match its checksum"));
    }
    Ok(value)
}

fn blob<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Result<&'a [u8], StoreError> {
    let cell = row.get_ref(column).map_err(super::error::failed)?;
    cell.as_blob().map_err(|_| StoreError::Corrupt("a row has another shape"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_tells_any_flipped_bit_and_a_moved_border() {
        let sum = checksum(b"key", b"value");
        for bit in 0..24 {
            let mut key = *b"key";
            key[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&key, b"value"), sum);
        }
        assert_ne!(checksum(b"keyv", b"alue"), sum);
    }
}
