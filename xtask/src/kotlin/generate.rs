//! The native library of this machine, and what UniFFI generates for it.

use super::{Run, made};
use crate::place::Place;
use std::path::Path;

/// The debug library with what tests need of it, as `native/` and `generated/` under Maven's folder.
pub fn for_tests(place: &Place) -> bool {
    let made = made(place);
    let name = format!("{}veilfold_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = made.join("native").join(&name);
    generator(place)
        && std::fs::create_dir_all(made.join("native")).is_ok()
        // The next build with other features would write over it.
        && replace(&place.test_binary(&name), &library).is_ok()
        && bindings(place, &library, &made.join("generated"))
}

/// Puts a copy in place of a file in one step: a program that has the old one loaded goes on with it.
fn replace(from: &Path, to: &Path) -> std::io::Result<()> {
    let new = to.with_extension("new");
    std::fs::copy(from, &new)?;
    std::fs::rename(new, to)
}

/// Builds the generator, and the debug library beside it, with one set of features.
pub fn generator(place: &Place) -> bool {
    Run::cargo_in(place)
        .args(["build", "-p", "veilfold-ffi", "--features", "bindgen,testing,wasm"])
        .succeeds()
}

/// Writes the Kotlin code for a library that still has its symbols.
pub fn bindings(place: &Place, library: &Path, folder: &Path) -> bool {
    Run::new(place.test_binary("uniffi-bindgen"), &place.root)
        .args(["generate", "--language", "kotlin", "--no-format", "--config", "uniffi.toml", "--out-dir"])
        .arg(folder)
        .arg(library)
        .succeeds()
}
