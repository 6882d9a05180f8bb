//! Artifacts as Maven and Gradle find them in a repository: the file, its sources, a POM, Gradle's module
//! metadata, and the sums of all of them.

use super::maven;
use crate::place::Place;
use crate::zip;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::path::PathBuf;

const GROUP: &str = "dev.veilfold";

/// What is published under one name.
pub struct Artifact {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub dependencies: Vec<Dependency>,
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

/// The repository as a folder.
pub fn repository(place: &Place) -> PathBuf {
    place.target.join("dist/maven")
}

/// What lies in the repository, by name.
pub fn names(place: &Place) -> Vec<String> {
    let folder = repository(place).join(GROUP.replace('.', "/"));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Writes everything about an artifact; gives names and sizes of the two archives.
pub fn write(
    place: &Place,
    artifact: &Artifact,
    content: &BTreeMap<String, Vec<u8>>,
    sources: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<(String, u64)>> {
    let pom = std::fs::read_to_string(maven::package(place).join("pom.xml"))?;
    let versions = Versions(&pom);
    let version = versions.own()?;
    let folder = repository(place).join(GROUP.replace('.', "/")).join(artifact.name).join(&version);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let stem = format!("{}-{version}", artifact.name);
    let main = format!("{stem}.{}", artifact.kind.extension());
    let source = format!("{stem}-sources.jar");
    zip::write(&folder.join(&main), content)?;
    zip::write(&folder.join(&source), sources)?;
    let files = [&main, &source].map(|name| (name.clone(), std::fs::read(folder.join(name))));
    let mut archives = Vec::new();
    for (name, bytes) in files {
        archives.push((name, bytes?));
    }
    let module = module(artifact, &version, &versions, &archives)?;
    check(&module, &archives)?;
    std::fs::write(folder.join(format!("{stem}.pom")), pom_text(artifact, &version, &versions)?)?;
    std::fs::write(folder.join(format!("{stem}.module")), serde_json::to_string_pretty(&module)?)?;
    for (name, bytes) in zip::folder(&folder, "")? {
        std::fs::write(folder.join(format!("{name}.sha256")), zip::sha256(&bytes))?;
    }
    Ok(archives.into_iter().map(|(name, bytes)| (name, bytes.len() as u64)).collect())
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
}

fn pom_text(artifact: &Artifact, version: &str, versions: &Versions<'_>) -> Result<String> {
    let mut dependencies = String::new();
    for dependency in &artifact.dependencies {
        let (name, scope) = if artifact.kind == Kind::Jar && dependency.name.starts_with("kotlinx-") {
            // Maven does not read what leads Gradle from the common name to the one for the JVM.
            (format!("{}-jvm", dependency.name), dependency.scope())
        } else {
            (dependency.name.to_owned(), dependency.scope())
        };
        let kind = if dependency.aar { "\n      <type>aar</type>" } else { "" };
        dependencies.push_str(&format!(
            "    <dependency>\n      <groupId>{}</groupId>\n      <artifactId>{name}</artifactId>\n      \
             <version>{}</version>{kind}\n      <scope>{scope}</scope>\n    </dependency>\n",
            dependency.group,
            versions.of(dependency.version)?,
        ));
    }
    let packaging = artifact.kind.extension();
    // Gradle reads the module metadata only if the comment says that there is any.
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://maven.apache.org/POM/4.0.0 http://maven.apache.org/xsd/maven-4.0.0.xsd">
  <!-- do_not_remove: published-with-gradle-metadata -->
  <modelVersion>4.0.0</modelVersion>
  <groupId>{GROUP}</groupId>
  <artifactId>{}</artifactId>
  <version>{version}</version>
  <packaging>{packaging}</packaging>
  <name>{}</name>
  <description>{}</description>
  <url>https://github.com/veilfold/veilfold</url>
  <licenses>
    <license><name>MIT</name><url>https://opensource.org/license/mit</url></license>
    <license><name>Apache-2.0</name><url>https://www.apache.org/licenses/LICENSE-2.0</url></license>
  </licenses>
  <scm><url>https://github.com/veilfold/veilfold</url></scm>
  <dependencies>
{dependencies}  </dependencies>
</project>
"#,
        artifact.name, artifact.name, artifact.about,
    ))
}

impl Dependency {
    fn scope(&self) -> &'static str {
        if self.api { "compile" } else { "runtime" }
    }
}

