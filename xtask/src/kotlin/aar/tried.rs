//! Everything about the AAR but the NDK, tried with libraries of this machine.
//!
//! They are Linux's, so only what holds for any library in an AAR is asked of the one that stands in for
//! Android's; the others have to be refused for what they are.

use super::{LIBRARY, MODULES, make};
use crate::kotlin::publish::Repository;
use crate::kotlin::release::Release;
use crate::kotlin::{Run, android, maven, quickstarts};
use crate::native::Library;
use crate::place::Place;
use crate::ship;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How many of the checks passed and how many did not; nothing where a linker is not GNU's.
pub fn tried(place: &Place) -> Option<(u64, u64)> {
    let abi = android::own_abi().filter(|_| cfg!(target_os = "linux"))?;
    let Some(release) = Release::build(place, MODULES, ship::Extras::default()) else { return Some((0, 1)) };
    let repository = Repository::tried(place);
    let wanted = release.wanted();
    let [Some(large), Some(small)] =
        [android::ALIGNMENT, 0x1000].map(|pages| stand_in(place, abi, pages, &wanted))
    else {
        return Some((0, 1));
    };
    println!("Not judged by what Android has, since it is a library of this machine: {}", large.display());
    let checks = [
        make(place, &repository, &release, &large, android::packable),
        resolved(place, &repository),
        refused(&large, abi, &wanted, &["needs libc.so.6", "wants __errno_location", "is for glibc"]),
        refused(&small, abi, &wanted, &["is aligned to 4096 bytes, not to 16384"]),
    ];
    let passed = checks.iter().filter(|passed| **passed).count() as u64;
    Some((passed, checks.len() as u64 - passed))
}

/// A project that names the AAR gets it, and JNA as an AAR with it; its classes run with its library.
fn resolved(place: &Place, repository: &Repository) -> bool {
    let made = place.target.join("kotlin/aar-consumer");
    let _ = std::fs::remove_dir_all(&made);
    quickstarts::forget(repository);
    let project = maven::package(place).join("quickstarts/android");
    let found = Run::new("mvn", &project)
        .arg(format!("-Dveilfold.made={}", made.display()))
        .arg(format!("-Dveilfold.repository={}", repository.folder().display()))
        .args(["package", "--quiet"])
        .succeeds();
    let names: Vec<String> = std::fs::read_dir(made.join("dependency"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let has = |start: &str| names.iter().any(|name| name.starts_with(start) && name.ends_with(".aar"));
    println!("{}", names.join(" "));
    found && has("veilfold-android-") && has("jna-")
}

/// What is found wrong with a library of this machine, as one for devices, has each of these in it.
fn refused(folder: &std::path::Path, abi: &str, wanted: &BTreeSet<String>, why: &[&str]) -> bool {
    let Ok(library) = Library::read(&folder.join(abi).join(LIBRARY)) else { return false };
    let wrong = android::judged(abi, &library, wanted);
    println!("refused: {}", wrong.join("; "));
    why.iter().all(|why| wrong.iter().any(|wrong| wrong.starts_with(why)))
}

/// A library of this machine with pages of a size, as one for Android's emulator: linked from the archive of
/// the debug build, since linking is what decides about pages and about what is exported.
fn stand_in(place: &Place, abi: &str, pages: u64, wanted: &BTreeSet<String>) -> Option<PathBuf> {
    let folder = place.target.join(format!("kotlin/jni-stand-in-{pages}"));
    let own = folder.join(abi);
    std::fs::create_dir_all(&own).ok()?;
    let exports = folder.join("exports.map");
    let names: String = wanted.iter().map(|name| format!("{name}; ")).collect();
    std::fs::write(&exports, format!("{{ global: {names}local: *; }};\n")).ok()?;
    let linked = Run::new("cc", &place.root)
        .args(["-shared", "-s", "-o"])
        .arg(own.join(LIBRARY))
        .arg(format!("-Wl,-z,max-page-size={pages}"))
        .arg(format!("-Wl,--version-script={}", exports.display()))
        .arg("-Wl,--whole-archive")
        .arg(place.test_binary("libveilfold_ffi.a"))
        .args(["-Wl,--no-whole-archive", "-lgcc_s", "-lpthread", "-ldl", "-lm", "-lc"])
        .succeeds();
    linked.then_some(folder)
}
