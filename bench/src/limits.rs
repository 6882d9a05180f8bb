//! What this machine can do without any product logic: raw SQLite, and sealed and signed rows in it.
//!
//! Each limit does the physical part of a workload and nothing else. AEAD and hash are ring's, the
//! fastest there are here, so that a limit is one; signatures are those of the product.

use super::actions;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;

const SIGNATURE: usize = 64;
const NUMBER: usize = 8;
const TAG: usize = 16;

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// A killed process.
    Normal,
    /// A power cut.
    Full,
}

/// A log and a table of documents in raw SQLite.
pub struct Raw(Connection);

impl Raw {
    /// Opens the database at `path`, making it when it is missing.
    pub fn open(path: &Path, sync: Sync) -> Self {
        let connection = Connection::open(path).expect("the scratch database opens");
        let level = if sync == Sync::Full { "FULL" } else { "NORMAL" };
        let schema = format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous={level}; PRAGMA cache_size=-16000;
             CREATE TABLE IF NOT EXISTS log(seq INTEGER PRIMARY KEY, data BLOB NOT NULL);
             CREATE TABLE IF NOT EXISTS doc(id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;"
        );
        connection.execute_batch(&schema).expect("SQLite takes its own language");
        Self(connection)
    }

    /// Runs `writes` in one transaction.
    pub fn transaction(&self, writes: impl FnOnce(&Self)) {
        let transaction = self.0.unchecked_transaction().expect("nothing else is open");
        writes(self);
        transaction.commit().expect("the scratch disk takes it");
    }

    /// Inserts a row of the log.
    pub fn insert(&self, seq: usize, data: &[u8]) {
        let mut insert = self.prepare("INSERT INTO log(seq, data) VALUES (?1, ?2)");
        insert.execute(params![seq as i64, data]).expect("the scratch disk takes it");
    }

    /// Writes a document.
    pub fn upsert(&self, id: &str, body: &str) {
        let mut upsert = self.prepare(
            "INSERT INTO doc(id, body) VALUES (?1, ?2) ON CONFLICT(id) DO UPDATE SET body = excluded.body",
        );
        upsert.execute(params![id, body]).expect("the scratch disk takes it");
    }

    /// Reads a document.
    pub fn read(&self, id: &str) -> String {
        let mut select = self.prepare("SELECT body FROM doc WHERE id = ?1");
        select.query_row([id], |row| row.get(0)).expect("the document is there")
    }

    /// Reads all documents.
    pub fn read_all(&self) -> BTreeMap<String, String> {
        let mut select = self.prepare("SELECT id, body FROM doc");
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("the table is there");
        rows.map(|row| row.expect("the rows are whole")).collect()
    }

    /// Moves everything from the log file into the database.
    pub fn checkpoint(&self) {
        self.0.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("the scratch disk takes it");
    }

    fn prepare(&self, sql: &str) -> rusqlite::CachedStatement<'_> {
        self.0.prepare_cached(sql).expect("SQLite takes its own language")
    }
}

/// Seals with one key and signs with one key: signature, number, ciphertext, tag.
pub struct Sealer {
    aead: LessSafeKey,
    signer: SigningKey,
    verifier: VerifyingKey,
}

impl Sealer {
    /// Always the same keys.
    pub fn new() -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &[7; 32]).expect("a key has 32 bytes");
        let signer = SigningKey::from_bytes(&[9; 32]);
        Self { aead: LessSafeKey::new(key), verifier: signer.verifying_key(), signer }
    }

    /// Seals `plain` and signs the result.
    pub fn seal(&self, number: u64, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(SIGNATURE + NUMBER + plain.len() + TAG);
        out.resize(SIGNATURE, 0);
        out.extend_from_slice(&number.to_be_bytes());
        out.extend_from_slice(plain);
        let aad = Aad::from(number.to_be_bytes());
        let tag = self
            .aead
            .seal_in_place_separate_tag(nonce(number), aad, &mut out[SIGNATURE + NUMBER..])
            .expect("a box is small");
        out.extend_from_slice(tag.as_ref());
        let signature = self.signer.sign(&out[SIGNATURE..]).to_bytes();
        out[..SIGNATURE].copy_from_slice(&signature);
        out
    }

    /// True when the signature is right.
    pub fn verify(&self, sealed: &[u8]) -> bool {
        let Some((signature, signed)) = sealed.split_first_chunk::<SIGNATURE>() else { return false };
        self.verifier.verify_strict(signed, &Signature::from_bytes(signature)).is_ok()
    }

    /// Opens in `buffer`, which is overwritten; gives the plaintext.
    pub fn open<'a>(&self, sealed: &[u8], buffer: &'a mut Vec<u8>) -> &'a [u8] {
        let number: [u8; NUMBER] =
            sealed[SIGNATURE..SIGNATURE + NUMBER].try_into().expect("a number has 8 bytes");
        buffer.clear();
        buffer.extend_from_slice(&sealed[SIGNATURE + NUMBER..]);
        let nonce = nonce(u64::from_be_bytes(number));
        self.aead.open_in_place(nonce, Aad::from(number), buffer).expect("the box was sealed here")
    }
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

