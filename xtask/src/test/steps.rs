//! The steps of `cargo xtask test`, in the order in which they run: what is quick comes first.
//!
//! Everything is built in one target folder and in the profile of the tests, so that the Relay, the
//! simulation and the demo that run here are the ones which `cargo test --workspace` has built.

use super::count;
use super::report::Outcome;
use crate::command::Run;
use crate::deny::Denied;
use crate::place::Place;
use crate::tools::Tool;
use crate::{deny, doc, fmt, kotlin, lint, python, swift, tidy, vectors, xcframework};

pub struct Step {
    /// What `--only` takes.
    pub name: &'static str,
    /// What `--only` takes for this step and its neighbours.
    pub group: &'static str,
    pub title: &'static str,
    /// Gets the checkout, and whether missing things may be installed.
    run: fn(&Place, bool) -> Outcome,
    /// What other steps leave behind for it, made here when they did not run before.
    pub needs: &'static [Need],
}

/// What a step makes, for another step that can also run alone.
pub struct Need {
    /// The step that makes it.
    pub step: &'static str,
    tool: Tool,
    make: fn(&Place) -> bool,
}

impl Need {
    /// Why it cannot be had, if a tool for it is missing.
    fn without(&self, place: &Place, install: bool) -> Option<Outcome> {
        (!self.tool.get(place, install)).then(|| Outcome::missing(self.tool.how()))
    }

    /// Why there is none, if making it now failed.
    fn unmade(&self, place: &Place) -> Option<Outcome> {
        (!(self.make)(place))
            .then(|| Outcome::missing(&format!("what step {} makes was not made", self.step)))
    }
}

impl Step {
    /// Runs it, after these others.
    pub fn run_after(&self, before: &[&str], place: &Place, install: bool) -> Outcome {
        let needs: Vec<&Need> = self.needs.iter().filter(|need| !before.contains(&need.step)).collect();
        // What is missing is said at once, and not after minutes of making the others.
        let without = needs.iter().find_map(|need| need.without(place, install));
        let missing = without.or_else(|| needs.iter().find_map(|need| need.unmade(place)));
        missing.unwrap_or_else(|| (self.run)(place, install))
    }
}

const fn step(
    name: &'static str,
    group: &'static str,
    title: &'static str,
    run: fn(&Place, bool) -> Outcome,
) -> Step {
    Step { name, group, title, run, needs: &[] }
}

