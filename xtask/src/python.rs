//! `cargo xtask python`: the wheel, as somebody would install it, in an environment of its own.
//!
//! Also keeps the virtual environments that other verbs use. All of them lie under the target folder.

pub mod free_threaded;
pub mod types;

use crate::command::{Run, Said};
use crate::place::Place;
use crate::tools::Tool;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A quickstart that takes longer waits for something that does not come.
const QUICKSTART_TIME: Duration = Duration::from_secs(120);

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    /// Runs the tests by an interpreter without a global lock, and nothing else
    #[arg(long)]
    pub free_threaded: bool,
}

pub fn run(place: &Place, options: &Options) -> bool {
    if options.free_threaded {
        return without_lock(place, options.install).is_some_and(|said| said.ok);
    }
    Tool::Python.get(place, options.install)
        && relay(place)
        && wheel(place)
        && pytest(place).ok
        && types::check(place)
        && quickstarts(place).is_ok()
}

/// Makes the wheel and a fresh environment with nothing in it but the wheel and what tests it.
pub fn wheel(place: &Place) -> bool {
    let package = place.root.join("bindings/python");
    let Some(python) = environment(place, "build", &[], &["maturin==1.16.*"]) else { return false };
    let wheels = place.target.join("wheels");
    let _ = std::fs::remove_dir_all(&wheels);
    // Dependencies are compiled alike in this profile and in that of the tests, so most are there.
    let built = Run::new(python, &package)
        .args(["-m", "maturin", "build", "--profile", "dev", "--out"])
        .arg(&wheels)
        // With what the released wheel leaves out, so that it is tested.
        .args(["--features", "bindgen,testing,wasm"])
        .env("CARGO_TARGET_DIR", &place.target)
        .succeeds();
    if !built {
        return false;
    }
    let _ = std::fs::remove_dir_all(place.venv("wheel"));
    let Some(wheel) = only_wheel(&wheels) else { return false };
    let Some(python) = environment(place, "wheel", &[requirements(place)], &[]) else { return false };
    Run::new(python, &place.root).args(["-m", "pip", "install", "-q", "--no-deps"]).arg(wheel).succeeds()
}

/// What tests the wheel, in which versions.
fn requirements(place: &Place) -> PathBuf {
    place.root.join("bindings/python/tests/requirements.txt")
}

/// The tests run from a folder without the package's sources, so that they can only mean the wheel.
pub fn pytest(place: &Place) -> Said {
    Run::new(interpreter(place, "wheel"), &place.root)
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "bindings/python/tests"])
        .env("VEILFOLD_RELAY_BIN", place.test_binary("veilfold-relay"))
        .heard()
}

/// The command that starts the Python player of `tests/players`.
pub fn player(place: &Place) -> String {
    player_in(place, "wheel")
}

/// The same with the package of another environment.
pub fn player_in(place: &Place, environment: &str) -> String {
    let program = place.root.join("bindings/python/tests/player.py");
    format!("{} {}", interpreter(place, environment).display(), program.display())
}

/// Makes the wheel and tests it without a global lock; nothing when that could not be tried.
pub fn without_lock(place: &Place, install: bool) -> Option<Said> {
    let ready = Tool::Python.get(place, install)
        && Tool::FreeThreaded.get(place, install)
        && relay(place)
        && wheel(place);
    ready.then(|| free_threaded::test(place))
}

/// Builds the Relay that the tests start. All packages take part, so that it is compiled with the
/// same features as for the tests of the workspace, and once.
pub fn relay(place: &Place) -> bool {
    Run::cargo(&place.root)
        .args(["build", "--profile", "test", "--workspace", "--bin", "veilfold-relay"])
        .succeeds()
}

/// A Python block of the documents.
pub struct Program {
    document: PathBuf,
    line: usize,
    /// Its place as one word.
    name: String,
    text: String,
}

/// All of them.
pub fn programs(place: &Place) -> Vec<Program> {
    let mut found = Vec::new();
    for document in crate::tidy::documents(place) {
        let Ok(text) = std::fs::read_to_string(place.root.join(&document)) else { continue };
        for (line, text) in blocks(&text, "python") {
            let word =
                document.to_string_lossy().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
            found.push(Program { document: document.clone(), line, name: format!("{word}_{line}"), text });
        }
    }
    found
}

/// Runs every Python block of the documents as a program; says how many ran.
pub fn quickstarts(place: &Place) -> Result<usize, usize> {
    let folder = place.target.join("quickstarts");
    let _ = std::fs::remove_dir_all(&folder);
    let (mut ran, mut failed) = (0, 0);
    for Program { document, line, name, text } in programs(place) {
        // Each runs in a folder of its own, since it may leave a store there.
        let own = folder.join(name);
        println!("{}:{line}", document.display());
        let ok = std::fs::create_dir_all(&own).is_ok()
            && std::fs::write(own.join("quickstart.py"), text).is_ok()
            && Run::new(interpreter(place, "wheel"), &own)
                .arg("quickstart.py")
                .env("VEILFOLD_RELAY_BIN", place.test_binary("veilfold-relay"))
                .succeeds_within(QUICKSTART_TIME);
        if ok { ran += 1 } else { failed += 1 }
    }
    if failed == 0 { Ok(ran) } else { Err(failed) }
}

/// The code blocks of a language in a Markdown text, with the number of their first line.
pub fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, bool, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        open = match (open.take(), fence) {
            (None, Some(info)) => {
                let wanted = info.split([',', ' ']).next() == Some(language);
                Some((number + 2, wanted, String::new()))
            }
            (None, None) => None,
            (Some((first, wanted, block)), Some(_)) => {
                if wanted {
                    found.push((first, block));
                }
                None
            }
            (Some((first, wanted, mut block)), None) => {
                block.push_str(line);
                block.push('\n');
                Some((first, wanted, block))
            }
        };
    }
    found
}

/// A virtual environment with these packages: kept for as long as it is asked for the same ones.
pub fn environment(place: &Place, name: &str, files: &[PathBuf], packages: &[&str]) -> Option<PathBuf> {
    let folder = place.venv(name);
    let python = interpreter(place, name);
    let mut wanted = packages.join("\n");
    for file in files {
        wanted.push('\n');
        wanted.push_str(&std::fs::read_to_string(file).ok()?);
    }
    let stamp = folder.join("wanted");
    if python.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|had| had == wanted) {
        return Some(python);
    }
    let made = Run::new("python3", &place.root).args(["-m", "venv", "--clear"]).arg(&folder).succeeds();
    let mut install = Run::new(&python, &place.root).args(["-m", "pip", "install", "-q"]).args(packages);
    for file in files {
        install = install.arg("-r").arg(file);
    }
    if made && install.succeeds() && std::fs::write(&stamp, wanted).is_ok() { Some(python) } else { None }
}

fn interpreter(place: &Place, name: &str) -> PathBuf {
    place.venv(name).join("bin/python")
}

/// The wheel that maturin put there.
pub fn only_wheel(folder: &Path) -> Option<PathBuf> {
    let mut wheels = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    wheels.find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_language_are_found_with_their_lines() {
        let text = "a\n```python\nx = 1\n```\n```rust\nlet x;\n```\n```python,ignore\ny\n\nz\n```\n";
        assert_eq!(blocks(text, "python"), [(3, "x = 1\n".to_owned()), (9, "y\n\nz\n".to_owned())]);
        assert_eq!(blocks(text, "rust"), [(6, "let x;\n".to_owned())]);
    }
}
