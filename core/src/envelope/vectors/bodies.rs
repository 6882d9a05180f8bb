//! Vectors of what a data Entry seals: bodies with every operation, and bodies that are none.

use super::{Case, Vector};
use crate::keys::hex;
use crate::model::{
    Action, Body, CallOp, ClaimedRoot, Condition, DocumentKey, DocumentRead, ElementId, Op, Path, Place,
    Position, RootDetail, Segment, SetMember, StateRoot, TextSplice, Transaction, TxId, TxNos,
    Value as Literal, value_to_json,
};
use serde_json::{Value, json};

pub(super) fn vectors() -> Vec<Vector> {
    vec![Vector {
        name: "body",
        about: "What a data Entry seals, as bytes and as what they say; bodies that every reader skips.",
        cases: body_cases,
        outputs: body,
    }]
}

const ELEMENT: ElementId = ElementId([0x11; 12]);
const OTHER: ElementId = ElementId([0x22; 12]);

fn ops() -> Vec<(&'static str, Op)> {
    let path = |text: &str| Path::parse(text).unwrap();
    let map = || {
        let inner = Literal::Array(vec![Literal::Null, Literal::Bool(true), Literal::Float(1.0)]);
        Literal::Map([("a".to_owned(), Literal::Int(-129)), ("ü".to_owned(), inner)].into())
    };
    let element = Path(vec![Segment::Key("list".to_owned()), Segment::Element(ELEMENT)]);
    let splice = |offset, delete, insert: &str| TextSplice { offset, delete, insert: insert.to_owned() };
    let expect = |condition| Op::Expect { path: path("n"), condition };
    let call = |version, name: &str, args| Op::Call(CallOp { version, name: name.to_owned(), args });
    let deep = (0..29).fold(map(), |inside, _| Literal::Array(vec![inside]));
    let between = Place { after: Some(ELEMENT), before: Some(OTHER) };
    let last = Place { after: Some(ELEMENT), before: None };
    let text = || "a longer text than 31 bytes, which has one byte of length".to_owned();
    vec![
        ("create", Op::Create { fields: map() }),
        ("set, inside of a list's element", Op::Set { path: element, value: map() }),
        ("set of a whole document", Op::Set { path: Path::default(), value: map() }),
        ("unset", Op::Unset { path: path("a.b") }),
        ("merge", Op::Merge { path: Path::default(), value: map() }),
        ("increment", Op::Increment { path: path("n"), by: i64::MIN }),
        ("list insert", Op::ListInsert { path: path("list"), place: between, value: Literal::Int(1 << 40) }),
        ("list move", Op::ListMove { path: path("list"), element: OTHER, place: last }),
        ("list remove", Op::ListRemove { path: path("list"), element: OTHER }),
        ("set add", Op::SetAdd { path: path("tags"), member: SetMember::String("red".to_owned()) }),
        ("set remove", Op::SetRemove { path: path("tags"), member: SetMember::Int(-1) }),
        ("delete", Op::Delete),
        ("expect that it exists", expect(Condition::Exists)),
        ("expect that it is missing", expect(Condition::Missing)),
        ("expect a value", expect(Condition::Equals(Literal::Float(-0.5)))),
        ("expect at least", expect(Condition::AtLeast(256))),
        ("expect at most", expect(Condition::AtMost(-32))),
        ("text create", Op::TextCreate { path: path("t"), text: text() }),
        ("text edit", Op::TextEdit { path: path("t"), splices: vec![splice(0, 2, "é"), splice(300, 0, "")] }),
        ("call of a resolver", call(1, "take", Literal::Null)),
        ("call of a later version with arguments", call(u64::MAX, "buy two", map())),
        ("the deepest arguments", call(1, "deep", deep)),
    ]
}

fn transaction(op: Op) -> Transaction {
    let actions = vec![Action { key: DocumentKey::new("notes", "1"), op }];
    let (reads, depends) = (Vec::new(), TxNos::default());
    Transaction { tx_no: 1, tx_id: TxId([7; 8]), base_seq: 0, time_ms: 0, reads, depends, actions }
}

fn encoded(transactions: Vec<Transaction>) -> String {
    hex::encode(Body { transactions, root: None }.encode())
}

fn numbers(of: &[u64]) -> TxNos {
    let mut numbers = TxNos::default();
    of.iter().for_each(|number| numbers.push(*number));
    numbers
}

