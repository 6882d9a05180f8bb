//! `cargo xtask jar`: the package for the JVM, with native libraries for desktops and servers inside, and
//! the Relay for the tests of apps, as a Maven repository under `target/dist/maven`.

use super::natives::{self, Native};
use super::publish::{self, Artifact, Content, Dependency, Kind, Repository};
use super::quickstarts;
use super::release::Release;
use super::{Run, maven};
use crate::native::{self, Minimum};
use crate::place::{LICENCES, Place};
use crate::tools::Tool;
use crate::{ship, table, zip};
use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    /// A folder with `<platform>/` of several machines, as --natives makes them, in place of this machine's own
    #[arg(long)]
    pub libs: Option<PathBuf>,
    /// Only builds library and Relay of this machine, into `target/natives/<platform>/`
    #[arg(long, conflicts_with = "libs")]
    pub natives: bool,
    #[command(flatten)]
    pub extras: ship::Extras,
}

pub fn run(place: &Place, options: &Options) -> bool {
    if options.natives {
        let built = natives::build(place, options.extras);
        return built.is_some_and(|folder| natives::tell(&folder));
    }
    if !Tool::Java.get(place, options.install) {
        return false;
    }
    // What is joined is for others; what is made here, for here, runs on what is here.
    let (folder, oldest) = match &options.libs {
        Some(folder) => (Some(folder.clone()), Some(&natives::OLDEST_GLIBC)),
        None => (natives::build(place, options.extras), None),
    };
    let repository = Repository::released(place);
    let Some(folder) = folder else { return false };
    Release::build(place, MODULES, options.extras).is_some_and(|release| {
        make(place, &repository, &release, &folder, oldest) && quickstarts::run(place, &repository).is_ok()
    })
}

/// What is compiled for it.
const MODULES: &str = "veilfold,testing";

