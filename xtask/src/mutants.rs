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

/// With what a change is tried.
struct Tests {
    /// The profile that they are built with.
    profile: &'static str,
    /// Which of the core's unit tests, as the tests themselves take it.
    which: &'static [&'static str],
    /// A change that makes them run on for so many seconds was noticed.
    timeout_s: &'static str,
}

/// The tests of these folders without the random histories, which take a hundred times as long. Built
/// without optimization: a change takes longer to build than to test.
const QUICK: Tests = Tests {
    profile: "dev",
    which: &["resolver::", "documents::", "transact::", "--skip", "random"],
    timeout_s: "60",
};
/// All of them, for those changes alone that the quick ones do not notice.
const ALL: Tests = Tests { profile: "test", which: &[], timeout_s: "900" };

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
    let all = Run::new(&program, &place.root)
        .args(["mutants", "--list", "-p", "veilfold-core"])
        .args(files())
        .quietly();
    let Some(all) = all else {
        println!("cargo-mutants cannot list its changes");
        return false;
    };
    let out = place.target.join("mutants");
    let share = options.shard.counted_from_zero();
    let Some(mut report) = attempt(place, &program, &out, &["--shard", &share], &QUICK) else {
        return false;
    };
    if !report.missed.is_empty() {
        let again = report.missed.iter().map(|line| escaped(line)).collect::<Vec<_>>().join("|");
        let Some(all_tests) = attempt(place, &program, &out.join("again"), &["--re", &again], &ALL) else {
            return false;
        };
        report.missed.retain(|line| !all_tests.caught.contains(line));
        report.caught.extend(all_tests.caught);
    }
    let (missed, caught) = (names(&report.missed), names(&report.caught));
    if missed.is_empty() && caught.is_empty() {
        println!("nothing was tried: the tests fail without any change, or the share is empty");
        return false;
    }
    judge(&known, &names(all.lines()), &missed, &caught)
}

/// Lines of what came of a run: changes with their places.
struct Report {
    missed: BTreeSet<String>,
    caught: BTreeSet<String>,
}

/// Makes the `chosen` changes, one at a time, and runs these tests.
fn attempt(place: &Place, program: &Path, out: &Path, chosen: &[&str], tests: &Tests) -> Option<Report> {
    // What ended with a report is judged by it, whatever the program's own exit says.
    let _ended = Run::new(program, &place.root)
        // What the copies of the tree have in common is built once, and was by the ordinary tests.
        .env("CARGO_TARGET_DIR", &place.target)
        .args(["mutants", "-p", "veilfold-core", "--no-shuffle", "--colors", "never"])
        .args([
            "--no-default-features",
            "--features",
            "wasm,testing",
            "--cargo-arg=--lib",
            "--timeout",
            tests.timeout_s,
        ])
        .args(["--profile", tests.profile])
        .args(files())
        .args(chosen)
        .arg("-o")
        .arg(out)
        .args(["--", "--"])
        .args(tests.which)
        .succeeds();
    let lines = |name: &str| {
        let text = std::fs::read_to_string(out.join("mutants.out").join(name)).ok()?;
        Some(text.lines().map(str::to_owned).collect::<BTreeSet<_>>())
    };
    let Some((missed, mut caught)) = lines("missed.txt").zip(lines("caught.txt")) else {
        println!("{}: there is no report", out.display());
        return None;
    };
    // A change that makes a test run on was noticed.
    caught.extend(lines("timeout.txt").unwrap_or_default());
    Some(Report { missed, caught })
}

fn files() -> impl Iterator<Item = &'static str> {
    FOLDERS.iter().flat_map(|folder| ["-f", folder])
}

/// A regular expression for this text alone.
fn escaped(text: &str) -> String {
    let mut out = String::from("^");
    for character in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out + "$"
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

/// Names of changes without lines and columns, which move with every edit.
fn names<'a>(lines: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>) -> BTreeSet<String> {
    let name = |line: &str| {
        let (place, change) = line.split_once(": ")?;
        let file = place.split(':').next()?;
        Some(format!("{file}: {change}"))
    };
    lines.into_iter().filter_map(|line| name(line.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_on_the_list_fails() {
        let known = read("# why\n\na.rs: replace + with - in b # both are zero\n").unwrap_or_default();
        let all = names(["a.rs:1:2: replace + with - in b", "a.rs:3:4: delete ! in c"]);
        let (listed, other) =
            (names(["a.rs:9:9: replace + with - in b"]), names(["a.rs:3:4: delete ! in c"]));
        assert!(judge(&known, &all, &listed, &other));
        assert!(judge(&known, &all, &BTreeSet::new(), &listed));
        assert!(!judge(&known, &all, &other, &listed));
    }

    #[test]
    fn every_survivor_has_a_reason() {
        assert!(read("a.rs: delete ! in c\n").is_err());
        assert!(read("a.rs: delete ! in c # \n").is_err());
    }

    #[test]
    fn a_change_is_chosen_by_its_whole_line() {
        assert_eq!(escaped("a.rs:1:2: replace + with -"), r"^a\.rs:1:2: replace \+ with \-$");
    }
}
