//! Modules that misbehave, and what every Device makes of that.

use super::{call, pinned};
use veilfold_core::model::{RejectReason, Value};
use veilfold_core::resolver::{Module, ModuleError, Outcome, Run, RunResolver};

const LIMIT: Outcome = Outcome::Rejected(RejectReason::ResolverLimit, None);
const FAILED: Outcome = Outcome::Rejected(RejectReason::ResolverFailed, None);
/// Answers "deleted", whose bytes every module here has at 0.
const DELETE: &str = "(i64.const 3)";

/// A module that gets its question at 1024 and answers with these instructions' result.
fn module(more: &str, resolve: &str) -> Module {
    let text = format!(
        r#"(module {more}
            (data (i32.const 0) "\92\00\c0")
            (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "veilfold_resolve") (param i32 i32) (result i64) (local i32) {resolve}))"#
    );
    Module::new(&wat::parse_str(text).unwrap()).unwrap()
}

const MEMORY: &str = r#"(memory (export "memory") 1)"#;

fn ask(module: &Module, args: Value) -> Outcome {
    let run = Run { state: None, format: 0, calls: vec![call("n", args)] };
    module.run(2, vec![run]).unwrap().remove(0).remove(0)
}

fn outcome(more: &str, resolve: &str) -> Outcome {
    ask(&module(more, resolve), Value::Null)
}

#[test]
fn what_never_ends_is_rejected_by_its_fuel() {
    assert_eq!(outcome(MEMORY, "(loop $l (br $l)) (unreachable)"), LIMIT);
    let endless_start = r#"(memory (export "memory") 1) (func $s (loop $l (br $l))) (start $s)"#;
    assert_eq!(outcome(endless_start, DELETE), LIMIT);
    let endless_call = r#"(memory (export "memory") 1) (func $f (call $f))"#;
    assert_eq!(outcome(endless_call, "(call $f) (unreachable)"), LIMIT);
    let busy = "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)) (unreachable)";
    assert_eq!(outcome(MEMORY, busy), LIMIT, "filling memory is not for free");
}

