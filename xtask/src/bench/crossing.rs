//! What crossing into each language costs: the players of `tests/players` with the library as it is
//! shipped, one language after the other.

use crate::command::Run;
use crate::place::Place;
use crate::ship::{self, Kind};
use crate::tools::Tool;
use crate::{kotlin, python, swift, wheel};

/// Languages whose tools are not on this machine are left out, and said so.
pub fn run(place: &Place, arguments: &[String]) -> bool {
    let built = Run::cargo(&place.root)
        .args(["build", "--release", "-p", "veilfold-tests"])
        .args(["--bin", "veilfold-crossing", "--bin", "veilfold-player"])
        .succeeds();
    if !built {
        return false;
    }
    let mut measure = Run::new(place.target.join("release/veilfold-crossing"), &place.root).args(arguments);
    if let Some(command) = python_player(place) {
        measure = measure.env("VEILFOLD_PLAYER_PYTHON", command);
    }
    let library = ship::host_library(place, Kind::ForTests).map(|library| library.stripped);
    if let Some(library) = &library {
        let name = library.file_name().unwrap_or_default();
        if Tool::Java.get(place, false)
            && kotlin::build_player(place)
            && std::fs::copy(library, kotlin::made(place).join("native").join(name)).is_ok()
        {
            // With a small heap, so that memory which grows is memory that is lost.
            measure = measure
                .env("VEILFOLD_PLAYER_KOTLIN", kotlin::player(place))
                .env("JAVA_TOOL_OPTIONS", "-Xmx96m");
        }
        if Tool::Swift.get(place, false)
            && swift::prepare(place)
            && std::fs::copy(library, swift::library_folder(place).join(name)).is_ok()
            && let Some(command) = swift::release_player(place)
        {
            measure = measure.env("VEILFOLD_PLAYER_SWIFT", command);
        }
    }
    library.is_some() && measure.succeeds()
}

/// The wheel that is released, in the environment in which it was tried.
fn python_player(place: &Place) -> Option<String> {
    let made = wheel::make(place, false)?;
    wheel::try_alone(place, &made).then(|| python::player_in(place, "release"))
}
