//! `cargo xtask aar`: the package for Android, in the same Maven repository as the jar.
//!
//! The native libraries come from the Android NDK where it is, or from a folder of libraries that were
//! built elsewhere; either way they are read before they are packed.

mod tried;

use super::android;
use super::publish::{self, Artifact, Content, Dependency, Kind, Repository};
use super::release::Release;
use super::{Run, jar, maven};
use crate::native::{self, Library};
use crate::place::Place;
use crate::tools::Tool;
use crate::{ship, table, zip};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Result;
use std::path::{Path, PathBuf};

pub use tried::tried;

/// What the NDK is asked for: a device's or an emulator's processor, and Rust's name of the target.
const BUILT_FOR: [(&str, &str); 3] = [
    ("arm64-v8a", "aarch64-linux-android"),
    ("armeabi-v7a", "armv7-linux-androideabi"),
    ("x86_64", "x86_64-linux-android"),
];

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
    Release::build(place, MODULES, options.extras)
        .is_some_and(|release| make(place, &Repository::released(place), &release, &folder, android::judged))
}

/// Says what is wrong with the library of an ABI, given what the classes call.
type Judge = fn(&str, &Library, &BTreeSet<String>) -> Vec<String>;

/// Packs the libraries of a folder with the classes, and shows what came of it.
fn make(place: &Place, repository: &Repository, release: &Release, libraries: &Path, judge: Judge) -> bool {
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
    let wanted = release.wanted();
    let mut rows = vec![native::head()];
    let mut wrong = Vec::new();
    for (abi, library) in &found {
        rows.push(native::row(LIBRARY, abi, library));
        wrong.extend(judge(abi, library, &wanted).into_iter().map(|what| format!("{abi}: {what}")));
    }
    if wrong.is_empty() {
        match write(place, repository, release, libraries, &found) {
            Ok(files) => rows.extend(files.into_iter().map(|(name, size)| vec![name, table::bytes(size)])),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    println!("\n{}\n{}", table::text(&rows), repository.folder().display());
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

/// `dev.veilfold:veilfold-android`.
fn write(
    place: &Place,
    repository: &Repository,
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
        instead_of: Some("veilfold"),
        dependencies: publish::dependencies(
            Dependency::runtime("net.java.dev.jna", "jna", "jna.version").aar(),
        ),
    };
    let content = Content {
        main: entries,
        sources: jar::sources(place, &["veilfold", "android"])?,
        docs: both(release.docs("veilfold")?, release.docs("veilfold-android")?),
    };
    repository.write(place, &artifact, &content)
}

/// The documentation of what it has in common with the JVM, and its own in a folder beside it.
fn both(common: BTreeMap<String, Vec<u8>>, own: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let own = own.into_iter().map(|(name, bytes)| (format!("android/{name}"), bytes));
    common.into_iter().chain(own).collect()
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
    let pages = android::ALIGNMENT;
    flags.rust.push_str(&format!(" -Clink-arg=-Wl,-z,max-page-size={pages} -Cstrip=symbols"));
    let mut build = flags.on(Run::cargo(&place.root)).arg("ndk");
    for (abi, _) in BUILT_FOR {
        build = build.args(["-t", abi]);
    }
    let built = build
        .args(["-P", &android::LEVEL.to_string(), "-o"])
        .arg(&folder)
        .args(["build", "-p", "veilfold-ffi", "--lib", "--profile", ship::PROFILE])
        .args(extras.features())
        .succeeds();
    built.then_some(folder)
}
