//! Reads what was packaged from the disk again and judges it.
//!
//! The libraries by their load commands and symbols, the rest by what it names. Nothing is trusted that
//! `package.rs` remembers.

use super::macho::{self, Library};
use super::package::{GENERATED, LIBRARY, Layout, MODULE, PRIVACY, TESTING, WRITTEN};
use super::slices::{SLICES, Slice, Target};
use super::{exports, system};
use crate::command::Run;
use crate::place::Place;
use crate::tools::Tool;
use crate::{swift, zip};
use plist::Value;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One thing that has to hold, and how it does not.
pub struct Check {
    pub what: String,
    pub wrong: Vec<String>,
}

/// What the table shows of a slice.
pub struct Shown {
    pub bytes: u64,
    pub stripped: bool,
    pub exported: usize,
    /// It asks the system about certificates, so it can speak TLS.
    pub tls: bool,
    /// It writes to the system's log.
    pub log: bool,
}

/// Checks everything; also returns what the table shows of each slice.
pub fn all(place: &Place, layout: &Layout, slices: &[&Slice]) -> (Vec<Check>, Vec<Shown>) {
    let mut checks = Vec::new();
    let mut shown = Vec::new();
    let mut all_used = BTreeSet::new();
    let mut check = |what: String, wrong: Vec<String>| checks.push(Check { what, wrong });
    for slice in slices {
        let name = slice.name;
        let bytes = std::fs::read(layout.library(slice)).unwrap_or_default();
        let header = layout.headers(slice).join(format!("{MODULE}.h"));
        let declared = declared(&std::fs::read_to_string(header).unwrap_or_default());
        let mut used = BTreeSet::new();
        let mut row = Shown { bytes: bytes.len() as u64, stripped: true, exported: 0, tls: true, log: true };
        if macho::parts(&bytes) != slice.targets.len() {
            check(format!("{name}: architectures"), vec!["not as many as the name says".to_owned()]);
        }
        for target in slice.targets {
            let of = format!("{name}, {}", target.architecture);
            match macho::part(&bytes, target).and_then(macho::read) {
                Ok(library) => {
                    check(format!("{of}: platform and system"), built_for(slice, target, &library));
                    check(
                        format!("{of}: what the header declares"),
                        exports::judged(&declared, &library.exported),
                    );
                    check(format!("{of}: what the system has"), unknown(&library));
                    row.stripped &= !library.debug;
                    row.tls &= library.undefined.contains("_SecTrustEvaluateWithError");
                    row.log &= library.undefined.contains("__os_log_impl");
                    row.exported = calls(&library);
                    used.extend(library.undefined);
                }
                Err(error) => check(format!("{of}: readable"), vec![error]),
            }
        }
        let debug = if row.stripped { vec![] } else { vec!["has debugging information".to_owned()] };
        check(format!("{name}: stripped"), debug);
        check(format!("{name}: no path of the builder"), paths(place, &bytes));
        check(format!("{name}: module map"), module_map(&layout.headers(slice)));
        check(
            format!("{name}: privacy manifest"),
            privacy(&layout.framework.join(name).join(PRIVACY), &used),
        );
        shown.push(row);
        all_used.extend(used);
    }
    check("Info.plist".to_owned(), info(layout, slices));
    check("the archive unpacks to the framework".to_owned(), unpacks(place, layout));
    check("Package.swift names the archive's sum".to_owned(), checksum(layout));
    match swift::package_read(place, &layout.package) {
        Some(read) => check("Package.swift as SwiftPM reads it".to_owned(), manifest(layout, &read)),
        None => println!("left out: Package.swift as SwiftPM reads it ({})", Tool::Swift.how()),
    }
    let manifest = layout.package.join("Sources").join(WRITTEN).join(PRIVACY);
    check("the Swift package's privacy manifest".to_owned(), privacy(&manifest, &all_used));
    check("the Swift package has its sources".to_owned(), sources(layout));
    (checks, shown)
}

fn built_for(slice: &Slice, target: &Target, library: &Library) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut newest = (0, 0);
    for member in &library.objects {
        if member.cpu != target.cpu {
            wrong.push(format!("{}: for processor {:?}", member.name, member.cpu));
        }
        match member.built_for {
            // A part may run on older systems than the whole, as Rust's standard library does.
            Some((platform, minimum)) if platform == slice.code && minimum <= slice.minimum => {
                newest = newest.max(minimum);
            }
            Some((platform, minimum)) => {
                wrong.push(format!("{}: platform {platform:?} from {minimum:?} on", member.name));
            }
            None => wrong.push(format!("{}: does not say for which platform it is", member.name)),
        }
    }
    if newest != slice.minimum {
        wrong.push(format!("runs from {newest:?} on, not from {:?}", slice.minimum));
    }
    wrong
}

