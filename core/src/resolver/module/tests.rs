//! What a module may be, have and answer.

use super::*;
use crate::model::Position;
use veilfold_wire::MemberNo;

/// A module that answers every question with these instructions' result.
fn module(resolve: &str, data: &str) -> Result<Module, ModuleError> {
    let text = format!(
        r#"(module (memory (export "memory") 1)
            (data (i32.const 0) "{data}")
            (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
            (func $deep (param i32) (result i32) (call $deep (local.get 0)))
            (func (export "veilfold_resolve") (param i32 i32) (result i64) {resolve}))"#
    );
    Module::new(&wat::parse_str(text).expect("a module"))
}

fn call() -> Call {
    Call {
        document: "d".to_owned(),
        name: "n".to_owned(),
        args: Value::Int(1),
        version: 1,
        author: MemberNo(2),
        position: Some(Position { seq: 3, index: 0 }),
        time_ms: 4,
    }
}

fn ask(module: &Module) -> Outcome {
    let run = Run { state: None, format: 0, calls: vec![call()] };
    module.run(1, vec![run]).expect("there is memory").remove(0).remove(0)
}

#[test]
fn an_answer_is_a_document_or_a_refusal() {
    let accepts = module("(i64.const 5)", r"\92\00\81\a1x\07").unwrap();
    assert_eq!(ask(&accepts), FAILED, "five bytes of six");
    let accepts = module("(i64.const 6)", r"\92\00\81\a1x\07").unwrap();
    assert_eq!(ask(&accepts), Outcome::State(Some([("x".to_owned(), Value::Int(7))].into())));
    let deletes = module("(i64.const 3)", r"\92\00\c0").unwrap();
    assert_eq!(ask(&deletes), Outcome::State(None));
    let refuses = module("(i64.const 5)", r"\92\01\a2no").unwrap();
    let no = Outcome::Rejected(RejectReason::RefusedByResolver, Some("no".to_owned()));
    assert_eq!(ask(&refuses), no);
}

#[test]
fn what_a_module_does_wrong_is_an_outcome() {
    let limit = Outcome::Rejected(RejectReason::ResolverLimit, None);
    assert_eq!(ask(&module("(loop $l (br $l)) (i64.const 0)", "").unwrap()), limit);
    assert_eq!(ask(&module("(i64.extend_i32_u (call $deep (i32.const 0)))", "").unwrap()), limit);
    assert_eq!(ask(&module("(i64.const 0xffffffff)", "").unwrap()), limit);
    assert_eq!(ask(&module("unreachable", "").unwrap()), FAILED);
    assert_eq!(ask(&module("(i64.const 0x7fffffff00000004)", "").unwrap()), FAILED, "outside of its memory");
    // More memory than there is: the guest is told so, here it gives up.
    let hungry =
        "(if (i32.eq (memory.grow (i32.const 300)) (i32.const -1)) (then unreachable)) (i64.const 3)";
    assert_eq!(ask(&module(hungry, r"\92\00\c0").unwrap()), FAILED);
}

#[test]
fn only_what_the_machine_lacks_ends_an_instance_without_an_answer() {
    let mut limits = Limits::new();
    assert!(limits.memory_grow_failed(&MemoryError::OutOfBoundsGrowth).is_ok());
    assert!(limits.memory_grow_failed(&MemoryError::OutOfFuel { required_fuel: 1 }).is_ok());
    assert!(limits.table_grow_failed(&TableError::GrowOutOfBounds).is_ok());
    assert!(!limits.starved);
    assert!(limits.table_grow_failed(&TableError::OutOfSystemMemory).is_err() && limits.starved);
    let mut limits = Limits::new();
    assert!(limits.memory_grow_failed(&MemoryError::OutOfSystemMemory).is_err() && limits.starved);
}

