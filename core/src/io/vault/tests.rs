//! What every vault does, and what only files can show.

use super::*;

fn root(byte: u8) -> Root {
    Root::new([byte; ROOT_BYTES])
}

fn vaults(folder: &std::path::Path) -> [Box<dyn Vault>; 2] {
    [Box::new(FileVault::new(folder.join("made/later"))), Box::new(MemoryVault::new())]
}

#[test]
fn a_root_is_there_until_it_is_replaced_or_deleted() {
    let folder = tempfile::tempdir().unwrap();
    for vault in vaults(folder.path()) {
        assert_eq!(vault.load_root("a"), Ok(None));
        assert_eq!(vault.delete_root("a"), Ok(()));
        vault.store_root("a", &root(1)).unwrap();
        vault.store_root("b", &root(2)).unwrap();
        vault.store_root("a", &root(3)).unwrap();
        assert_eq!(vault.load_root("a"), Ok(Some(root(3))));
        vault.delete_root("a").unwrap();
        assert_eq!(vault.load_root("a"), Ok(None));
        assert_eq!(vault.load_root("b"), Ok(Some(root(2))));
    }
}

#[test]
fn an_id_is_a_plain_name() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(VAULT_ID_BYTES_MAX + 1);
    for vault in vaults(folder.path()) {
        for id in ["", "..", ".hidden", "a/b", "a\\b", "a:b", "a b", "a\0", "é", &long] {
            assert_eq!(vault.load_root(id), Err(VaultError::InvalidId), "{id:?}");
            assert_eq!(vault.store_root(id, &root(1)), Err(VaultError::InvalidId), "{id:?}");
            assert_eq!(vault.delete_root(id), Err(VaultError::InvalidId), "{id:?}");
        }
        assert_eq!(vault.store_root("app.veilfold-1_x", &root(1)), Ok(()));
    }
}

#[test]
fn a_damaged_file_is_an_error_and_not_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let vault = FileVault::new(folder.path());
    vault.store_root("a", &root(7)).unwrap();
    let path = folder.path().join("a.key");
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, bad).unwrap();
        assert_eq!(vault.load_root("a"), Err(VaultError::Damaged), "byte {at}");
        std::fs::write(&path, &good[..at]).unwrap();
        assert_eq!(vault.load_root("a"), Err(VaultError::Damaged), "cut at {at}");
    }
    std::fs::write(&path, [&good[..], &[0]].concat()).unwrap();
    assert_eq!(vault.load_root("a"), Err(VaultError::Damaged));
    std::fs::write(&path, &good).unwrap();
    assert_eq!(vault.load_root("a"), Ok(Some(root(7))));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("keys");
    FileVault::new(&inner).store_root("a", &root(7)).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner.join("a.key")), 0o600);
    assert_eq!(mode(&inner), 0o700);
    let names: Vec<_> = std::fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a.key"]);
}

#[test]
fn a_root_key_is_named_after_its_store() {
    assert_eq!(vault_id(Path::new("/a/b/alice.db")), "alice.db");
    let hashed = vault_id(Path::new("/a/my notes.db"));
    assert_eq!(hashed, vault_id(Path::new("/elsewhere/my notes.db")));
    assert_ne!(hashed, vault_id(Path::new("/a/my notes2.db")));
    assert_eq!(hashed.len(), 32);
}