/// Gradle module metadata 1.1: what compiles against it, what runs it, its sources.
fn module(
    artifact: &Artifact,
    version: &str,
    versions: &Versions<'_>,
    archives: &[(String, Vec<u8>)],
) -> Result<Json> {
    let mut dependencies = Vec::new();
    for dependency in &artifact.dependencies {
        let mut said = json!({
            "group": dependency.group,
            "module": dependency.name,
            "version": { "requires": versions.of(dependency.version)? },
        });
        if dependency.aar {
            said["thirdPartyCompatibility"] = json!({
                "artifactSelector": { "name": dependency.name, "type": "aar", "extension": "aar" }
            });
        }
        dependencies.push((dependency.api, said));
    }
    let of = |api_only: bool| -> Vec<&Json> {
        dependencies.iter().filter(|(api, _)| *api || !api_only).map(|(_, said)| said).collect()
    };
    let files: Vec<Json> = archives
        .iter()
        .map(|(name, bytes)| {
            json!({ "name": name, "url": name, "size": bytes.len(), "sha256": zip::sha256(bytes) })
        })
        .collect();
    let library = |usage: &str| {
        let mut attributes = json!({
            "org.gradle.category": "library",
            "org.gradle.dependency.bundling": "external",
            "org.gradle.libraryelements": artifact.kind.extension(),
            "org.gradle.usage": usage,
            "org.jetbrains.kotlin.platform.type": artifact.kind.platform(),
        });
        if artifact.kind == Kind::Jar {
            attributes["org.gradle.jvm.environment"] = json!("standard-jvm");
            attributes["org.gradle.jvm.version"] = json!(17);
        } else {
            attributes["org.gradle.jvm.environment"] = json!("android");
        }
        attributes
    };
    let sources = json!({
        "org.gradle.category": "documentation",
        "org.gradle.dependency.bundling": "external",
        "org.gradle.docstype": "sources",
        "org.gradle.usage": "java-runtime",
        "org.jetbrains.kotlin.platform.type": artifact.kind.platform(),
    });
    Ok(json!({
        "formatVersion": "1.1",
        "component": {
            "group": GROUP,
            "module": artifact.name,
            "version": version,
            "attributes": { "org.gradle.status": "release" },
        },
        "variants": [
            { "name": "apiElements", "attributes": library("java-api"), "dependencies": of(true), "files": [files[0]] },
            { "name": "runtimeElements", "attributes": library("java-runtime"), "dependencies": of(false), "files": [files[0]] },
            { "name": "sourcesElements", "attributes": sources, "files": [files[1]] },
        ],
    }))
}

