//! Resolvers for Veilfold in Rust, compiled to WebAssembly: written once, the same on every platform.
//!
//! Implement [`Resolver`], name it in [`resolver!`], build a `cdylib` for `wasm32-unknown-unknown`, and
//! give the bytes to Veilfold. `examples/tickets.rs` is a whole one. `msgpack.rs` has the values,
//! `exports.rs` what a module exports.
//!
//! ```
//! use veilfold_guest::{Call, Fields, Refusal, Resolver, Value};
//!
//! /// A seat is taken once.
//! struct Seats;
//!
//! impl Resolver for Seats {
//!     fn resolve(state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
//!         let mut seat = state.unwrap_or_default();
//!         if call.name != "take" || seat.contains_key("by") {
//!             return Err(Refusal::new("the seat is taken"));
//!         }
//!         seat.insert("by".into(), call.args.clone());
//!         Ok(Some(seat))
//!     }
//! }
//!
//! veilfold_guest::resolver!(Seats);
//! # let _ = Value::Null;
//! ```
#![no_std]

extern crate alloc;

pub mod exports;
mod msgpack;

pub use msgpack::{Fields, Value};

use alloc::string::String;
use alloc::vec::Vec;
use msgpack::{Reader, Writer};

/// An Action of the app's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What to do, in the app's words.
    pub name: String,
    /// With what.
    pub args: Value,
    /// The document's id.
    pub document: String,
    /// The resolver version that its writer wrote it for; at most this resolver's own.
    pub version: u64,
    /// Number of the Member who wrote it.
    pub author: u64,
    /// Its place in the order, `None` while it is only pending on this device.
    pub position: Option<Position>,
    /// The writer's clock in milliseconds since 1970, as claimed.
    pub time_ms: u64,
}

/// A place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Of the Entry, from 1.
    pub seq: u64,
    /// Of the Transaction inside it.
    pub index: u64,
}

/// A resolver's no, with a text for whoever wrote the Action. It rejects the whole Transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl Refusal {
    /// A refusal with this text, of which 512 bytes are kept.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// One version of a collection's resolver. A panic rejects the call too, without words.
pub trait Resolver {
    /// The document after the call; `None` deletes it.
    ///
    /// # Errors
    /// The refusal.
    fn resolve(state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal>;

    /// A document of the older version `from` as one of this version; 0 is what Veilfold's own
    /// operations wrote.
    ///
    /// # Errors
    /// The refusal, which rejects the call that needed it.
    fn migrate(from: u64, state: Fields) -> Result<Fields, Refusal> {
        let _ = from;
        Ok(state)
    }
}

/// Answers a question about one call; `None` for bytes that are no question.
pub fn resolve<R: Resolver>(question: &[u8]) -> Option<Vec<u8>> {
    let mut input = Reader::new(question);
    input.array(8)?;
    let state = match input.value()? {
        Value::Null => None,
        Value::Map(fields) => Some(fields),
        _ => return None,
    };
    let call = Call {
        name: input.string()?,
        args: input.value()?,
        document: input.string()?,
        version: input.uint()?,
        author: input.uint()?,
        position: if input.nil() {
            None
        } else {
            input.array(2)?;
            Some(Position { seq: input.uint()?, index: input.uint()? })
        },
        time_ms: input.uint()?,
    };
    input.is_done().then(|| answer(R::resolve(state, &call)))
}

/// Answers a question for an older document in this version; `None` for bytes that are no question.
pub fn migrate<R: Resolver>(question: &[u8]) -> Option<Vec<u8>> {
    let mut input = Reader::new(question);
    input.array(2)?;
    let from = input.uint()?;
    let Value::Map(state) = input.value()? else { return None };
    input.is_done().then(|| answer(R::migrate(from, state).map(Some)))
}

/// `[0, document or nil]` or `[1, text]`.
fn answer(said: Result<Option<Fields>, Refusal>) -> Vec<u8> {
    let mut out = Writer::default();
    out.array(2);
    match said {
        Ok(state) => {
            out.uint(0);
            out.value(&state.map_or(Value::Null, Value::Map));
        }
        Err(Refusal(text)) => {
            out.uint(1);
            out.string(&text);
        }
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    struct Seats;

    impl Resolver for Seats {
        fn resolve(state: Option<Fields>, call: &Call) -> Result<Option<Fields>, Refusal> {
            match (state, call.position) {
                (Some(_), _) => Err(Refusal::new("taken")),
                (None, Some(Position { seq: 300, index: 2 })) => Ok(None),
                (None, _) => Ok(Some([(call.name.clone(), Value::Int(call.author as i64))].into())),
            }
        }

        fn migrate(from: u64, mut state: Fields) -> Result<Fields, Refusal> {
            state.insert("was".to_string(), Value::Int(from as i64));
            Ok(state)
        }
    }

    const PENDING: &[u8] = b"\x98\xc0\xa1n\xc0\xa1d\x01\x07\xc0\x04";

    #[test]
    fn questions_are_answered() {
        assert_eq!(resolve::<Seats>(PENDING).as_deref(), Some(&b"\x92\x00\x81\xa1n\x07"[..]));
        let ordered = b"\x98\xc0\xa1n\xc0\xa1d\x01\x07\x92\xcd\x01\x2c\x02\x04";
        assert_eq!(resolve::<Seats>(ordered).as_deref(), Some(&b"\x92\x00\xc0"[..]));
        let taken = b"\x98\x80\xa1n\xc0\xa1d\x01\x07\xc0\x04";
        assert_eq!(resolve::<Seats>(taken).as_deref(), Some(&b"\x92\x01\xa5taken"[..]));
        assert_eq!(migrate::<Seats>(b"\x92\x01\x80").as_deref(), Some(&b"\x92\x00\x81\xa3was\x01"[..]));
    }

    #[test]
    fn what_is_no_question_has_no_answer() {
        for len in 0..PENDING.len() {
            assert_eq!(resolve::<Seats>(&PENDING[..len]), None, "{len} bytes");
        }
        assert_eq!(resolve::<Seats>(b"\x98\x01\xa1n\xc0\xa1d\x01\x07\xc0\x04"), None, "a document is a map");
        assert_eq!(migrate::<Seats>(b"\x92\x01\xc0"), None);
        assert_eq!(migrate::<Seats>(b"\x92\x01\x80\x00"), None, "more than a question");
    }
}
