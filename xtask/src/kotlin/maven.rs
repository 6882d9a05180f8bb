//! Maven, told where everything lies. Its own cache stays where users of Maven have it.

use super::Run;
use crate::place::Place;
use std::path::{Path, PathBuf};

/// The folder of the package's sources.
pub fn package(place: &Place) -> PathBuf {
    place.root.join("bindings/kotlin")
}

/// Maven for the whole package, building under `made`.
pub fn project(place: &Place, made: &Path) -> Run {
    Run::new("mvn", &package(place)).arg(format!("-Dveilfold.made={}", made.display()))
}

/// Where the documentation of a module is written; so says the package's POM.
pub fn docs(made: &Path, module: &str) -> PathBuf {
    made.join("docs").join(module)
}
