//! Imports inside the core point to the right in one line of folders; none of them points left.
//!
//! `ARCHITECTURE.md` draws the line and says what each layer does not know.

use super::Finding;
use super::source::Token;
use std::path::{Component, Path};

/// From left to right. Folders of one group are neighbours and leave each other alone.
const LINE: [&[&str]; 12] = [
    &["client"],
    &["io"],
    &["engine"],
    &["error"],
    &["transact", "outbox", "sync", "query", "presence", "blobs", "snapshot"],
    &["documents", "members"],
    &["resolver", "log", "envelope"],
    &["keys"],
    &["store"],
    &["model"],
    &["wire"],
    &["gather", "sorted"],
];

/// Neighbours of which the first may know the second, and why.
const NEIGHBOURS: [(&str, &str, &str); 1] =
    [("log", "envelope", "only a VerifiedEntry is put into the log, and envelope/ is where one comes from")];

fn rank(folder: &str) -> Option<usize> {
    LINE.iter().position(|group| group.contains(&folder))
}

/// Reports imports that point left, and folders that have no place in the line.
pub fn imports(file: &Path, tokens: &[Token], findings: &mut Vec<Finding>) {
    let Some(inside) = file.strip_prefix("core/src").ok().filter(|inside| *inside != Path::new("lib.rs"))
    else {
        return;
    };
    let module = module_of(inside);
    let Some(own) = module.first() else { return };
    let mut report = |line, what| findings.push(Finding { file: file.to_path_buf(), line, what });
    let Some(here) = rank(own) else {
        return report(1, format!("`{own}` has no place in the line of layers (xtask/src/tidy/layers.rs)"));
    };
    for (line, other) in used_folders(&module, tokens) {
        let Some(there) = rank(&other) else { continue };
        let allowed = NEIGHBOURS.iter().any(|(who, whom, _)| who == own && *whom == other);
        if other == *own || there > here || allowed {
            continue;
        }
        let how = if there == here { "is its neighbour" } else { "stands left of it" };
        report(line, format!("`{own}` uses `{other}`, which {how} in the line of layers"));
    }
}

/// Reports maps and sets whose order differs between runs.
pub fn unordered(file: &Path, tokens: &[Token], findings: &mut Vec<Finding>) {
    if !file.starts_with("core") {
        return;
    }
    for token in tokens.iter().filter(|token| token.is("HashMap") || token.is("HashSet")) {
        let what = format!("{} has no stable order; use Sorted{}", token.text, &token.text[4..]);
        findings.push(Finding { file: file.to_path_buf(), line: token.line, what });
    }
}

/// The module that a file is: `engine/local.rs` is `engine::local`, `engine/mod.rs` is `engine`.
fn module_of(inside: &Path) -> Vec<String> {
    let mut module: Vec<String> = inside
        .with_extension("")
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    if module.last().is_some_and(|name| name == "mod") {
        module.pop();
    }
    module
}

/// The top-level folders that paths in this file lead to, with the line of each.
fn used_folders(module: &[String], tokens: &[Token]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inner = Inner::default();
    for (at, token) in tokens.iter().enumerate() {
        inner.pass(tokens, at);
        let starts = !at.checked_sub(1).is_some_and(|before| tokens[before].is("::"));
        if !starts || !(token.is("crate") || token.is("super")) {
            continue;
        }
        // `super` from a top-level module is the crate itself; from deeper it stays in its folder.
        let mut next = at + 1;
        let mut depth = if token.is("crate") { 0 } else { (module.len() + inner.depth()).saturating_sub(1) };
        while follows(tokens, next, "::") && tokens.get(next + 1).is_some_and(|token| token.is("super")) {
            depth = depth.saturating_sub(1);
            next += 2;
        }
        if depth > 0 || !follows(tokens, next, "::") {
            continue;
        }
        found.append(&mut heads(tokens, next + 1));
    }
    found
}

fn follows(tokens: &[Token], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.is(text))
}