/// How the limit of catching up treats what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// Every signature is checked and every action written as it comes.
    VerifyEach,
    /// A running hash over all boxes of a page, and the signature of the newest.
    ChainAndHead,
    /// The same, documents folded in memory and each written once at the end, all in one transaction.
    ChainHeadDirtyDocuments,
}

/// Boxes with `batch` actions each, as they would be received.
pub fn boxes(sealer: &Sealer, count: usize, batch: usize) -> Vec<Vec<u8>> {
    (0..count)
        .step_by(batch)
        .map(|first| {
            let mut plain = Vec::with_capacity(batch * 70);
            for index in first..(first + batch).min(count) {
                plain.extend_from_slice(actions::key(index).as_bytes());
                plain.extend_from_slice(actions::value(index).as_bytes());
            }
            sealer.seal(first as u64, &plain)
        })
        .collect()
}

/// Bytes of a key and a value in a box.
const KEY: usize = 8;
const VALUE: usize = 60;

/// Verifies, opens, folds and stores boxes, `page` of them in one SQLite transaction; gives how many
/// actions there were.
pub fn catch_up(raw: &Raw, sealer: &Sealer, boxes: &[Vec<u8>], page: usize, how: CatchUp) -> usize {
    let mut walk = Walk {
        raw,
        sealer,
        how,
        documents: BTreeMap::new(),
        head: [0; 32],
        seq: 0,
        actions: 0,
        buffer: vec![],
    };
    if how == CatchUp::ChainHeadDirtyDocuments {
        raw.transaction(|raw| {
            boxes.chunks(page).for_each(|page| walk.keep(page));
            for (key, body) in &walk.documents {
                raw.upsert(std::str::from_utf8(key).expect("ASCII"), body);
            }
        });
    } else {
        boxes.chunks(page).for_each(|page| raw.transaction(|_| walk.keep(page)));
    }
    std::hint::black_box(walk.head);
    walk.actions
}

/// How far a catch-up has come.
struct Walk<'a> {
    raw: &'a Raw,
    sealer: &'a Sealer,
    how: CatchUp,
    documents: BTreeMap<[u8; KEY], String>,
    head: [u8; 32],
    seq: usize,
    actions: usize,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    fn keep(&mut self, page: &[Vec<u8>]) {
        if self.how != CatchUp::VerifyEach {
            for sealed in page {
                let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
                hash.update(&self.head);
                hash.update(&sealed[SIGNATURE..]);
                self.head.copy_from_slice(hash.finish().as_ref());
            }
            assert!(page.last().is_some_and(|newest| self.sealer.verify(newest)), "it was signed here");
        }
        for sealed in page {
            assert!(self.how != CatchUp::VerifyEach || self.sealer.verify(sealed), "it was signed here");
            self.raw.insert(self.seq, sealed);
            self.seq += 1;
            for action in self.sealer.open(sealed, &mut self.buffer).chunks_exact(KEY + VALUE) {
                let (key, value) = action.split_first_chunk::<KEY>().expect("it has a key");
                let value = std::str::from_utf8(value).expect("ASCII");
                if self.how == CatchUp::ChainHeadDirtyDocuments {
                    let body = self.documents.entry(*key).or_default();
                    body.clear();
                    body.push_str(value);
                } else {
                    self.raw.upsert(std::str::from_utf8(key).expect("ASCII"), value);
                }
                self.actions += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_catching_up_ends_with_the_same_documents() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new();
        let mut all = Vec::new();
        for (index, how) in [CatchUp::VerifyEach, CatchUp::ChainAndHead, CatchUp::ChainHeadDirtyDocuments]
            .into_iter()
            .enumerate()
        {
            let raw = Raw::open(&folder.path().join(format!("{index}.db")), Sync::Normal);
            assert_eq!(catch_up(&raw, &sealer, &boxes(&sealer, 50, 3), 7, how), 50);
            assert_eq!(raw.read(&actions::key(49)), actions::value(49));
            all.push(raw.read_all());
        }
        assert_eq!(all[0].len(), 50);
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
