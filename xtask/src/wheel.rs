//! `cargo xtask wheel`: the Python package as it is released for this platform, tried on its own.
//!
//! maturin builds it. The library inside is stripped afterwards, since UniFFI reads what it generates
//! from from the symbols, and the archive is written anew: with one date, in one order.

use crate::command::Run;
use crate::native::Library;
use crate::place::{LICENCES, Place};
use crate::tools::Tool;
use crate::{python, ship, table, zip};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A quickstart that takes longer waits for something that does not come.
const QUICKSTART_TIME: Duration = Duration::from_secs(120);

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    #[command(flatten)]
    pub extras: ship::Extras,
}

pub fn run(place: &Place, options: &Options) -> bool {
    let Some(wheel) = make(place, options.install, options.extras) else { return false };
    let tried = try_alone(place, &wheel);
    println!("\n{}", table::text(&described(&wheel)));
    println!("{}", wheel.file.display());
    tried
}

pub struct Wheel {
    pub file: PathBuf,
    /// The native library in it: its name and its bytes.
    library: (String, Vec<u8>),
}

/// Builds the wheel into the folder of the release.
pub fn make(place: &Place, install: bool, extras: ship::Extras) -> Option<Wheel> {
    if !Tool::Python.get(place, install) {
        return None;
    }
    let python = python::environment(place, "build", &[], &["maturin==1.16.*"])?;
    let host = ship::host(place)?;
    let work = place.target.join("wheel");
    let _ = std::fs::remove_dir_all(&work);
    let built = ship::Flags::of(place, &[&host])
        .on(Run::new(&python, &place.root.join("bindings/python")))
        .args(["-m", "maturin", "build", "--profile", ship::PROFILE, "--target", &host, "--out"])
        .arg(work.join("built"))
        // In place of the features that the package names itself.
        .args(if extras.wasm { &["--features", "bindgen,testing,wasm"][..] } else { &[] })
        .succeeds();
    let whole = built.then(|| python::only_wheel(&work.join("built"))).flatten()?;
    let content = work.join("content");
    if !Run::new(&python, &place.root).args(["-m", "zipfile", "-e"]).args([&whole, &content]).succeeds() {
        return None;
    }
    let mut entries = zip::folder(&content, "").ok()?;
    let is_library =
        |name: &&String| name.ends_with(".so") || name.ends_with(".dylib") || name.ends_with(".pyd");
    let library = entries.keys().find(is_library)?.clone();
    let stripped = work.join("stripped");
    if !ship::strip(place, &content.join(&library), &stripped) {
        return None;
    }
    let bytes = std::fs::read(&stripped).ok()?;
    entries.insert(library.clone(), bytes.clone());
    for name in LICENCES {
        license(&mut entries, name, std::fs::read(place.root.join(name)).ok()?)?;
    }
    let record = entries.keys().find(|name| name.ends_with(".dist-info/RECORD"))?.clone();
    let text = recorded(&entries, &record);
    entries.insert(record, text.into_bytes());
    let file = place.target.join("dist/python").join(whole.file_name()?);
    let _ = std::fs::remove_dir_all(file.parent()?);
    std::fs::create_dir_all(file.parent()?).ok()?;
    zip::write(&file, &entries).ok()?;
    Some(Wheel { file, library: (library, bytes) })
}

/// Puts the text of a licence where installers look for it (PEP 639). maturin takes none from outside of the
/// package's folder.
fn license(entries: &mut BTreeMap<String, Vec<u8>>, name: &str, text: Vec<u8>) -> Option<()> {
    let metadata = entries.keys().find(|name| name.ends_with(".dist-info/METADATA"))?.clone();
    let said = String::from_utf8(entries.get(&metadata)?.clone()).ok()?;
    let (head, description) = said.split_once("\n\n")?;
    let said = format!("{head}\nLicense-File: {name}\n\n{description}");
    let info = metadata.strip_suffix("METADATA")?;
    entries.insert(format!("{info}licenses/{name}"), text);
    entries.insert(metadata, said.into_bytes());
    Some(())
}