pub const STEPS: &[Step] = &[
    step("fmt", "style", "All Rust code has the one format", |place, install| {
        with(Tool::Components, place, install, |place| {
            Outcome::of(fmt::run(place, &fmt::Options { check: true }))
        })
    }),
    step("tidy", "style", "Layers, file heads, lengths, names, links", |place, _| {
        Outcome::of(tidy::run(place))
    }),
    step("deny", "style", "Licences, sources, duplicates and advisories of dependencies", dependencies),
    step("clippy", "lint", "No warning anywhere", |place, install| {
        with(Tool::Components, place, install, |place| Outcome::of(lint::everything(place)))
    }),
    step("no-io", "lint", "The core builds without files, sockets and clocks", |place, install| {
        with(Tool::Components, place, install, |place| Outcome::of(lint::without_io(place)))
    }),
    step("doc", "lint", "The API documentation builds without a warning", |place, _| {
        Outcome::of(doc::run(place))
    }),
    step("build", "rust", "Tests and the programs they start are built", |place, install| {
        with(Tool::C, place, install, |place| Outcome::of(tests(place).arg("--no-run").succeeds()))
    }),
    step(
        "rust",
        "rust",
        "Unit, scenario, conformance, kill and power-loss tests, quickstarts",
        |place, _| {
            let said = tests(place).arg("--no-fail-fast").heard();
            count::libtest(&said.text).and_exit(said.ok)
        },
    ),
    step("sim", "sim", "2,000 histories, and each protection taken away", |place, _| {
        let said = Run::new(place.test_binary("veilfold-sim"), &place.root)
            .args(["--seeds", "2000", "--switches", "--json"])
            .heard();
        count::simulation(&said.text).and_exit(said.ok)
    }),
    step("demo", "demo", "What the demo shows holds", |place, _| {
        let said = Run::new(place.test_binary("veilfold-demo"), &place.root).arg("--json").heard();
        count::demo(&said.text).and_exit(said.ok)
    }),
    step("vectors", "python", "A second implementation comes to the same bytes", |place, install| {
        with(Tool::Python, place, install, |place| Outcome::of(vectors::check(place)))
    }),
    step("wheel", "python", "The Python wheel, installed in a fresh environment", |place, install| {
        with(Tool::Python, place, install, |place| Outcome::of(python::wheel(place)))
    }),
    step("pytest", "python", "The wheel against a real Relay", |place, _| {
        let said = python::pytest(place);
        count::pytest(&said.text).and_exit(said.ok)
    }),
    step("types", "python", "The Python package keeps to its types", |place, _| {
        Outcome::of(python::types::check(place))
    }),
    step("quickstarts", "python", "Python code in the documents runs", |place, _| match python::quickstarts(
        place,
    ) {
        Ok(ran) => Outcome { passed: ran as u64, ..Outcome::default() },
        Err(failed) => Outcome { failed: failed as u64, ..Outcome::default() },
    }),
    step("kotlin", "kotlin", "The Kotlin package on the JVM, against a real Relay", |place, install| {
        with(Tool::Java, place, install, |place| {
            if !(python::relay(place) && kotlin::prepare(place)) {
                return Outcome::of(false);
            }
            let said = kotlin::test(place, false);
            count::surefire(&said.text).and_exit(said.ok)
        })
    }),
    step("swift", "swift", "The Swift package, against a real Relay", |place, install| {
        with(Tool::Swift, place, install, |place| {
            if !(swift::prepare(place) && swift::build(place).ok) {
                return Outcome::of(false);
            }
            let said = swift::test(place);
            let (passed, failed) = swift::counted(&said.text);
            Outcome { passed, failed, note: None }.and_exit(said.ok)
        })
    }),
    step("swift-blocks", "swift", "Swift code in the documents runs", |place, _| {
        match swift::examples(place) {
            Ok(passed) => Outcome { passed, ..Outcome::default() },
            Err(failed) => Outcome { failed, ..Outcome::default() },
        }
    }),
    step("jar", "kotlin", "The jar, found by its POM, and Kotlin code in the documents", |place, install| {
        with(Tool::Java, place, install, |place| {
            let (passed, failed) = kotlin::jar::tried(place);
            Outcome { passed, failed, note: None }
        })
    }),
    step(
        "aar",
        "kotlin",
        "The AAR, found by its POM, and libraries that Android would refuse",
        |place, install| {
            with(Tool::Java, place, install, |place| match kotlin::aar::tried(place) {
                Some((passed, failed)) => Outcome { passed, failed, note: None },
                None => Outcome::left_out("a library that stands in for Android's needs a linker of Linux"),
            })
        },
    ),
    step("swift-docs", "swift", "The Swift documentation builds without a warning", |place, _| {
        match swift::documentation(place) {
            Some(ok) => Outcome::of(ok),
            None => Outcome::left_out(swift::DOCUMENTATION_LEFT_OUT),
        }
    }),
    Step {
        needs: &[
            Need { step: "wheel", tool: Tool::Python, make: python::wheel },
            Need { step: "kotlin", tool: Tool::Java, make: kotlin::build_player },
            Need {
                step: "swift",
                tool: Tool::Swift,
                make: |place| swift::prepare(place) && swift::build(place).ok,
            },
        ],
        ..step("players", "players", "One script in every language, alone and together", |place, _| {
            let Some(swift) = swift::player(place) else {
                return Outcome::missing("the player in Swift was not built");
            };
            let said = tests(place)
                .args(["--test", "players"])
                .env("VEILFOLD_PLAYER_PYTHON", python::player(place))
                .env("VEILFOLD_PLAYER_KOTLIN", kotlin::player(place))
                .env("VEILFOLD_PLAYER_SWIFT", swift)
                .heard();
            count::libtest(&said.text).and_exit(said.ok)
        })
    },
    step("xcframework", "apple", "The library for iOS, packaged and read again", |place, install| {
        xcframework(place, install, &["ios-arm64"])
    }),
];

/// All packages in one build with one set of features. The wheel alone is built again, without what
/// is there for tests only.
pub fn tests(place: &Place) -> Run {
    Run::cargo(&place.root).args(["test", "--workspace"])
}

fn with(tool: Tool, place: &Place, install: bool, run: impl FnOnce(&Place) -> Outcome) -> Outcome {
    if tool.get(place, install) { run(place) } else { Outcome::missing(tool.how()) }
}

fn dependencies(place: &Place, install: bool) -> Outcome {
    if !Tool::CargoDeny.get(place, install) {
        return Outcome::left_out(Tool::CargoDeny.how());
    }
    match deny::check(place) {
        Denied::Nothing => Outcome::of(true),
        Denied::NothingButNoAdvisories => Outcome::of(true).with_note("without advisories: no database"),
        Denied::Something => Outcome::of(false),
    }
}

/// Every check on what was packaged counts as a test.
pub fn xcframework(place: &Place, install: bool, slices: &[&str]) -> Outcome {
    let slices = slices.iter().map(|name| (*name).to_owned()).collect();
    match xcframework::make(
        place,
        &xcframework::Options { slices, install, tried: true, ..Default::default() },
    ) {
        Some(judged) => Outcome { passed: judged.passed, failed: judged.failed, note: None },
        None => Outcome::missing("the library was not built"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Need = Need { step: "made", tool: Tool::C, make: |_| true };
    const UNMADE: Need = Need { step: "unmade", tool: Tool::C, make: |_| false };

    fn needing(needs: &'static [Need]) -> Step {
        Step { needs, ..step("x", "x", "x", |_, _| Outcome::of(true)) }
    }

    #[test]
    fn a_step_alone_makes_what_it_needs_and_fails_without() {
        let place = Place::find();
        assert_eq!(needing(&[MADE]).run_after(&[], &place, false), Outcome::of(true));
        let failed = needing(&[MADE, UNMADE]).run_after(&[], &place, false);
        assert_eq!((failed.passed, failed.failed), (0, 1));
        assert_eq!(needing(&[MADE, UNMADE]).run_after(&["unmade"], &place, false), Outcome::of(true));
    }
}
