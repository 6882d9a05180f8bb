//! `cargo xtask kotlin`: the Kotlin package, generated, compiled and tested by Maven on this machine's JVM.
//!
//! Nothing that is made lies beside the sources: Maven builds under the target folder too.

pub mod aar;
mod android;
mod generate;
pub mod jar;
mod maven;
mod natives;
mod publish;
pub mod quickstarts;
mod release;

use crate::command::{Run, Said};
use crate::place::Place;
use crate::python;
use crate::ship::HostLibrary;
use crate::tools::Tool;
pub use generate::generator;
use std::path::{Path, PathBuf};

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    /// Builds the player and prints the command that runs it, instead of testing
    #[arg(long)]
    pub player: bool,
    /// Writes the file of the public API anew, while testing
    #[arg(long)]
    pub api: bool,
    /// Writes the API documentation as HTML, instead of testing
    #[arg(long)]
    pub docs: bool,
}

pub fn run(place: &Place, options: &Options) -> bool {
    if !Tool::Java.get(place, options.install) {
        return false;
    }
    if options.player {
        // Maven may leave its last line open.
        return build_player(place).then(|| println!("\n{}", player(place))).is_some();
    }
    if options.docs {
        return prepare(place) && docs(place);
    }
    python::relay(place) && prepare(place) && test(place, options.api).ok
}

/// The native library as the tests load it, and the Kotlin code that UniFFI makes for it.
pub fn prepare(place: &Place) -> bool {
    generate::for_tests(place)
}

/// Compiles everything and runs all tests; the Relay that some of them start was built before.
pub fn test(place: &Place, write_api: bool) -> Said {
    let run = maven::project(place, &made(place))
        .arg("verify")
        .env("VEILFOLD_RELAY_BIN", place.test_binary("veilfold-relay"));
    if write_api { run.env("VEILFOLD_API", "write").heard() } else { run.heard() }
}

/// The documentation of the public classes, by Dokka.
fn docs(place: &Place) -> bool {
    let written = maven::project(place, &made(place))
        .args(["process-classes", "dokka:dokka", "--quiet", "-pl", "veilfold,testing,android", "-am"])
        .succeeds();
    println!("{}", maven::docs(&made(place), "").display());
    written
}

/// Where Maven builds, and where it finds what was generated.
pub fn made(place: &Place) -> PathBuf {
    place.target.join("kotlin")
}

/// Compiles the player without testing anything.
pub fn build_player(place: &Place) -> bool {
    prepare(place) && packed_player(place, &made(place), "-DskipTests")
}

/// Compiles the player for a library that is measured, and gives the command that starts it.
pub fn measured_player(place: &Place, library: &HostLibrary) -> Option<String> {
    let made = made(place).join("measured");
    let name = library.stripped.file_name()?;
    let built = generate::generator(place)
        && generate::bindings(place, &library.whole, &made.join("generated"))
        // Tests call what is in debug libraries alone.
        && packed_player(place, &made, "-Dmaven.test.skip=true")
        && std::fs::create_dir_all(made.join("native")).is_ok()
        && std::fs::copy(&library.stripped, made.join("native").join(name)).is_ok();
    built.then(|| started_player(&made))
}

fn packed_player(place: &Place, made: &Path, without_tests: &str) -> bool {
    maven::project(place, made).args(["package", without_tests, "--quiet", "-pl", "player", "-am"]).succeeds()
}

/// The command that starts the player as it was built last.
pub fn player(place: &Place) -> String {
    started_player(&made(place))
}

fn started_player(made: &Path) -> String {
    let library = made.join("native");
    let program = made.join("veilfold-player");
    format!(
        "java -Djna.library.path={} -cp '{}:{}/*' dev.veilfold.player.MainKt",
        library.display(),
        program.join("classes").display(),
        program.join("dependency").display(),
    )
}
