//! What resolvers answer that an app brings: JSON from other languages, MessagePack from modules, and
//! modules themselves.
//!
//! Every answer goes the way that the fold asks for one: it comes to a document that can be stored, or to
//! a rejection, twice the same.

use super::Outcome;
use super::values::{fields, word};
use crate::harness::Rng;
use veilfold_core::model::{
    CallOp, DocumentKey, Fields, Image, Position, RejectReason, TxId, Value, fields_to_json, value_to_json,
};
use veilfold_core::resolver::{
    Call, Enable, Enabled, FoldContext, Governed, Outcome as Told, Resolvers, Run, RunResolver, Stuck,
    outcomes_from_json, runs_to_json, states_from_json, states_to_json,
};
use veilfold_core::wire::MemberNo;

/// A resolver that gives the same bytes to every question.
struct Says(Vec<u8>);

impl RunResolver for Says {
    fn run(&self, _: u64, runs: Vec<Run>) -> Result<Vec<Vec<Told>>, Stuck> {
        assert!(!runs_to_json(&runs).is_empty(), "a question can be asked");
        Ok(outcomes_from_json(&self.0, runs.iter().map(|run| run.calls.len())))
    }

    fn migrate(&self, _: u64, states: Vec<(u64, Fields)>) -> Result<Vec<Option<Fields>>, Stuck> {
        assert!(!states_to_json(&states).is_empty(), "a question can be asked");
        Ok(states_from_json(&self.0, states.len()))
    }
}

const AT: Position = Position { seq: 3, index: 0 };

/// Folds one call on a document of version 1 by a resolver of version 2.
fn fold(resolver: impl RunResolver + 'static) -> Result<Image, RejectReason> {
    let module = resolver.module();
    let resolvers = Resolvers::default().with("c", 2, resolver);
    let mut enabled = Enabled::default();
    enabled.enable(&[Enable { collection: "c".to_owned(), version: 2, module }]);
    let op = CallOp { version: 2, name: "n".to_owned(), args: Value::Int(1) };
    let context = FoldContext {
        author: MemberNo(2),
        position: AT,
        time_ms: 4,
        tx_id: TxId([1; 8]),
        base_seq: 2,
        elements: 0,
    };
    let key = DocumentKey::new("c", "d");
    let before = Image { fields: Some([("x".to_owned(), Value::Int(1))].into()), ..Image::ABSENT };
    let one = || {
        let mut image = before.clone();
        let mut governed = Governed::new(&resolvers, &enabled);
        let told = governed.call(&mut image, &key, &op, &context);
        let Ok(outcome) = told else { unreachable!("it always answers: {told:?}") };
        match outcome {
            Ok(_) => Ok(image),
            Err(rejection) => {
                assert_eq!(image, before, "a rejection leaves the document as it was");
                Err(rejection.reason)
            }
        }
    };
    let told = one();
    assert_eq!(one(), told, "the same every time");
    if let Ok(image) = &told {
        assert_eq!(Image::from_bytes(&image.to_bytes()).as_ref(), Ok(image), "it can be stored");
        // What readers get is asked of the resolver too.
        let mut copy = before.fields.clone().unwrap_or_default();
        Governed::new(&resolvers, &enabled).present("c", &mut [(0, &mut copy)]);
    }
    told
}

fn told(fold: Result<Image, RejectReason>) -> Outcome {
    Outcome::parsed(!matches!(fold, Err(RejectReason::ResolverFailed)))
}

pub(super) fn foreign(input: &[u8]) -> Outcome {
    let outcomes = outcomes_from_json(input, [1, 2].into_iter());
    assert!(
        outcomes.len() == 2 && [0, 1].contains(&outcomes[0].len()) && [0, 2].contains(&outcomes[1].len())
    );
    assert_eq!(states_from_json(input, 2).len(), 2, "one for each document");
    if states_from_json(input, 1) != [None] {
        return Outcome::Parsed;
    }
    told(fold(Says(input.to_vec())))
}

