//! A Debian root with a Swift toolchain, for machines whose own system has none.
//!
//! It lies under the target folder and is kept. Debian 13 is the first release that packages Swift 6.

use super::made;
use crate::command::Run;
use crate::place::Place;
use crate::tools::apt;
use std::path::{Path, PathBuf};

const RELEASE: &str = "trixie";
const PACKAGES: &str = "swiftlang,libc6-dev,libstdc++-14-dev,git,ca-certificates";

/// The root, whether it is there or not.
pub fn folder(place: &Place) -> PathBuf {
    made(place).join("root")
}

/// True when the root was made to its end.
pub fn is_there(place: &Place) -> bool {
    folder(place).join("usr/libexec/swift/bin/swift").exists()
}

/// Makes the root if it is not there, and gets what it takes to make and to enter it.
pub fn make(place: &Place) -> bool {
    if cfg!(not(target_os = "linux")) {
        println!("Swift comes with Xcode here");
        return false;
    }
    (is_there(place) || filled(place)) && (super::enter::way(place).is_some() || apt(place, &["proot"]))
}

fn filled(place: &Place) -> bool {
    let mmdebstrap = Run::new("mmdebstrap", &place.root).arg("--version").quietly().is_some()
        || apt(place, &["mmdebstrap"]);
    let part = made(place).join("root.part");
    // What is left of an attempt that was broken off may still have the machine's own folders mounted in it.
    let clean = Run::new("rm", &place.root)
        .args(["-rf", "--one-file-system"])
        .args([part.as_path(), folder(place).as_path()])
        .succeeds();
    // Only what is whole gets the name under which it is looked for.
    mmdebstrap
        && clean
        && std::fs::create_dir_all(&part).is_ok()
        && Run::new("mmdebstrap", &place.root)
            .args(["--variant=apt", "--include", PACKAGES, RELEASE])
            .arg(&part)
            .args(mirror(Path::new("/etc/apt")))
            .succeeds()
        && std::fs::rename(&part, folder(place)).is_ok()
}

/// Where this machine gets its own packages of Debian from; without one mmdebstrap knows a place.
pub fn mirror(apt: &Path) -> Option<String> {
    let mut files = vec![apt.join("sources.list")];
    if let Ok(entries) = std::fs::read_dir(apt.join("sources.list.d")) {
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.sort();
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).find_map(|text| archive(&text))
}

/// The first address of Debian's main archive in a list of sources, of either form.
fn archive(text: &str) -> Option<String> {
    let active = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let sources = active.filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"));
    sources
        .flat_map(str::split_whitespace)
        .find(|word| word.contains("://") && word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_found_in_both_forms() {
        let lines =
            "# deb http://x/debian a main\ndeb [signed-by=/k] http://m.example/debian/ bookworm main\n";
        assert_eq!(archive(lines).as_deref(), Some("http://m.example/debian/"));
        let fields = "Types: deb\nURIs: http://s.example/debian-security\n\nURIs: http://m.example/debian\n";
        assert_eq!(archive(fields).as_deref(), Some("http://m.example/debian"));
        assert_eq!(archive("deb https://other.example/apt stable main\n"), None);
    }
}
