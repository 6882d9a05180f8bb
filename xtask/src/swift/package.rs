//! What the Swift package needs beside its sources: the native library, and what UniFFI makes for it.

use super::{library_folder, made};
use crate::command::Run;
use crate::place::Place;
use std::io::Result;
use std::path::{Path, PathBuf};

const GENERATED: &str = "VeilfoldFFI";
const HEADER: &str = "VeilfoldFFIC";
/// The one that UniFFI writes is for Apple's modules alone.
const MODULE_MAP: &str = "module VeilfoldFFIC [system] {
    header \"VeilfoldFFIC.h\"
    link \"veilfold_ffi\"
    export *
}
";

/// The package.
pub fn folder(place: &Place) -> PathBuf {
    place.root.join("bindings/swift")
}

/// Builds the debug library with what tests need of it, and puts the generated files where the package
/// looks for them.
pub fn generate(place: &Place) -> bool {
    let name = format!("{}veilfold_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = library_folder(place).join(&name);
    Run::cargo(&place.root).args(["build", "-p", "veilfold-ffi", "--features", "bindgen,testing,wasm"]).succeeds()
        && std::fs::create_dir_all(library_folder(place)).is_ok()
        // The next build with other features would write over it.
        && std::fs::copy(place.test_binary(&name), &library).is_ok()
        && generate_for(place, &library)
}

/// The generated files alone, for a library that still has its symbols; the generator was built before.
pub fn generate_for(place: &Place, library: &Path) -> bool {
    let generated = made(place).join("generated");
    Run::new(place.test_binary("uniffi-bindgen"), &place.root)
        .args(["generate", "--language", "swift", "--no-format", "--config", "uniffi.toml", "--out-dir"])
        .arg(&generated)
        .arg(library)
        .succeeds()
        && put(&generated, &folder(place).join("Sources")).is_ok()
}

/// Names that `uniffi.toml` does not give are not found here, and that is an error.
fn put(generated: &Path, sources: &Path) -> Result<()> {
    let (swift, header) = (format!("{GENERATED}.swift"), format!("{HEADER}.h"));
    let put = |folder: &str, file: &str, bytes: &[u8]| -> Result<()> {
        let folder = sources.join(folder);
        std::fs::create_dir_all(&folder)?;
        put_if_new(&folder.join(file), bytes)
    };
    put(GENERATED, &swift, &std::fs::read(generated.join(&swift))?)?;
    put(HEADER, &header, &std::fs::read(generated.join(&header))?)?;
    put(HEADER, "module.modulemap", MODULE_MAP.as_bytes())
}

/// What is the same is not compiled again.
pub fn put_if_new(file: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(file).is_ok_and(|had| had == bytes) { Ok(()) } else { std::fs::write(file, bytes) }
}
