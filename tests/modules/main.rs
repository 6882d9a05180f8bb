//! Resolvers compiled to WebAssembly: the pinned modules of `guests/pinned` against their native twin,
//! and modules that misbehave.
//!
//! `cargo xtask guests` builds the pinned bytes anew; `scenarios/modules.rs` is about Spaces that pin them.

#![allow(clippy::unwrap_used)] // A test that cannot read its modules has nothing to say.

mod misbehaved;
// The limit is one of Linux's; what it shows is the same everywhere.
#[cfg(target_os = "linux")]
mod scarce;
mod twins;

use veilfold_core::model::{Position, Value};
use veilfold_core::resolver::{Call, Module};
use veilfold_core::wire::MemberNo;

/// The three examples, by language.
fn pinned() -> [(&'static str, Module); 3] {
    ["rust", "assemblyscript", "zig"].map(|language| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../guests/pinned");
        let bytes = std::fs::read(folder.join(format!("tickets-{language}.wasm"))).unwrap();
        (language, Module::new(&bytes).unwrap())
    })
}

fn call(name: &str, args: Value) -> Call {
    Call {
        document: "gig".to_owned(),
        name: name.to_owned(),
        args,
        version: 2,
        author: MemberNo(7),
        position: Some(Position { seq: 3, index: 0 }),
        time_ms: 4,
    }
}
