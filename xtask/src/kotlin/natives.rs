//! Native libraries and Relays for desktops and servers, in folders named as JNA looks for them in a jar.
//!
//! A machine makes those of its own; a release joins the folders of several. `jar.rs` packs them.

use crate::native::{self, Library, Minimum};
use crate::place::Place;
use crate::{command::Run, ship, table};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

/// Folder, processor, and the name of the library in it.
const PLATFORMS: [(&str, &str, &str); 4] = [
    ("darwin-aarch64", "aarch64", "libveilfold_ffi.dylib"),
    ("darwin-x86-64", "x86-64", "libveilfold_ffi.dylib"),
    ("linux-aarch64", "aarch64", "libveilfold_ffi.so"),
    ("linux-x86-64", "x86-64", "libveilfold_ffi.so"),
];

const RELAY: &str = "veilfold-relay";

/// What releases are made for: as old as the wheels say that it may be.
pub const OLDEST_GLIBC: Minimum = Minimum::Glibc(2, 28);

/// What one platform has.
pub struct Native {
    library: PathBuf,
    relay: PathBuf,
}

/// Library and Relay of this machine as they are shipped, in a folder as [`read`] takes it.
pub fn build(place: &Place, extras: ship::Extras) -> Option<PathBuf> {
    let folder = place.target.join("natives");
    let own = folder.join(platform());
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&own).ok()?;
    let library = ship::host_library(place, extras.kind())?.stripped;
    std::fs::copy(&library, own.join(library.file_name()?)).ok()?;
    relay(place, &own.join(RELAY)).then_some(folder)
}

/// The Relay of this machine, able to lie, for the tests of apps.
fn relay(place: &Place, to: &Path) -> bool {
    let Some(host) = ship::host(place) else { return false };
    let built = ship::Flags::of(place, &[&host])
        .on(Run::cargo(&place.root))
        .args(["build", "-p", "veilfold-relay", "--bin", RELAY, "--features", "testing"])
        .args(["--profile", ship::PROFILE, "--target", &host])
        .succeeds();
    built && ship::strip(place, &place.target.join(host).join(ship::PROFILE).join(RELAY), to)
}

/// The folder of this machine, as JNA names it.
pub fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        other => other,
    };
    format!("{system}-{machine}")
}

/// Shows what a folder has, before it is joined with others.
pub fn tell(folder: &Path) -> bool {
    match read(folder).and_then(|found| judged(&found, None, None)) {
        Ok((rows, wrong)) => {
            println!("\n{}\n{}", table::text(&[vec![native::head()], rows].concat()), folder.display());
            println!("{}", wrong.join("\n"));
            wrong.is_empty()
        }
        Err(error) => {
            println!("{error}");
            false
        }
    }
}

/// Everything that a folder has for each platform.
pub fn read(folder: &Path) -> Result<BTreeMap<String, Native>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let own = entry?.path();
        let name = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((_, _, library)) = PLATFORMS.iter().find(|(platform, ..)| *platform == name) else {
            return Err(Error::other(format!("{}: no platform that is shipped", own.display())));
        };
        let native = Native { library: own.join(library), relay: own.join(RELAY) };
        for file in [&native.library, &native.relay] {
            if !file.is_file() {
                return Err(Error::other(format!("{} is missing", file.display())));
            }
        }
        found.insert(name, native);
    }
    if found.is_empty() {
        Err(Error::other(format!("{} has no platform", folder.display())))
    } else {
        Ok(found)
    }
}

/// Rows of the closing table, and what is wrong with the libraries of these platforms. What classes call is known
/// where there are classes.
pub fn judged(
    found: &BTreeMap<String, Native>,
    wanted: Option<&BTreeSet<String>>,
    oldest: Option<&Minimum>,
) -> Result<(Vec<Vec<String>>, Vec<String>)> {
    let mut rows = Vec::new();
    let mut wrong = Vec::new();
    for (platform, native) in found {
        let (library, relay) = (Library::read(&native.library)?, Library::read(&native.relay)?);
        for (file, read, calls) in [(&native.library, &library, wanted), (&native.relay, &relay, None)] {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            rows.push(native::row(&name, platform, read));
            let of = |what: String| format!("{platform}/{name} {what}");
            wrong.extend(fits(platform, read, oldest).into_iter().map(of));
            wrong.extend(calls.into_iter().flat_map(|wanted| read.differs(wanted)).map(of));
        }
    }
    Ok((rows, wrong))
}