/// The first names of what stands after `crate::`: one, or those of a list in braces.
fn heads(tokens: &[Token], at: usize) -> Vec<(usize, String)> {
    let Some(first) = tokens.get(at) else { return Vec::new() };
    if !first.is("{") {
        return if first.is_word() { vec![(first.line, first.text.clone())] } else { Vec::new() };
    }
    let (mut found, mut depth) = (Vec::new(), 0);
    for (n, token) in tokens.iter().enumerate().skip(at) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if depth == 1 && token.is_word() && (tokens[n - 1].is("{") || tokens[n - 1].is(",")) => {
                found.push((token.line, token.text.clone()));
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// Modules written out inside the file, which put another step between a path and its folder.
#[derive(Default)]
struct Inner {
    braces: usize,
    opened_at: Vec<usize>,
}

impl Inner {
    fn depth(&self) -> usize {
        self.opened_at.len()
    }

    fn pass(&mut self, tokens: &[Token], at: usize) {
        match tokens[at].text.as_str() {
            "{" => {
                if at >= 2 && tokens[at - 1].is_word() && tokens[at - 2].is("mod") {
                    self.opened_at.push(self.braces);
                }
                self.braces += 1;
            }
            "}" => {
                self.braces = self.braces.saturating_sub(1);
                if self.opened_at.last() == Some(&self.braces) {
                    self.opened_at.pop();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::tokens;
    use super::*;

    fn found(file: &str, source: &str) -> Vec<(usize, String)> {
        let mut findings = Vec::new();
        imports(Path::new(file), &tokens(source), &mut findings);
        findings.into_iter().map(|finding| (finding.line, finding.what)).collect()
    }

    #[test]
    fn an_import_to_the_right_is_fine() {
        assert_eq!(found("core/src/engine/local.rs", "use crate::model::Value;\nuse super::step::Step;"), []);
        assert_eq!(
            found("core/src/envelope/open.rs", "use veilfold_wire::Entry; use crate::keys::{A, B};"),
            []
        );
    }

    #[test]
    fn an_import_to_the_left_is_found_in_every_form() {
        for source in [
            "use crate::engine::Engine;",
            "use crate::{model::Value, engine::{Engine, Output}};",
            "fn f() { crate::engine::run() }",
            "use super::super::engine::Engine;",
            "mod tests { use super::super::super::engine::Engine; }",
            "pub(crate) use crate::engine as e;",
        ] {
            let findings = found("core/src/documents/apply.rs", source);
            assert_eq!(findings.len(), 1, "{source}: {findings:?}");
            assert!(findings[0].1.contains("`documents` uses `engine`"));
        }
    }

    #[test]
    fn neighbours_leave_each_other_alone_unless_it_is_written_down() {
        assert_eq!(found("core/src/documents/a.rs", "\nuse crate::members::Roster;")[0].0, 2);
        assert_eq!(found("core/src/log/append.rs", "use crate::envelope::VerifiedEntry;"), []);
        assert_eq!(found("core/src/envelope/open.rs", "use crate::log::append;").len(), 1);
    }

    #[test]
    fn a_path_inside_its_own_folder_is_no_import() {
        assert_eq!(
            found("core/src/documents/apply.rs", "use super::cache::Cache; use crate::documents::Root;"),
            []
        );
        assert_eq!(found("core/src/resolver/builtin/text.rs", "use super::super::engine::Odd;"), []);
        assert_eq!(
            found("core/src/documents/apply.rs", "// use crate::engine::Engine;\nlet x = \"crate::engine\";"),
            []
        );
    }

    #[test]
    fn a_folder_without_a_place_is_found() {
        assert!(found("core/src/extra/mod.rs", "")[0].1.contains("no place"));
        assert_eq!(found("core/src/lib.rs", "pub use crate::engine::Engine;"), []);
        assert_eq!(found("relay/src/session.rs", "use crate::engine::Engine;"), []);
    }

    #[test]
    fn unordered_maps_are_found_in_the_core_alone() {
        let mut findings = Vec::new();
        let source = tokens("// HashMap\nuse std::collections::HashMap;");
        unordered(Path::new("core/src/model/value.rs"), &source, &mut findings);
        unordered(Path::new("relay/src/space.rs"), &source, &mut findings);
        assert_eq!(findings.len(), 1);
        assert_eq!(
            (findings[0].line, findings[0].what.as_str()),
            (2, "HashMap has no stable order; use SortedMap")
        );
    }
}
