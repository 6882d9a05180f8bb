//! Artifacts as Maven and Gradle find them in a repository: the file, its sources and documentation, a POM,
//! Gradle's module metadata, and the sums of all of them.

mod module;
mod pom;

use super::maven;
use crate::place::Place;
use crate::zip;
use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

const GROUP: &str = "dev.veilfold";

/// What is published under one name.
pub struct Artifact {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    /// The name of another artifact that has the same classes, for Gradle to take one of the two.
    pub instead_of: Option<&'static str>,
    pub dependencies: Vec<Dependency>,
}

/// What is in the archives of an artifact.
pub struct Content {
    pub main: BTreeMap<String, Vec<u8>>,
    pub sources: BTreeMap<String, Vec<u8>>,
    /// HTML pages; Maven Central takes no artifact without.
    pub docs: BTreeMap<String, Vec<u8>>,
}

/// For which machines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Jar,
    Aar,
}

impl Kind {
    fn extension(self) -> &'static str {
        match self {
            Kind::Jar => "jar",
            Kind::Aar => "aar",
        }
    }

    fn platform(self) -> &'static str {
        match self {
            Kind::Jar => "jvm",
            Kind::Aar => "androidJvm",
        }
    }
}

/// Something that has to be there for an artifact to work.
pub struct Dependency {
    group: &'static str,
    name: &'static str,
    /// The property of the package's POM that holds its version.
    version: &'static str,
    /// Apps see its types too.
    api: bool,
    /// The file is an AAR, which has to be asked for.
    aar: bool,
}

/// What the package needs on every platform, with JNA as the platform has it.
pub fn dependencies(jna: Dependency) -> Vec<Dependency> {
    vec![
        Dependency::api("org.jetbrains.kotlin", "kotlin-stdlib", "kotlin.version"),
        Dependency::api("org.jetbrains.kotlinx", "kotlinx-coroutines-core", "coroutines.version"),
        Dependency::api("org.jetbrains.kotlinx", "kotlinx-serialization-json", "serialization.version"),
        jna,
    ]
}

impl Dependency {
    pub fn api(group: &'static str, name: &'static str, version: &'static str) -> Self {
        Self { group, name, version, api: true, aar: false }
    }

    pub fn runtime(group: &'static str, name: &'static str, version: &'static str) -> Self {
        Self { api: false, ..Self::api(group, name, version) }
    }

    pub fn aar(self) -> Self {
        Self { aar: true, ..self }
    }
}

/// A Maven repository as a folder.
pub struct Repository(PathBuf);

impl Repository {
    /// What is released.
    pub fn released(place: &Place) -> Self {
        Self(place.target.join("dist/maven"))
    }

    /// What tests make, so that it takes the place of nothing that is released.
    pub fn tried(place: &Place) -> Self {
        Self(place.target.join("kotlin/repository"))
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// What lies in it, by name.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join(GROUP.replace('.', "/")));
        let entries = entries.into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Writes everything about an artifact; gives names and sizes of the archives.
    pub fn write(&self, place: &Place, artifact: &Artifact, content: &Content) -> Result<Vec<(String, u64)>> {
        let pom = std::fs::read_to_string(maven::package(place).join("pom.xml"))?;
        let versions = Versions(&pom);
        let version = versions.own()?;
        let folder = self.0.join(GROUP.replace('.', "/")).join(artifact.name).join(&version);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        let stem = format!("{}-{version}", artifact.name);
        let mut archives = Vec::new();
        for (name, entries) in [
            (format!("{stem}.{}", artifact.kind.extension()), &content.main),
            (format!("{stem}-sources.jar"), &content.sources),
            (format!("{stem}-javadoc.jar"), &content.docs),
        ] {
            if entries.is_empty() {
                return Err(Error::other(format!("nothing for {name}")));
            }
            zip::write(&folder.join(&name), entries)?;
            let bytes = std::fs::read(folder.join(&name))?;
            archives.push((name, bytes));
        }
        let module = module::text(artifact, &versions, &archives)?;
        std::fs::write(folder.join(format!("{stem}.module")), module)?;
        std::fs::write(folder.join(format!("{stem}.pom")), pom::text(artifact, &versions)?)?;
        for (name, bytes) in zip::folder(&folder, "")? {
            std::fs::write(folder.join(format!("{name}.sha256")), zip::sha256(&bytes))?;
        }
        Ok(archives.into_iter().map(|(name, bytes)| (name, bytes.len() as u64)).collect())
    }
}

/// The versions that the package is built and tested with.
struct Versions<'a>(&'a str);

impl Versions<'_> {
    fn own(&self) -> Result<String> {
        self.of("version")
    }

    fn of(&self, property: &str) -> Result<String> {
        let (open, close) = (format!("<{property}>"), format!("</{property}>"));
        let found = self.0.split_once(&open).and_then(|(_, rest)| rest.split_once(&close));
        found.map(|(value, _)| value.to_owned()).ok_or_else(|| Error::other(format!("no {open} in pom.xml")))
    }

    /// The oldest Java that runs the classes.
    fn java(&self) -> Result<u32> {
        let target = self.of("veilfold.jvm")?;
        target.strip_prefix("1.").unwrap_or(&target).parse().map_err(Error::other)
    }
}

#[cfg(test)]
mod examples {
    use super::*;

    pub const POM: &str = "<version>0.1.0</version> <jna.version>5.1</jna.version> \
                           <coroutines.version>1.2</coroutines.version> \
                           <veilfold.jvm>1.8</veilfold.jvm>";

    pub fn artifact(kind: Kind) -> Artifact {
        let jna = Dependency::runtime("net.java.dev.jna", "jna", "jna.version");
        let (jna, instead_of) = if kind == Kind::Aar { (jna.aar(), Some("y")) } else { (jna, None) };
        let core = Dependency::api("org.jetbrains.kotlinx", "kotlinx-coroutines-core", "coroutines.version");
        Artifact { name: "x", kind, about: "about", instead_of, dependencies: vec![core, jna] }
    }

    #[test]
    fn what_tests_make_takes_the_place_of_nothing_that_is_released() {
        let place = Place::find();
        let (released, tried) = (Repository::released(&place), Repository::tried(&place));
        assert!(released.folder().starts_with(place.target.join("dist")));
        assert!(!tried.folder().starts_with(place.target.join("dist")));
    }

    #[test]
    fn versions_are_those_of_the_package() {
        assert_eq!(Versions(POM).own().unwrap(), "0.1.0");
        assert_eq!(Versions(POM).java().unwrap(), 8);
        assert!(Versions(POM).of("none").is_err());
    }
}