/// Why a program or library would not run on its platform.
fn fits(platform: &str, read: &Library, oldest: Option<&Minimum>) -> Vec<String> {
    let mut wrong = Vec::new();
    let machine = PLATFORMS.iter().find(|(name, ..)| *name == platform).map(|(_, machine, _)| *machine);
    if machine != Some(&read.machine) || read.is_elf != platform.starts_with("linux-") {
        let format = if read.is_elf { "ELF" } else { "Mach-O" };
        wrong.push(format!("is {format} for {}", read.machine));
    }
    if !read.stripped {
        wrong.push("is not stripped".to_owned());
    }
    if let (Some(oldest), Some(minimum @ Minimum::Glibc(..))) = (oldest, &read.minimum)
        && minimum > oldest
    {
        wrong.push(format!("needs {minimum}, where {oldest} has to do"));
    }
    wrong
}

/// As entries of the jar that apps get.
pub fn libraries(found: &BTreeMap<String, Native>) -> Result<BTreeMap<String, Vec<u8>>> {
    entries(found.iter().map(|(platform, native)| (platform, &native.library)))
}

/// As entries of the jar that their tests get.
pub fn relays(found: &BTreeMap<String, Native>) -> Result<BTreeMap<String, Vec<u8>>> {
    entries(found.iter().map(|(platform, native)| (platform, &native.relay)))
}

fn entries<'a>(files: impl Iterator<Item = (&'a String, &'a PathBuf)>) -> Result<BTreeMap<String, Vec<u8>>> {
    files
        .map(|(platform, file)| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            Ok((format!("{platform}/{name}"), std::fs::read(file)?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders of two platforms, as two machines would have made them.
    fn folders(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("veilfold-natives-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        for (platform, library) in
            [("linux-x86-64", "libveilfold_ffi.so"), ("darwin-aarch64", "libveilfold_ffi.dylib")]
        {
            std::fs::create_dir_all(folder.join(platform)).unwrap();
            std::fs::write(folder.join(platform).join(library), native::examples::mach_o()).unwrap();
            std::fs::write(folder.join(platform).join(RELAY), platform).unwrap();
        }
        folder
    }

    #[test]
    fn what_several_machines_made_is_joined() {
        let folder = folders("joined");
        let found = read(&folder).unwrap();
        let names = |entries: BTreeMap<String, Vec<u8>>| entries.into_keys().collect::<Vec<_>>();
        assert_eq!(
            names(libraries(&found).unwrap()),
            ["darwin-aarch64/libveilfold_ffi.dylib", "linux-x86-64/libveilfold_ffi.so"]
        );
        let relays = relays(&found).unwrap();
        assert_eq!(relays["linux-x86-64/veilfold-relay"], b"linux-x86-64");
        assert_eq!(relays["darwin-aarch64/veilfold-relay"], b"darwin-aarch64");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_platform_without_its_relay_or_with_an_unknown_name_is_refused() {
        let folder = folders("refused");
        std::fs::remove_file(folder.join("linux-x86-64").join(RELAY)).unwrap();
        assert!(read(&folder).is_err());
        std::fs::remove_dir_all(folder.join("linux-x86-64")).unwrap();
        assert_eq!(read(&folder).unwrap().len(), 1);
        std::fs::create_dir_all(folder.join("beos-x86")).unwrap();
        assert!(read(&folder).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_library_in_the_wrong_folder_or_for_too_new_a_system_is_noticed() {
        let own = Library::parse(&native::examples::mach_o()).unwrap();
        assert_eq!(fits("darwin-aarch64", &own, Some(&OLDEST_GLIBC)), Vec::<String>::new());
        assert_eq!(fits("darwin-x86-64", &own, None), ["is Mach-O for aarch64"]);
        assert_eq!(fits("linux-aarch64", &own, None), ["is Mach-O for aarch64"]);
        let linux = |minimum| Library {
            machine: "x86-64".to_owned(),
            is_elf: true,
            stripped: true,
            minimum: Some(minimum),
            ..Library::default()
        };
        assert_eq!(fits("linux-x86-64", &linux(OLDEST_GLIBC), Some(&OLDEST_GLIBC)), Vec::<String>::new());
        let newer = linux(Minimum::Glibc(2, 34));
        assert_eq!(fits("linux-x86-64", &newer, None), Vec::<String>::new());
        assert_eq!(
            fits("linux-x86-64", &newer, Some(&OLDEST_GLIBC)),
            ["needs glibc 2.34, where glibc 2.28 has to do"]
        );
    }
}
