//! `cargo xtask swift`: the Swift package, generated, compiled and tested by a Swift toolchain.
//!
//! The toolchain is the machine's own where there is one, and a Debian root under the target folder
//! otherwise. Everything is built under the target folder too.

mod blocks;
mod docs;
mod enter;
mod package;
mod root;

use crate::command::{Run, Said};
use crate::place::Place;
use crate::ship::HostLibrary;
use crate::tools::Tool;
use std::path::PathBuf;

pub use docs::{LEFT_OUT as DOCUMENTATION_LEFT_OUT, build as documentation};
pub use enter::Toolchain;
pub use root::{make as make_root, mirror};

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    /// Builds the player and prints the command that runs it, instead of testing
    #[arg(long)]
    pub player: bool,
}

pub fn run(place: &Place, options: &Options) -> bool {
    if !Tool::Swift.get(place, options.install) || !prepare(place) {
        return false;
    }
    if options.player {
        return build(place).ok && player(place).map(|command| println!("{command}")).is_some();
    }
    if !(build(place).ok && test(place).ok && examples(place).is_ok()) {
        return false;
    }
    documentation(place).unwrap_or_else(|| {
        println!("left out: {DOCUMENTATION_LEFT_OUT}");
        true
    })
}

/// The native library as the tests load it, what UniFFI makes for it, and the documents' code.
pub fn prepare(place: &Place) -> bool {
    package::generate(place) && blocks::write(place)
}

/// Compiles everything; a warning is an error.
pub fn build(place: &Place) -> Said {
    swift(place, "build", &["--build-tests", "-Xswiftc", "-warnings-as-errors"])
}

/// Runs the tests of the package as it was built.
pub fn test(place: &Place) -> Said {
    let options = ["--skip-build", "--disable-swift-testing", "-Xswiftc", "-warnings-as-errors"];
    swift(place, "test", &options)
}

/// Runs the Swift blocks of the documents and the example; says how many ran.
pub fn examples(place: &Place) -> Result<u64, u64> {
    let (Some(blocks), Some(example)) = (started(place, "veilfold-blocks"), started(place, "shared-list"))
    else {
        return Err(1);
    };
    let (blocks, example) = (blocks.heard(), example.heard());
    let failed = u64::from(!blocks.ok) + u64::from(!example.ok);
    let ran = blocks.text.lines().filter(|line| line.starts_with("ran ")).count() as u64;
    if failed == 0 { Ok(ran + 1) } else { Err(failed) }
}

/// How many tests passed and failed: `Executed 43 tests, with 1 failure (0 unexpected) in …`, of which the
/// last line is about all of them.
pub fn counted(text: &str) -> (u64, u64) {
    let line = text.lines().rev().find(|line| line.trim_start().starts_with("Executed "));
    let mut numbers = line.unwrap_or_default().split_whitespace().filter_map(|word| word.parse().ok());
    let (all, failed): (u64, u64) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (all.saturating_sub(failed), failed)
}

/// The command that starts the player as it was built last, outside of the root; nothing before that.
pub fn player(place: &Place) -> Option<String> {
    let program = program(place, "veilfold-player");
    let words = program.is_file().then(|| Toolchain::find(place))??.outside(place, &program);
    Some(words.join(" "))
}

/// The same of a player that is compiled for speed now, with a library that is measured.
pub fn measured_player(place: &Place, library: &HostLibrary) -> Option<String> {
    let name = library.stripped.file_name()?;
    let ready = crate::kotlin::generator(place)
        && std::fs::create_dir_all(library_folder(place)).is_ok()
        && package::generate_for(place, &library.whole)
        && std::fs::copy(&library.stripped, library_folder(place).join(name)).is_ok()
        && blocks::write(place);
    if !ready || !swift(place, "build", &["-c", "release", "--product", "veilfold-player"]).ok {
        return None;
    }
    let program = made(place).join("build/release/veilfold-player");
    Some(Toolchain::find(place)?.outside(place, &program).join(" "))
}

/// The manifest of the package in a folder as SwiftPM reads it; nothing where there is no Swift.
pub fn package_read(place: &Place, folder: &std::path::Path) -> Option<String> {
    let words = ["swift", "package", "dump-package"].map(str::to_owned);
    Some(Toolchain::find(place)?.run(place, folder, &words).quietly().unwrap_or_default())
}

fn started(place: &Place, name: &str) -> Option<Run> {
    let words = Toolchain::find(place)?.outside(place, &program(place, name));
    let (first, rest) = words.split_first()?;
    Some(Run::new(first, &place.root).args(rest))
}

fn swift(place: &Place, verb: &str, options: &[&str]) -> Said {
    let Some(toolchain) = Toolchain::find(place) else {
        return Said { ok: false, text: String::new() };
    };
    let mut words = vec!["swift".to_owned(), verb.to_owned(), "--scratch-path".to_owned()];
    words.push(made(place).join("build").display().to_string());
    words.extend(options.iter().map(|option| (*option).to_owned()));
    words.extend(["-Xlinker".to_owned(), format!("-L{}", library_folder(place).display())]);
    toolchain.run(place, &package::folder(place), &words).heard()
}

/// Where everything is that is made here.
fn made(place: &Place) -> PathBuf {
    place.target.join("swift")
}

/// Where the native library lies that the package is linked to.
pub fn library_folder(place: &Place) -> PathBuf {
    made(place).join("lib")
}

fn program(place: &Place, name: &str) -> PathBuf {
    made(place).join("build/debug").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_by_the_last_line() {
        let text = "\t Executed 3 tests, with 1 failure (0 unexpected) in 0.1 (0.1) seconds\n\
                    Test Suite 'All tests' failed\n\
                    \t Executed 43 tests, with 2 failures (0 unexpected) in 3.2 (3.2) seconds\n";
        assert_eq!(counted(text), (41, 2));
        assert_eq!(counted("error: nothing was built"), (0, 0));
    }
}
