//! `cargo xtask dist`: everything of a release that this machine can make, in `target/dist`.
//!
//! Each artifact has a verb of its own; `dist/sbom.rs` writes what is inside of them, `dist/version.rs` compares
//! what they are called, and the sums of all files come last. Nothing depends on when or where it was made:
//! `--again` shows it.

mod sbom;
mod version;

use crate::place::Place;
use crate::{kotlin, ship, table, wheel, xcframework, zip};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    /// Makes only these slices of the XCFramework
    #[arg(long = "slice", value_name = "NAME")]
    pub slices: Vec<String>,
    /// Only writes the sums of what lies in `target/dist` already, after joining it from several machines
    #[arg(long)]
    pub sums: bool,
    /// The tag that the release is made from: it has to be the one of this version
    #[arg(long, requires = "sums")]
    pub tag: Option<String>,
    #[command(flatten)]
    pub extras: ship::Extras,
    /// Builds everything twice, in folders of different names, and compares the bytes
    #[arg(long)]
    pub again: bool,
}

pub fn run(place: &Place, options: &Options) -> bool {
    if options.sums {
        return version::agrees(place, options.tag.as_deref())
            && sbom::write(place, options.extras)
            && close(place);
    }
    if options.again {
        return same_again(place, options.install, &options.slices, options.extras);
    }
    let _ = std::fs::remove_dir_all(place.target.join("dist"));
    make(place, options.install, &options.slices, options.extras)
        && sbom::write(place, options.extras)
        && close(place)
}

/// Makes all that this machine has the tools for; false if something of that failed.
fn make(place: &Place, install: bool, slices: &[String], extras: ship::Extras) -> bool {
    let apple = xcframework::Options { slices: slices.to_vec(), install, extras, tried: false };
    let android = kotlin::aar::Options { install, jni_libs: None, extras };
    let has_ndk = std::env::var_os("ANDROID_NDK_HOME").is_some();
    let mut parts: Vec<(&str, &dyn Fn() -> bool)> = Vec::new();
    let make_apple = || xcframework::run(place, &apple);
    let make_wheel = || wheel::run(place, &wheel::Options { install, extras });
    let make_jar =
        || kotlin::jar::run(place, &kotlin::jar::Options { install, extras, ..Default::default() });
    let make_aar = || kotlin::aar::run(place, &android);
    parts.push(("XCFramework and Swift package", &make_apple));
    parts.push(("wheel", &make_wheel));
    parts.push(("JAR", &make_jar));
    if has_ndk {
        parts.push(("AAR", &make_aar));
    }
    let mut failed = Vec::new();
    for (name, make) in parts {
        println!("\n== {name}");
        if !make() {
            failed.push(name);
        }
    }
    if !has_ndk {
        println!("not made here: AAR (no Android NDK: ANDROID_NDK_HOME is not set)");
    }
    for name in &failed {
        println!("failed: {name}");
    }
    failed.is_empty()
}

/// Writes the sums and shows what there is.
fn close(place: &Place) -> bool {
    let dist = place.target.join("dist");
    let Ok(mut files) = zip::folder(&dist, "") else { return false };
    files.retain(|name, _| name != SUMS);
    let text: String =
        files.iter().map(|(name, bytes)| format!("{}  {name}\n", zip::sha256(bytes))).collect();
    if let Err(error) = std::fs::write(dist.join(SUMS), text) {
        println!("{SUMS}: {error}");
        return false;
    }
    let mut rows = vec![["file", "size", "SHA-256"].map(str::to_owned).to_vec()];
    for (name, bytes) in &files {
        let sum: String = zip::sha256(bytes).chars().take(16).collect();
        rows.push(vec![name.clone(), table::bytes(bytes.len() as u64), sum]);
    }
    println!("\n{}\n{}", table::text(&rows), dist.display());
    true
}

/// As `sha256sum -c` reads it.
const SUMS: &str = "SHA256SUMS";

/// Builds in the target folder and in one of another name, from nothing, and compares what came out.
/// The second folder is kept no longer than that.
pub fn same_again(place: &Place, install: bool, slices: &[String], extras: ship::Extras) -> bool {
    let second = Place { root: place.root.clone(), target: place.target.join("again") };
    let _ = std::fs::remove_dir_all(&second.target);
    let made = make(place, install, slices, extras) && make(&second, install, slices, extras);
    let differ = match (released(place), released(&second)) {
        (Ok(first), Ok(second)) => different(&first, &second),
        (Err(error), _) | (_, Err(error)) => vec![error.to_string()],
    };
    for name in &differ {
        println!("not the same twice: {name}");
    }
    let _ = std::fs::remove_dir_all(&second.target);
    println!("built twice: {}", if made && differ.is_empty() { "the same bytes" } else { "NOT the same" });
    made && differ.is_empty()
}

fn released(place: &Place) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for part in ["swift", "python", "maven"] {
        let folder = place.target.join("dist").join(part);
        if folder.is_dir() {
            files.extend(zip::folder(&folder, part)?);
        }
    }
    for (name, bytes) in single(&place.target.join("dist"))? {
        files.insert(name, bytes);
    }
    Ok(files)
}

/// The archive of the XCFramework, which lies beside the folders.
fn single(dist: &Path) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dist)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "zip") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push((name, std::fs::read(path)?));
        }
    }
    Ok(found)
}

fn different(first: &BTreeMap<String, Vec<u8>>, second: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let mut differ: Vec<String> =
        names.into_iter().filter(|name| first.get(*name) != second.get(*name)).cloned().collect();
    if first.is_empty() {
        differ.push("nothing was made".to_owned());
    }
    differ
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_differ_or_are_missing_are_named() {
        let files = |list: &[(&str, u8)]| -> BTreeMap<String, Vec<u8>> {
            list.iter().map(|(name, byte)| ((*name).to_owned(), vec![*byte])).collect()
        };
        let first = files(&[("a", 1), ("b", 2)]);
        assert!(different(&first, &first).is_empty());
        assert_eq!(different(&first, &files(&[("a", 1), ("b", 3), ("c", 4)])), ["b", "c"]);
        assert_eq!(different(&files(&[]), &files(&[])).len(), 1);
    }
}
