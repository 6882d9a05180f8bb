//! The size limit to the byte, and random operations with and without a carried bound.

use super::*;
use crate::model::*;
use crate::resolver::{resolve, resolve_within};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use veilfold_wire::MemberNo;

fn context(seq: u64) -> FoldContext {
    let mut tx_id = TxId([0; 8]);
    tx_id.0.copy_from_slice(&seq.to_be_bytes());
    FoldContext {
        author: MemberNo(1 + seq % 3),
        position: Position { seq, index: 0 },
        time_ms: 0,
        tx_id,
        base_seq: seq.saturating_sub(1 + seq % 40),
        elements: 0,
    }
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn filled(bytes: usize) -> Value {
    Value::String("x".repeat(bytes))
}

#[test]
fn a_document_may_be_as_large_as_the_limit_and_not_a_byte_larger() {
    // A map header, "a" and its header, a long string header.
    let room = DOCUMENT_BYTES_MAX - 1 - 2 - 5;
    let mut fields = None;
    let set = |bytes| Op::Set { path: path("a"), value: filled(bytes) };
    assert_eq!(resolve(&mut fields, &set(room + 1), &mut context(1)), Err(RejectReason::TooLarge));
    assert_eq!(fields, None);
    resolve(&mut fields, &set(room), &mut context(1)).unwrap();
    let full = fields.clone();
    for op in [
        Op::Set { path: path("b"), value: Value::Null },
        Op::Increment { path: path("n"), by: 1 },
        Op::ListInsert { path: path("l"), place: Place::default(), value: Value::Null },
        Op::SetAdd { path: path("s"), member: SetMember::Bool(true) },
        Op::TextCreate { path: path("t"), text: String::new() },
        Op::Merge { path: path(""), value: Value::Map(Fields::from([("b".into(), Value::Null)])) },
    ] {
        let mut context = context(2);
        assert_eq!(resolve(&mut fields, &op, &mut context), Err(RejectReason::TooLarge), "{op:?}");
        assert_eq!((&fields, context.elements), (&full, 0));
    }
    resolve(&mut fields, &Op::Set { path: path("a"), value: filled(room - 10) }, &mut context(2)).unwrap();
    resolve(&mut fields, &Op::Increment { path: path("n"), by: 1 }, &mut context(3)).unwrap();
}

#[test]
fn a_full_text_takes_edits_again_when_the_window_has_moved_on() {
    let mut fields = None;
    let text = "x".repeat(DOCUMENT_BYTES_MAX - 100);
    resolve(&mut fields, &Op::TextCreate { path: path("t"), text }, &mut context(1)).unwrap();
    let type_key = Op::TextEdit {
        path: path("t"),
        splices: vec![TextSplice { offset: 0, delete: 0, insert: "y".into() }],
    };
    let at = |seq| FoldContext { base_seq: seq - 1, ..context(seq) };
    let typed = (2..100).take_while(|seq| resolve(&mut fields, &type_key, &mut at(*seq)).is_ok()).count();
    assert!((2..20).contains(&typed), "{typed}");
    resolve(&mut fields, &type_key, &mut at(3000)).unwrap();
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    fn element(&mut self, seq: u64) -> ElementId {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&(seq - self.below(20).min(seq)).to_be_bytes());
        id[11] = self.below(3) as u8;
        ElementId(id)
    }

    fn path(&mut self, seq: u64) -> Path {
        let segments = (0..1 + self.below(3)).map(|depth| match self.below(4) {
            0 if depth > 0 => Segment::Element(self.element(seq)),
            _ => Segment::Key(["a", "b", "c"][self.below(3) as usize].into()),
        });
        Path(segments.collect())
    }

    fn literal(&mut self, depth: u64, bytes: usize) -> Value {
        match self.below(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => Value::Bool(true),
            2 => Value::Int(self.0.next_u64() as i64),
            3 => Value::Float(0.5),
            4 => filled(self.below(bytes as u64 + 1) as usize),
            5 => Value::Array((0..self.below(3)).map(|_| self.literal(depth - 1, bytes)).collect()),
            _ => self.map(depth, bytes),
        }
    }

    fn map(&mut self, depth: u64, bytes: usize) -> Value {
        let count = self.below(3) as usize;
        let keys = ["c", "a"].into_iter().take(count);
        Value::Map(keys.map(|key| (key.to_owned(), self.literal(depth - 1, bytes))).collect())
    }

    fn member(&mut self) -> SetMember {
        match self.below(3) {
            0 => SetMember::Bool(false),
            1 => SetMember::Int(self.below(300) as i64),
            _ => SetMember::String("x".repeat(self.below(40) as usize)),
        }
    }

    fn op(&mut self, seq: u64, bytes: usize) -> Op {
        let path = self.path(seq);
        let place = Place {
            after: (self.below(2) == 0).then(|| self.element(seq)),
            before: (self.below(2) == 0).then(|| self.element(seq)),
        };
        match self.below(16) {
            0 => Op::Create { fields: self.map(2, bytes) },
            1 | 2 => Op::Set { path, value: self.literal(2, bytes) },
            3 => Op::Unset { path },
            4 => Op::Merge { path, value: self.map(2, bytes) },
            5 => Op::Increment { path, by: self.0.next_u64() as i64 },
            6 | 7 => Op::ListInsert { path, place, value: self.literal(1, bytes) },
            8 => Op::ListMove { path, element: self.element(seq), place },
            9 => Op::ListRemove { path, element: self.element(seq) },
            10 => Op::SetAdd { path, member: self.member() },
            11 => Op::SetRemove { path, member: self.member() },
            12 if self.below(20) == 0 => Op::Delete,
            12 => Op::Expect { path, condition: Condition::AtLeast(0) },
            13 => Op::TextCreate { path, text: "x".repeat(self.below(bytes as u64 + 1) as usize) },
            _ => {
                let splices = (0..1 + self.below(2)).map(|_| TextSplice {
                    offset: self.below(4),
                    delete: self.below(2),
                    insert: "y".repeat(self.below(4) as usize),
                });
                Op::TextEdit { path, splices: splices.collect() }
            }
        }
    }
}

