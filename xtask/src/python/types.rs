//! Types of the Python package and of the programs in the documents, by two judges at their strictest.

use super::{Program, interpreter, programs};
use crate::command::Run;
use crate::place::Place;
use std::path::{Path, PathBuf};

/// As the package's own `pyproject.toml` says it for its sources.
const STRICT: &str = "{\"typeCheckingMode\": \"strict\", \"pythonVersion\": \"3.10\"}\n";

pub fn check(place: &Place) -> bool {
    let package = place.root.join("bindings/python");
    let python = interpreter(place, "wheel");
    let mypy =
        |what: &[&str]| Run::new(&python, &package).args(["-m", "mypy", "--strict"]).args(what).succeeds();
    mypy(&["-p", "veilfold"])
        && mypy(&["tests"])
        && pyright(&python, &package)
        // Read against the wheel, as in an app.
        && examples(place).is_some_and(|folder| judged(&python, &folder))
}

/// Puts the programs side by side into a folder.
fn examples(place: &Place) -> Option<PathBuf> {
    let folder = place.target.join("examples");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).ok()?;
    std::fs::write(folder.join("pyrightconfig.json"), STRICT).ok()?;
    for Program { name, text, .. } in programs(place) {
        std::fs::write(folder.join(name).with_extension("py"), text).ok()?;
    }
    Some(folder)
}

fn judged(python: &Path, folder: &Path) -> bool {
    Run::new(python, folder).args(["-m", "mypy", "--strict", "."]).succeeds() && pyright(python, folder)
}

fn pyright(python: &Path, project: &Path) -> bool {
    Run::new(python, project).args(["-m", "pyright", "--pythonpath"]).arg(python).args(["-p", "."]).succeeds()
}