/// Two reads, one of a document and one of a collection, with what was read and what was left out.
fn reading() -> Transaction {
    let document = DocumentRead {
        key: DocumentKey::new("notes", "1"),
        version: Position { seq: 1 << 33, index: 2 },
        own: numbers(&[3, 4, 5, 9]),
        absent: numbers(&[6, 8]),
    };
    let collection = DocumentRead {
        key: DocumentKey::whole("notes"),
        version: Position::START,
        own: TxNos::default(),
        absent: numbers(&[7]),
    };
    let reads = vec![document, collection];
    let mut all = Transaction { tx_no: 10, reads, depends: numbers(&[3]), ..transaction(Op::Delete) };
    (all.base_seq, all.time_ms) = (1 << 33, 1_700_000_000_000);
    all
}

fn body_cases() -> Vec<Value> {
    let case = |why: &str, body: String| json!({ "why": why, "body": body });
    let mut cases: Vec<Value> =
        ops().into_iter().map(|(why, op)| case(why, encoded(vec![transaction(op)]))).collect();
    cases.push(case("no Transaction", encoded(Vec::new())));
    let two = vec![transaction(Op::Delete), Transaction { tx_no: 2, ..transaction(Op::Delete) }];
    cases.push(case("two Transactions", encoded(two)));
    cases.push(case(
        "reads, own ones read with them, own ones left out, a dependency",
        encoded(vec![reading()]),
    ));
    let rooted = |seq, detail| {
        let root = Some(ClaimedRoot { seq, root: StateRoot([0xaa; 32]), detail });
        hex::encode(Body { transactions: vec![transaction(Op::Delete)], root }.encode())
    };
    let buckets = rooted(512, RootDetail::Buckets(vec![[1; 8], [2; 8]]));
    let documents = RootDetail::Documents { bucket: 3, hashes: vec![([4; 8], [5; 8]), ([6; 8], [7; 8])] };
    let documents = rooted(1 << 40, documents);
    cases.push(case("a root", rooted(256, RootDetail::None)));
    cases.push(case("a root with its buckets", buckets.clone()));
    cases.push(case("a root with the documents of a bucket", documents.clone()));
    let sound = encoded(vec![transaction(Op::Delete)]);
    let call = encoded(vec![transaction(Op::Call(CallOp {
        version: 1,
        name: "take".to_owned(),
        args: Literal::Null,
    }))]);
    let read = encoded(vec![reading()]);
    let deepest = "91".repeat(31) + "c0";
    let broken = |why: &str, bytes: &str, part: &str, other: &str| {
        assert_eq!(bytes.matches(part).count(), 1, "{why}");
        case(why, bytes.replace(part, other))
    };
    let named = "a56e6f746573a131";
    cases.extend([
        case("nothing", String::new()),
        case("a byte after it", format!("{sound}00")),
        case("ends inside", sound[..sound.len() - 2].to_owned()),
        broken("a newer format", &sound, "019197", "029197"),
        broken("the format in a longer spelling", &sound, "019197", "cc019197"),
        broken("an operation that is not in the table", &sound, &format!("{named}0a"), &format!("{named}0f")),
        broken("no collection", &sound, &format!("{named}0a"), "a0a1310a"),
        broken("no Action", &sound, &format!("91{named}0a"), "90"),
        broken("number 0", &sound, "9701c4", "9700c4"),
        broken("a call of version 0", &call, "0e01a4", "0e00a4"),
        broken("a call without a name", &call, "0e01a474616b65", "0e01a0"),
        broken("arguments nested 32 deep", &call, "74616b65c0", &format!("74616b6591{deepest}")),
        broken("a call without arguments", &call, "74616b65c0", "74616b65"),
        broken("half of a bucket's hash", &buckets, "c410", "c40c"),
        broken("a root with three values of detail", &documents, "9203c4", "9303c4"),
        broken("documents without a bucket", &documents, "9203c4", "91c4"),
        broken("left out: ranges that touch", &read, "9406010801", "9406010701"),
        broken("left out: a range of nothing", &read, "9406010801", "9406010800"),
        broken("a read that does not say what was left out of it", &read, "9406010801", ""),
    ]);
    cases
}

fn body(case: &Case) -> Value {
    match Body::decode(&case.bytes("body")) {
        Ok(body) => json!({
            "transactions": body.transactions.iter().map(told).collect::<Vec<_>>(),
            "root": body.root.as_ref().map(told_root),
        }),
        Err(_) => json!({ "error": "BadBody" }),
    }
}

