//! `cargo xtask jar`: the package for the JVM, with the native library of this machine inside, and the
//! Relay for the tests of apps, as a Maven repository under `target/dist/maven`.

use super::elf;
use super::publish::{self, Artifact, Dependency, Kind};
use super::release::{self, Release};
use super::{Run, maven, quickstarts};
use crate::place::Place;
use crate::tools::Tool;
use crate::{ship, table, zip};
use std::collections::BTreeMap;
use std::io::Result;

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    #[command(flatten)]
    pub extras: ship::Extras,
}

pub fn run(place: &Place, options: &Options) -> bool {
    Tool::Java.get(place, options.install) && make(place, options.extras) && quickstarts::run(place).is_ok()
}

/// Makes the artifacts and shows them.
pub fn make(place: &Place, extras: ship::Extras) -> bool {
    let Some(release) = Release::build(place, "veilfold,testing", extras) else { return false };
    let Some(relay) = release::relay(place) else { return false };
    let written = library(place, &release).and_then(|jar| Ok((jar, testing(place, &release, &relay)?)));
    let (jar, testing) = match written {
        Ok(files) => files,
        Err(error) => {
            println!("{error}");
            return false;
        }
    };
    let mut rows = vec![elf::head()];
    let library = &release.library.stripped;
    let missing = match elf::Library::read(library) {
        Ok(library) => {
            rows.push(elf::row(
                &release::file_name(&release.library.stripped),
                &release::platform(),
                &library,
            ));
            library.missing(&elf::wanted(&release.generated()))
        }
        Err(error) => vec![error.to_string()],
    };
    for (name, size) in jar.into_iter().chain(testing) {
        rows.push(vec![name, table::bytes(size)]);
    }
    println!("\n{}", table::text(&rows));
    println!("{}", publish::repository(place).display());
    for name in &missing {
        println!("not exported: {name}");
    }
    missing.is_empty()
}

/// `dev.veilfold:veilfold`.
fn library(place: &Place, release: &Release) -> Result<Vec<(String, u64)>> {
    let mut entries = classes(place, release, &["veilfold-ffi", "veilfold"])?;
    entries.insert("META-INF/proguard/veilfold.pro".to_owned(), rules(place)?);
    entries.insert(
        format!("{}/{}", release::platform(), release::file_name(&release.library.stripped)),
        std::fs::read(&release.library.stripped)?,
    );
    let artifact = Artifact {
        name: "veilfold",
        kind: Kind::Jar,
        about: "End-to-end encrypted, offline-first shared documents",
        dependencies: publish::dependencies(Dependency::runtime("net.java.dev.jna", "jna", "jna.version")),
    };
    publish::write(place, &artifact, &entries, &sources(place, &["veilfold"])?)
}

/// `dev.veilfold:veilfold-testing`.
fn testing(place: &Place, release: &Release, relay: &std::path::Path) -> Result<Vec<(String, u64)>> {
    let mut entries = classes(place, release, &["veilfold-testing"])?;
    entries.insert(format!("{}/veilfold-relay", release::platform()), std::fs::read(relay)?);
    let artifact = Artifact {
        name: "veilfold-testing",
        kind: Kind::Jar,
        about: "A real Relay for the tests of apps that use Veilfold",
        dependencies: vec![Dependency::api("org.jetbrains.kotlin", "kotlin-stdlib", "kotlin.version")],
    };
    publish::write(place, &artifact, &entries, &sources(place, &["testing"])?)
}

/// The classes of modules, with what has to be said about them.
pub fn classes(place: &Place, release: &Release, modules: &[&str]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut entries = BTreeMap::new();
    for module in modules {
        entries.extend(zip::folder(&release.classes(module), "")?);
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
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

/// Builds the project of somebody who uses what lies in the repository.
pub fn consumer(place: &Place) -> Run {
    Run::new("mvn", &maven::package(place).join("quickstarts"))
        .arg(format!("-Dveilfold.made={}", place.target.join("kotlin/quickstarts").display()))
        .arg(format!("-Dveilfold.repository={}", publish::repository(place).display()))
}
