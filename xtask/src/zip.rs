//! Zip archives that depend on nothing but what is in them: entries by name, one date for all.
//!
//! Used by the verbs that make release artifacts. It only writes; files under 4 GiB, no encryption.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Error, Result, Write};
use std::path::Path;

/// 1 January 1980, the first day that a zip archive can name.
const DATE: u16 = (1 << 5) | 1;
const DEFLATE: u16 = 8;
/// "Made by Unix", so that the permissions count; format version 2.0.
const MADE_BY: u16 = (3 << 8) | 20;

/// Everything below the folder, under `prefix`, as entries of an archive.
pub fn folder(folder: &Path, prefix: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut entries = BTreeMap::new();
    let mut waiting = vec![(folder.to_path_buf(), prefix.to_owned())];
    while let Some((folder, prefix)) = waiting.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if entry.file_type()?.is_dir() {
                waiting.push((entry.path(), name));
            } else {
                entries.insert(name, std::fs::read(entry.path())?);
            }
        }
    }
    Ok(entries)
}

/// Writes an archive. Equal entries give equal bytes.
pub fn write(file: &Path, entries: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in entries {
        let start = short(archive.len())?;
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(bytes)?;
        let deflated = deflated.finish()?;
        let mut described = Vec::new();
        // Version, flags (names are UTF-8), method, time, date.
        for number in [20, 1 << 11, DEFLATE, 0, DATE] {
            described.extend(u16::to_le_bytes(number));
        }
        described.extend(crc32fast::hash(bytes).to_le_bytes());
        described.extend(short(deflated.len())?.to_le_bytes());
        described.extend(short(bytes.len())?.to_le_bytes());
        let name_length = u16::try_from(name.len()).map_err(Error::other)?;
        described.extend(name_length.to_le_bytes());
        described.extend(0_u16.to_le_bytes());

        archive.extend(b"PK\x03\x04");
        archive.extend(&described);
        archive.extend(name.as_bytes());
        archive.extend(deflated);

        directory.extend(b"PK\x01\x02");
        directory.extend(MADE_BY.to_le_bytes());
        directory.extend(described);
        // Comment, disk, inner attributes; then permissions and where the entry starts.
        directory.extend([0; 6]);
        directory.extend((0o100_644_u32 << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = u16::try_from(entries.len()).map_err(Error::other)?;
    let start = short(archive.len())?;
    let length = short(directory.len())?;
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(length.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    std::fs::write(file, archive)
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 in the form that wheels want: base 64 for addresses, without padding.
pub fn sha256_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in Sha256::digest(bytes).chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte))
            << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}

fn short(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error::other("an archive of more than 4 GiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_its_entries_in_order_and_always_the_same_bytes() {
        let folder = std::env::temp_dir().join(format!("veilfold-zip-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("in/a")).unwrap();
        std::fs::write(folder.join("in/b.txt"), "two").unwrap();
        std::fs::write(folder.join("in/a/x.txt"), "one".repeat(100)).unwrap();
        let entries = super::folder(&folder.join("in"), "top").unwrap();
        assert_eq!(entries.keys().collect::<Vec<_>>(), ["top/a/x.txt", "top/b.txt"]);
        write(&folder.join("1.zip"), &entries).unwrap();
        write(&folder.join("2.zip"), &entries).unwrap();
        let bytes = std::fs::read(folder.join("1.zip")).unwrap();
        assert_eq!(bytes, std::fs::read(folder.join("2.zip")).unwrap());
        assert!(bytes.starts_with(b"PK\x03\x04") && bytes.len() < 400);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn sums_are_those_of_sha256() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
