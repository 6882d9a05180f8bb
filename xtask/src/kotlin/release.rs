//! Compiled as users get it: the shipped library of this machine, and classes made for exactly that one.
//!
//! The tests' classes know a few calls that are in debug libraries only, so they are compiled apart.

use super::{Run, generate, maven};
use crate::place::Place;
use crate::ship::{self, HostLibrary};
use std::path::{Path, PathBuf};

/// What releases are put together from.
pub struct Release {
    pub library: HostLibrary,
    /// Maven's folder, with one folder per module.
    made: PathBuf,
}

impl Release {
    /// Builds the library, generates for it, and compiles these modules.
    pub fn build(place: &Place, modules: &str, extras: ship::Extras) -> Option<Self> {
        let library = ship::host_library(place, extras.kind())?;
        let made = place.target.join("kotlin/release");
        let built = generate::generator(place)
            && generate::bindings(place, &library.whole, &made.join("generated"))
            && maven::project(place, &made)
                .args(["package", "--quiet", "-Dmaven.test.skip=true", "-pl", modules, "-am"])
                // Only tests need what is fetched and unpacked by these.
                .args(["-Dmdep.skip=true", "-Dmaven.antrun.skip=true"])
                .succeeds();
        built.then_some(Self { library, made })
    }

    /// The classes of a module.
    pub fn classes(&self, module: &str) -> PathBuf {
        self.made.join(module).join("classes")
    }

    /// The generated code, which says what a library has to export.
    pub fn generated(&self) -> PathBuf {
        self.made.join("generated/dev/veilfold/ffi/veilfold_ffi.kt")
    }
}

/// The Relay of this machine as it is shipped, and able to lie, for the tests of apps.
pub fn relay(place: &Place) -> Option<PathBuf> {
    let host = ship::host(place)?;
    let built = ship::Flags::of(place, &[&host])
        .on(Run::cargo(&place.root))
        .args(["build", "-p", "veilfold-relay", "--bin", "veilfold-relay", "--features", "testing"])
        .args(["--profile", ship::PROFILE, "--target", &host])
        .succeeds();
    let whole = place.target.join(host).join(ship::PROFILE).join("veilfold-relay");
    let stripped = place.target.join("kotlin/release/veilfold-relay");
    (built && ship::strip(place, &whole, &stripped)).then_some(stripped)
}

/// The folder in a jar in which JNA looks for the library of a platform.
pub fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        other => other,
    };
    format!("{system}-{machine}")
}

/// A library's file name without its folder.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