/// Outcomes of a run of one call and of one of two, or two documents.
pub(super) fn some_foreign(rng: &mut Rng) -> Vec<u8> {
    let document = |rng: &mut Rng| String::from_utf8(fields_to_json(&fields(rng))).unwrap_or_default();
    let outcome = |rng: &mut Rng| match rng.below(6) {
        0 => r#"{"state":null}"#.to_owned(),
        1 => r#"{"failed":true}"#.to_owned(),
        2 => {
            let text = value_to_json(&Value::String(word(rng)));
            format!(r#"{{"refused":{}}}"#, String::from_utf8(text).unwrap_or_default())
        }
        _ => format!(r#"{{"state":{}}}"#, document(rng)),
    };
    let answer = if rng.chance(300) {
        format!("[{},null]", document(rng))
    } else {
        format!("[[{}],[{},{}]]", outcome(rng), outcome(rng), outcome(rng))
    };
    answer.into_bytes()
}

#[cfg(feature = "wasm")]
pub(super) use modules::*;

#[cfg(feature = "wasm")]
mod modules {
    use super::*;
    use veilfold_core::model::Encoder;
    use veilfold_core::resolver::Module;

    /// The input is what the module answers.
    pub(in super::super) fn answer(input: &[u8]) -> Outcome {
        let len = i64::try_from(input.len()).unwrap_or(i64::MAX);
        let Ok(module) = Module::new(&program(&constant(len), input)) else {
            unreachable!("a module that gives what it holds")
        };
        let answer = asked(&module);
        if let Told::State(state) = &answer {
            let again = encoded(state.as_ref());
            let len = i64::try_from(again.len()).unwrap_or(i64::MAX);
            let module = Module::new(&program(&constant(len), &again));
            assert_eq!(module.map(|module| asked(&module)).ok().as_ref(), Some(&answer), "it has one form");
        }
        told(fold(module))
    }

    fn asked(module: &Module) -> Told {
        let call = Call {
            document: "d".to_owned(),
            name: "n".to_owned(),
            args: Value::Null,
            version: 2,
            author: MemberNo(2),
            position: Some(AT),
            time_ms: 4,
        };
        let outcomes = module.run(2, vec![Run { state: None, format: 0, calls: vec![call] }]);
        match outcomes.ok().and_then(|mut runs| runs.pop()).and_then(|mut outcomes| outcomes.pop()) {
            Some(outcome) => outcome,
            None => unreachable!("one question has one answer"),
        }
    }

    /// `[0, map or nil]`
    fn encoded(state: Option<&Fields>) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(2);
        out.uint(0);
        match state {
            Some(fields) => Value::Map(fields.clone()).encode(&mut out),
            None => out.nil(),
        }
        out.finish()
    }

    /// A good answer.
    pub(in super::super) fn some_answer(rng: &mut Rng) -> Vec<u8> {
        match rng.below(6) {
            0 => encoded(None),
            1 => {
                let mut out = Encoder::new();
                out.array(2);
                out.uint(1);
                out.str(&word(rng));
                out.finish()
            }
            _ => encoded(Some(&fields(rng))),
        }
    }

    /// The input is a module.
    pub(in super::super) fn module(input: &[u8]) -> Outcome {
        let Ok(module) = Module::new(input) else { return Outcome::Refused };
        // Whatever it does, it comes to the same.
        let _told = fold(module);
        Outcome::Parsed
    }

    /// A module that computes something, which is an answer now and then.
    pub(in super::super) fn some_module(rng: &mut Rng) -> Vec<u8> {
        let answer = some_answer(rng);
        let mut code = Vec::new();
        for _ in 0..rng.below(5) {
            let (place, value) = (rng.below(64) as i64, rng.below(256) as i64);
            match rng.below(6) {
                // A byte of its memory is put; memory grows; a page is filled.
                0 => code
                    .extend([&[0x41][..], &signed(place), &[0x41], &signed(value), &[0x3a, 0, 0]].concat()),
                1 => code.extend([&[0x41][..], &signed(value * 2), &[0x40, 0, 0x1a]].concat()),
                2 => {
                    let fill =
                        [&[0x41, 0x80, 0x10, 0x41][..], &signed(place), &[0x41], &signed(value)].concat();
                    code.extend([&fill[..], &[0xfc, 0x0b, 0]].concat());
                }
                // A division that may trap; a loop that ends at once; arithmetic with floats.
                3 => code.extend([&constant(value)[..], &constant(place & 3), &[0x7f, 0x1a]].concat()),
                4 => code.extend([0x03, 0x40, 0x41, 0x00, 0x0d, 0x00, 0x0b]),
                _ => code.extend([&constant(value)[..], &[0xb9, 0x9f, 0x1a]].concat()),
            }
        }
        let len = if rng.chance(900) { answer.len() as i64 } else { rng.draw().cast_signed() };
        code.extend(constant(len));
        program(&code, &answer)
    }

    /// `i64.const`
    fn constant(value: i64) -> Vec<u8> {
        [vec![0x42], signed(value)].concat()
    }

    fn signed(mut value: i64) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
                out.push(byte);
                return out;
            }
            out.push(byte | 0x80);
        }
    }

    fn unsigned(mut value: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push((value & 0x7f | 0x80) as u8);
            value >>= 7;
        }
        out.push(value as u8);
        out
    }

    fn sized(bytes: &[u8]) -> Vec<u8> {
        [unsigned(bytes.len()), bytes.to_vec()].concat()
    }

    /// A module of the interface in `docs/protocol/wasm.md` whose questions are put at 65536, with these
    /// instructions as its resolver and these bytes at the start of its memory.
    fn program(resolve: &[u8], data: &[u8]) -> Vec<u8> {
        const I32: u8 = 0x7f;
        const I64: u8 = 0x7e;
        let export = |name: &str, kind: u8, index: u8| [&sized(name.as_bytes())[..], &[kind, index]].concat();
        let function = |code: &[u8]| sized(&[&[0][..], code, &[0x0b]].concat());
        let exports = [
            vec![4],
            export("memory", 2, 0),
            export("veilfold_alloc", 0, 0),
            export("veilfold_resolve", 0, 1),
            export("veilfold_migrate", 0, 1),
        ];
        let alloc = [vec![0x41], signed(65_536)].concat();
        let sections: [(u8, Vec<u8>); 6] = [
            (1, vec![2, 0x60, 1, I32, 1, I32, 0x60, 2, I32, I32, 1, I64]),
            (3, vec![2, 0, 1]),
            (5, vec![1, 0, 2]),
            (7, exports.concat()),
            (10, [vec![2], function(&alloc), function(resolve)].concat()),
            (11, [vec![1, 0, 0x41, 0, 0x0b], sized(data)].concat()),
        ];
        let sections = sections.into_iter().flat_map(|(id, bytes)| [vec![id], sized(&bytes)].concat());
        b"\0asm\x01\0\0\0".iter().copied().chain(sections).collect()
    }
}
