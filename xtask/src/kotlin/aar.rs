//! `cargo xtask aar`: the package for Android, in the same Maven repository as the jar.
//!
//! The native libraries come from the Android NDK where it is, or from a folder of libraries that were
//! built elsewhere; either way they are read before they are packed.

use super::elf::{self, Library};
use super::publish::{self, Artifact, Dependency, Kind};
use super::release::Release;
use super::{Run, jar, maven, quickstarts};
use crate::place::Place;
use crate::tools::Tool;
use crate::{ship, table, zip};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Result;
use std::path::{Path, PathBuf};

/// Android's names of processors, and what a library for them says of itself.
const ABIS: [(&str, &str); 4] =
    [("arm64-v8a", "aarch64"), ("armeabi-v7a", "arm"), ("x86_64", "x86-64"), ("x86", "x86")];

/// What the NDK is asked for: a device's or an emulator's processor, and Rust's name of the target.
const BUILT_FOR: [(&str, &str); 3] = [
    ("arm64-v8a", "aarch64-linux-android"),
    ("armeabi-v7a", "armv7-linux-androideabi"),
    ("x86_64", "x86_64-linux-android"),
];

/// What 64-bit devices with pages of 16 KB ask for.
const ALIGNMENT: u64 = 0x4000;

/// What is compiled for it.
const MODULES: &str = "android";

const LIBRARY: &str = "libveilfold_ffi.so";

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    /// A folder with `<abi>/libveilfold_ffi.so` built elsewhere, instead of building with the NDK
    #[arg(long)]
    pub jni_libs: Option<PathBuf>,
    #[command(flatten)]
    pub extras: ship::Extras,
}

pub fn run(place: &Place, options: &Options) -> bool {
    if !Tool::Java.get(place, options.install) {
        return false;
    }
    let libraries = match &options.jni_libs {
        Some(folder) => Some(folder.clone()),
        None => with_ndk(place, options.extras),
    };
    let Some(folder) = libraries else { return false };
    Release::build(place, MODULES, options.extras).is_some_and(|release| make(place, &release, &folder))
}

/// Packs the libraries of a folder with the classes, and shows what came of it.
fn make(place: &Place, release: &Release, libraries: &Path) -> bool {
    let found = match read(libraries) {
        Ok(found) if found.is_empty() => {
            println!("{}: no folder of an ABI with {LIBRARY} in it", libraries.display());
            return false;
        }
        Ok(found) => found,
        Err(error) => {
            println!("{}: {error}", libraries.display());
            return false;
        }
    };
    let wanted = elf::wanted(&release.generated());
    let mut rows = vec![elf::head()];
    let mut wrong = Vec::new();
    for (abi, library) in &found {
        rows.push(elf::row(LIBRARY, abi, library));
        wrong.extend(judged(abi, library, &wanted).into_iter().map(|what| format!("{abi}: {what}")));
    }
    if wrong.is_empty() {
        match write(place, release, libraries, &found) {
            Ok(files) => rows.extend(files.into_iter().map(|(name, size)| vec![name, table::bytes(size)])),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    println!("\n{}", table::text(&rows));
    println!("{}", publish::repository(place).display());
    for what in &wrong {
        println!("{what}");
    }
    wrong.is_empty()
}

/// The libraries of a folder by the names of their ABIs.
fn read(folder: &Path) -> Result<BTreeMap<String, Library>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let library = entry.path().join(LIBRARY);
        if library.is_file() {
            found.insert(entry.file_name().to_string_lossy().into_owned(), Library::read(&library)?);
        }
    }
    Ok(found)
}

/// What would make a library fail on a device, or Android's shop refuse it.
fn judged(abi: &str, library: &Library, wanted: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    match ABIS.iter().find(|(name, _)| *name == abi) {
        None => wrong.push("Android has no such ABI".to_owned()),
        Some((_, machine)) if *machine != library.machine => {
            wrong.push(format!("is for {}, not for {machine}", library.machine));
        }
        Some(_) => {}
    }
    if !library.stripped {
        wrong.push("is not stripped".to_owned());
    }
    if library.is_64_bit && library.alignment < ALIGNMENT {
        wrong.push(format!("is aligned to {} bytes, not to {ALIGNMENT}", library.alignment));
    }
    wrong.extend(library.missing(wanted).into_iter().map(|name| format!("does not export {name}")));
    wrong
}

/// `dev.veilfold:veilfold-android`.
fn write(
    place: &Place,
    release: &Release,
    libraries: &Path,
    found: &BTreeMap<String, Library>,
) -> Result<Vec<(String, u64)>> {
    let package = maven::package(place);
    let work = place.target.join("kotlin/release/aar");
    std::fs::create_dir_all(&work)?;
    let classes = jar::classes(place, release, &["veilfold-ffi", "veilfold", "veilfold-android"])?;
    zip::write(&work.join("classes.jar"), &classes)?;
    let mut entries = BTreeMap::from([
        ("AndroidManifest.xml".to_owned(), std::fs::read(package.join("android/AndroidManifest.xml"))?),
        ("classes.jar".to_owned(), std::fs::read(work.join("classes.jar"))?),
        ("proguard.txt".to_owned(), jar::rules(place)?),
        ("R.txt".to_owned(), Vec::new()),
        (
            "META-INF/com/android/build/gradle/aar-metadata.properties".to_owned(),
            b"aarFormatVersion=1.0\naarMetadataVersion=1.0\nminCompileSdk=24\n".to_vec(),
        ),
    ]);
    for abi in found.keys() {
        let library = std::fs::read(libraries.join(abi).join(LIBRARY))?;
        entries.insert(format!("jni/{abi}/{LIBRARY}"), library);
    }
    let artifact = Artifact {
        name: "veilfold-android",
        kind: Kind::Aar,
        about: "End-to-end encrypted, offline-first shared documents for Android",
        dependencies: publish::dependencies(
            Dependency::runtime("net.java.dev.jna", "jna", "jna.version").aar(),
        ),
    };
    publish::write(place, &artifact, &entries, &jar::sources(place, &["veilfold", "android"])?)
}

