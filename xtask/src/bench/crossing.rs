//! What crossing into each language costs: the players of `tests/players` with the library as it is
//! shipped, one language after the other.

use crate::command::Run;
use crate::place::Place;
use crate::ship::{self, Kind};
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
    if let Some(command) = python_player(place, install) {
        measure = measure.env("VEILFOLD_PLAYER_PYTHON", command);
    }
    let library = ship::host_library(place, Kind::Measured);
    if let Some(library) = &library {
        if Tool::Java.get(place, install)
            && let Some(command) = kotlin::measured_player(place, library)
        {
            // With a small heap, so that memory which grows is memory that is lost.
            measure = measure.env("VEILFOLD_PLAYER_KOTLIN", command).env("JAVA_TOOL_OPTIONS", "-Xmx96m");
        }
        if Tool::Swift.get(place, install)
            && let Some(command) = swift::measured_player(place, library)
        {
            measure = measure.env("VEILFOLD_PLAYER_SWIFT", command);
        }
    }
    library.is_some() && measure.succeeds()
}

/// The wheel that is released, in the environment in which it was tried.
fn python_player(place: &Place, install: bool) -> Option<String> {
    let made = wheel::make(place, install)?;
    wheel::try_alone(place, &made).then(|| python::player_in(place, "release"))
}
