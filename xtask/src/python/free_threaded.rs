//! The Python tests once more, by an interpreter without a global lock.
//!
//! Where the machine has none (`python3.13t` or newer), one is compiled from Debian's source package, which
//! apt fetches and verifies; that takes minutes, so `cargo xtask test --full` runs this and not every test.

use super::{environment, only_wheel, requirements};
use crate::command::{Run, Said};
use crate::place::Place;
use crate::tools::{Tool, apt};
use std::path::{Path, PathBuf};

/// What such an interpreter is called where it is installed.
const NAMES: [&str; 2] = ["python3.14t", "python3.13t"];
/// Debian 13 is the first release that packages a Python which can do without the lock.
const RELEASE: &str = "trixie";
const SOURCE: &str = "python3.13";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Of what Python can be compiled with, the package needs the means to call C alone.
const LIBRARY: &str = "libffi-dev";

/// Runs the tests of the wheel that was made last.
pub fn test(place: &Place) -> Said {
    let site = made(place).join("site");
    match (interpreter(place), packages(place, &site)) {
        (Some(python), true) => Run::new(python, &place.root)
            .args(["-X", "gil=0", "-m", "pytest", "-q", "-p", "no:cacheprovider", "bindings/python/tests"])
            .env("PYTHONPATH", site)
            .env("VEILFOLD_RELAY_BIN", place.test_binary("veilfold-relay"))
            .heard(),
        _ => Said { ok: false, text: String::new() },
    }
}

/// An interpreter that says of itself that it has no lock.
pub fn interpreter(place: &Place) -> Option<PathBuf> {
    let free = "import ctypes, sys; assert sys._is_gil_enabled() is False";
    let known = NAMES.iter().map(PathBuf::from).chain([compiled(place)]);
    known
        .into_iter()
        .find(|python| Run::new(python, &place.root).args(["-X", "gil=0", "-c", free]).quietly().is_some())
}

/// Compiles one. It is used where it lies.
pub fn compile(place: &Place) -> bool {
    let header = Run::new("dpkg", &place.root).args(["-s", LIBRARY]).quietly();
    if !Tool::C.get(place, true) || !(header.is_some() || apt(place, &[LIBRARY])) {
        return false;
    }
    let source = made(place).join("source");
    let _ = std::fs::remove_dir_all(&source);
    let Some(archive) = fetched(place) else { return false };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::fs::create_dir_all(&source).is_ok()
        && Run::new("tar", &source).args(["xf"]).arg(archive).arg("--strip-components=1").succeeds()
        && Run::new("./configure", &source)
            .args(["-q", "--disable-gil", "--without-ensurepip", "--disable-test-modules"])
            .succeeds()
        && Run::new("make", &source).arg("-s").arg(format!("-j{processors}")).succeeds()
}

/// The makers' archive in Debian's source package. Sources may not be among what this machine fetches
/// packages from, so apt gets a list of its own, and nothing of the machine's is changed.
fn fetched(place: &Place) -> Option<PathBuf> {
    let Some(mirror) = crate::swift::mirror(Path::new("/etc/apt")) else {
        println!("no archive of Debian is named on this machine; install one of {}", NAMES.join(", "));
        return None;
    };
    let folder = made(place).join("apt");
    let _ = std::fs::remove_dir_all(&folder);
    for part in ["lists/partial", "cache/archives/partial"] {
        std::fs::create_dir_all(folder.join(part)).ok()?;
    }
    let list = folder.join("sources.list");
    std::fs::write(&list, format!("deb-src [signed-by={KEYRING}] {mirror} {RELEASE} main\n")).ok()?;
    let apt_get = |arguments: &[&str]| {
        let mut run = Run::new("apt-get", &folder);
        for (name, path) in [
            ("Dir::Etc::sourcelist", list.as_path()),
            ("Dir::Etc::sourceparts", Path::new("/dev/null")),
            ("Dir::State::lists", &folder.join("lists")),
            ("Dir::Cache", &folder.join("cache")),
        ] {
            run = run.arg("-o").arg(format!("{name}={}", path.display()));
        }
        run.args(arguments).succeeds()
    };
    if !apt_get(&["update"]) || !apt_get(&["source", "--download-only", SOURCE]) {
        return None;
    }
    let mut files = std::fs::read_dir(&folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.find(|file| file.to_string_lossy().ends_with(".orig.tar.xz"))
}

/// The wheel and what tests it, in a folder: neither holds code for one version of Python.
fn packages(place: &Place, site: &Path) -> bool {
    let _ = std::fs::remove_dir_all(site);
    let (Some(python), Some(wheel)) =
        (environment(place, "build", &[], &["maturin==1.16.*"]), only_wheel(&place.target.join("wheels")))
    else {
        return false;
    };
    let pip = || Run::new(&python, &place.root).args(["-m", "pip", "install", "-q", "--target"]).arg(site);
    pip().arg("pytest").arg("--constraint").arg(requirements(place)).succeeds()
        && pip().arg("--no-deps").arg(wheel).succeeds()
}

fn compiled(place: &Place) -> PathBuf {
    made(place).join("source/python")
}

fn made(place: &Place) -> PathBuf {
    place.target.join("free-threaded")
}
