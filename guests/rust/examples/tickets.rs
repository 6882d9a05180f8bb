//! Tickets of which there are three, and nobody gets a third one. Version 2: version 1 called `left`
//! what is now `free`.
//!
//! Built by `cargo xtask guests`. The same in other languages: `guests/assemblyscript` and `guests/zig`.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::format;
use veilfold_guest::{Call, Fields, Refusal, Resolver, Value};

struct Tickets;

veilfold_guest::resolver!(Tickets);

impl Resolver for Tickets {
    fn resolve(state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
        let mut state = state.unwrap_or_else(|| [("free".into(), Value::Int(3))].into());
        let buyer = format!("of {}", call.author);
        let (free, own) = (number(&state, "free"), number(&state, &buyer));
        match call.name.as_str() {
            "buy" if free == 0 => return Err(Refusal::new("sold out")),
            "buy" if own >= 2 => return Err(Refusal::new("enough for one")),
            "buy" => {
                state.insert("free".into(), Value::Int(free - 1));
                state.insert(buyer, Value::Int(own + 1));
            }
            "give back" if own == 0 => return Err(Refusal::new("nothing to give back")),
            "give back" => {
                state.insert("free".into(), Value::Int(free + 1));
                state.insert(buyer, Value::Int(own - 1));
            }
            "close" => return Ok(None),
            // For tests: a result that depends on the place in the order, and a bug.
            "note" => {
                let seq = call.position.map_or(-1, |position| position.seq as i64);
                state.insert("noted".into(), Value::Int(seq));
            }
            "break" => panic!(),
            _ => return Err(Refusal::new("no such call")),
        }
        Ok(Some(state))
    }

    fn migrate(_: u64, mut state: Fields) -> Result<Fields, Refusal> {
        let left = state.remove("left").ok_or_else(|| Refusal::new("what is left is missing"))?;
        state.insert("free".into(), left);
        Ok(state)
    }
}

fn number(state: &Fields, name: &str) -> i64 {
    match state.get(name) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    }
}
