//! Links that lead somewhere: from document to document, and from code to documents.

use super::Finding;
use crate::place::Place;
use crate::python::blocks;
use std::path::{Component, Path, PathBuf};

/// Where the Rust blocks of documents become tests.
const RUN_BY: &str = "tests/src/quickstarts.rs";

/// Reports links in a Markdown text to files or headings that are not there.
pub fn internal(place: &Place, file: &Path, text: &str, findings: &mut Vec<Finding>) {
    for (line, target) in links(text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
        let folder = file.parent().unwrap_or(Path::new(""));
        let other = if path.is_empty() { file.to_path_buf() } else { plain(&folder.join(path)) };
        let what = if !place.root.join(&other).exists() {
            format!("leads to {}, which is not there", other.display())
        } else if !heading.is_empty() && !has_heading(&place.root.join(&other), heading) {
            format!("{} has no heading #{heading}", other.display())
        } else {
            continue;
        };
        findings.push(Finding { file: file.to_path_buf(), line, what });
    }
}

/// Reports documents that a comment in code names and that are not there.
pub fn cited(place: &Place, file: &Path, text: &str, findings: &mut Vec<Finding>) {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//")) {
        for (at, _) in line.match_indices("docs/") {
            let before = line[..at].chars().next_back();
            let name: String = line[at..].chars().take_while(|c| part_of_name(*c)).collect();
            let Some(end) = name.find(".md") else { continue };
            let name = &name[..end + 3];
            if !before.is_some_and(part_of_name) && !place.root.join(name).is_file() {
                let what = format!("names {name}, which is not there");
                findings.push(Finding { file: file.to_path_buf(), line: number + 1, what });
            }
        }
    }
}

/// Reports documents with Rust blocks that no test runs.
pub fn quickstarts(place: &Place, file: &Path, text: &str, findings: &mut Vec<Finding>) {
    let Some((line, _)) = blocks(text, "rust").into_iter().next() else { return };
    let listed = std::fs::read_to_string(place.root.join(RUN_BY)).unwrap_or_default();
    if !listed.contains(&format!("/{}\"", file.display())) {
        let what = format!("has Rust code that nothing runs; add it to {RUN_BY}");
        findings.push(Finding { file: file.to_path_buf(), line, what });
    }
}

/// Targets of `[text](target)` and `[name]: target`, outside of code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (at, _) in prose.match_indices("](") {
            if let Some(end) = prose[at..].find(')') {
                found.push((number + 1, prose[at + 2..at + end].trim().to_owned()));
            }
        }
        if let Some((_, target)) = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            found.push((number + 1, target.trim().to_owned()));
        }
    }
    found
}

fn has_heading(file: &Path, wanted: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut in_code = false;
    text.lines().any(|line| {
        in_code ^= line.trim_start().starts_with("```");
        !in_code && line.starts_with('#') && anchor(line.trim_start_matches('#').trim()) == wanted
    })
}

/// The name that a heading gets in links: lower case, hyphens for spaces, no other signs.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text = "[a](b.md) and [c](d.md#e)\n```\n[x](y)\n```\n`[p](q)`\n[r]: s.md\n";
        assert_eq!(links(text), [(1, "b.md".to_owned()), (1, "d.md#e".to_owned()), (6, "s.md".to_owned())]);
    }

    #[test]
    fn headings_become_anchors() {
        assert_eq!(anchor("The data's way"), "the-datas-way");
        assert_eq!(anchor("`frame.rs`, byte by byte"), "framers-byte-by-byte");
    }

    #[test]
    fn a_dead_link_and_a_dead_heading_are_reported() {
        let place = Place::find();
        let mut findings = Vec::new();
        let text = "[a](Cargo.toml) [b](no/such.md) [c](docs/protocol/keys.md#no-such-heading)";
        internal(&place, Path::new("README.md"), text, &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert_eq!(plain(Path::new("docs/protocol/../x.md")), Path::new("docs/x.md"));
    }

    #[test]
    fn a_comment_that_names_a_missing_document_is_reported() {
        let mut findings = Vec::new();
        let text = "// see docs/protocol/keys.md and docs/no-such.md\nlet x = \"docs/other.md\";\n";
        cited(&Place::find(), Path::new("a.rs"), text, &mut findings);
        assert_eq!(findings.len(), 1, "{findings:?}");
    }
}