/// Each file of a wheel with its sum and size; the list itself has neither.
fn recorded(entries: &BTreeMap<String, Vec<u8>>, record: &str) -> String {
    let mut text = String::new();
    for (name, bytes) in entries.iter().filter(|(name, _)| *name != record) {
        text.push_str(&format!("{name},sha256={},{}\n", zip::sha256_base64(bytes), bytes.len()));
    }
    text.push_str(&format!("{record},,\n"));
    text
}

/// Installs the wheel where nothing else is and runs what the documents begin with.
pub fn try_alone(place: &Place, wheel: &Wheel) -> bool {
    let folder = place.venv("release");
    let python = folder.join("bin/python");
    let installed = Run::new("python3", &place.root).args(["-m", "venv", "--clear"]).arg(&folder).succeeds()
        && Run::new(&python, &place.root)
            .args(["-m", "pip", "install", "-q", "--no-index"])
            .arg(&wheel.file)
            .succeeds()
        && Run::new(&python, &place.root).args(["-m", "pip", "check"]).succeeds();
    if !installed {
        return false;
    }
    let mut tried = 0;
    for document in ["README.md", "bindings/python/README.md"] {
        let text = std::fs::read_to_string(place.root.join(document)).unwrap_or_default();
        for (line, block) in python::blocks(&text, "python") {
            println!("{document}:{line}");
            let own = place.target.join("wheel").join(format!("quickstart-{tried}"));
            let ran = std::fs::create_dir_all(&own).is_ok()
                && std::fs::write(own.join("quickstart.py"), block).is_ok()
                && Run::new(&python, &own).arg("quickstart.py").succeeds_within(QUICKSTART_TIME);
            if !ran {
                return false;
            }
            tried += 1;
        }
    }
    println!("{tried} quickstarts ran with the wheel alone");
    tried > 0
}

/// Rows of the table of what was made.
pub fn described(wheel: &Wheel) -> Vec<Vec<String>> {
    let size = |path: &Path| std::fs::metadata(path).map(|data| data.len()).unwrap_or(0);
    let (name, bytes) = &wheel.library;
    let read = Library::parse(bytes).unwrap_or_default();
    let file = wheel.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let platform = file.trim_end_matches(".whl").rsplit('-').next().unwrap_or_default().to_owned();
    let row = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
    vec![
        row(["file", "size", "stripped", "symbols exported", "platform"]),
        row([&file, &table::bytes(size(&wheel.file)), "", "", &platform]),
        row([
            &format!("  {name}"),
            &table::bytes(bytes.len() as u64),
            if read.stripped { "yes" } else { "no" },
            &read.exported.len().to_string(),
            &read.minimum.map(|minimum| minimum.to_string()).unwrap_or_default(),
        ]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_named_where_their_texts_lie() {
        let metadata = "Metadata-Version: 2.4\nLicense-Expression: MIT\n\n# Title\n\nText\n";
        let mut entries = BTreeMap::from([("a.dist-info/METADATA".to_owned(), metadata.into())]);
        for name in LICENCES {
            license(&mut entries, name, name.into()).unwrap();
        }
        let said = "Metadata-Version: 2.4\nLicense-Expression: MIT\nLicense-File: LICENSE-APACHE\n\
                    License-File: LICENSE-MIT\n\n# Title\n\nText\n";
        let text = |name: &str| String::from_utf8(entries[&format!("a.dist-info/{name}")].clone()).unwrap();
        assert_eq!(text("METADATA"), said);
        assert_eq!(text("licenses/LICENSE-APACHE"), "LICENSE-APACHE");
        assert_eq!(text("licenses/LICENSE-MIT"), "LICENSE-MIT");
        assert_eq!(license(&mut BTreeMap::new(), "a", Vec::new()), None);
    }

    #[test]
    fn the_record_names_every_file_but_its_own_sum() {
        let record = "a.dist-info/RECORD".to_owned();
        let entries = BTreeMap::from([("a.py".to_owned(), b"abc".to_vec()), (record.clone(), vec![1])]);
        let sum = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
        assert_eq!(recorded(&entries, &record), format!("a.py,sha256={sum},3\n{record},,\n"));
    }
}
