//! How files look from outside: their names, their length, what they open with.

use super::Finding;
use std::path::Path;

const LINES_MAX: usize = 600;

/// Names that say that the right noun is still to be found.
const NO_NAMES: [&str; 8] = ["utils", "util", "helpers", "helper", "common", "manager", "misc", "shared"];

pub fn name(file: &Path, findings: &mut Vec<Finding>) {
    let banned = file.with_extension("").components().find_map(|part| {
        let name = part.as_os_str().to_string_lossy().into_owned();
        NO_NAMES.contains(&name.trim_start_matches('_')).then_some(name)
    });
    if let Some(name) = banned {
        let what = format!("`{name}` says nothing; name it for its one noun or verb");
        findings.push(Finding { file: file.to_path_buf(), line: 1, what });
    }
}

pub fn length(file: &Path, text: &str, findings: &mut Vec<Finding>) {
    let lines = text.lines().count();
    if lines > LINES_MAX {
        let what = format!("{lines} lines, more than {LINES_MAX}: look for the second responsibility in it");
        findings.push(Finding { file: file.to_path_buf(), line: LINES_MAX + 1, what });
    }
}

pub fn head(file: &Path, text: &str, findings: &mut Vec<Finding>) {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !first.starts_with("//!") {
        let what = "opens without `//!`: what lives here, who calls it, what it leaves to others".to_owned();
        findings.push(Finding { file: file.to_path_buf(), line: 1, what });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_heads_and_lengths_are_looked_at() {
        let mut findings = Vec::new();
        name(Path::new("relay/src/common/mod.rs"), &mut findings);
        name(Path::new("core/src/utils.rs"), &mut findings);
        name(Path::new("core/src/commonplace.rs"), &mut findings);
        assert_eq!(findings.len(), 2);
        head(Path::new("a.rs"), "\n//! Here.\n", &mut findings);
        length(Path::new("a.rs"), &"x\n".repeat(LINES_MAX), &mut findings);
        assert_eq!(findings.len(), 2);
        head(Path::new("a.rs"), "use x;\n//! Late.\n", &mut findings);
        length(Path::new("a.rs"), &"x\n".repeat(LINES_MAX + 1), &mut findings);
        assert_eq!(findings.len(), 4);
    }
}
