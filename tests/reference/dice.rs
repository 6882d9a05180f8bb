//! Seeded chance, and the small pools from which histories draw so that things meet.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::BTreeMap;
use veilfold_core::model::{SetMember, Value};

pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number from 0 to `end` without it.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    /// True in one of `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Letters of one to four bytes.
    pub fn word(&mut self) -> String {
        let len = if self.one_in(60) { self.below(700) } else { self.below(4) };
        (0..len).map(|_| self.pick(&['a', 'b', 'ß', '€', '𝄞', '\n', '"'])).collect()
    }

    pub fn int(&mut self) -> i64 {
        match self.below(8) {
            0 => self.pick(&[i64::MAX, i64::MIN, i64::from(i32::MIN) - 1, 1 << 32, -129, 128, 65_536]),
            1 => 0,
            _ => self.below(300) as i64 - 150,
        }
    }

    /// Any literal, nested at most `depth` deep.
    pub fn literal(&mut self, depth: u64) -> Value {
        match self.below(if depth == 0 { 6 } else { 9 }) {
            0 => Value::Null,
            1 => Value::Bool(self.one_in(2)),
            2 | 3 => Value::Int(self.int()),
            4 => Value::Float(self.pick(&[0.0, -0.0, 1.0, 0.1, -2.5e300, f64::MIN_POSITIVE])),
            5 => Value::String(self.word()),
            6 | 7 => Value::Array((0..self.below(4)).map(|_| self.literal(depth - 1)).collect()),
            _ => self.map(depth - 1),
        }
    }

    pub fn map(&mut self, depth: u64) -> Value {
        let mut map = BTreeMap::new();
        for _ in 0..self.below(4) {
            map.insert(self.pick(&["a", "l", "m", "n", "s", "x", "z"]).to_owned(), self.literal(depth));
        }
        Value::Map(map)
    }

    pub fn member(&mut self) -> SetMember {
        match self.below(5) {
            0 => SetMember::Bool(self.one_in(2)),
            1 | 2 => SetMember::Int(self.pick(&[-1, 0, 1, 300])),
            _ => SetMember::String(self.pick(&["", "a", "b", "ß"]).to_owned()),
        }
    }
}
