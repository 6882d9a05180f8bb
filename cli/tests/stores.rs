//! The binary on stores that the test makes: sound ones, damaged ones, and none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use veilfold_core::engine::{Draft, Engine, EngineConfig};
use veilfold_core::io::{FileVault, OsRandom, ROOT_BYTES, Root, SqliteStore, Vault, vault_id};
use veilfold_core::keys::DeviceRootKey;
use veilfold_core::model::{Action, DocumentKey, Fields, Op, Path as FieldPath, Value};
use veilfold_core::resolver::{Call, Refusal, Resolver, Resolvers};
use veilfold_core::store::{Durability, Row, Store, Table};
use veilfold_core::wire::SpaceId;

const NOW_MS: u64 = 1_700_000_000_000;

struct Made {
    _folder: TempDir,
    path: PathBuf,
    space: SpaceId,
}

/// A device that was never online, with a Space and three documents.
fn made() -> Made {
    made_with(Resolvers::default())
}

fn made_with(resolvers: Resolvers) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.db");
    let mut root = Root::default();
    root.copy_from_slice(&[7; ROOT_BYTES]);
    FileVault::new(folder.path()).store_root(&vault_id(&path), &root).unwrap();
    let mut engine = open(&path, root).with_resolvers(resolvers);
    let space = engine.create_space("Groceries", "Alice", NOW_MS).unwrap();
    for id in ["milk", "bread", "tea"] {
        let path = FieldPath::parse("title").unwrap();
        let op = Op::Set { path, value: Value::String(format!("some {id}")) };
        let actions = vec![Action { key: DocumentKey::new("items", id), op }];
        engine.transact(space, Draft { actions, ..Draft::default() }, NOW_MS).unwrap().unwrap();
    }
    Made { _folder: folder, path, space }
}

fn open(path: &Path, root: Root) -> Engine {
    let store = Box::new(SqliteStore::open(path).unwrap());
    let (random, root) = (Box::new(OsRandom::new().unwrap()), DeviceRootKey::from_bytes(root));
    Engine::open(store, random, root, EngineConfig::default()).unwrap()
}

fn veilfold(arguments: &[&str], store: &Path) -> Output {
    let [verb, options @ ..] = arguments else { panic!("a verb") };
    Command::new(env!("CARGO_BIN_EXE_veilfold")).arg(verb).arg(store).args(options).output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

/// Changes the first row of a table as a faulty program would, with a checksum that fits.
fn alter(made: &Made, table: Table, change: impl FnOnce(&mut Row)) {
    let mut store = SqliteStore::open(&made.path).unwrap();
    let mut row = store.scan(table, &[], &[0xff; 8], 1).unwrap().remove(0);
    change(&mut row);
    store.begin().unwrap();
    store.put(table, &row.0, &row.1).unwrap();
    store.commit(Durability::Process).unwrap();
}

#[test]
fn inspect_shows_spaces_log_and_documents() {
    let made = made();
    let (code, text) = said(&veilfold(&["inspect"], &made.path));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("space {} \"Groceries\"", made.space)), "{text}");
    assert!(text.contains("log: 1 entries") && text.contains("outbox: 3"), "{text}");
    assert!(text.contains("member 1: Owner \"Alice\", this device"), "{text}");
    assert!(!text.contains("milk"), "contents are shown when asked for: {text}");
    let id = &made.space.to_string()[..8];
    let (_, text) = said(&veilfold(&["inspect", "--space", id, "--log", "--documents"], &made.path));
    assert!(text.contains("  1 by 1 (its 1., epoch 0, had seen 0)") && text.contains("control"), "{text}");
    let line = r#"{"collection":"items","id":"milk","fields":{"title":"some milk"}}"#;
    assert!(text.lines().any(|found| found == line), "{text}");
    let (code, text) = said(&veilfold(&["inspect", "--space", "zz"], &made.path));
    assert_eq!((code, text.trim()), (Some(1), "veilfold: the store has no space zz"));
}

#[test]
fn verify_folds_again_and_compares() {
    let made = made();
    let (code, text) = said(&veilfold(&["verify"], &made.path));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1 entries verify, state root "), "{text}");
}

/// Deletes whatever it is asked about.
struct Forgetful;

impl Resolver for Forgetful {
    fn resolve(&self, _: Option<Fields>, _: &Call) -> Result<Option<Fields>, Refusal> {
        Ok(None)
    }
}

#[test]
fn a_log_verifies_whose_documents_only_the_app_can_make() {
    let made = made_with(Resolvers::default().with("tickets", 3, Forgetful));
    let (code, text) = said(&veilfold(&["verify"], &made.path));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1 entries verify; their documents are made by version 3"), "{text}");
}

#[test]
fn an_altered_log_does_not_verify() {
    let made = made();
    alter(&made, Table::Log, |(_, value)| *value.last_mut().unwrap() ^= 1);
    let (code, text) = said(&veilfold(&["verify"], &made.path));
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("position 1 does not verify"), "{text}");
}

#[test]
fn a_state_that_the_log_does_not_make_is_noticed() {
    let made = made();
    alter(&made, Table::Authors, |(key, _)| *key.last_mut().unwrap() = 9);
    let (code, text) = said(&veilfold(&["verify"], &made.path));
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("is not what its log makes of it"), "{text}");
}

#[test]
fn damaged_bytes_are_named() {
    let made = made();
    let mut bytes = std::fs::read(&made.path).unwrap();
    let len = bytes.len();
    bytes[100..len.min(4000)].fill(0x55);
    std::fs::write(&made.path, bytes).unwrap();
    for verb in ["inspect", "verify"] {
        let (code, text) = said(&veilfold(&[verb], &made.path));
        assert_eq!(code, Some(3), "{text}");
        assert!(text.contains("store_damaged"), "{text}");
    }
}

#[test]
fn what_is_missing_or_in_use_is_said_and_nothing_is_made() {
    let made = made();
    let nowhere = made.path.with_file_name("nobody.db");
    let (code, text) = said(&veilfold(&["inspect"], &nowhere));
    assert_eq!(code, Some(1));
    assert!(text.contains("there is no store at") && !nowhere.exists(), "{text}");
    let open = SqliteStore::open(&made.path).unwrap();
    let (code, text) = said(&veilfold(&["verify"], &made.path));
    assert_eq!((code, text.contains("open already")), (Some(1), true), "{text}");
    drop(open);
    std::fs::remove_file(made.path.with_file_name("alice.db.key")).unwrap();
    let (code, text) = said(&veilfold(&["inspect"], &made.path));
    assert_eq!((code, text.contains("no key file alice.db.key")), (Some(1), true), "{text}");
}