/// Makes the artifacts with the libraries of a folder, and shows them.
fn make(
    place: &Place,
    repository: &Repository,
    release: &Release,
    libraries: &Path,
    oldest: Option<&Minimum>,
) -> bool {
    let mut rows = vec![native::head()];
    let written = natives::read(libraries).and_then(|found| {
        // The programs of the documents run with what is packed.
        if !found.contains_key(&natives::platform()) {
            return Err(Error::other(format!("nothing for {}, where it is tried", natives::platform())));
        }
        let (read, wrong) = natives::judged(&found, Some(&release.wanted()), oldest)?;
        rows.extend(read);
        if !wrong.is_empty() {
            return Err(Error::other(wrong.join("\n")));
        }
        let mut archives = library(place, repository, release, &found)?;
        archives.extend(testing(place, repository, release, &found)?);
        Ok(archives)
    });
    let (archives, wrong) = match written {
        Ok(archives) => (archives, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    rows.extend(archives.into_iter().map(|(name, size)| vec![name, table::bytes(size)]));
    println!("\n{}\n{}", table::text(&rows), repository.folder().display());
    if let Some(wrong) = &wrong {
        println!("{wrong}");
    }
    wrong.is_none()
}

/// `dev.veilfold:veilfold`.
fn library(
    place: &Place,
    repository: &Repository,
    release: &Release,
    found: &BTreeMap<String, Native>,
) -> Result<Vec<(String, u64)>> {
    let mut main = classes(place, release, &["veilfold-ffi", "veilfold"])?;
    main.insert("META-INF/proguard/veilfold.pro".to_owned(), rules(place)?);
    main.extend(natives::libraries(found)?);
    let artifact = Artifact {
        name: "veilfold",
        kind: Kind::Jar,
        about: "End-to-end encrypted, offline-first shared documents",
        instead_of: None,
        dependencies: publish::dependencies(Dependency::runtime("net.java.dev.jna", "jna", "jna.version")),
    };
    let content = Content { main, sources: sources(place, &["veilfold"])?, docs: release.docs("veilfold")? };
    repository.write(place, &artifact, &content)
}

/// `dev.veilfold:veilfold-testing`. With the libraries too: an Android app's package has none for the JVM that
/// its tests run on, and cannot have the one with the same classes beside it.
fn testing(
    place: &Place,
    repository: &Repository,
    release: &Release,
    found: &BTreeMap<String, Native>,
) -> Result<Vec<(String, u64)>> {
    let mut main = classes(place, release, &["veilfold-testing"])?;
    main.extend(natives::libraries(found)?);
    main.extend(natives::relays(found)?);
    let artifact = Artifact {
        name: "veilfold-testing",
        kind: Kind::Jar,
        about: "A real Relay for the tests of apps that use Veilfold",
        instead_of: None,
        // Not `veilfold`: apps for Android have `veilfold-android` in its place.
        dependencies: vec![
            Dependency::api("org.jetbrains.kotlin", "kotlin-stdlib", "kotlin.version"),
            Dependency::api("org.jetbrains.kotlinx", "kotlinx-serialization-json", "serialization.version"),
            Dependency::runtime("net.java.dev.jna", "jna", "jna.version"),
        ],
    };
    let content =
        Content { main, sources: sources(place, &["testing"])?, docs: release.docs("veilfold-testing")? };
    repository.write(place, &artifact, &content)
}

/// The classes of modules, with what has to be said about them.
pub fn classes(place: &Place, release: &Release, modules: &[&str]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut entries = BTreeMap::new();
    for module in modules {
        entries.extend(zip::folder(&release.classes(module), "")?);
    }
    for licence in LICENCES {
        entries.insert(format!("META-INF/{licence}"), std::fs::read(place.root.join(licence))?);
    }
    entries.insert("META-INF/MANIFEST.MF".to_owned(), b"Manifest-Version: 1.0\r\n\r\n".to_vec());
    Ok(entries)
}

/// What R8 must leave alone in apps.
pub fn rules(place: &Place) -> Result<Vec<u8>> {
    std::fs::read(maven::package(place).join("veilfold.pro"))
}

/// The hand-written sources of modules.
pub fn sources(place: &Place, modules: &[&str]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut entries = BTreeMap::new();
    for module in modules {
        entries.extend(zip::folder(&maven::package(place).join(module).join("src/main/kotlin"), "")?);
    }
    Ok(entries)
}

/// Builds the project of somebody who uses what lies in a repository.
pub fn consumer(place: &Place, repository: &Repository) -> Run {
    Run::new("mvn", &maven::package(place).join("quickstarts"))
        .arg(format!("-Dveilfold.made={}", place.target.join("kotlin/quickstarts").display()))
        .arg(format!("-Dveilfold.repository={}", repository.folder().display()))
}

/// Everything in a repository of its own, the documents' programs with it, and a library under the name of
/// another machine refused. Gives how many of these passed and how many did not.
pub fn tried(place: &Place) -> (u64, u64) {
    let repository = Repository::tried(place);
    let extras = ship::Extras::default();
    let Some(folder) = natives::build(place, extras) else { return (0, 1) };
    let Some(release) = Release::build(place, MODULES, extras) else { return (0, 1) };
    if !make(place, &repository, &release, &folder, None) {
        return (0, 1);
    }
    let (ran, failed) = match quickstarts::run(place, &repository) {
        Ok(ran) => (ran as u64, 0),
        Err(failed) => (0, failed as u64),
    };
    let refused =
        misplaced(place, &folder).is_ok_and(|both| !make(place, &repository, &release, &both, None));
    (1 + ran + u64::from(refused), failed + u64::from(!refused))
}

/// A folder with this machine's library, and with the very same as another machine's.
fn misplaced(place: &Place, folder: &Path) -> Result<PathBuf> {
    let both = place.target.join("kotlin/natives-misplaced");
    let _ = std::fs::remove_dir_all(&both);
    let own = natives::platform();
    let other = if own.ends_with("aarch64") {
        own.replace("aarch64", "x86-64")
    } else {
        own.replace("x86-64", "aarch64")
    };
    for platform in [&own, &other] {
        std::fs::create_dir_all(both.join(platform))?;
        for (name, bytes) in zip::folder(&folder.join(&own), "")? {
            std::fs::write(both.join(platform).join(name), bytes)?;
        }
    }
    Ok(both)
}
