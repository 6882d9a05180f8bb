//! Good values, Transactions, images, texts and JSON, by chance.
//!
//! For the corpora and for the mutators of the decoders' targets.

use super::messages::bytes;
use crate::harness::Rng;
use veilfold_core::model::{
    Action, Body, CallOp, ClaimedRoot, Condition, DocumentKey, DocumentRead, ElementId, Encoder, Fields,
    Image, Op, Path, Place, Position, RootDetail, Segment, SetMember, StateRoot, TextSplice, Transaction,
    TxId, TxNos, Value, value_to_json,
};
use veilfold_core::resolver::Enable;
use veilfold_core::wire::MemberNo;

const WORDS: [&str; 9] =
    ["", "a", "title", "done", "Zoë", "🌊", "x.y", "#1", "a rather long string, not a short one"];

pub(super) fn word(rng: &mut Rng) -> String {
    (*rng.pick(&WORDS)).to_owned()
}

/// Any number; small ones and those beside a limit of their encoding more often.
pub(super) fn number(rng: &mut Rng, bits: u64) -> u64 {
    let limit = 1u64 << rng.below(bits);
    match rng.below(4) {
        0 => rng.below(20),
        1 => limit,
        2 => limit - 1,
        _ => rng.below(limit),
    }
}

fn int(rng: &mut Rng) -> i64 {
    let value = number(rng, 63) as i64;
    if rng.chance(300) { -value } else { value }
}

/// What an Action may carry.
fn literal(rng: &mut Rng, depth: u64) -> Value {
    match rng.below(if depth > 0 { 8 } else { 6 }) {
        0 => Value::Null,
        1 => Value::Bool(rng.chance(500)),
        2 => Value::Float(int(rng) as f64 / 8.0),
        3 => Value::Int(int(rng)),
        4..6 => Value::String(word(rng)),
        6 => Value::Array((0..rng.below(4)).map(|_| literal(rng, depth - 1)).collect()),
        _ => map(rng, depth),
    }
}

fn map(rng: &mut Rng, depth: u64) -> Value {
    Value::Map((0..rng.below(4)).map(|_| (word(rng), literal(rng, depth.saturating_sub(1)))).collect())
}

/// A document as JSON shows it.
pub(super) fn fields(rng: &mut Rng) -> Fields {
    (0..rng.below(4)).map(|_| (word(rng), literal(rng, 3))).collect()
}

fn element(rng: &mut Rng) -> ElementId {
    ElementId(bytes(rng))
}

fn member(rng: &mut Rng) -> SetMember {
    match rng.below(3) {
        0 => SetMember::Bool(rng.chance(500)),
        1 => SetMember::Int(int(rng)),
        _ => SetMember::String(word(rng)),
    }
}

fn path(rng: &mut Rng) -> Path {
    let segment = |rng: &mut Rng| match rng.below(4) {
        0 => Segment::Element(element(rng)),
        _ => Segment::Key(word(rng)),
    };
    Path((0..1 + rng.below(3)).map(|_| segment(rng)).collect())
}

fn place(rng: &mut Rng) -> Place {
    let mut some = || rng.chance(500).then(|| element(rng));
    Place { after: some(), before: some() }
}

fn op(rng: &mut Rng) -> Op {
    match rng.below(15) {
        0 => Op::Create { fields: map(rng, 3) },
        1 => Op::Set { path: path(rng), value: literal(rng, 3) },
        2 => Op::Unset { path: path(rng) },
        3 => Op::Merge { path: Path::default(), value: map(rng, 3) },
        4 => Op::Increment { path: path(rng), by: int(rng) },
        5 => Op::ListInsert { path: path(rng), place: place(rng), value: literal(rng, 2) },
        6 => Op::ListMove { path: path(rng), element: element(rng), place: place(rng) },
        7 => Op::ListRemove { path: path(rng), element: element(rng) },
        8 => Op::SetAdd { path: path(rng), member: member(rng) },
        9 => Op::SetRemove { path: path(rng), member: member(rng) },
        10 => Op::Delete,
        11 => {
            let condition = match rng.below(5) {
                0 => Condition::Exists,
                1 => Condition::Missing,
                2 => Condition::Equals(literal(rng, 2)),
                3 => Condition::AtLeast(int(rng)),
                _ => Condition::AtMost(int(rng)),
            };
            Op::Expect { path: path(rng), condition }
        }
        12 => Op::TextCreate { path: path(rng), text: word(rng) },
        13 => {
            let name = format!("{}!", word(rng));
            Op::Call(CallOp { version: 1 + number(rng, 40), name, args: literal(rng, 3) })
        }
        _ => {
            let splice = |rng: &mut Rng| TextSplice {
                offset: number(rng, 20),
                delete: rng.below(5),
                insert: word(rng),
            };
            Op::TextEdit { path: path(rng), splices: (0..1 + rng.below(3)).map(|_| splice(rng)).collect() }
        }
    }
}

