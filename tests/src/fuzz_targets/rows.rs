//! What a Device keeps of its own in its store: what was sent and is awaited, what became of it, what is
//! wished, what the fold knows of authors.
//!
//! The first byte of an input says the kind of row, the rest is the row. It is put into a store and read
//! by whoever owns it, as after a start.

use super::Outcome;
use super::decoders::read_back;
use super::messages::{bytes, card, entry};
use super::values::{enables, key, number, position, transaction, word};
use crate::harness::Rng;
use veilfold_core::documents::{MutatorRun, Pending, PendingSet};
use veilfold_core::keys::ContactCard;
use veilfold_core::members::{Wish, Wished};
use veilfold_core::model::{RejectReason, Rejection, TxId};
use veilfold_core::outbox::{
    Content, Fate, InFlight, RefusedReason, Retry, SealedRow, Settled, fate_of, keep_retry, retry_of, settle,
};
use veilfold_core::store::rows::{AuthorRow, LogRow, SpaceNo};
use veilfold_core::store::{MemoryStore, Store, StoreError, Table};
use veilfold_core::wire::{AuthorHead, ChainHash, EntryHash, Role, UserTag};

const SPACE: SpaceNo = SpaceNo(1);
/// Kinds of rows in the tables that hold several: as in `outbox/` and `engine/space.rs`.
const RETRY: u8 = 5;
const FATE_BY_ID: u8 = 0;
/// Name of what a row is about.
const ID: TxId = TxId([3; 8]);

/// Of one kind: reading it, and a good one by chance.
struct Kind {
    read: fn(&[u8]) -> Option<()>,
    make: fn(&mut Rng) -> Vec<u8>,
}

const KINDS: [Kind; 8] = [
    Kind { read: pending, make: some_pending },
    Kind { read: sealed, make: some_sealed },
    Kind { read: retry, make: some_retry },
    Kind { read: fate, make: some_fate },
    Kind { read: wish, make: some_wish },
    Kind { read: author, make: some_author },
    Kind { read: log, make: some_log },
    Kind { read: document_key, make: |rng| SPACE.document(&key(rng)) },
];

pub(super) fn run(input: &[u8]) -> Outcome {
    let Some((kind, row)) = input.split_first() else { return Outcome::Refused };
    let kind = KINDS.get(usize::from(*kind));
    Outcome::parsed(kind.and_then(|kind| (kind.read)(row)).is_some())
}

pub(super) fn make(rng: &mut Rng) -> Vec<u8> {
    let kind = rng.below(KINDS.len() as u64) as u8;
    [vec![kind], (KINDS[usize::from(kind)].make)(rng)].concat()
}

/// A store with one row.
fn store(table: Table, key: &[u8], row: &[u8]) -> MemoryStore {
    let mut store = MemoryStore::new();
    let put = store.begin().and_then(|()| store.put(table, key, row));
    assert_eq!(put, Ok(()), "memory takes a row");
    store
}

/// Reads a row that its owner writes to another store, where it has to come out the same again.
fn through_stores<T: PartialEq + core::fmt::Debug>(
    table: Table,
    key: &[u8],
    row: &[u8],
    read: impl Fn(&dyn Store) -> Result<T, StoreError>,
    write: impl Fn(&mut dyn Store, &T) -> Result<(), StoreError>,
) -> Option<T> {
    let found = read(&store(table, key, row)).ok()?;
    let mut other = MemoryStore::new();
    let written = other.begin().and_then(|()| write(&mut other, &found));
    assert_eq!(written, Ok(()), "memory takes a row");
    assert_eq!(read(&other).as_ref(), Ok(&found), "a row is stored as read");
    Some(found)
}

fn pending(row: &[u8]) -> Option<()> {
    let read = |store: &dyn Store| {
        let set = PendingSet::load(store, SPACE)?;
        Ok(set.iter().map(|(tx_no, pending)| (tx_no, pending.clone())).collect::<Vec<_>>())
    };
    let write = |store: &mut dyn Store, rows: &Vec<(u64, Pending)>| {
        let mut set = PendingSet::default();
        rows.iter().for_each(|(tx_no, pending)| set.insert(*tx_no, pending.clone()));
        set.iter().try_for_each(|(tx_no, _)| set.save(store, SPACE, tx_no))
    };
    through_stores(Table::Outbox, &SPACE.numbered(7), row, read, write).map(drop)
}

fn sealed(row: &[u8]) -> Option<()> {
    let read = |store: &dyn Store| Ok(InFlight::load(store, SPACE)?.iter().cloned().collect::<Vec<_>>());
    let write = |store: &mut dyn Store, rows: &Vec<SealedRow>| {
        let mut in_flight = InFlight::default();
        rows.iter().try_for_each(|row| in_flight.push(store, SPACE, row.clone()))
    };
    through_stores(Table::Sealed, &SPACE.numbered(7), row, read, write).map(drop)
}

fn retry(row: &[u8]) -> Option<()> {
    // A retry is kept under the name that is in it.
    let named = |retry: Retry| Retry { run: MutatorRun { first: ID, ..retry.run }, ..retry };
    let read = |store: &dyn Store| Ok(retry_of(store, SPACE, ID)?.map(named));
    let write = |store: &mut dyn Store, retry: &Option<Retry>| {
        retry.iter().try_for_each(|retry| keep_retry(store, SPACE, retry))
    };
    through_stores(Table::Spaces, &SPACE.named(RETRY, &ID.0), row, read, write).map(drop)
}

