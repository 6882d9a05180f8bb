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
    let room = 1024 * 1024 - 1 - 2 - 5;
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

/// What a value takes as it stands.
fn bytes_of(value: &Value) -> usize {
    let mut out = Encoder::with_capacity(64);
    value.encode(&mut out);
    out.len()
}

#[test]
fn a_bound_is_right_and_close() {
    let map = |fields: &[(&str, Value)]| {
        Value::Map(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    let name = "n".repeat(100);
    let literals = [
        Value::Null,
        Value::Bool(true),
        Value::Int(i64::MIN),
        Value::Float(0.1),
        Value::String(String::new()),
        filled(70_000),
        Value::Array(vec![]),
        Value::Array(vec![filled(300), filled(400)]),
        Value::Array(vec![Value::Null; 66_000]),
        map(&[]),
        map(&[(&name, filled(300)), ("b", Value::Int(1)), ("c", Value::Array(vec![filled(200)]))]),
    ];
    for literal in literals {
        let mut fields = None;
        resolve(&mut fields, &Op::Set { path: path("a"), value: literal.clone() }, &mut context(1)).unwrap();
        let stored = &fields.as_ref().unwrap()["a"];
        let (bound, bytes) = (value_bound(stored), bytes_of(stored));
        assert!(bytes <= bound && bound <= bytes + 40, "{bytes} {bound}");
        assert!(bytes_of(&literal) <= value_bound(&literal) && value_bound(&literal) == bound);
        let whole = encoded_bytes(&fields);
        assert!(whole <= fields_bound(&fields) && fields_bound(&fields) <= whole + 60);
    }
    let mut fields = None;
    for value in [Value::Bool(true), Value::Int(i64::MAX), filled(70_000)] {
        let member = SetMember::from_value(&value).unwrap();
        let add = Op::SetAdd { path: path("s"), member: member.clone() };
        resolve(&mut fields, &add, &mut context(1)).unwrap();
        let (bound, bytes) = (member_bound(&member), bytes_of(&value));
        assert!(bytes <= bound && bound <= bytes + 8, "{bytes} {bound}");
    }
    resolve(&mut fields, &Op::TextCreate { path: path("t"), text: "x".repeat(500) }, &mut context(1))
        .unwrap();
    for value in fields.as_ref().unwrap().values() {
        let (bound, bytes) = (value_bound(value), bytes_of(value));
        assert!(bytes <= bound && bound <= bytes + 100, "{bytes} {bound}");
    }
    assert_eq!((fields_bound(&None), encoded_bytes(&None)), (0, 0));
}

#[test]
fn what_an_operation_adds_is_bounded_closely() {
    let name = "n".repeat(100);
    let long = format!("{name}.{name}");
    let text = "x".repeat(1000);
    let splices = vec![TextSplice { offset: 0, delete: 0, insert: text.clone() }; 2];
    let ops = [
        Op::Create { fields: Value::Map(Fields::from([(name.clone(), filled(1000))])) },
        Op::Set { path: path(&long), value: filled(1000) },
        Op::Merge { path: path(&long), value: Value::Map(Fields::from([(name.clone(), filled(1000))])) },
        Op::Increment { path: path(&long), by: i64::MAX },
        Op::ListInsert { path: path(&long), place: Place::default(), value: filled(1000) },
        Op::SetAdd { path: path(&long), member: SetMember::String(text.clone()) },
        Op::TextCreate { path: path(&long), text: text.clone() },
        Op::TextEdit { path: path(&long), splices },
    ];
    for op in ops {
        let mut fields = None;
        let growth = growth(&fields, &op);
        resolve(&mut fields, &op, &mut context(1)).unwrap();
        let bytes = encoded_bytes(&fields);
        // Steps of a path, and cuts through a text, may add what they did not here.
        let room = match op {
            Op::TextCreate { .. } => 400,
            Op::TextEdit { .. } => 700,
            _ => 100,
        };
        assert!(bytes <= growth && growth <= bytes + room, "{bytes} {growth} {room}");
    }
    let mut fields = None;
    resolve(&mut fields, &Op::TextCreate { path: path("t"), text }, &mut context(1)).unwrap();
    for op in [
        Op::Unset { path: path("t") },
        Op::Delete,
        Op::SetRemove { path: path("t"), member: SetMember::Bool(true) },
        Op::ListRemove { path: path("t"), element: ElementId([0; 12]) },
    ] {
        assert_eq!(growth(&fields, &op), 0);
    }
    // Cutting a text in pieces takes more where more is deleted, by more authors.
    let edit = |delete| Op::TextEdit {
        path: path("t"),
        splices: vec![TextSplice { offset: 0, delete, insert: String::new() }],
    };
    let before = growth(&fields, &edit(1));
    assert!(before < growth(&fields, &edit(500)));
    let by_another = FoldContext { base_seq: 1, ..context(2) };
    resolve(&mut fields, &edit(1), &mut by_another.clone()).unwrap();
    assert!(before < growth(&fields, &edit(1)));
}

#[test]
fn a_carried_bound_is_used_while_it_fits_and_measured_anew_when_it_does_not() {
    let op = Op::Set { path: path("b"), value: filled(10) };
    let after = |start: SizeBound| {
        let mut fields = Some(Fields::from([("a".to_owned(), filled(20))]));
        let grows = growth(&fields, &op);
        let mut bound = start;
        resolve_within(&mut fields, &op, &mut context(1), &mut bound).unwrap();
        (bound.0, grows)
    };
    let measured = fields_bound(&Some(Fields::from([("a".to_owned(), filled(20))])));
    let (bound, grows) = after(SizeBound::default());
    assert_eq!(bound, Some(measured + grows));
    assert_eq!(after(SizeBound(Some(700))).0, Some(700 + grows));
    assert_eq!(after(SizeBound(Some(1024 * 1024 - grows))).0, Some(1024 * 1024));
    assert_eq!(after(SizeBound(Some(1024 * 1024 - grows + 1))).0, Some(measured + grows));
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