#[test]
fn memory_ends_at_sixteen_mebibytes() {
    // Whether it was refused, as [0, {"x": 1 or 0}].
    let grow = |pages: u32| {
        let grown = format!(
            r#"(i32.store8 (i32.const 21) (i32.eq (memory.grow (i32.const {pages})) (i32.const -1)))
               (i64.const 0x0000001000000006)"#
        );
        outcome(r#"(memory (export "memory") 1) (data (i32.const 16) "\92\00\81\a1x\00")"#, &grown)
    };
    let refused = |refused: i64| Outcome::State(Some([("x".to_owned(), Value::Int(refused))].into()));
    assert_eq!(grow(255), refused(0));
    assert_eq!(grow(256), refused(1), "the module is told, and goes on");
    assert_eq!(outcome(r#"(memory (export "memory") 256)"#, DELETE), Outcome::State(None));
    assert_eq!(outcome(r#"(memory (export "memory") 257)"#, DELETE), FAILED);
    let endless = "(loop $l (drop (memory.grow (i32.const 1))) (br $l)) (unreachable)";
    assert_eq!(outcome(MEMORY, endless), LIMIT);
}

#[test]
fn what_is_no_answer_is_a_failure() {
    let answer = |data: &str, len: u32| {
        let memory = format!(r#"(memory (export "memory") 1) (data (i32.const 16) "{data}")"#);
        outcome(&memory, &format!("(i64.const 0x000000100000{len:04x})"))
    };
    assert_eq!(answer(r"\92\00\80", 3), Outcome::State(Some([].into())));
    for (data, len, what) in [
        (r"", 0, "nothing"),
        (r"\92\00\80", 2, "cut off"),
        (r"\92\00\80\00", 4, "more than an answer"),
        (r"\92\02\80", 3, "neither accepted nor refused"),
        (r"\92\00\01", 3, "a document is a map"),
        (r"\92\01\c0", 3, "a refusal is a text"),
        (r"\92\01\a1\ff", 4, "not UTF-8"),
        (r"\92\00\81\01\01", 5, "names are texts"),
        (r"\92\00\df\ff\ff\ff\ff", 7, "longer than its bytes"),
        (r"\92\00\81\a1x\cb\7f\f8\00\00\00\00\00\00", 14, "not a number"),
        (r"\92\00\81\a1x\c4\01\00", 8, "a document has no bytes"),
        (r"\92\00\81\a1x\cf\ff\ff\ff\ff\ff\ff\ff\ff", 14, "too large a number"),
    ] {
        assert_eq!(answer(data, len), FAILED, "{what}");
    }
    let deep = format!(r"\92\00\81\a1x{}\c0", r"\91".repeat(100));
    assert_eq!(answer(&deep, 106), FAILED, "too deep");
    assert_eq!(outcome(MEMORY, "(i64.const 0x0000000000200001)"), LIMIT, "an answer has at most 2 MiB");
    assert_eq!(outcome(MEMORY, "(i64.const 0x0000ffff00000002)"), FAILED, "outside of its memory");
    assert_eq!(outcome(MEMORY, "(i64.div_s (i64.const 1) (i64.const 0))"), FAILED);
}

#[test]
fn a_function_of_another_type_fails_every_call() {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "veilfold_resolve") (param i32) (result i64) (i64.const 0)))"#;
    let module = Module::new(&wat::parse_str(text).unwrap()).unwrap();
    assert_eq!(ask(&module, Value::Null), FAILED);
}

#[test]
fn proposals_that_not_every_device_would_run_alike_are_no_module() {
    for (what, text) in [
        ("64-bit memory", "(module (memory i64 1))"),
        ("threads", "(module (memory 1 2 shared))"),
        ("vectors", "(module (func (result v128) (v128.const i32x4 0 0 0 0)))"),
        ("several memories", "(module (memory 1) (memory 1))"),
        ("exceptions", "(module (tag))"),
    ] {
        let refused = Module::new(&wat::parse_str(text).unwrap()).err();
        assert!(matches!(refused, Some(ModuleError::Invalid(_))), "{what}: {refused:?}");
    }
}

/// A not-a-number's bits differ between processors; a module sees the canonical ones.
#[test]
fn not_a_number_has_the_same_bits_everywhere() {
    let bits =
        "(i64.store (i32.const 21) (i64.reinterpret_f64 (f64.mul (f64.const nan:0x4) (f64.const -1))))";
    // As [0, {"x": number}], last byte first.
    let answer =
        format!("{bits} (i32.store8 (i32.const 20) (i32.const 0xcf)) (i64.const 0x0000000f0000000e)");
    let memory = r#"(memory (export "memory") 1) (data (i32.const 15) "\92\00\81\a1x")"#;
    let number = i64::from_be_bytes(0x7ff8_0000_0000_0000_u64.to_le_bytes());
    assert_eq!(outcome(memory, &answer), Outcome::State(Some([("x".to_owned(), Value::Int(number))].into())));
}

/// Otherwise a Device that was started again would reject what others accept.
#[test]
fn what_a_call_costs_does_not_depend_on_the_calls_before_it() {
    // Its argument, which begins 5 bytes into the question, says how often to go round.
    let rounds = "(local.set 2 (i32.or
            (i32.or (i32.shl (i32.load8_u (i32.const 1029)) (i32.const 24)) (i32.shl (i32.load8_u (i32.const 1030)) (i32.const 16)))
            (i32.or (i32.shl (i32.load8_u (i32.const 1031)) (i32.const 8)) (i32.load8_u (i32.const 1032)))))
        (loop $l (br_if $l (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))";
    let fresh = || module(MEMORY, &format!("{rounds} {DELETE}"));
    let ends = |module: &Module, rounds: i64| match ask(module, Value::Int(rounds)) {
        Outcome::State(None) => true,
        limit => {
            assert_eq!(limit, LIMIT);
            false
        }
    };
    let (mut enough, mut too_many) = (65_536, 40_000_000);
    while too_many - enough > 1 {
        let between = (enough + too_many) / 2;
        *(if ends(&fresh(), between) { &mut enough } else { &mut too_many }) = between;
    }
    let used = fresh();
    for _ in 0..3 {
        assert!(ends(&used, enough), "{enough} rounds");
        assert!(!ends(&used, too_many), "{too_many} rounds");
    }
}

#[test]
fn a_table_is_limited_like_memory() {
    let table = |elements: u32| format!(r#"{MEMORY} (table {elements} funcref)"#);
    assert_eq!(outcome(&table(16_384), DELETE), Outcome::State(None));
    assert_eq!(outcome(&table(16_385), DELETE), FAILED);
}

#[test]
fn the_examples_trap_where_their_authors_made_a_mistake() {
    for (language, module) in pinned() {
        let run = Run { state: None, format: 0, calls: vec![call("break", Value::Null)] };
        assert_eq!(module.run(2, vec![run]).unwrap(), [[FAILED]], "{language}");
    }
}
