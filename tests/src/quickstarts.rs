//! The Rust code of the documents, as tests: `cargo test --doc` compiles and runs it.
//!
//! A document with Rust code that is missing here is reported by `cargo xtask tidy`.

#[doc = include_str!("../../README.md")]
struct Readme;