/// The rules of Gradle's specification of its module metadata, version 1.1, as far as they concern what
/// is written here: no schema of it is published in a form that a program reads.
fn check(module: &Json, archives: &[(String, Vec<u8>)]) -> Result<()> {
    let wrong = |what: String| Err(Error::other(format!("module metadata: {what}")));
    if module["formatVersion"] != "1.1" {
        return wrong("the format is 1.1".to_owned());
    }
    for field in ["group", "module", "version"] {
        if module["component"][field].as_str().is_none_or(str::is_empty) {
            return wrong(format!("component has no {field}"));
        }
    }
    let mut names = std::collections::BTreeSet::new();
    let mut attributes = Vec::new();
    for variant in module["variants"].as_array().into_iter().flatten() {
        let name = variant["name"].as_str().unwrap_or_default();
        if name.is_empty() || !names.insert(name) {
            return wrong(format!("variant {name:?} has no name of its own"));
        }
        let plain = |value: &Json| value.is_string() || value.is_boolean() || value.is_i64();
        let said = variant["attributes"].as_object();
        if !said.is_some_and(|said| said.values().all(plain)) || attributes.contains(&said) {
            return wrong(format!("attributes of {name} are not plain, or those of another variant"));
        }
        attributes.push(said);
        for file in variant["files"].as_array().into_iter().flatten() {
            let (file_name, url) = (file["name"].as_str(), file["url"].as_str());
            let found =
                archives.iter().find(|(archive, _)| Some(archive.as_str()) == file_name && file_name == url);
            if found
                .is_none_or(|(_, bytes)| file["size"] != bytes.len() || file["sha256"] != zip::sha256(bytes))
            {
                return wrong(format!("a file of {name} is not what lies beside it"));
            }
        }
        for dependency in variant["dependencies"].as_array().into_iter().flatten() {
            let version = dependency["version"]["requires"].as_str();
            let named = ["group", "module"].iter().all(|field| dependency[field].is_string());
            if !named || version.is_none_or(|version| version.contains(['$', '+'])) {
                return wrong(format!("a dependency of {name} has no name or no one version"));
            }
        }
    }
    if names.is_empty() { wrong("no variant".to_owned()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(kind: Kind) -> Artifact {
        let jna = Dependency::runtime("net.java.dev.jna", "jna", "jna.version");
        let jna = if kind == Kind::Aar { jna.aar() } else { jna };
        let core = Dependency::api("org.jetbrains.kotlinx", "kotlinx-coroutines-core", "coroutines.version");
        Artifact { name: "x", kind, about: "about", dependencies: vec![core, jna] }
    }

    const POM: &str = "<version>0.1.0</version> <jna.version>5.1</jna.version> \
                       <coroutines.version>1.2</coroutines.version>";

    #[test]
    fn a_module_says_what_compiles_and_what_runs() {
        let archives = vec![("x-0.1.0.aar".to_owned(), vec![1]), ("x-0.1.0-sources.jar".to_owned(), vec![2])];
        let module = module(&artifact(Kind::Aar), "0.1.0", &Versions(POM), &archives).unwrap();
        check(&module, &archives).unwrap();
        assert_eq!(module["variants"][0]["dependencies"].as_array().unwrap().len(), 1);
        let jna = &module["variants"][1]["dependencies"][1];
        assert_eq!(jna["thirdPartyCompatibility"]["artifactSelector"]["type"], "aar");
        assert_eq!(jna["version"]["requires"], "5.1");
    }

    #[test]
    fn what_is_wrong_with_a_module_is_noticed() {
        let archives = vec![("x-0.1.0.jar".to_owned(), vec![1]), ("x-0.1.0-sources.jar".to_owned(), vec![2])];
        let good = module(&artifact(Kind::Jar), "0.1.0", &Versions(POM), &archives).unwrap();
        let spoilt: [(&str, Json); 5] = [
            ("/formatVersion", json!("1.0")),
            ("/component/version", json!("")),
            ("/variants/1/name", json!("apiElements")),
            ("/variants/0/files/0/size", json!(7)),
            ("/variants/0/dependencies/0/version/requires", json!("1.+")),
        ];
        for (at, value) in spoilt {
            let mut module = good.clone();
            *module.pointer_mut(at).unwrap() = value;
            assert!(check(&module, &archives).is_err(), "{at}");
        }
    }

    #[test]
    fn a_pom_names_the_files_that_maven_can_use() {
        let pom = pom_text(&artifact(Kind::Jar), "0.1.0", &Versions(POM)).unwrap();
        assert!(pom.contains("<artifactId>kotlinx-coroutines-core-jvm</artifactId>"));
        assert!(pom.contains("published-with-gradle-metadata") && !pom.contains("<type>aar</type>"));
        let pom = pom_text(&artifact(Kind::Aar), "0.1.0", &Versions(POM)).unwrap();
        assert!(pom.contains("<type>aar</type>") && pom.contains("<packaging>aar</packaging>"));
        assert!(Versions(POM).of("none").is_err());
    }
}
