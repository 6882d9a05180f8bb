//! The bill of materials of a release: every package whose code is in an artifact, as CycloneDX JSON.
//!
//! Names and versions as cargo resolves them for each platform that is shipped, licences from the
//! packages, sums from the lock file. The same sources give the same bytes.

use crate::command::Run;
use crate::place::Place;
use crate::{ship, zip};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What artifacts are built for: each has packages that others have not.
const TARGETS: [&str; 10] = [
    "aarch64-apple-ios",
    "aarch64-apple-ios-sim",
    "x86_64-apple-ios",
    "aarch64-apple-darwin",
    "x86_64-apple-darwin",
    "aarch64-linux-android",
    "armv7-linux-androideabi",
    "x86_64-linux-android",
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
];
pub const FILE: &str = "veilfold.cdx.json";

type Package = (String, String);

/// Writes the bill beside the artifacts.
pub fn write(place: &Place, extras: ship::Extras) -> bool {
    let Some(text) = bill(place, extras) else {
        println!("{FILE}: cargo does not tell what the packages are");
        return false;
    };
    let file = place.target.join("dist").join(FILE);
    file.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok())
        && std::fs::write(file, text).is_ok()
}

fn bill(place: &Place, extras: ship::Extras) -> Option<String> {
    let mut linked = BTreeSet::new();
    for target in TARGETS {
        linked.extend(packages(place, target, extras)?);
    }
    let metadata =
        Run::cargo(&place.root).args(["metadata", "--format-version", "1", "--all-features"]).quietly()?;
    let metadata: Value = serde_json::from_str(&metadata).ok()?;
    let sums = sums(&std::fs::read_to_string(place.root.join("Cargo.lock")).ok()?);
    let mut bill = cyclonedx(&linked, &metadata, &sums);
    // A number of its own for each content, in the form of a UUID of version 8 (made by the writer).
    let sum = zip::sha256(bill.to_string().as_bytes());
    let serial =
        format!("{}-{}-8{}-8{}-{}", &sum[..8], &sum[8..12], &sum[13..16], &sum[17..20], &sum[20..32]);
    bill["serialNumber"] = format!("urn:uuid:{serial}").into();
    serde_json::to_string_pretty(&bill).ok().map(|text| text + "\n")
}

/// What is linked into the library of one target.
fn packages(place: &Place, target: &str, extras: ship::Extras) -> Option<Vec<Package>> {
    let tree = Run::cargo(&place.root)
        // `testing` puts a Relay into the library; the wheel has it, for the tests of apps.
        .args(["tree", "-p", "veilfold-ffi", "--features", "testing", "-e", "normal,no-proc-macro"])
        .args(extras.features())
        .args(["--prefix", "none", "--format", "{p}", "--target", target])
        .quietly()?;
    Some(tree.lines().filter_map(name_and_version).collect())
}

/// `serde v1.0.229` or `veilfold-core v0.1.0 (/path)`, perhaps with `(*)` behind.
fn name_and_version(line: &str) -> Option<Package> {
    let (name, rest) = line.split_once(" v")?;
    let version = rest.split(' ').next()?;
    Some((name.to_owned(), version.to_owned()))
}

/// The sums that the registry gave for its packages.
fn sums(lock: &str) -> BTreeMap<Package, String> {
    let mut sums = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let value = |key: &str| -> Option<String> {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
            Some(line.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(sum)) = (value("name"), value("version"), value("checksum")) {
            sums.insert((name, version), sum);
        }
    }
    sums
}

fn cyclonedx(linked: &BTreeSet<Package>, metadata: &Value, sums: &BTreeMap<Package, String>) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut of_id = BTreeMap::new();
    let mut known = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let key = (text(&package["name"]), text(&package["version"]));
        of_id.insert(text(&package["id"]), key.clone());
        known.insert(key, package);
    }
    let components: Vec<Value> =
        linked.iter().map(|key| component(key, known.get(key).copied(), sums)).collect();
    let mut needs: BTreeMap<&Package, BTreeSet<String>> = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().into_iter().flatten() {
        let Some(key) = of_id.get(&text(&node["id"])).and_then(|key| linked.get(key)) else { continue };
        let normal = |dependency: &&Value| {
            dependency["dep_kinds"].as_array().into_iter().flatten().any(|kind| kind["kind"].is_null())
        };
        let others = node["deps"].as_array().into_iter().flatten().filter(normal);
        let others = others.filter_map(|dependency| of_id.get(&text(&dependency["pkg"])));
        needs.entry(key).or_default().extend(others.filter(|other| linked.contains(*other)).map(reference));
    }
    let dependencies: Vec<Value> = needs
        .into_iter()
        .map(|(key, others)| json!({ "ref": reference(key), "dependsOn": others }))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "library", "bom-ref": "veilfold", "name": "veilfold", "version": version,
            "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        } },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(key: &Package, package: Option<&Value>, sums: &BTreeMap<Package, String>) -> Value {
    let (name, version) = key;
    let mut component = json!({
        "type": "library", "bom-ref": reference(key), "name": name, "version": version,
        "purl": reference(key),
    });
    if let Some(license) = package.and_then(|package| package["license"].as_str()) {
        // Before there were expressions, a slash meant "or".
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(sum) = sums.get(key) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    component
}

fn reference((name, version): &Package) -> String {
    format!("pkg:cargo/{name}@{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_licences_sums_and_what_they_need() {
        let lock = "[[package]]\nname = \"serde\"\nversion = \"1.0.1\"\nchecksum = \"ab\"\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";
        let sums = sums(lock);
        assert_eq!(sums.len(), 1);
        let metadata = json!({
            "packages": [
                { "id": "1", "name": "own", "version": "0.1.0", "license": "MIT" },
                { "id": "2", "name": "serde", "version": "1.0.1", "license": "MIT/Apache-2.0" },
                { "id": "3", "name": "not-linked", "version": "1.0.0", "license": "GPL-3.0" },
            ],
            "resolve": { "nodes": [{ "id": "1", "deps": [
                { "pkg": "2", "dep_kinds": [{ "kind": null }] },
                { "pkg": "3", "dep_kinds": [{ "kind": "dev" }] },
            ] }] },
        });
        let linked =
            ["own v0.1.0 (/somewhere)", "serde v1.0.1 (*)"].iter().filter_map(|line| name_and_version(line));
        let bill = cyclonedx(&linked.collect(), &metadata, &sums);
        assert_eq!(bill["components"].as_array().map(Vec::len), Some(2));
        assert_eq!(bill["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["components"][1]["hashes"][0]["content"], "ab");
        assert_eq!(bill["dependencies"][0]["dependsOn"], json!(["pkg:cargo/serde@1.0.1"]));
    }

    #[test]
    fn what_is_compiled_in_on_request_is_in_the_bill() {
        let has = |wasm: bool| {
            let packages = packages(&Place::find(), TARGETS[8], ship::Extras { wasm }).unwrap();
            packages.iter().any(|(name, _)| name == "wasmi")
        };
        assert!(has(true) && !has(false));
    }
}
