//! An artifact as Maven and Maven Central want it described.

use super::{Artifact, Dependency, GROUP, Kind, Versions};
use std::io::Result;

pub fn text(artifact: &Artifact, versions: &Versions<'_>) -> Result<String> {
    let version = versions.own()?;
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
  <developers>
    <developer>
      <name>The Veilfold project</name>
      <url>https://github.com/veilfold/veilfold</url>
    </developer>
  </developers>
  <scm>
    <connection>scm:git:https://github.com/veilfold/veilfold.git</connection>
    <url>https://github.com/veilfold/veilfold</url>
  </scm>
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

#[cfg(test)]
mod tests {
    use super::super::examples::{POM, artifact};
    use super::*;

    #[test]
    fn a_pom_names_the_files_that_maven_can_use() {
        let pom = text(&artifact(Kind::Jar), &Versions(POM)).unwrap();
        assert!(pom.contains("<artifactId>kotlinx-coroutines-core-jvm</artifactId>"));
        assert!(pom.contains("published-with-gradle-metadata") && !pom.contains("<type>aar</type>"));
        let pom = text(&artifact(Kind::Aar), &Versions(POM)).unwrap();
        assert!(pom.contains("<type>aar</type>") && pom.contains("<packaging>aar</packaging>"));
    }

    /// <https://central.sonatype.org/publish/requirements/>; sums and signatures come with the upload.
    #[test]
    fn a_pom_says_what_maven_central_asks_for() {
        let pom = text(&artifact(Kind::Jar), &Versions(POM)).unwrap();
        for name in
            ["groupId", "artifactId", "version", "name", "description", "url", "license", "scm", "developer"]
        {
            assert!(pom.contains(&format!("<{name}>")), "{name}");
        }
    }
}
