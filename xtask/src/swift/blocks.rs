//! The Swift blocks of the documents, as one program of the package: each block is a function of it.
//!
//! Blocks are written to run as they are: what they import is gathered at the head of the program, and what
//! they declare is their own.

use super::package::{folder, put_if_new};
use crate::place::Place;
use crate::python::blocks;
use std::path::PathBuf;

/// Writes the program; a document without a block is left out.
pub fn write(place: &Place) -> bool {
    let mut imports = vec!["import Foundation".to_owned()];
    let (mut functions, mut calls) = (String::new(), String::new());
    for document in documents(place) {
        let Ok(text) = std::fs::read_to_string(place.root.join(&document)) else { continue };
        for (line, block) in blocks(&text, "swift") {
            let name = format!("{}_{line}", document.to_string_lossy().replace(['/', '.', '-'], "_"));
            let (head, body): (Vec<&str>, Vec<&str>) =
                block.lines().partition(|line| line.starts_with("import "));
            imports.extend(head.into_iter().map(str::to_owned));
            functions.push_str(&format!("func {name}() async throws {{\n{}\n}}\n\n", body.join("\n")));
            calls.push_str(&format!("try await {name}()\nprint(\"ran {}:{line}\")\n", document.display()));
        }
    }
    imports.sort();
    imports.dedup();
    let sources = folder(place).join("Sources/veilfold-blocks");
    let program = format!("{}\n\n{functions}{calls}", imports.join("\n"));
    std::fs::create_dir_all(&sources).is_ok()
        && put_if_new(&sources.join("main.swift"), program.as_bytes()).is_ok()
}

/// Every document of the repository, and the articles of the documentation catalogue.
fn documents(place: &Place) -> Vec<PathBuf> {
    let catalogue = folder(place).join("Sources/Veilfold/Veilfold.docc");
    let articles = std::fs::read_dir(catalogue).into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        let article = path.extension().is_some_and(|extension| extension == "md");
        article.then(|| path.strip_prefix(&place.root).map(PathBuf::from).ok()).flatten()
    });
    let mut documents: Vec<PathBuf> = crate::tidy::documents(place).into_iter().chain(articles).collect();
    documents.sort();
    documents.dedup();
    documents
}
