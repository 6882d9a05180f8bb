//! What must hold of every export, read from the source: a call that cannot fail in its signature
//! ends the process of an app when it panics.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

fn sources() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .collect();
    sources.sort();
    sources
}

/// The signatures of the functions in exported blocks: from `fn` to the body or semicolon.
fn exported_signatures(source: &str) -> Vec<String> {
    let mut signatures = Vec::new();
    for block in source.split("#[uniffi::export").skip(1) {
        // A block ends with the first brace at the start of a line.
        let block = block.split("\n}").next().unwrap_or_default();
        for function in block.split("fn ").skip(1) {
            let end = function.find([';', '{']).unwrap_or(function.len());
            let signature = function[..end].split_whitespace().collect::<Vec<_>>().join(" ");
            if signature.contains('(') {
                signatures.push(signature);
            }
        }
    }
    signatures
}

#[test]
fn every_export_returns_a_result() {
    let mut count = 0;
    for (path, source) in sources() {
        for signature in exported_signatures(&source) {
            assert!(signature.contains("-> Result<"), "{path}: {signature}");
            count += 1;
        }
    }
    assert!(count > 40, "only {count} exports were found");
}

#[test]
fn no_foreign_trait_is_async_and_nothing_unsafe_is_written_by_hand() {
    for (path, source) in sources() {
        let code: String =
            source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        assert!(!code.contains("unsafe"), "{path}");
        for block in code.split("#[uniffi::export(foreign)]").skip(1) {
            let block = block.split("\n}").next().unwrap_or_default();
            assert!(!block.contains("async fn"), "{path}");
        }
    }
}