fn fate(row: &[u8]) -> Option<()> {
    let read = |store: &dyn Store| fate_of(store, SPACE, ID);
    let write = |store: &mut dyn Store, settled: &Option<Settled>| {
        settled.iter().try_for_each(|settled| settle(store, SPACE, settled))
    };
    through_stores(Table::Fates, &SPACE.named(FATE_BY_ID, &ID.0), row, read, write).map(drop)
}

fn wish(row: &[u8]) -> Option<()> {
    read_back(Wish::from_bytes(row), |wish| Wish::from_bytes(&wish.to_bytes()))
}

fn author(row: &[u8]) -> Option<()> {
    let author = AuthorRow::from_bytes(row).ok()?;
    assert_eq!(author.to_bytes(), row, "an author enters the state root, so there is one encoding");
    Some(())
}

fn log(row: &[u8]) -> Option<()> {
    let bytes = |row: &LogRow| LogRow::to_bytes(&row.chain, &row.hash, row.skipped, &row.entry);
    read_back(LogRow::from_bytes(row), |row| LogRow::from_bytes(&bytes(row)))
}

fn document_key(row: &[u8]) -> Option<()> {
    let key = SpaceNo::parse_document(row).ok()?;
    assert_eq!(SPACE.document(&key)[4..], row[4..], "a key names one document");
    Some(())
}

fn run_of(rng: &mut Rng) -> MutatorRun {
    let args = (0..rng.below(20)).map(|_| rng.draw() as u8).collect();
    MutatorRun { name: word(rng), args, attempt: 1 + rng.below(8), first: ID }
}

/// What the owner of a row writes for it.
fn written(
    table: Table,
    key: &[u8],
    write: impl FnOnce(&mut MemoryStore) -> Result<(), StoreError>,
) -> Vec<u8> {
    let mut store = MemoryStore::new();
    let written = store.begin().and_then(|()| write(&mut store));
    match written.and_then(|()| store.get(table, key)) {
        Ok(Some(row)) => row,
        other => unreachable!("memory has what was just written: {other:?}"),
    }
}

fn some_pending(rng: &mut Rng) -> Vec<u8> {
    let mut set = PendingSet::default();
    let mutator = rng.chance(500).then(|| run_of(rng));
    let (shown, superseded) = (rng.chance(700), rng.chance(200));
    set.insert(7, Pending { mutator, shown, superseded, ..Pending::new(transaction(rng)) });
    written(Table::Outbox, &SPACE.numbered(7), |store| set.save(store, SPACE, 7))
}

fn some_sealed(rng: &mut Rng) -> Vec<u8> {
    let content = if rng.chance(500) {
        Content::Transactions { first: 1 + rng.below(9), last: 10 + rng.below(90) }
    } else {
        Content::Control { wish: bytes(rng) }
    };
    let row = SealedRow {
        author_seq: 7,
        hash: EntryHash(bytes(rng)),
        seen_seq: number(rng, 62),
        acked_seq: 0,
        content,
        id: [0; 32],
        entry: entry(rng).into(),
    };
    let key = SPACE.numbered(7);
    written(Table::Sealed, &key, |store| InFlight::default().push(store, SPACE, row))
}

fn rejection(rng: &mut Rng) -> Rejection {
    match rng.below(3) {
        0 => RejectReason::BaseTooOld.into(),
        1 => RejectReason::ReadChanged.at(&key(rng)),
        _ => RejectReason::RefusedByResolver.at(&key(rng)).because(word(rng)),
    }
}

fn some_retry(rng: &mut Rng) -> Vec<u8> {
    let retry = Retry { run: run_of(rng), position: position(rng), rejection: rejection(rng) };
    let key = SPACE.named(RETRY, &ID.0);
    written(Table::Spaces, &key, |store| keep_retry(store, SPACE, &retry))
}

fn some_fate(rng: &mut Rng) -> Vec<u8> {
    let fate = match rng.below(4) {
        0 => Fate::Confirmed(position(rng)),
        1 => Fate::Refused(RefusedReason::MutatorFailed),
        _ => Fate::Rejected(position(rng), rejection(rng)),
    };
    let mutator = Some(word(rng)).filter(|name| !name.is_empty());
    let settled = Settled { attempts: 1 + rng.below(8), mutator, ..Settled::once(ID, fate) };
    let key = SPACE.named(FATE_BY_ID, &ID.0);
    written(Table::Fates, &key, |store| settle(store, SPACE, &settled))
}

fn some_wish(rng: &mut Rng) -> Vec<u8> {
    let what = if rng.chance(600) {
        Wished::Enable(enables(rng))
    } else {
        let Ok(card) = ContactCard::decode(&card(rng)) else { unreachable!("a sound card") };
        Wished::Add { card, role: Role::Writer, user_tag: UserTag(bytes(rng)) }
    };
    Wish { id: TxId(bytes(rng)), what }.to_bytes()
}

fn some_author(rng: &mut Rng) -> Vec<u8> {
    let head = AuthorHead { author_seq: number(rng, 62), hash: EntryHash(bytes(rng)) };
    let unaccepted = (0..rng.below(4)).map(|_| (number(rng, 40), 1 + rng.below(9), number(rng, 40)));
    AuthorRow { head, unaccepted: unaccepted.collect(), tx_mark: number(rng, 47) }.to_bytes()
}

fn some_log(rng: &mut Rng) -> Vec<u8> {
    let (chain, hash) = (ChainHash(bytes(rng)), EntryHash(bytes(rng)));
    LogRow::to_bytes(&chain, &hash, rng.chance(100), &entry(rng))
}