#[test]
fn a_migration_without_a_document_rejects_the_call() {
    let text = r#"(module (memory (export "memory") 1)
        (data (i32.const 0) "\92\00\c0") (data (i32.const 16) "\92\00\80")
        (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "veilfold_resolve") (param i32 i32) (result i64) (i64.const 0x1000000003))
        (func (export "veilfold_migrate") (param i32 i32) (result i64) (i64.const 3)))"#;
    let module = Module::new(&wat::parse_str(text).unwrap()).unwrap();
    let older = |format| Run { state: Some(Fields::new()), format, calls: vec![call()] };
    let told = module.run(1, vec![older(0), older(1)]).unwrap();
    assert_eq!(told, [[FAILED], [Outcome::State(Some(Fields::new()))]]);
    assert_eq!(module.migrate(1, vec![(0, Fields::new())]), Ok(vec![None]));
}

#[test]
fn copies_are_migrated_as_the_module_says_or_stay_as_they_are() {
    let written: Fields = [("x".to_owned(), Value::Int(7))].into();
    let text = r#"(module (memory (export "memory") 1)
        (data (i32.const 0) "\92\00\81\a1x\07")
        (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "veilfold_resolve") (param i32 i32) (result i64) unreachable)
        (func (export "veilfold_migrate") (param i32 i32) (result i64) (i64.const 6)))"#;
    let migrates = Module::new(&wat::parse_str(text).unwrap()).unwrap();
    let older = vec![(0, Fields::new()), (0, written.clone())];
    assert_eq!(migrates.migrate(1, older.clone()), Ok(vec![Some(written.clone()), Some(written.clone())]));
    let has_none = module("unreachable", "").unwrap();
    assert_eq!(has_none.migrate(1, older), Ok(vec![Some(Fields::new()), Some(written)]));
}

#[test]
fn a_module_imports_nothing_and_exports_the_interface() {
    let imports = r#"(module (import "env" "now" (func (result i64))))"#;
    let refused = Module::new(&wat::parse_str(imports).unwrap()).err();
    assert_eq!(refused, Some(ModuleError::Imports("env.now".to_owned())));
    let empty = Module::new(&wat::parse_str("(module)").unwrap()).err();
    assert_eq!(empty, Some(ModuleError::Missing(MEMORY)));
    assert!(matches!(Module::new(b"no module").err(), Some(ModuleError::Invalid(_))));
}

/// A module with this memory and these fields, that deletes whatever it is asked about.
fn deleting(pages: u32, fields: &str, resolve: &str) -> Outcome {
    let text = format!(
        r#"(module (memory (export "memory") {pages})
            (data (i32.const 0) "\92\00\c0")
            {fields}
            (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
            (func (export "veilfold_resolve") (param i32 i32) (result i64) {resolve} (i64.const 3)))"#
    );
    ask(&Module::new(&wat::parse_str(text).expect("a module")).unwrap())
}

const DELETED: Outcome = Outcome::State(None);

#[test]
fn memory_ends_at_16_mib() {
    assert_eq!((deleting(256, "", ""), deleting(257, "", "")), (DELETED, FAILED));
    let told = |pages, answer| {
        let grow = format!("(memory.grow (i32.const {pages}))");
        deleting(1, "", &format!("(if (i32.ne {grow} (i32.const {answer})) (then unreachable))"))
    };
    assert_eq!((told(255, 1), told(256, -1)), (DELETED, DELETED), "and the module goes on");
}

#[test]
fn there_is_one_table_of_16384_elements() {
    let tables = |fields| deleting(1, fields, "");
    assert_eq!((tables("(table 16384 funcref)"), tables("(table 16385 funcref)")), (DELETED, FAILED));
    assert_eq!(tables("(table 1 funcref) (table 1 funcref)"), FAILED);
    let told = |elements, answer| {
        let grow = format!("(table.grow (ref.null func) (i32.const {elements}))");
        let told = format!("(if (i32.ne {grow} (i32.const {answer})) (then unreachable))");
        deleting(1, "(table 4 funcref)", &told)
    };
    assert_eq!((told(16380, 4), told(16381, -1)), (DELETED, DELETED), "and the module goes on");
}

