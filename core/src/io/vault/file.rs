//! A vault of key files in a folder, for servers, command lines and desktops without a key store.
//!
//! Whoever reads the folder has the keys; only the file's permissions (0600) stand in between.

use super::{ROOT_BYTES, Root, Vault, VaultError, check_id};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Opens every key file; the last byte is the format.
const MAGIC: [u8; 8] = *b"VFROOT\0\x01";
const CHECKSUM_BYTES: usize = 4;
const FILE_BYTES: usize = MAGIC.len() + ROOT_BYTES + CHECKSUM_BYTES;

/// Keeps each root in a file `<id>.key` of one folder, usually the folder of the database.
///
/// A deleted file's blocks are not overwritten: flash memory would write elsewhere anyway.
#[derive(Clone, Debug)]
pub struct FileVault {
    folder: PathBuf,
}

impl FileVault {
    /// A vault in `folder`, which is made when the first root is stored.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, id: &str, ending: &str) -> Result<PathBuf, VaultError> {
        check_id(id)?;
        Ok(self.folder.join(format!("{id}.{ending}")))
    }
}

impl Vault for FileVault {
    fn load_root(&self, id: &str) -> Result<Option<Root>, VaultError> {
        let mut file = match File::open(self.path(id, "key")?) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let mut bytes = Zeroizing::new([0; FILE_BYTES]);
        file.read_exact(bytes.as_mut_slice()).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => VaultError::Damaged,
            _ => failed(&error),
        })?;
        if file.read(&mut [0]).map_err(|error| failed(&error))? != 0 {
            return Err(VaultError::Damaged);
        }
        decode(&bytes).map(Some)
    }

    /// Writes beside the old file and renames over it, so that a power cut leaves one of the two.
    fn store_root(&self, id: &str, root: &Root) -> Result<(), VaultError> {
        let (path, temporary) = (self.path(id, "key")?, self.path(id, "key-new")?);
        make_folder(&self.folder).map_err(|error| failed(&error))?;
        let written =
            write_synced(&temporary, encode(root).as_slice()).and_then(|()| fs::rename(&temporary, &path));
        if written.is_err() {
            // Whatever is left of it holds a key that nobody will ask for.
            let _ = fs::remove_file(&temporary);
        }
        written.and_then(|()| sync_folder(&self.folder)).map_err(|error| failed(&error))
    }

    fn delete_root(&self, id: &str) -> Result<(), VaultError> {
        for ending in ["key", "key-new"] {
            match fs::remove_file(self.path(id, ending)?) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&error)),
                _ => {}
            }
        }
        match sync_folder(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&error)),
            _ => Ok(()),
        }
    }
}

fn encode(root: &Root) -> Zeroizing<[u8; FILE_BYTES]> {
    let mut bytes = Zeroizing::new([0; FILE_BYTES]);
    let (content, sum) = bytes.split_at_mut(FILE_BYTES - CHECKSUM_BYTES);
    content[..MAGIC.len()].copy_from_slice(&MAGIC);
    content[MAGIC.len()..].copy_from_slice(root.as_slice());
    sum.copy_from_slice(&crc32fast::hash(content).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; FILE_BYTES]) -> Result<Root, VaultError> {
    let (content, sum) = bytes.split_at(FILE_BYTES - CHECKSUM_BYTES);
    let (magic, key) = content.split_at(MAGIC.len());
    if magic != MAGIC || sum != crc32fast::hash(content).to_le_bytes() {
        return Err(VaultError::Damaged);
    }
    let mut root = Root::default();
    root.copy_from_slice(key);
    Ok(root)
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // One left by a crash may have other permissions or be a link to elsewhere.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A renamed or removed name is permanent once its folder was synced.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    let _ = folder;
    Ok(())
}

fn failed(error: &std::io::Error) -> VaultError {
    VaultError::Failed(format!("file: {}", error.kind()))
}