pub(super) fn key(rng: &mut Rng) -> DocumentKey {
    DocumentKey::new(*rng.pick(&["notes", "n", "a b"]), format!("d{}", rng.below(100)))
}

fn tx_nos(rng: &mut Rng) -> TxNos {
    let (mut numbers, mut next) = (TxNos::default(), 1 + number(rng, 40));
    for _ in 0..rng.below(4) {
        numbers.push(next);
        next += 1 + rng.below(3);
    }
    numbers
}

pub(super) fn position(rng: &mut Rng) -> Position {
    Position { seq: number(rng, 62), index: rng.below(300) }
}

pub(super) fn transaction(rng: &mut Rng) -> Transaction {
    let read = |rng: &mut Rng| DocumentRead {
        key: key(rng),
        version: position(rng),
        own: tx_nos(rng),
        absent: tx_nos(rng),
    };
    Transaction {
        tx_no: 1 + number(rng, 47),
        tx_id: TxId(bytes(rng)),
        base_seq: number(rng, 47),
        time_ms: number(rng, 63),
        reads: (0..rng.below(3)).map(|_| read(rng)).collect(),
        depends: tx_nos(rng),
        actions: (0..1 + rng.below(3)).map(|_| Action { key: key(rng), op: op(rng) }).collect(),
    }
}

/// The plaintext of an Entry.
pub(super) fn body(rng: &mut Rng) -> Vec<u8> {
    let transactions = (0..1 + rng.below(3)).map(|_| transaction(rng)).collect();
    Body { transactions, root: rng.chance(300).then(|| claimed_root(rng)) }.encode()
}

fn claimed_root(rng: &mut Rng) -> ClaimedRoot {
    let short = |rng: &mut Rng| rng.draw().to_be_bytes();
    let detail = match rng.below(3) {
        0 => RootDetail::None,
        1 => RootDetail::Buckets((0..rng.below(5)).map(|_| short(rng)).collect()),
        _ => RootDetail::Documents {
            bucket: number(rng, 20),
            hashes: (0..rng.below(5)).map(|_| (short(rng), short(rng))).collect(),
        },
    };
    ClaimedRoot { seq: number(rng, 47), root: StateRoot([rng.below(256) as u8; 32]), detail }
}

/// What a resolver leaves in a document, besides texts.
fn stored(rng: &mut Rng, depth: u64) -> Value {
    match rng.below(5) {
        0 if depth > 0 => {
            let element = |rng: &mut Rng| (element(rng), stored(rng, depth - 1));
            Value::List((0..rng.below(4)).map(|_| element(rng)).collect())
        }
        1 => Value::Set((0..rng.below(4)).map(|_| member(rng)).collect()),
        2 if depth > 0 => {
            Value::Map((0..rng.below(4)).map(|_| (word(rng), stored(rng, depth - 1))).collect())
        }
        _ => literal(rng, 0),
    }
}

/// A stored document.
pub(super) fn image(rng: &mut Rng) -> Vec<u8> {
    let fields: Fields = (0..rng.below(5)).map(|_| (word(rng), stored(rng, 3))).collect();
    let image = Image {
        fields: rng.chance(900).then_some(fields),
        version: position(rng),
        author: MemberNo(rng.below(300)),
        foreign: position(rng),
        format: rng.below(4),
    };
    image.to_bytes()
}

/// The encoding of a text: settled runs between such that are inside the window.
pub(super) fn text(rng: &mut Rng) -> Vec<u8> {
    let runs = rng.below(8);
    let (mut out, mut id) = (Encoder::new(), 1 + number(rng, 40));
    let first_id = id;
    out.array(runs as usize);
    for index in 0..runs {
        let chars: String = (0..1 + rng.below(40)).map(|_| *rng.pick(&['a', 'é', '🌊', ' '])).collect();
        if index % 2 == 0 && rng.chance(900) {
            out.str(&chars);
            continue;
        }
        let deletions = rng.below(3);
        out.array(2 + 2 * deletions as usize);
        match deletions {
            0 => out.str(&chars),
            _ => out.uint(chars.chars().count() as u64),
        }
        out.array(4);
        out.uint(rng.below(4));
        // No two runs of one Entry, which would be one run.
        out.uint(1000 * (1 + index) + rng.below(1000));
        out.uint(id);
        if id > first_id && rng.chance(500) {
            out.uint(first_id);
        } else {
            out.nil();
        }
        id += chars.chars().count() as u64;
        for author in 0..deletions {
            out.uint(author * 3 + rng.below(3));
            out.uint(number(rng, 20));
        }
    }
    out.finish()
}

/// JSON from an app.
pub(super) fn json(rng: &mut Rng) -> Vec<u8> {
    value_to_json(&literal(rng, 5))
}

/// Resolver versions to be accepted.
pub(super) fn enables(rng: &mut Rng) -> Vec<Enable> {
    let one = |rng: &mut Rng| Enable {
        collection: key(rng).collection,
        version: 1 + number(rng, 62),
        module: rng.chance(400).then(|| bytes(rng)),
    };
    (0..rng.below(5)).map(|_| one(rng)).collect()
}