#[test]
fn the_stack_has_1_mib_for_at_most_1000_calls() {
    let limit = Outcome::Rejected(RejectReason::ResolverLimit, None);
    // Calls itself, with as many values in each call.
    let nested = |calls: u32, values: usize| {
        let values = "i64 ".repeat(values);
        let deep = format!(
            "(func $deep (param i32) (local {values})
                (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))"
        );
        deleting(1, &deep, &format!("(call $deep (i32.const {calls}))"))
    };
    assert_eq!((nested(990, 1), nested(1000, 1)), (DELETED, limit.clone()));
    assert_eq!((nested(900, 130), nested(900, 160)), (DELETED, limit));
}

#[test]
fn an_answer_has_at_most_2_mib() {
    // A refusal in so many zero bytes.
    let answers = |bytes: u32| {
        let text = (bytes - 7).to_be_bytes().map(|byte| format!("\\{byte:02x}")).concat();
        let text = format!(
            r#"(module (memory (export "memory") 40)
                (data (i32.const 0) "\92\01\db{text}")
                (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 2300000))
                (func (export "veilfold_resolve") (param i32 i32) (result i64) (i64.const {bytes})))"#
        );
        ask(&Module::new(&wat::parse_str(text).expect("a module")).unwrap())
    };
    const MOST: u32 = 2 * 1024 * 1024;
    let refused = Outcome::Rejected(RejectReason::RefusedByResolver, Some("\0".repeat(MOST as usize - 7)));
    assert!(answers(MOST) == refused);
    assert_eq!(answers(MOST + 1), Outcome::Rejected(RejectReason::ResolverLimit, None));
}

#[test]
fn a_module_has_at_most_4_mib_and_is_named_by_its_hash() {
    let text = r#"(module (memory (export "memory") 1)
        (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "veilfold_resolve") (param i32 i32) (result i64) (i64.const 3)))"#;
    // A section that means nothing, with a length in four bytes and no name.
    let padded = |bytes: usize| {
        let mut module = wat::parse_str(text).unwrap();
        let len = bytes - module.len() - 5;
        module.push(0);
        module.extend(
            [0, 7, 14, 21].map(|shift| (len >> shift) as u8 & 0x7f | if shift < 21 { 0x80 } else { 0 }),
        );
        module.resize(bytes, 0);
        module
    };
    const MOST: usize = 4 * 1024 * 1024;
    let most = padded(MOST);
    assert_eq!(Module::new(&padded(MOST + 1)).err(), Some(ModuleError::TooLarge));
    assert_eq!(Module::new(&most).unwrap().module(), Some(Sha256::digest(&most).into()));
}

#[test]
fn a_question_says_all_that_a_resolver_may_look_at() {
    // Deletes when the question has these bytes.
    let is_asked = |question: &[u8], state, position| {
        let data: String = question.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let text = format!(
            r#"(module (memory (export "memory") 1)
                (data (i32.const 0) "\92\00\c0") (data (i32.const 16) "{data}")
                (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
                (func (export "veilfold_resolve") (param $at i32) (param $len i32) (result i64) (local $i i32)
                    (if (i32.ne (local.get $len) (i32.const {})) (then unreachable))
                    (loop $next
                        (if (i32.ne
                                (i32.load8_u (i32.add (local.get $at) (local.get $i)))
                                (i32.load8_u (i32.add (i32.const 16) (local.get $i))))
                            (then unreachable))
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (br_if $next (i32.lt_u (local.get $i) (local.get $len))))
                    (i64.const 3)))"#,
            question.len()
        );
        let module = Module::new(&wat::parse_str(text).expect("a module")).unwrap();
        let run = Run { state, format: 1, calls: vec![Call { position, ..call() }] };
        module.run(1, vec![run]).unwrap() == [[DELETED]]
    };
    // State, name, arguments, document, version, author, place, time.
    let place = Some(Position { seq: 3, index: 0 });
    assert!(is_asked(b"\x98\x80\xa1n\x01\xa1d\x01\x02\x92\x03\x00\x04", Some(Fields::new()), place));
    assert!(is_asked(b"\x98\xc0\xa1n\x01\xa1d\x01\x02\xc0\x04", None, None));
    assert!(!is_asked(b"\x98\xc0\xa1n\x01\xa1d\x01\x02\xc0\x05", None, None));
}
