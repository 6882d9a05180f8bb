//! `cargo xtask mutants`: changes the fold, the documents and the transactions a little, one change at a
//! time, and looks whether the core's unit tests notice.
//!
//! What they do not notice is compared with `tests/mutants/survivors.txt`, where each has its reason.
//! The list only shrinks: a survivor that is not on it is a failure.

use crate::command::Run;
use crate::place::Place;
use crate::test::Part;
use crate::tools::{Tool, cargo_tool};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(clap::Args)]
pub struct Options {
    /// Which share of the changes, for instance 2/20
    #[arg(long, default_value = "1/1")]
    pub shard: Part,
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
}

const FOLDERS: [&str; 3] =
    ["core/src/resolver/**/*.rs", "core/src/documents/**/*.rs", "core/src/transact/**/*.rs"];
/// A change that makes a test run on for so many seconds was noticed.
const TIMEOUT_S: &str = "120";

pub fn run(place: &Place, options: &Options) -> bool {
    if !Tool::CargoMutants.get(place, options.install) {
        return false;
    }
    let list = place.root.join("tests/mutants/survivors.txt");
    let known = match std::fs::read_to_string(&list)
        .map_err(|error| error.to_string())
        .and_then(|text| read(&text))
    {
        Ok(known) => known,
        Err(error) => {
            println!("{}: {error}", list.display());
            return false;
        }
    };
    let Some(program) = cargo_tool(place, "cargo-mutants") else { return false };
    let files = || FOLDERS.iter().flat_map(|folder| ["-f", folder]);
    let all = Run::new(&program, &place.root)
        .args(["mutants", "--list", "-p", "veilfold-core"])
        .args(files())
        .quietly();
    let Some(all) = all else {
        println!("cargo-mutants cannot list its changes");
        return false;
    };
    let out = place.target.join("mutants");
    // What ended with a report is judged below, whatever the program's own exit says.
    let _ended = Run::new(&program, &place.root)
        .args(["mutants", "-p", "veilfold-core", "--no-shuffle", "--colors", "never"])
        .args(files())
        .args(["--shard", &options.shard.counted_from_zero(), "--timeout", TIMEOUT_S, "-o"])
        .arg(&out)
        .args(["--", "--lib"])
        .succeeds();
    let said = |name: &str| names_in(&out.join("mutants.out").join(name));
    let (Some(missed), Some(caught)) = (said("missed.txt"), said("caught.txt")) else {
        println!("{}: there is no report", out.display());
        return false;
    };
    if missed.is_empty() && caught.is_empty() {
        println!("nothing was tried: the tests fail without any change, or the share is empty");
        return false;
    }
    judge(&known, &names(&all), &missed, &caught)
}

/// Tells what is new and what is gone; false when something is new.
fn judge(
    known: &BTreeMap<String, String>,
    all: &BTreeSet<String>,
    missed: &BTreeSet<String>,
    caught: &BTreeSet<String>,
) -> bool {
    let new: Vec<&String> = missed.iter().filter(|name| !known.contains_key(*name)).collect();
    let gone = known
        .keys()
        .filter(|name| !all.contains(*name) || (caught.contains(*name) && !missed.contains(*name)));
    for name in gone {
        println!("gone, take it off the list: {name}");
    }
    for name in &new {
        println!("not noticed by any test, and not on the list: {name}");
    }
    println!(
        "mutants: {} noticed, {} not, {} of these not on the list",
        caught.len(),
        missed.len(),
        new.len()
    );
    new.is_empty()
}

/// The list: a change and, after `#`, why no unit test can notice it.
fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(" # ") {
            Some((name, reason)) if !reason.trim().is_empty() => {
                Ok((name.trim().to_owned(), reason.trim().to_owned()))
            }
            _ => Err(format!("a change without a reason: {line}")),
        })
        .collect()
}

fn names_in(file: &Path) -> Option<BTreeSet<String>> {
    Some(names(&std::fs::read_to_string(file).ok()?))
}

/// Names of changes without lines and columns, which move with every edit.
fn names(text: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let (place, change) = line.split_once(": ")?;
        let file = place.split(':').next()?;
        Some(format!("{file}: {change}"))
    };
    text.lines().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_on_the_list_fails() {
        let known = read("# why\n\na.rs: replace + with - in b # both are zero\n").unwrap_or_default();
        let all = names("a.rs:1:2: replace + with - in b\na.rs:3:4: delete ! in c");
        let (listed, other) = (names("a.rs:9:9: replace + with - in b"), names("a.rs:3:4: delete ! in c"));
        assert!(judge(&known, &all, &listed, &other));
        assert!(judge(&known, &all, &BTreeSet::new(), &listed));
        assert!(!judge(&known, &all, &other, &listed));
    }

    #[test]
    fn every_survivor_has_a_reason() {
        assert!(read("a.rs: delete ! in c\n").is_err());
        assert!(read("a.rs: delete ! in c # \n").is_err());
    }
}
