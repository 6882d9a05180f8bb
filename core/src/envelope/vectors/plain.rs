//! Vectors of bytes without keys: numbers, padding, headers.

use super::super::plain::{pad, padded_len, unpad};
use super::{Case, Vector, variant};
use crate::keys::hex;
use serde_json::{Value, json};
use veilfold_wire::codec::{Reader, Writer};
use veilfold_wire::{ChainHash, EntryHash, ExplicitContext, Header, Kind, MemberNo, SealedEntry};

pub(super) fn vectors() -> Vec<Vector> {
    vec![
        Vector {
            name: "varint",
            about: "Unsigned numbers as minimal LEB128: one spelling per number.",
            cases: varint_cases,
            outputs: varint,
        },
        Vector {
            name: "padme",
            about: "Padded plaintext: u32 length, body, zeros, up to max(floor, Padmé(length + 4)).",
            cases: padme_cases,
            outputs: padme,
        },
        Vector {
            name: "header",
            about: "The clear fields of an Entry, and entries that do not parse.",
            cases: header_cases,
            outputs: header,
        },
    ]
}

fn varint_cases() -> Vec<Value> {
    let mut cases: Vec<Value> = [
        ("zero has one byte", 0),
        ("largest of one byte", 127),
        ("smallest of two bytes", 128),
        ("largest of two bytes", 16_383),
        ("smallest of three bytes", 16_384),
        ("a position far into a log", 4_294_967_296),
        ("largest number", u64::MAX),
    ]
    .map(|(why, value)| json!({ "why": why, "value": value.to_string() }))
    .into();
    cases.extend(
        [
            ("zero in two bytes is a second spelling", "8000"),
            ("127 in two bytes is a second spelling", "ff00"),
            ("more than 64 bits", "ffffffffffffffffff02"),
            ("eleven bytes", "8080808080808080808001"),
            ("ends inside the number", "80"),
        ]
        .map(|(why, bytes)| json!({ "why": why, "refused": bytes })),
    );
    cases
}

fn varint(case: &Case) -> Value {
    if case.has("refused") {
        let error = Reader::new(&case.bytes("refused")).varint("number").unwrap_err();
        return json!({ "error": variant(error) });
    }
    let mut out = Writer::new();
    out.varint(case.number("value"));
    let bytes = out.finish();
    assert_eq!(Reader::new(&bytes).varint("number"), Ok(case.number("value")));
    json!({ "bytes": hex::encode(bytes) })
}

fn padme_cases() -> Vec<Value> {
    let mut cases: Vec<Value> = [
        ("an empty body fills the floor", 0, 128),
        ("last that fits into the floor", 124, 128),
        ("the dearest length: 129 becomes 144", 125, 128),
        ("144 stays", 140, 128),
        ("next step after 144", 141, 128),
        ("a larger floor", 125, 4096),
        ("beyond the larger floor", 5000, 4096),
        ("64 KiB", 65_536, 128),
        ("the largest body of an Entry", 258_044, 128),
    ]
    .map(|(why, len, floor)| json!({ "why": why, "body_len": len, "floor": floor }))
    .into();
    cases.push(json!({ "why": "length, body, zeros", "body": "c0ffee", "floor": 128 }));
    let zeros = "00".repeat(121);
    cases.extend(
        [
            ("a byte of the zeros is set", format!("00000003c0ffee{}01", "00".repeat(120))),
            ("longer than the body calls for", format!("00000003c0ffee{zeros}00")),
            ("shorter than the floor", format!("00000003c0ffee{}", "00".repeat(120))),
            ("the length points past the end", format!("0000007dc0ffee{zeros}")),
            ("no length", "000000".to_owned()),
        ]
        .map(|(why, padded)| json!({ "why": why, "refused": padded, "floor": 128 })),
    );
    cases
}

fn padme(case: &Case) -> Value {
    let floor = case.number("floor");
    if case.has("refused") {
        return json!({ "error": variant(unpad(&case.bytes("refused"), floor).unwrap_err()) });
    }
    if case.has("body") {
        let padded = pad(&case.bytes("body"), floor, 0);
        assert_eq!(unpad(&padded, floor), Ok(case.bytes("body").as_slice()));
        return json!({ "padded": hex::encode(padded) });
    }
    json!({ "padded_len": padded_len(case.number("body_len") as usize, floor) })
}

fn header_cases() -> Vec<Value> {
    let (nonce, prev, seen) = ("11".repeat(24), "22".repeat(32), "33".repeat(32));
    let fields = |why: &str, kind: &str, numbers: [u64; 4], public: &str| {
        let [member_no, author_seq, seen_seq, epoch] = numbers;
        json!({
            "why": why, "kind": kind, "member_no": member_no, "author_seq": author_seq, "seen_seq": seen_seq,
            "epoch": epoch, "prev_author_hash": prev, "seen_chain": seen, "nonce": nonce, "public": public,
            "sealed_len": 144,
        })
    };
    let tail = format!("{}{}{}", "44".repeat(8), "55".repeat(8), nonce);
    let sealed = format!("10{}{}", "66".repeat(16), "77".repeat(64));
    let entry = |start: &str| format!("{start}{tail}{sealed}");
    let refused = |why: &str, entry: String| json!({ "why": why, "refused": entry });
    vec![
        fields("data carries tags only", "data", [1, 1, 0, 0], ""),
        fields("numbers of several bytes", "data", [300, 70_000, 1_000_000, 129], ""),
        fields("control carries the full hashes and a public part", "control", [2, 9, 40, 0], "c0ffee"),
        refused("version 2", entry("02000001010100")),
        refused("unknown kind", entry("01050001010100")),
        refused("data with the flag of full hashes", entry("01000101010100")),
        refused("an unknown flag", entry("01000201010100")),
        refused("a number in a longer spelling", entry("0100008100010100")),
        refused("a byte after the signature", entry("01000001010100") + "00"),
        refused("ends inside the signature", entry("01000001010100")[..240].to_owned()),
        refused(
            "a sealed part without room for its tag",
            format!("01000001010100{tail}0f{}{}", "66".repeat(15), "77".repeat(64)),
        ),
        refused(
            "a tag that contradicts the full hash",
            format!(
                "01010101010000{}{}{}{}{nonce}00{sealed}",
                "44".repeat(8),
                "55".repeat(8),
                "44".repeat(32),
                "56".repeat(32)
            ),
        ),
    ]
}

fn header(case: &Case) -> Value {
    if case.has("refused") {
        return json!({ "error": variant(SealedEntry::decode(case.bytes("refused")).unwrap_err()) });
    }
    let kind = if case.text("kind") == "data" { Kind::Data } else { Kind::Control };
    let prev_author_hash = EntryHash(case.array("prev_author_hash"));
    let seen_chain = ChainHash(case.array("seen_chain"));
    let header = Header {
        kind,
        member_no: MemberNo(case.number("member_no")),
        author_seq: case.number("author_seq"),
        seen_seq: case.number("seen_seq"),
        epoch: case.number("epoch"),
        prev_tag: prev_author_hash.tag(),
        seen_tag: seen_chain.tag(),
        explicit: (kind == Kind::Control).then_some(ExplicitContext { prev_author_hash, seen_chain }),
        nonce: case.array("nonce"),
    };
    let sealed_len = case.number("sealed_len") as usize;
    let bytes = header.encode(&case.bytes("public"), sealed_len);
    let entry = SealedEntry::assemble(&bytes, &vec![0; sealed_len], &[0; 64]).unwrap();
    assert_eq!(entry.header(), &header);
    json!({ "bytes": hex::encode(bytes) })
}
