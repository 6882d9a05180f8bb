//! `cargo xtask tidy`: what house style forbids and no compiler notices.
//!
//! One file per rule; each finding is a line `file:line: what`. Nothing is excused here: where two
//! neighbouring folders may know each other, `layers.rs` says so with the reason.

mod layers;
mod links;
mod shape;
mod source;

use crate::command::Run;
use crate::place::Place;
use std::path::{Path, PathBuf};

/// One thing to change, in the form that editors understand.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub file: PathBuf,
    pub line: usize,
    pub what: String,
}

pub fn run(place: &Place) -> bool {
    let findings = findings(place);
    for finding in &findings {
        println!("{}:{}: {}", finding.file.display(), finding.line, finding.what);
    }
    println!("tidy: {} to change", findings.len());
    findings.is_empty()
}

fn findings(place: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files(place) {
        shape::name(&file, &mut findings);
        let Ok(text) = std::fs::read_to_string(place.root.join(&file)) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => {
                shape::length(&file, &text, &mut findings);
                shape::head(&file, &text, &mut findings);
                links::cited(place, &file, &text, &mut findings);
                let tokens = source::tokens(&text);
                layers::imports(&file, &tokens, &mut findings);
                layers::unordered(&file, &tokens, &mut findings);
            }
            Some("py" | "swift" | "kt" | "c" | "sql" | "sh") => shape::length(&file, &text, &mut findings),
            Some("md") => {
                links::internal(place, &file, &text, &mut findings);
                if is_document(&file) {
                    links::quickstarts(place, &file, &text, &mut findings);
                }
            }
            _ => {}
        }
    }
    findings.sort();
    findings
}

/// Everything under `docs/` and every README, whose code blocks are run by the tests.
pub fn documents(place: &Place) -> Vec<PathBuf> {
    files(place).into_iter().filter(|file| is_document(file)).collect()
}

fn is_document(file: &Path) -> bool {
    let markdown = file.extension().is_some_and(|extension| extension == "md");
    markdown && (file.ends_with("README.md") || file.starts_with("docs"))
}

/// Every file that belongs to the project, relative to its root: what git has or would add.
fn files(place: &Place) -> Vec<PathBuf> {
    let listed = Run::new("git", &place.root)
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .quietly();
    let mut files: Vec<PathBuf> = match listed {
        Some(text) => text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect(),
        None => walked(&place.root, Path::new("")),
    };
    files.retain(|file| place.root.join(file).is_file());
    files.sort();
    files
}

/// The same without git: everything but what is built and what is hidden.
fn walked(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let path = folder.join(&name);
        let name = name.to_string_lossy();
        if name == "target" || name == "__pycache__" || (name.starts_with('.') && name != ".github") {
            continue;
        }
        if root.join(&path).is_dir() {
            files.append(&mut walked(root, &path));
        } else {
            files.push(path);
        }
    }
    files
}
