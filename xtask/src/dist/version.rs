//! One version everywhere: in the workspace, in Maven's package, in the changelog and in the tag.
//!
//! Compared when a release is joined, before anybody can see it.

use crate::place::Place;

/// True when the tag, if there is one, is of the version that was built, and the changelog tells of that.
pub fn agrees(place: &Place, tag: Option<&str>) -> bool {
    let read = |name: &str| std::fs::read_to_string(place.root.join(name)).unwrap_or_default();
    let wrong =
        differs(env!("CARGO_PKG_VERSION"), tag, &read("bindings/kotlin/pom.xml"), &read("CHANGELOG.md"));
    for what in &wrong {
        println!("{what}");
    }
    wrong.is_empty()
}

/// The Python package takes its version from the workspace, the Swift package from the tag.
fn differs(version: &str, tag: Option<&str>, pom: &str, changelog: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let maven = pom.split_once("<version>").and_then(|(_, rest)| rest.split_once("</version>"));
    if maven.map(|(maven, _)| maven) != Some(version) {
        wrong.push(format!("bindings/kotlin/pom.xml is not of version {version}"));
    }
    let Some(tag) = tag else { return wrong };
    if tag.strip_prefix('v') != Some(version) {
        wrong.push(format!("{tag} is not the tag of version {version}, which is v{version}"));
    }
    let heading = |line: &str| {
        let name = line.strip_prefix("## ").map(|name| name.trim_start_matches('['));
        name.and_then(|name| name.split([' ', ']']).next()) == Some(version)
    };
    if !changelog.lines().any(heading) {
        wrong.push(format!("CHANGELOG.md has no heading of version {version}"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    const POM: &str = "<project>\n  <version>1.2.0</version>\n  <properties/>";

    #[test]
    fn a_tag_is_of_the_version_that_is_built_and_told_of() {
        let told = "# Changelog\n\n## [1.2.0] - 2027-01-01\n\n## 1.1.0\n";
        assert_eq!(differs("1.2.0", Some("v1.2.0"), POM, told), Vec::<String>::new());
        assert_eq!(differs("1.2.0", Some("v1.2.0"), POM, "## 1.2.0 (January)"), Vec::<String>::new());
        for tag in ["1.2.0", "v1.2", "v1.1.0", "v1.2.0-rc1"] {
            assert_eq!(differs("1.2.0", Some(tag), POM, told).len(), 1, "{tag}");
        }
        assert_eq!(
            differs("1.1.0", Some("v1.1.0"), POM, told),
            ["bindings/kotlin/pom.xml is not of version 1.1.0"]
        );
        let untold = "## Unreleased\n\n## 1.2.01\n";
        assert_eq!(
            differs("1.2.0", Some("v1.2.0"), POM, untold),
            ["CHANGELOG.md has no heading of version 1.2.0"]
        );
        // Joined to be looked at, without a tag.
        assert_eq!(differs("1.2.0", None, POM, untold), Vec::<String>::new());
    }

    #[test]
    fn the_packages_of_this_checkout_are_of_one_version() {
        assert!(agrees(&Place::find(), None));
    }
}
