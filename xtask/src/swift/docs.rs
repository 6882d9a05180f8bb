//! The documentation catalogue of the Swift package, built by DocC as Xcode would, so that no link in it is dead.
//!
//! Only with the toolchain of the Debian root, whose names for things are known; with another one it is left out.

use super::package::folder;
use super::{Toolchain, made};
use crate::place::Place;

/// Why it is left out.
pub const LEFT_OUT: &str = "DocC is called with the toolchain of the Debian root alone";

/// Builds the documentation; a warning is an error. Nothing where it is left out. The package was built before.
pub fn build(place: &Place) -> Option<bool> {
    let Some(toolchain) = Toolchain::find(place) else { return Some(false) };
    if matches!(toolchain, Toolchain::Native) {
        return None;
    }
    let sources = folder(place).join("Sources");
    let symbols = made(place).join("symbols");
    let modules = made(place).join("build/debug/Modules");
    let map = sources.join("VeilfoldFFIC/module.modulemap");
    let _ = std::fs::remove_dir_all(&symbols);
    if std::fs::create_dir_all(&symbols).is_err() {
        return Some(false);
    }
    let shown = |path: &std::path::Path| path.display().to_string();
    let extract = [
        "swift-symbolgraph-extract".to_owned(),
        "-module-name".to_owned(),
        "Veilfold".to_owned(),
        format!("-I{}", shown(&modules)),
        "-Xcc".to_owned(),
        format!("-fmodule-map-file={}", shown(&map)),
        "-target".to_owned(),
        format!("{}-pc-linux-gnu", std::env::consts::ARCH),
        "-minimum-access-level".to_owned(),
        "public".to_owned(),
        "-output-dir".to_owned(),
        shown(&symbols),
    ];
    let convert = [
        "docc".to_owned(),
        "convert".to_owned(),
        shown(&sources.join("Veilfold/Veilfold.docc")),
        "--additional-symbol-graph-dir".to_owned(),
        shown(&symbols),
        "--fallback-display-name=Veilfold".to_owned(),
        "--fallback-bundle-identifier=dev.veilfold".to_owned(),
        "--warnings-as-errors".to_owned(),
        "--output-path".to_owned(),
        shown(&made(place).join("docs")),
    ];
    let built = [extract.as_slice(), &convert]
        .into_iter()
        .all(|words| toolchain.run(place, &place.root, words).succeeds());
    Some(built)
}
