//! A machine that has no memory left: what a module would have decided is not known then, and no rejection
//! follows from it.
//!
//! The test starts itself as a process that may have little, and uses that up.

use super::call;
use std::process::Command;
use veilfold_core::model::Value;
use veilfold_core::resolver::{Module, Outcome, Run, RunResolver};

const NAME: &str = "scarce::what_a_machine_without_memory_cannot_ask_is_no_rejection";
const HERE: &str = "VEILFOLD_SCARCE";
/// Address space of the process, in KiB.
const LIMIT_KIB: u32 = 1024 * 1024;

/// Ten MiB from the start; ten more that it asks for and says whether it got them, as [0, {"x": 0 or 1}].
const MODULES: [&str; 2] = [
    r#"(module (memory (export "memory") 160) (data (i32.const 0) "\92\00\c0")
        (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "veilfold_resolve") (param i32 i32) (result i64) (i64.const 3)))"#,
    r#"(module (memory (export "memory") 1) (data (i32.const 0) "\92\00\81\a1x\00")
        (func (export "veilfold_alloc") (param i32) (result i32) (i32.const 1024))
        (func (export "veilfold_resolve") (param i32 i32) (result i64)
            (i32.store8 (i32.const 5) (i32.ne (memory.grow (i32.const 160)) (i32.const -1)))
            (i64.const 6)))"#,
];

#[test]
fn what_a_machine_without_memory_cannot_ask_is_no_rejection() {
    if std::env::var_os(HERE).is_some() {
        return in_the_process();
    }
    let limited = format!("ulimit -v {LIMIT_KIB} && exec \"$0\" --exact {NAME} --test-threads 1");
    let program = std::env::current_exe().unwrap();
    let ended = Command::new("sh").args(["-c", &limited]).arg(program).env(HERE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

fn in_the_process() {
    let modules = MODULES.map(|text| Module::new(&wat::parse_str(text).unwrap()).unwrap());
    let ask = |module: &Module| {
        let run = Run { state: None, format: 0, calls: vec![call("n", Value::Null)] };
        module.run(2, vec![run])
    };
    let answers = modules.each_ref().map(ask);
    let grown = Outcome::State(Some([("x".to_owned(), Value::Int(1))].into()));
    assert_eq!(answers, [Ok(vec![vec![Outcome::State(None)]]), Ok(vec![vec![grown]])]);
    let mut ballast = all_there_is();
    // A few pieces go back, so that all else goes on; no ten MiB lie together.
    let step = ballast.len() / 8;
    (0..8).for_each(|piece| drop(std::mem::take(&mut ballast[piece * step])));
    let starved = modules.each_ref().map(ask);
    drop(ballast);
    assert!(starved.iter().all(Result::is_err), "{starved:?}");
    assert_eq!(modules.each_ref().map(ask), answers, "it can be asked again");
}

/// Takes memory, in smaller and smaller pieces, until there is none.
fn all_there_is() -> Vec<Vec<u8>> {
    let mut pieces = Vec::with_capacity(100_000);
    for bytes in [1024 * 1024, 64 * 1024] {
        loop {
            let mut piece: Vec<u8> = Vec::new();
            if piece.try_reserve_exact(bytes).is_err() {
                break;
            }
            pieces.push(piece);
        }
    }
    pieces
}
