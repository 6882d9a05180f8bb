//! The app's own resolver in simulations: tickets of which there are three, in two versions.
//!
//! `reference/called.rs` says the same a second time, in other words.

use veilfold_core::model::{Fields, Value};
use veilfold_core::resolver::{Call, Refusal, Resolver, Resolvers};

/// The collection that it governs.
pub const TICKETS: &str = "tickets";
/// How many there are.
const TICKETS_ALL: i64 = 3;

/// Version 1 counts what is `left`.
pub struct First;

/// Version 2 calls that `free`, and sells nobody a third one.
pub struct Second;

/// What an app of that version brings.
pub fn resolvers(app_version: u64) -> Resolvers {
    let first = Resolvers::default().with(TICKETS, 1, First);
    if app_version < 2 { first } else { first.with(TICKETS, 2, Second) }
}

impl Resolver for First {
    fn resolve(&self, state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
        tickets(state, call, "left", i64::MAX)
    }
}

impl Resolver for Second {
    fn resolve(&self, state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
        tickets(state, call, "free", 2)
    }

    fn migrate(&self, _: u64, mut state: Fields) -> Result<Fields, Refusal> {
        let left = state.remove("left").ok_or_else(|| Refusal::new("what is left is missing"))?;
        state.insert("free".to_owned(), left);
        Ok(state)
    }
}

fn tickets(state: Option<Fields>, call: &Call, left_is: &str, most: i64) -> Result<Option<Fields>, Refusal> {
    let mut state = state.unwrap_or_else(|| [(left_is.to_owned(), Value::Int(TICKETS_ALL))].into());
    let buyer = format!("of {}", call.author.0);
    let number = |state: &Fields, name: &str| match state.get(name) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    let (left, own) = (number(&state, left_is), number(&state, &buyer));
    match call.name.as_str() {
        "buy" if left == 0 => return Err(Refusal::new("sold out")),
        "buy" if own >= most => return Err(Refusal::new("enough for one")),
        "buy" => {
            state.insert(left_is.to_owned(), Value::Int(left - 1));
            state.insert(buyer, Value::Int(own + 1));
        }
        "give back" if own == 0 => return Err(Refusal::new("nothing to give back")),
        "give back" => {
            state.insert(left_is.to_owned(), Value::Int(left + 1));
            state.insert(buyer, Value::Int(own - 1));
        }
        "close" => return Ok(None),
        // What no app should do: only a pending call is without a place.
        "note" => {
            let seq = call.position.map_or(-1, |position| position.seq as i64);
            state.insert("noted".to_owned(), Value::Int(seq));
        }
        // As an app's own bug; not `panic!`, which would fill the test's output.
        "break" => std::panic::resume_unwind(Box::new("a resolver with a bug")),
        _ => return Err(Refusal::new("no such call")),
    }
    Ok(Some(state))
}
