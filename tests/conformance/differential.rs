//! Seeded runs of random calls: every store gives the same answers, errors included.
//!
//! A failure prints its seed; `SEED=n cargo test -p veilfold-tests --test conformance differential`
//! plays it again.

use crate::stores::SqliteFolder;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use veilfold_core::store::{Durability, MemoryStore, Store, Table};

const RUNS: u64 = 40;
const CALLS: u32 = 400;

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, end: u32) -> u32 {
        self.0.next_u32() % end
    }

    fn table(&mut self) -> Table {
        Table::ALL[self.below(Table::ALL.len() as u32) as usize]
    }

    /// Few different keys that share beginnings, so that calls meet.
    fn key(&mut self) -> Vec<u8> {
        let bytes = self.below(4);
        (0..bytes).map(|_| [0x00, 0x01, 0x7f, 0xff][self.below(4) as usize]).collect()
    }

    fn value(&mut self) -> Vec<u8> {
        let bytes = [0, 1, 40, 1000, 5000, 30_000][self.below(6) as usize];
        let mut value = vec![0; bytes];
        self.0.fill_bytes(&mut value);
        value
    }
}

fn run(seed: u64) {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let folder = SqliteFolder::new();
    let (mut memory, mut sqlite) = (MemoryStore::new(), folder.open());
    let mut open = false;
    for call in 0..CALLS {
        let (one, two): (&mut dyn Store, &mut dyn Store) = (&mut memory, &mut *sqlite);
        let at = format!("seed {seed}, call {call}");
        match dice.below(20) {
            0..=1 => {
                let answer = one.begin();
                open |= answer.is_ok();
                assert_eq!(answer, two.begin(), "{at}");
            }
            2 => {
                let durability = [Durability::Process, Durability::Power][dice.below(2) as usize];
                assert_eq!(one.commit(durability), two.commit(durability), "{at}");
                open = false;
            }
            3 => {
                one.rollback();
                two.rollback();
                open = false;
            }
            4..=9 => {
                let (table, key, value) = (dice.table(), dice.key(), dice.value());
                assert_eq!(one.put(table, &key, &value), two.put(table, &key, &value), "{at}");
            }
            10..=11 => {
                let (table, key) = (dice.table(), dice.key());
                assert_eq!(one.delete(table, &key), two.delete(table, &key), "{at}");
            }
            12..=14 => {
                let (table, key) = (dice.table(), dice.key());
                assert_eq!(one.get(table, &key), two.get(table, &key), "{at}");
            }
            15..=17 => {
                let (table, from, to) = (dice.table(), dice.key(), dice.key());
                let limit = [0, 1, 3, usize::MAX][dice.below(4) as usize];
                assert_eq!(one.scan(table, &from, &to, limit), two.scan(table, &from, &to, limit), "{at}");
            }
            18 => {
                let (table, from, to) = (dice.table(), dice.key(), dice.key());
                assert_eq!(one.last(table, &from, &to), two.last(table, &from, &to), "{at}");
            }
            _ => {
                // Closing with a transaction open takes it back.
                if open {
                    one.rollback();
                    open = false;
                }
                drop(sqlite);
                sqlite = folder.open();
            }
        }
    }
    memory.rollback();
    sqlite.rollback();
    for table in Table::ALL {
        let end = [0xff; 8];
        assert_eq!(memory.scan(table, &[], &end, usize::MAX), sqlite.scan(table, &[], &end, usize::MAX));
    }
    sqlite.check().unwrap();
}

#[test]
fn random_calls_get_the_same_answers_from_every_store() {
    let wanted = std::env::var("SEED").ok().map(|seed| seed.parse().expect("SEED is a number"));
    match wanted {
        Some(seed) => run(seed),
        None => (0..RUNS).for_each(run),
    }
}