/// Functions that a header of UniFFI declares, as symbols.
fn declared(header: &str) -> BTreeSet<String> {
    let words = |line: &str| -> Option<String> {
        let (before, _) = line.split_once('(')?;
        let name = before.rsplit([' ', '*']).next()?;
        is_call(name).then(|| format!("_{name}"))
    };
    header.lines().filter_map(words).collect()
}

fn is_call(name: &str) -> bool {
    name.starts_with("uniffi_veilfold_ffi_") || name.starts_with("ffi_veilfold_ffi_")
}

/// How many functions of the header a library has.
fn calls(library: &Library) -> usize {
    library.exported.iter().filter(|symbol| symbol.strip_prefix('_').is_some_and(is_call)).count()
}

fn unknown(library: &Library) -> Vec<String> {
    system::unknown(&library.undefined).into_iter().map(|name| format!("not in system.rs: {name}")).collect()
}

fn paths(place: &Place, library: &[u8]) -> Vec<String> {
    let home = std::env::home_dir().map(|home| home.to_string_lossy().into_owned()).unwrap_or_default();
    let root = place.root.to_string_lossy().into_owned();
    let found = |path: &&String| {
        path.len() > 1 && library.windows(path.len()).any(|window| window == path.as_bytes())
    };
    [format!("{home}/"), root].iter().filter(found).map(|path| format!("has {path} inside")).collect()
}

fn module_map(headers: &Path) -> Vec<String> {
    let map = std::fs::read_to_string(headers.join("module.modulemap")).unwrap_or_default();
    let header = format!("{MODULE}.h");
    let mut wrong = Vec::new();
    if !map.contains(&format!("module {MODULE} {{")) || !map.contains(&format!("header \"{header}\"")) {
        wrong.push(format!("does not make {header} the module {MODULE}"));
    }
    if !headers.join(&header).is_file() {
        wrong.push(format!("no {header} beside it"));
    }
    wrong
}

fn privacy(file: &Path, used: &BTreeSet<String>) -> Vec<String> {
    let Ok(manifest) = Value::from_file(file) else { return vec!["cannot be read".to_owned()] };
    let entries = manifest.as_dictionary().and_then(|root| root.get("NSPrivacyAccessedAPITypes"));
    let entries = entries.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let types: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.as_dictionary()?.get("NSPrivacyAccessedAPIType")?.as_string())
        .collect();
    let wanted = system::to_be_declared(used);
    let missing = wanted.iter().filter(|(category, _)| !types.contains(category));
    missing.map(|(category, _)| format!("does not declare {category}")).collect()
}

fn info(layout: &Layout, slices: &[&Slice]) -> Vec<String> {
    let info = match Value::from_file(layout.framework.join("Info.plist")) {
        Ok(info) => info,
        Err(error) => return vec![error.to_string()],
    };
    let Some(info) = info.as_dictionary() else { return vec!["no dictionary".to_owned()] };
    let mut wrong = Vec::new();
    for (key, value) in [("CFBundlePackageType", "XFWK"), ("XCFrameworkFormatVersion", "1.0")] {
        if info.get(key).and_then(Value::as_string) != Some(value) {
            wrong.push(format!("{key} is not {value}"));
        }
    }
    let libraries = info.get("AvailableLibraries").and_then(Value::as_array).map(Vec::as_slice);
    let libraries: BTreeMap<&str, &plist::Dictionary> = libraries
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_dictionary)
        .filter_map(|library| Some((library.get("LibraryIdentifier")?.as_string()?, library)))
        .collect();
    if libraries.len() != slices.len() {
        wrong.push(format!("{} slices instead of {}", libraries.len(), slices.len()));
    }
    for slice in slices {
        let Some(library) = libraries.get(slice.name) else {
            wrong.push(format!("{} is missing", slice.name));
            continue;
        };
        let text = |key: &str| library.get(key).and_then(Value::as_string);
        let architectures = library.get("SupportedArchitectures").and_then(Value::as_array);
        let architectures: Vec<_> =
            architectures.into_iter().flatten().filter_map(Value::as_string).collect();
        let folder = layout.framework.join(slice.name);
        let holds = text("SupportedPlatform") == Some(slice.platform)
            && text("SupportedPlatformVariant") == slice.variant
            && architectures.iter().copied().eq(slice.targets.iter().map(|target| target.architecture))
            && text("LibraryPath") == Some(LIBRARY)
            && text("BinaryPath") == Some(LIBRARY)
            && text("HeadersPath").is_some_and(|headers| folder.join(headers).is_dir());
        if !holds {
            wrong.push(format!("{} is not described as it is", slice.name));
        }
    }
    wrong
}