fn told(transaction: &Transaction) -> Value {
    let read = |read: &DocumentRead| {
        json!([
            read.key.collection,
            read.key.document,
            [read.version.seq, read.version.index],
            read.own.ranges(),
            read.absent.ranges(),
        ])
    };
    let action = |action: &Action| {
        let mut told = vec![json!(action.key.collection), json!(action.key.document)];
        told.extend(told_op(&action.op));
        Value::Array(told)
    };
    json!({
        "tx_no": transaction.tx_no,
        "tx_id": hex::encode(transaction.tx_id.0),
        "base_seq": transaction.base_seq,
        "time_ms": transaction.time_ms,
        "reads": transaction.reads.iter().map(read).collect::<Vec<_>>(),
        "depends": transaction.depends.ranges(),
        "actions": transaction.actions.iter().map(action).collect::<Vec<_>>(),
    })
}

fn told_root(root: &ClaimedRoot) -> Value {
    let detail = match &root.detail {
        RootDetail::None => Value::Null,
        RootDetail::Buckets(hashes) => hashes.iter().map(hex::encode).collect(),
        RootDetail::Documents { bucket, hashes } => {
            let document =
                |(place, hash): &([u8; 8], [u8; 8])| json!([hex::encode(place), hex::encode(hash)]);
            json!({ "bucket": bucket, "documents": hashes.iter().map(document).collect::<Vec<_>>() })
        }
    };
    json!({ "seq": root.seq, "hash": hex::encode(root.root.0), "detail": detail })
}

/// The operation's name, then its parts in the order of the bytes.
fn told_op(op: &Op) -> Vec<Value> {
    let (name, path, parts) = match op {
        Op::Create { fields } => ("create", None, vec![literal(fields)]),
        Op::Set { path, value } => ("set", Some(path), vec![literal(value)]),
        Op::Unset { path } => ("unset", Some(path), Vec::new()),
        Op::Merge { path, value } => ("merge", Some(path), vec![literal(value)]),
        Op::Increment { path, by } => ("increment", Some(path), vec![json!(by)]),
        Op::ListInsert { path, place, value } => {
            ("list insert", Some(path), vec![told_place(place), literal(value)])
        }
        Op::ListMove { path, element, place } => {
            ("list move", Some(path), vec![told_element(element), told_place(place)])
        }
        Op::ListRemove { path, element } => ("list remove", Some(path), vec![told_element(element)]),
        Op::SetAdd { path, member } => ("set add", Some(path), vec![literal(&member.clone().into())]),
        Op::SetRemove { path, member } => ("set remove", Some(path), vec![literal(&member.clone().into())]),
        Op::Delete => ("delete", None, Vec::new()),
        Op::Expect { path, condition } => ("expect", Some(path), told_condition(condition)),
        Op::TextCreate { path, text } => ("text create", Some(path), vec![json!(text)]),
        Op::TextEdit { path, splices } => {
            let splice = |splice: &TextSplice| json!([splice.offset, splice.delete, splice.insert]);
            ("text edit", Some(path), vec![splices.iter().map(splice).collect()])
        }
        Op::Call(call) => ("call", None, vec![json!(call.version), json!(call.name), literal(&call.args)]),
    };
    [json!(name)].into_iter().chain(path.map(told_path)).chain(parts).collect()
}

fn told_condition(condition: &Condition) -> Vec<Value> {
    match condition {
        Condition::Exists => vec![json!("exists")],
        Condition::Missing => vec![json!("missing")],
        Condition::Equals(value) => vec![json!("equals"), literal(value)],
        Condition::AtLeast(value) => vec![json!("at least"), json!(value)],
        Condition::AtMost(value) => vec![json!("at most"), json!(value)],
    }
}

fn literal(value: &Literal) -> Value {
    serde_json::from_slice(&value_to_json(value)).unwrap()
}

fn told_element(element: &ElementId) -> Value {
    json!({ "element": hex::encode(element.0) })
}

fn told_place(place: &Place) -> Value {
    json!([place.after.as_ref().map(told_element), place.before.as_ref().map(told_element)])
}

fn told_path(path: &Path) -> Value {
    let segment = |segment: &Segment| match segment {
        Segment::Key(key) => json!(key),
        Segment::Element(element) => told_element(element),
    };
    path.0.iter().map(segment).collect()
}