/// Folds random operations with a carried bound, without one, and from re-read bytes; returns how
/// many were rejected, and how many of them as too large.
fn random_operations(seed: u64, count: u64, bytes: usize, start: Option<Fields>) -> (usize, usize) {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let (mut carried, mut bound) = (start, SizeBound::default());
    let (mut rejected, mut too_large) = (0, 0);
    for seq in 1..=count {
        let op = dice.op(seq, bytes);
        let before = carried.clone();
        let mut plain = match seq % 8 {
            0 => {
                let image = Image { fields: before.clone(), ..Image::ABSENT };
                Image::from_bytes(&image.to_bytes()).unwrap().fields
            }
            _ => before.clone(),
        };
        let (mut one, mut other) = (context(seq), context(seq));
        let result = resolve_within(&mut carried, &op, &mut one, &mut bound);
        assert_eq!(result, resolve(&mut plain, &op, &mut other), "seed {seed} {op:?}");
        assert_eq!((&carried, one.elements), (&plain, other.elements), "seed {seed} {op:?}");
        let bytes = encoded_bytes(&carried);
        assert!(bytes <= DOCUMENT_BYTES_MAX && bytes <= fields_bound(&carried));
        assert!(bytes <= encoded_bytes(&before) + growth(&before, &op), "seed {seed} {op:?}");
        assert!(bound.0.is_none_or(|bound| bytes <= bound));
        match result {
            Ok(effect) if effect.changed => {}
            Ok(_) => assert_eq!(carried, before, "seed {seed} {op:?}"),
            Err(reason) => {
                assert_eq!((&carried, one.elements), (&before, 0), "seed {seed} {op:?}");
                rejected += 1;
                too_large += usize::from(reason == RejectReason::TooLarge);
            }
        }
    }
    (rejected, too_large)
}

#[test]
fn random_operations_are_whole_or_nothing_and_the_same_everywhere() {
    for seed in 0..40 {
        let (rejected, _) = random_operations(seed, 400, 30, None);
        assert!((20..380).contains(&rejected), "{rejected}");
    }
}

#[test]
fn random_operations_near_the_limit_end_alike_with_and_without_a_carried_bound() {
    let mut too_large = 0;
    for seed in 0..6 {
        let start = Fields::from([("full".into(), filled(DOCUMENT_BYTES_MAX - 300))]);
        too_large += random_operations(seed, 100, 600, Some(start)).1;
    }
    assert!(too_large > 10, "{too_large}");
}
