//! What crossing into each language costs: the players of `tests/players` with the library as it is
//! shipped, one language after the other.

use crate::command::Run;
use crate::place::Place;
use crate::ship::{self, HostLibrary, Kind};
use crate::tools::Tool;
use crate::{kotlin, python, swift, wheel};

/// Languages whose tools are not on this machine are left out, and said so; `--install` gets them. What else
/// is said goes to the program that measures: `--json`, `--quick` for a tenth of the calls.
pub fn run(place: &Place, arguments: &[String]) -> bool {
    let install = arguments.iter().any(|argument| argument == "--install");
    let arguments = arguments.iter().filter(|argument| *argument != "--install");
    let built = Run::cargo(&place.root)
        .args(["build", "--release", "-p", "veilfold-tests"])
        .args(["--bin", "veilfold-crossing", "--bin", "veilfold-player"])
        .succeeds();
    if !built {
        return false;
    }
    let mut measure = Run::new(place.target.join("release/veilfold-crossing"), &place.root).args(arguments);
    let library = ship::host_library(place, Kind::Measured);
    let mut failed = Vec::new();
    for (name, variable, tool, build) in LANGUAGES {
        if !tool.get(place, install) {
            continue;
        }
        match library.as_ref().and_then(|library| build(place, library)) {
            Some(command) => measure = measure.env(variable, command),
            None => failed.push(name),
        }
    }
    // With a small heap, so that memory which grows is memory that is lost.
    let measured = measure.env("JAVA_TOOL_OPTIONS", "-Xmx96m").succeeds();
    for name in &failed {
        println!("not measured, for it was not built: {name}");
    }
    measured && failed.is_empty()
}

/// Builds the player of a language and gives the command that starts it.
type Build = fn(&Place, &HostLibrary) -> Option<String>;

const LANGUAGES: [(&str, &str, Tool, Build); 3] = [
    ("Python", "VEILFOLD_PLAYER_PYTHON", Tool::Python, python_player),
    ("Kotlin", "VEILFOLD_PLAYER_KOTLIN", Tool::Java, kotlin::measured_player),
    ("Swift", "VEILFOLD_PLAYER_SWIFT", Tool::Swift, swift::measured_player),
];

/// The wheel that is released, in the environment in which it was tried.
fn python_player(place: &Place, _: &HostLibrary) -> Option<String> {
    let made = wheel::make(place, false, ship::Extras::default())?;
    wheel::try_alone(place, &made).then(|| python::player_in(place, "release"))
}