/// Builds for the ABIs that devices and emulators have; says what is missing where that cannot be.
fn with_ndk(place: &Place, extras: ship::Extras) -> Option<PathBuf> {
    let has_ndk = std::env::var_os("ANDROID_NDK_HOME").is_some_and(|folder| Path::new(&folder).is_dir());
    if !has_ndk || Run::cargo(&place.root).args(["ndk", "--version"]).quietly().is_none() {
        println!(
            "missing: the Android NDK (r28 or newer, ANDROID_NDK_HOME) and `cargo install cargo-ndk --locked`; \
             or give --jni-libs FOLDER with <abi>/{LIBRARY} built elsewhere"
        );
        return None;
    }
    let folder = place.target.join("kotlin/jni");
    let _ = std::fs::remove_dir_all(&folder);
    let targets = BUILT_FOR.map(|(_, target)| target);
    let mut flags = ship::Flags::of(place, &targets);
    flags.rust.push_str(&format!(" -Clink-arg=-Wl,-z,max-page-size={ALIGNMENT} -Cstrip=symbols"));
    let mut build = flags.on(Run::cargo(&place.root)).arg("ndk");
    for (abi, _) in BUILT_FOR {
        build = build.args(["-t", abi]);
    }
    let built = build
        .args(["-P", "24", "-o"])
        .arg(&folder)
        .args(["build", "-p", "veilfold-ffi", "--lib", "--profile", ship::PROFILE])
        .args(extras.features())
        .succeeds();
    built.then_some(folder)
}

/// Everything but the NDK, with libraries of this machine: one is packed and found by its POM, one is refused. Gives
/// how many of the checks passed and how many did not.
pub fn tried(place: &Place) -> (u64, u64) {
    let Some(release) = Release::build(place, MODULES, ship::Extras::default()) else { return (0, 1) };
    let checks: [&dyn Fn() -> bool; 3] = [
        &|| stand_in(place).is_some_and(|folder| make(place, &release, &folder)),
        &|| resolved(place),
        &|| refused(&release),
    ];
    let passed = checks.iter().filter(|check| check()).count() as u64;
    (passed, checks.len() as u64 - passed)
}

/// A project that names the AAR gets it, and JNA as an AAR with it; its classes run with its library.
fn resolved(place: &Place) -> bool {
    let made = place.target.join("kotlin/aar-consumer");
    let _ = std::fs::remove_dir_all(&made);
    quickstarts::forget(place);
    let project = maven::package(place).join("quickstarts/android");
    let found = Run::new("mvn", &project)
        .arg(format!("-Dveilfold.made={}", made.display()))
        .arg(format!("-Dveilfold.repository={}", publish::repository(place).display()))
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

/// The library of this machine as it is shipped for desktops has small pages.
fn refused(release: &Release) -> bool {
    let Ok(library) = Library::read(&release.library.whole) else { return false };
    let wrong = judged("arm64-v8a", &library, &elf::wanted(&release.generated()));
    println!("refused: {}", wrong.join("; "));
    wrong.len() >= 2
}

/// A library of this machine as one for Android's emulator, to try everything but the NDK: linked from
/// the archive of the debug build, since linking is what alignment is decided by.
fn stand_in(place: &Place) -> Option<PathBuf> {
    let folder = place.target.join("kotlin/jni-stand-in");
    let own = folder.join("x86_64");
    std::fs::create_dir_all(&own).ok()?;
    let linked = Run::new("cc", &place.root)
        .args(["-shared", "-s", "-Wl,-z,max-page-size=16384", "-o"])
        .arg(own.join(LIBRARY))
        .arg("-Wl,--whole-archive")
        .arg(place.test_binary("libveilfold_ffi.a"))
        .args(["-Wl,--no-whole-archive", "-lgcc_s", "-lpthread", "-ldl", "-lm", "-lc"])
        .succeeds();
    linked.then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(machine: &str, alignment: u64) -> Library {
        Library {
            machine: machine.to_owned(),
            stripped: true,
            alignment,
            is_64_bit: true,
            ..Library::default()
        }
    }

    #[test]
    fn a_library_is_judged_by_the_folder_that_it_lies_in() {
        let none = BTreeSet::new();
        assert_eq!(judged("arm64-v8a", &library("aarch64", ALIGNMENT), &none), Vec::<String>::new());
        assert_eq!(judged("arm64-v8a", &library("x86-64", ALIGNMENT), &none).len(), 1);
        assert_eq!(
            judged("x86_64", &library("x86-64", 0x1000), &none),
            ["is aligned to 4096 bytes, not to 16384"]
        );
        assert_eq!(judged("mips", &library("x86-64", ALIGNMENT), &none).len(), 1);
        let unstripped = Library { stripped: false, ..library("x86-64", ALIGNMENT) };
        let wanted = BTreeSet::from(["uniffi_x".to_owned()]);
        assert_eq!(judged("x86_64", &unstripped, &wanted), ["is not stripped", "does not export uniffi_x"]);
    }

    #[test]
    fn small_devices_need_no_large_pages() {
        let small = Library { is_64_bit: false, ..library("arm", 0x1000) };
        assert_eq!(judged("armeabi-v7a", &small, &BTreeSet::new()), Vec::<String>::new());
    }
}