/// Another reader than the writer: Python's.
fn unpacks(place: &Place, layout: &Layout) -> Vec<String> {
    let folder = place.target.join("xcframework/unpacked");
    let _ = std::fs::remove_dir_all(&folder);
    let unpacked = Run::new("python3", &place.root)
        .args(["-m", "zipfile", "-e"])
        .args([&layout.zip, &folder])
        .quietly()
        .is_some();
    if !unpacked {
        return vec!["cannot be unpacked".to_owned()];
    }
    let name = format!("{MODULE}.xcframework");
    let same = match (zip::folder(&folder, ""), zip::folder(&layout.framework, &name)) {
        (Ok(unpacked), Ok(packed)) => unpacked == packed,
        _ => false,
    };
    if same { vec![] } else { vec!["other files, or with other bytes".to_owned()] }
}

fn sources(layout: &Layout) -> Vec<String> {
    let swift = |module: &str| {
        let files = zip::folder(&layout.package.join("Sources").join(module), "").unwrap_or_default();
        files.keys().any(|name| name.ends_with(".swift"))
    };
    let missing = [WRITTEN, TESTING, GENERATED].into_iter().filter(|module| !swift(module));
    missing.map(|module| format!("no Swift file of module {module}")).collect()
}

fn checksum(layout: &Layout) -> Vec<String> {
    let sum = std::fs::read(&layout.zip).map(|bytes| zip::sha256(&bytes)).unwrap_or_default();
    let manifest = std::fs::read_to_string(layout.package.join("Package.swift")).unwrap_or_default();
    if !sum.is_empty() && manifest.contains(&format!("checksum: \"{sum}\"")) {
        vec![]
    } else {
        vec![format!("the archive's sum is {sum}")]
    }
}

/// What SwiftPM makes of the manifest: `swift package dump-package`.
fn manifest(layout: &Layout, read: &str) -> Vec<String> {
    let read: Json = match serde_json::from_str(read) {
        Ok(read) => read,
        Err(error) => return vec![error.to_string()],
    };
    let names = |list: &Json| -> Vec<String> {
        let names = list.as_array().into_iter().flatten().filter_map(|entry| entry["name"].as_str());
        names.map(str::to_owned).collect()
    };
    let mut wrong = Vec::new();
    if names(&read["products"]) != [WRITTEN, TESTING]
        || names(&read["targets"]) != [WRITTEN, TESTING, GENERATED, MODULE]
    {
        wrong.push(format!("has {:?} of {:?}", names(&read["products"]), names(&read["targets"])));
    }
    for slice in SLICES.iter().filter(|slice| slice.variant.is_none()) {
        let platforms = read["platforms"].as_array().into_iter().flatten();
        let own = platforms.filter(|platform| platform["platformName"] == slice.platform);
        if own.map(|platform| &platform["version"]).ne([&Json::from(slice.minimum_text())]) {
            wrong.push(format!("is not for {} from {} on", slice.platform, slice.minimum_text()));
        }
    }
    let binary = &read["targets"][3];
    let sum = std::fs::read(&layout.zip).map(|bytes| zip::sha256(&bytes)).unwrap_or_default();
    let address = format!("/v{}/{MODULE}.xcframework.zip", env!("CARGO_PKG_VERSION"));
    if binary["type"] != "binary"
        || binary["checksum"] != sum.as_str()
        || !binary["url"].as_str().is_some_and(|url| url.ends_with(&address))
    {
        wrong.push(format!("{MODULE} is {binary}"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_in_a_header() {
        let header = "uint64_t uniffi_veilfold_ffi_fn_clone_client(uint64_t handle\n\
                      RustBuffer ffi_veilfold_ffi_rustbuffer_alloc(uint64_t size\n\
                      void *_Nonnull uniffi_veilfold_ffi_fn_x(void\n\
                      typedef void (*UniffiCallback)(uint64_t\n#ifndef UNIFFI_A\n";
        let names: Vec<String> = declared(header).into_iter().collect();
        assert_eq!(
            names,
            [
                "_ffi_veilfold_ffi_rustbuffer_alloc",
                "_uniffi_veilfold_ffi_fn_clone_client",
                "_uniffi_veilfold_ffi_fn_x"
            ]
        );
    }
}
