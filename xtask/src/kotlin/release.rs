//! Compiled as users get it: the shipped library of this machine, and classes made for exactly that one.
//!
//! The tests' classes know a few calls that are in debug libraries only, so they are compiled apart.

use super::{generate, maven};
use crate::native;
use crate::place::Place;
use crate::{ship, zip};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Result;
use std::path::PathBuf;

/// What releases are put together from.
pub struct Release {
    /// Maven's folder, with one folder per module.
    made: PathBuf,
}

impl Release {
    /// Builds the library, generates for it, compiles these modules, and writes their documentation.
    pub fn build(place: &Place, modules: &str, extras: ship::Extras) -> Option<Self> {
        let library = ship::host_library(place, extras.kind())?;
        let made = place.target.join("kotlin/release");
        // Dokka leaves pages of what is no more.
        let _ = std::fs::remove_dir_all(maven::docs(&made, ""));
        let built = generate::generator(place)
            && generate::bindings(place, &library.whole, &made.join("generated"))
            && maven::project(place, &made)
                .args(["package", "dokka:dokka", "--quiet", "-Dmaven.test.skip=true", "-pl", modules, "-am"])
                // Only tests need what is fetched and unpacked by these.
                .args(["-Dmdep.skip=true", "-Dmaven.antrun.skip=true"])
                .succeeds();
        built.then_some(Self { made })
    }

    /// The classes of a module.
    pub fn classes(&self, module: &str) -> PathBuf {
        self.made.join(module).join("classes")
    }

    /// The documentation of a module, as entries of an archive.
    pub fn docs(&self, module: &str) -> Result<BTreeMap<String, Vec<u8>>> {
        zip::folder(&maven::docs(&self.made, module), "")
    }

    /// What the classes call, and a library has to export.
    pub fn wanted(&self) -> BTreeSet<String> {
        native::wanted(&self.made.join("generated/dev/veilfold/ffi/veilfold_ffi.kt"))
    }
}
