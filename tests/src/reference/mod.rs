//! The reference model: the simplest program that is right, a list of Transactions folded from the
//! start. Simulations compare every Device with it; it shares nothing with the engine but the nouns
//! of the model and the hash, and leaves everything about keys, Entries and the Outbox to others.
//!
//! Every list is walked, every character stands alone, and all documents are copied before each
//! Transaction, so that nothing has to be undone. Nothing here is fast, and nothing is clever.

mod act;
mod author;
mod called;
mod encoding;
mod fold;
mod node;
mod root;
#[cfg(test)]
mod tests;
mod text;

pub use fold::{Outcome, ReferenceModel};
