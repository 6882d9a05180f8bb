//! Kotlin code in the documents, compiled and run in a project of its own that finds the package as
//! anybody would: in a Maven repository, by its POM.

use super::jar;
use super::publish::Repository;
use crate::command::Run;
use crate::place::Place;
use crate::python::blocks;
use std::path::PathBuf;
use std::time::Duration;

/// A quickstart that takes longer waits for something that does not come.
const TIME: Duration = Duration::from_secs(120);

/// Says how many programs ran, or how many did not.
pub fn run(place: &Place, repository: &Repository) -> Result<usize, usize> {
    let made = place.target.join("kotlin/quickstarts");
    let _ = std::fs::remove_dir_all(&made);
    let programs = match written(place, &made.join("src")) {
        Ok(programs) => programs,
        Err(error) => {
            println!("{error}");
            return Err(1);
        }
    };
    forget(repository);
    if !jar::consumer(place, repository).args(["package", "--quiet"]).succeeds() {
        return Err(programs.len().max(1));
    }
    let class_path = format!("{0}/classes:{0}/dependency/*", made.display());
    let mut failed = 0;
    for (shown, package) in &programs {
        println!("{shown}");
        // Each runs in a folder of its own, since it may leave a store there.
        let own = made.join(package);
        let ran = std::fs::create_dir_all(&own).is_ok()
            && Run::new("java", &own)
                .args(["-cp", &class_path, &format!("{package}.QuickstartKt")])
                .succeeds_within(TIME);
        failed += usize::from(!ran);
    }
    if failed == 0 { Ok(programs.len()) } else { Err(failed) }
}

/// Writes each block as a file of a package of its own; gives where it stands and that package.
fn written(place: &Place, sources: &std::path::Path) -> std::io::Result<Vec<(String, String)>> {
    let mut programs = Vec::new();
    for document in crate::tidy::documents(place) {
        let text = std::fs::read_to_string(place.root.join(&document))?;
        for (line, block) in blocks(&text, "kotlin") {
            let package = format!("quickstart{}", programs.len() + 1);
            let folder = sources.join(&package);
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("Quickstart.kt"), format!("package {package}\n\n{block}"))?;
            programs.push((format!("{}:{line}", document.display()), package));
        }
    }
    Ok(programs)
}

/// Maven never looks again at a version that it has: what was made before under it has to go.
pub fn forget(repository: &Repository) {
    let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("."));
    for name in repository.names() {
        let _ = std::fs::remove_dir_all(home.join(".m2/repository/dev/veilfold").join(name));
    }
}
