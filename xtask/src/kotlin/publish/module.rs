//! An artifact as Gradle wants it described: module metadata 1.1.

use super::{Artifact, GROUP, Kind, Versions};
use crate::zip;
use serde_json::{Value as Json, json};
use std::io::{Error, Result};

/// The metadata of an artifact with these archives: the thing itself, its sources, its documentation.
pub fn text(artifact: &Artifact, versions: &Versions<'_>, archives: &[(String, Vec<u8>)]) -> Result<String> {
    let module = module(artifact, versions, archives)?;
    check(&module, archives)?;
    Ok(serde_json::to_string_pretty(&module)?)
}

/// What compiles against it, what runs it, its sources, its documentation.
fn module(artifact: &Artifact, versions: &Versions<'_>, archives: &[(String, Vec<u8>)]) -> Result<Json> {
    let [main, sources, docs] = archives else { return Err(Error::other("not three archives")) };
    let version = versions.own()?;
    let java = versions.java()?;
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
    let file = |(name, bytes): &(String, Vec<u8>)| json!([{ "name": name, "url": name, "size": bytes.len(), "sha256": zip::sha256(bytes) }]);
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
            attributes["org.gradle.jvm.version"] = json!(java);
        } else {
            attributes["org.gradle.jvm.environment"] = json!("android");
        }
        attributes
    };
    let documentation = |kind: &str| {
        json!({
            "org.gradle.category": "documentation",
            "org.gradle.dependency.bundling": "external",
            "org.gradle.docstype": kind,
            "org.gradle.usage": "java-runtime",
            "org.jetbrains.kotlin.platform.type": artifact.kind.platform(),
        })
    };
    let mut variants = vec![
        json!({ "name": "apiElements", "attributes": library("java-api"), "dependencies": of(true), "files": file(main) }),
        json!({ "name": "runtimeElements", "attributes": library("java-runtime"), "dependencies": of(false), "files": file(main) }),
        json!({ "name": "sourcesElements", "attributes": documentation("sources"), "files": file(sources) }),
        json!({ "name": "javadocElements", "attributes": documentation("javadoc"), "files": file(docs) }),
    ];
    if let Some(other) = artifact.instead_of {
        let capability = |name: &str| json!({ "group": GROUP, "name": name, "version": version });
        for variant in &mut variants[..2] {
            variant["capabilities"] = json!([capability(artifact.name), capability(other)]);
        }
    }
    Ok(json!({
        "formatVersion": "1.1",
        "component": {
            "group": GROUP,
            "module": artifact.name,
            "version": version,
            "attributes": { "org.gradle.status": "release" },
        },
        "variants": variants,
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
    use super::super::examples::{POM, artifact};
    use super::*;

    fn archives(extension: &str) -> Vec<(String, Vec<u8>)> {
        let names =
            [format!("x-0.1.0.{extension}"), "x-0.1.0-sources.jar".into(), "x-0.1.0-javadoc.jar".into()];
        names.into_iter().zip(1..).map(|(name, byte)| (name, vec![byte])).collect()
    }

    #[test]
    fn a_module_says_what_compiles_and_what_runs() {
        let module: Json =
            serde_json::from_str(&text(&artifact(Kind::Aar), &Versions(POM), &archives("aar")).unwrap())
                .unwrap();
        assert_eq!(module["variants"][0]["dependencies"].as_array().unwrap().len(), 1);
        let jna = &module["variants"][1]["dependencies"][1];
        assert_eq!(jna["thirdPartyCompatibility"]["artifactSelector"]["type"], "aar");
        assert_eq!(jna["version"]["requires"], "5.1");
        let docs = &module["variants"][3];
        assert_eq!(docs["attributes"]["org.gradle.docstype"], "javadoc");
        assert_eq!(docs["files"][0]["name"], "x-0.1.0-javadoc.jar");
    }

    #[test]
    fn what_has_the_same_classes_has_the_same_capability() {
        let android = module(&artifact(Kind::Aar), &Versions(POM), &archives("aar")).unwrap();
        for variant in 0..2 {
            let names: Vec<&Json> =
                (0..2).map(|n| &android["variants"][variant]["capabilities"][n]["name"]).collect();
            // Without its own name there the module would have it no more.
            assert_eq!(names, ["x", "y"]);
        }
        let other = module(&artifact(Kind::Jar), &Versions(POM), &archives("jar")).unwrap();
        assert!(
            other["variants"][0].get("capabilities").is_none(),
            "its own is its name, and needs no saying"
        );
        assert_eq!(other["variants"][0]["attributes"]["org.gradle.jvm.version"], 8);
    }

    #[test]
    fn what_is_wrong_with_a_module_is_noticed() {
        let archives = archives("jar");
        let good = module(&artifact(Kind::Jar), &Versions(POM), &archives).unwrap();
        check(&good, &archives).unwrap();
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
}
