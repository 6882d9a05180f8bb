//! How everything that users get is compiled: one profile, and no path of the builder inside.
//!
//! Used by the verbs that make release artifacts (`xcframework`, `wheel`, `jar`, `aar`, `size`).

use crate::command::Run;
use crate::place::Place;
use std::path::PathBuf;

/// The profile of `Cargo.toml` that is shipped.
pub const PROFILE: &str = "ship";

/// The native library of this machine.
pub struct HostLibrary {
    /// With its symbols: for reading UniFFI's metadata, sizes and crash reports.
    pub whole: PathBuf,
    /// Without them, as it is shipped.
    pub stripped: PathBuf,
}

/// What of `veilfold-ffi` is compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As users get it.
    Shipped,
    /// Without TLS, which is weighed apart.
    WithoutTls,
    /// With what runs resolvers compiled to WebAssembly.
    WithWasm,
    /// As fast, with what the wheel has besides: most of the two is compiled once.
    Measured,
}

/// What an artifact has beside what users get by default.
#[derive(clap::Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// With what runs resolvers compiled to WebAssembly, which is about a million bytes
    #[arg(long)]
    pub wasm: bool,
}

impl Extras {
    /// What cargo is told, after the features that there are anyway.
    pub fn features(self) -> &'static [&'static str] {
        if self.wasm { &["--features", "wasm"] } else { &[] }
    }

    /// The library of this machine.
    pub fn kind(self) -> Kind {
        if self.wasm { Kind::WithWasm } else { Kind::Shipped }
    }
}

/// Builds `veilfold-ffi` for this machine.
pub fn host_library(place: &Place, kind: Kind) -> Option<HostLibrary> {
    let host = host(place)?;
    let mut build = Flags::of(place, &[&host])
        .on(Run::cargo(&place.root))
        .args(["rustc", "-p", "veilfold-ffi", "--lib", "--crate-type", "cdylib", "--profile", PROFILE])
        .args(["--target", &host]);
    if kind == Kind::WithoutTls {
        build = build.args(["--no-default-features", "--features", "platform-log"]);
    }
    if kind == Kind::WithWasm {
        build = build.args(Extras { wasm: true }.features());
    }
    if kind == Kind::Measured {
        build = build.args(["--features", "bindgen,testing"]);
    }
    let name = format!("{}veilfold_ffi{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let built = place.target.join(&host).join(PROFILE).join(&name);
    if !build.succeeds() {
        return None;
    }
    // The next build with other features would write over it.
    let folder = place.target.join("ship").join(match kind {
        Kind::Shipped => "shipped",
        Kind::WithoutTls => "without-tls",
        Kind::WithWasm => "with-wasm",
        Kind::Measured => "measured",
    });
    let whole = folder.join("whole").join(&name);
    let stripped = folder.join(&name);
    std::fs::create_dir_all(folder.join("whole")).ok()?;
    std::fs::copy(&built, &whole).ok()?;
    strip(place, &whole, &stripped).then_some(HostLibrary { whole, stripped })
}

/// Writes a copy of a library without symbols and debugging information.
pub fn strip(place: &Place, whole: &std::path::Path, stripped: &std::path::Path) -> bool {
    let arguments: &[&str] = if cfg!(target_os = "macos") { &["-x"] } else { &["--strip-all"] };
    Run::new("strip", &place.root).args(arguments).arg("-o").arg(stripped).arg(whole).succeeds()
}

/// The date in everything that insists on one: 1 January 1980.
const SOURCE_DATE: &str = "315532800";

/// What a compiler is told of everything that is shipped, so that the bytes depend on the sources alone.
pub struct Flags<'a> {
    /// Where it builds, which is also where the result is looked for.
    pub folder: PathBuf,
    pub rust: String,
    pub c: String,
    targets: &'a [&'a str],
}

impl<'a> Flags<'a> {
    /// For these targets, in the target folder of this place.
    pub fn of(place: &Place, targets: &'a [&'a str]) -> Self {
        Self { folder: place.target.clone(), rust: rustflags(place), c: cflags(place), targets }
    }

    /// Tells cargo, or a program that runs it.
    pub fn on(self, run: Run) -> Run {
        let run = run
            .env("CARGO_TARGET_DIR", &self.folder)
            .env("RUSTFLAGS", &self.rust)
            .env("SOURCE_DATE_EPOCH", SOURCE_DATE)
            // For archives of Apple's own archiver.
            .env("ZERO_AR_DATE", "1");
        let c = |target: &str| format!("CFLAGS_{}", target.replace('-', "_"));
        self.targets.iter().fold(run, |run, target| run.env(&c(target), &self.c))
    }
}

/// Panic messages name files: by their place in the checkout or in the registry, not on a machine. With frame
/// pointers, as Apple's and Android's systems want them anyway, the tables for unwinding are smaller.
fn rustflags(place: &Place) -> String {
    let paths = remapped(place).map(|(from, to)| format!("--remap-path-prefix={from}={to}")).join(" ");
    format!("-Cforce-frame-pointers=yes {paths}")
}

/// The same for C code that comes with a dependency. No panic passes through C, so it needs no tables
/// for one, and no frame pointers: what reads a crash report has the tables of the whole library.
fn cflags(place: &Place) -> String {
    let paths = remapped(place).map(|(from, to)| format!("-ffile-prefix-map={from}={to}")).join(" ");
    format!("-fno-asynchronous-unwind-tables -fomit-frame-pointer {paths}")
}

/// A later rule wins where two match, so each folder comes after one that it may lie in.
fn remapped(place: &Place) -> [(String, &'static str); 3] {
    let shown = |path: PathBuf| path.to_string_lossy().into_owned();
    let cargo = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .unwrap_or_else(|| std::env::home_dir().unwrap_or_default().join(".cargo"));
    [
        (shown(place.root.clone()), "veilfold"),
        (shown(place.target.clone()), "target"),
        (shown(cargo), "cargo"),
    ]
}

/// The target that this machine's own compiler builds for.
pub fn host(place: &Place) -> Option<String> {
    let said = Run::new("rustc", &place.root).arg("-vV").quietly()?;
    said.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_build_goes_where_it_is_looked_for_with_the_same_flags_as_anywhere() {
        let place = |name: &str| Place {
            root: PathBuf::from("/home/x/checkout"),
            target: Path::new("/home/x/checkout/target").join(name),
        };
        let told = |place: &Place| {
            let flags = Flags::of(place, &["a-b", "c-d"]);
            let script = "echo $CARGO_TARGET_DIR; echo $SOURCE_DATE_EPOCH $CFLAGS_a_b $CFLAGS_c_d $RUSTFLAGS";
            flags.on(Run::new("sh", Path::new("."))).args(["-c", script]).quietly().unwrap()
        };
        for name in ["", "again"] {
            let place = place(name);
            let (folder, flags) =
                told(&place).split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            assert_eq!(Path::new(&folder), place.target);
            assert_eq!(flags.matches("-ffile-prefix-map=").count(), 2 * remapped(&place).len());
            // The last rule that matches a file of the target folder has the same name for it.
            let file = place.target.join("ship/build/out.rs");
            let (from, to) = remapped(&place).into_iter().rfind(|(from, _)| file.starts_with(from)).unwrap();
            assert_eq!(
                Path::new(to).join(file.strip_prefix(from).unwrap()),
                Path::new("target/ship/build/out.rs")
            );
        }
    }
}
