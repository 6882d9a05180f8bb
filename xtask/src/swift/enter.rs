//! Running the Swift toolchain: as it is on this machine, or inside the Debian root.
//!
//! The root gets to see `/proc`, `/dev`, `/tmp`, the checkout and the target folder at their own paths. The
//! mounts belong to a namespace of the one command, so they are gone when it ends, however it ends.
//! Where a machine allows no mounts, `proot` shows the same without any. What was built runs outside of the
//! root by the root's own loader, without mounts and without rights.

use super::{library_folder, root};
use crate::command::Run;
use crate::place::Place;
use std::path::{Path, PathBuf};

/// Gets the root, the folder to work in, and the command; what is shared comes by the environment.
const MOUNTED: &str = r#"set -e
root=$1 folder=$2
shift 2
for shared in /proc /dev /tmp; do mount --rbind "$shared" "$root$shared"; done
for shared in "$CHECKOUT" "$TARGET"; do
    case "$shared" in "$CHECKOUT"/*) continue ;; esac
    mkdir -p "$root$shared"
    mount --bind "$shared" "$root$shared"
done
exec chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
"#;

const TOOLS: &str = "/usr/libexec/swift";

/// Where Swift comes from.
pub enum Toolchain {
    /// This machine has one.
    Native,
    /// The Debian root, and how it is entered.
    Root(PathBuf, Way),
}

/// How a root is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With mounts in a namespace of their own, as root.
    Mounts,
    /// The same in a user namespace.
    UserMounts,
    /// By a program that translates paths.
    Proot,
}

impl Toolchain {
    pub fn find(place: &Place) -> Option<Self> {
        if native(place) {
            return Some(Self::Native);
        }
        if !root::is_there(place) {
            return None;
        }
        Some(Self::Root(root::folder(place), way(place)?))
    }

    /// A command of the toolchain, in a folder.
    pub fn run(&self, place: &Place, folder: &Path, words: &[String]) -> Run {
        let library = library_folder(place).display().to_string();
        let (root, way) = match self {
            Self::Native => {
                let (first, rest) = words.split_first().map_or(("swift", words), |(a, b)| (a.as_str(), b));
                return Run::new(first, folder).args(rest).env(library_path(), library);
            }
            Self::Root(root, way) => (root, *way),
        };
        let inside = [
            "env".to_owned(),
            format!("PATH={TOOLS}/bin:/usr/bin:/bin"),
            format!("LD_LIBRARY_PATH={TOOLS}/lib/swift/linux:{library}"),
            "HOME=/root".to_owned(),
        ];
        let run = match way {
            Way::Mounts => mounted(place, root, &[]),
            Way::UserMounts => mounted(place, root, &["--user", "--map-root-user"]),
            Way::Proot => {
                let mut run = Run::new("proot", &place.root).arg("-r").arg(root);
                for shared in
                    [Path::new("/proc"), Path::new("/dev"), Path::new("/tmp"), &place.root, &place.target]
                {
                    run = run.arg("-b").arg(shared);
                }
                run.arg("-w")
            }
        };
        run.arg(folder).args(inside).args(words)
    }

    /// The words that run a program that was built, from outside of the root.
    pub fn outside(&self, place: &Place, program: &Path) -> Vec<String> {
        let library = library_folder(place);
        match self {
            Self::Native => vec![
                "env".to_owned(),
                format!("{}={}", library_path(), library.display()),
                program.display().to_string(),
            ],
            Self::Root(root, _) => {
                let machine = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
                let loaders = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"];
                let loader = loaders.iter().map(|name| root.join(name)).find(|path| path.exists());
                let swift = root.join(TOOLS.trim_start_matches('/')).join("lib/swift/linux");
                let folders = [root.join(machine), swift, library];
                let folders: Vec<String> = folders.iter().map(|path| path.display().to_string()).collect();
                vec![
                    loader.unwrap_or_default().display().to_string(),
                    "--library-path".to_owned(),
                    folders.join(":"),
                    program.display().to_string(),
                ]
            }
        }
    }
}

/// The way in that this machine allows, tried out.
pub fn way(place: &Place) -> Option<Way> {
    let root = root::folder(place);
    let enters = |run: Run| run.arg("/").args(["true"]).quietly().is_some();
    if enters(mounted(place, &root, &[])) {
        return Some(Way::Mounts);
    }
    if enters(mounted(place, &root, &["--user", "--map-root-user"])) {
        return Some(Way::UserMounts);
    }
    Run::new("proot", &place.root).arg("--version").quietly().map(|_| Way::Proot)
}

fn mounted(place: &Place, root: &Path, namespaces: &[&str]) -> Run {
    Run::new("unshare", &place.root)
        .args(namespaces)
        .args(["--mount", "--propagation", "private", "sh", "-c", MOUNTED, "enter"])
        .arg(root)
        .env("CHECKOUT", &place.root)
        .env("TARGET", &place.target)
}

/// True when this machine has Swift 6 or newer.
fn native(place: &Place) -> bool {
    let said = Run::new("swift", &place.root).arg("--version").quietly().unwrap_or_default();
    let version = said.split("Swift version ").nth(1).and_then(|rest| rest.split(['.', ' ']).next());
    version.and_then(|major| major.parse::<u32>().ok()).is_some_and(|major| major >= 6)
}

fn library_path() -> &'static str {
    if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" }
}
