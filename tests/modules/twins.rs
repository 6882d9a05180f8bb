//! The same questions to a native resolver and to the modules of three languages.

use super::pinned;
use veilfold_core::model::{Encoder, Fields, Position, RejectReason, Value};
use veilfold_core::resolver::{Call, Outcome, Run, RunResolver};
use veilfold_core::wire::MemberNo;
use veilfold_tests::harness::Rng;
use veilfold_tests::simulation::resolver::Second;

const SEEDS: u64 = 60;
const NAMES: [&str; 7] = ["buy", "buy", "give back", "note", "close", "break", "gïve bäck 🎟"];
const NUMBERS: [u64; 9] = [0, 1, 127, 128, 65_535, 65_536, 0xffff_ffff, 0x1_0000_0000, i64::MAX as u64];

/// Any literal, with every size of number and length that has a form of its own.
fn value(rng: &mut Rng, depth: u64) -> Value {
    match rng.below(if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => Value::Bool(rng.chance(500)),
        2 => {
            let number = (rng.draw() >> rng.below(64)) as i64;
            Value::Int(if rng.chance(500) { number } else { number.wrapping_neg() })
        }
        3 => Value::Float((rng.draw() as i64 as f64) / 1024.0),
        4 => Value::String(text(rng)),
        5 => Value::Array((0..length(rng) / 16).map(|_| value(rng, depth - 1)).collect()),
        _ => Value::Map((0..rng.below(20)).map(|_| (text(rng), value(rng, depth - 1))).collect()),
    }
}

fn length(rng: &mut Rng) -> u64 {
    *rng.pick(&[0, 1, 15, 16, 31, 32, 255, 256, 300])
}

fn text(rng: &mut Rng) -> String {
    let letter = *rng.pick(&["a", "ü", "ß", "한", "🎟", "\u{0}", "\""]);
    format!("{}{}", letter.repeat(length(rng) as usize / letter.len()), rng.below(100))
}

/// A document of version 1 or 2, with other things in it.
fn state(rng: &mut Rng, format: u64) -> Option<Fields> {
    if rng.chance(300) {
        return None;
    }
    let mut state: Fields = (0..length(rng) / 8).map(|_| (text(rng), value(rng, 3))).collect();
    // Some are of no use: a document that Veilfold's own operations wrote may be anything.
    let name = if (format == 2) == rng.chance(950) { "free" } else { "left" };
    let count = if rng.chance(50) { value(rng, 1) } else { Value::Int(rng.below(4) as i64) };
    // The languages differ in what happens beyond the largest number.
    let count = if matches!(count, Value::Int(i64::MIN..=-1_000_000)) { Value::Null } else { count };
    state.insert(name.to_owned(), count);
    if rng.chance(500) {
        state.insert(format!("of {}", rng.below(3)), Value::Int(rng.below(3) as i64));
    }
    Some(state)
}

fn call(rng: &mut Rng) -> Call {
    let number = |rng: &mut Rng| if rng.chance(700) { rng.below(3) } else { *rng.pick(&NUMBERS) };
    let position = Position { seq: number(rng), index: number(rng) };
    Call {
        document: text(rng),
        name: (*rng.pick(&NAMES)).to_owned(),
        args: value(rng, 3),
        version: 1 + rng.below(2),
        author: MemberNo(number(rng)),
        position: rng.chance(800).then_some(position),
        time_ms: number(rng),
    }
}

fn runs(rng: &mut Rng) -> Vec<Run> {
    let run = |rng: &mut Rng| {
        let format = rng.below(3);
        let state = state(rng, format);
        Run { state, format, calls: (0..1 + rng.below(8)).map(|_| call(rng)).collect() }
    };
    (0..8).map(|_| run(rng)).collect()
}

fn bytes(state: &Fields) -> Vec<u8> {
    let mut out = Encoder::new();
    Value::Map(state.clone()).encode(&mut out);
    out.finish()
}

#[test]
fn modules_of_three_languages_and_their_native_twin_agree_on_every_call() {
    let modules = pinned();
    let (mut accepted, mut refused, mut failed) = (0, 0, 0);
    for seed in 1..=SEEDS {
        let runs = runs(&mut Rng::new(seed));
        let native = RunResolver::run(&Second, 2, runs.clone()).unwrap();
        for (language, module) in &modules {
            let answers = module.run(2, runs.clone()).unwrap();
            for (run, (answers, native)) in answers.iter().zip(&native).enumerate() {
                for (index, (answer, native)) in answers.iter().zip(native).enumerate() {
                    let call = &runs[run].calls[index];
                    assert_eq!(answer, native, "{language}, seed {seed}: {call:?} of run {run}");
                    if let (Outcome::State(Some(answer)), Outcome::State(Some(native))) = (answer, native) {
                        assert_eq!(bytes(answer), bytes(native), "{language}, seed {seed}");
                    }
                }
                assert_eq!(answers.len(), native.len());
            }
        }
        for outcome in native.iter().flatten() {
            match outcome {
                Outcome::State(_) => accepted += 1,
                Outcome::Rejected(RejectReason::RefusedByResolver, _) => refused += 1,
                Outcome::Rejected(..) => failed += 1,
            }
        }
    }
    assert!(accepted > 500 && refused > 300 && failed > 100, "{accepted}, {refused}, {failed}");
}

#[test]
fn modules_migrate_what_their_native_twin_migrates() {
    let mut rng = Rng::new(1);
    let states: Vec<(u64, Fields)> = (0..200)
        .filter_map(|_| {
            let format = rng.below(2);
            Some((format, state(&mut rng, format)?))
        })
        .collect();
    let native = RunResolver::migrate(&Second, 2, states.clone()).unwrap();
    assert!(native.iter().any(Option::is_none) && native.iter().filter(|state| state.is_some()).count() > 50);
    for (language, module) in pinned() {
        assert_eq!(RunResolver::migrate(&module, 2, states.clone()).unwrap(), native, "{language}");
    }
}
