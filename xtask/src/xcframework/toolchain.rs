//! Where a compiler for an Apple target comes from, on macOS and on Linux.
//!
//! Rust's standard library: rustup's, or on Debian built from its packaged source. C: Xcode's clang, or
//! Zig's, which brings Apple's public headers along. Static libraries need no linker.

use super::slices::{Slice, Target};
use super::{exports, macho};
use crate::command::Run;
use crate::place::Place;
use crate::{python, ship, tools};
use std::path::{Path, PathBuf};

/// The release of the PyPI package that is used; another one may give other bytes.
const ZIG: &str = "ziglang==0.17.0";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// Rust that Debian packages for its web browsers: new enough, and with its source.
const DEBIAN: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Where Rust's standard library for a target comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Std {
    /// As Rust's makers compiled it.
    Rustup,
    /// Compiled along, from Debian's copy of the source.
    Debian,
}

impl Std {
    pub fn told(self) -> &'static str {
        match self {
            Std::Rustup => "rustup",
            Std::Debian => "built here",
        }
    }
}

/// C compiler and archiver for Apple targets.
pub enum C {
    /// Found by the build scripts themselves.
    Xcode,
    Zig {
        python: PathBuf,
        headers: PathBuf,
    },
}

/// Finds Rust's standard library for a target, or gets it if that is allowed.
pub fn std(place: &Place, target: &Target, install: bool) -> Option<Std> {
    if rustup_has(place, target) {
        return Some(Std::Rustup);
    }
    // Not every mirror has every target; what it says does not matter then.
    if install
        && Run::new("rustup", &place.root).args(["target", "add", target.rust]).quietly().is_some()
        && rustup_has(place, target)
    {
        return Some(Std::Rustup);
    }
    if debian_has() || (install && cfg!(target_os = "linux") && tools::apt(place, &DEBIAN) && debian_has()) {
        return Some(Std::Debian);
    }
    println!(
        "missing: Rust's standard library for {0}. Get it with: rustup target add {0}, or on Debian: \
         apt-get install -y {1} (or give --install)",
        target.rust,
        DEBIAN.join(" ")
    );
    None
}

fn rustup_has(place: &Place, target: &Target) -> bool {
    let sysroot = Run::new("rustc", &place.root).args(["--print", "sysroot"]).quietly();
    sysroot.is_some_and(|sysroot| {
        Path::new(sysroot.trim()).join("lib/rustlib").join(target.rust).join("lib").is_dir()
    })
}

fn debian_has() -> bool {
    Path::new(DEBIAN_CARGO).is_file()
        && Path::new(DEBIAN_RUSTC).is_file()
        && Path::new("/usr/lib/rustlib/src/rust/library").is_dir()
}

/// Finds a C compiler, or gets one if that is allowed.
pub fn c(place: &Place, install: bool) -> Option<C> {
    if cfg!(target_os = "macos") {
        let xcode = Run::new("xcrun", &place.root).args(["--sdk", "iphoneos", "--show-sdk-path"]).quietly();
        if xcode.is_none() {
            println!("missing: Xcode with the iOS SDK (xcrun finds none)");
        }
        return xcode.map(|_| C::Xcode);
    }
    let kept = place.venv("zig").join("bin/python");
    let allowed = kept.is_file() || (install && tools::Tool::Python.get(place, install));
    if !allowed {
        println!("missing: a C compiler for Apple targets. Get it with --install (PyPI: {ZIG})");
        return None;
    }
    let python = python::environment(place, "zig", &[], &[ZIG])?;
    let find = "import os, ziglang; print(os.path.dirname(ziglang.__file__))";
    let package = Run::new(&python, &place.root).args(["-c", find]).quietly()?;
    let headers = Path::new(package.trim()).join("lib/libc/include/any-darwin-any");
    headers.is_dir().then_some(C::Zig { python, headers })
}

/// Builds the static library of one target and returns where it lies.
pub fn build(
    place: &Place,
    slice: &Slice,
    target: &Target,
    std: Std,
    c: &C,
    extras: ship::Extras,
) -> Option<PathBuf> {
    let targets = [target.rust];
    let mut flags = ship::Flags::of(place, &targets);
    // Apple's systems want frame pointers.
    flags.c.push_str(" -g0 -fno-omit-frame-pointer");
    let cargo = match std {
        Std::Rustup => Run::cargo(&place.root),
        Std::Debian => {
            flags.folder.push("debian");
            flags.rust.push_str(&debian_paths());
            Run::new(DEBIAN_CARGO, &place.root)
        }
    };
    let folder = flags.folder.clone();
    let name = target.rust.replace('-', "_");
    let mut build = flags
        .on(cargo)
        .args(["rustc", "-p", "veilfold-ffi", "--lib", "--crate-type", "staticlib"])
        .args(["--profile", ship::PROFILE, "--target", target.rust])
        .args(extras.features())
        // A Relay for the tests of apps: the linker of an app that starts none leaves it out.
        .args(["--features", "testing"])
        // An app keeps what it links of an archive; debugging information would only make it large.
        .env("CARGO_PROFILE_SHIP_DEBUG", "false")
        .env(slice.deployment_variable, slice.minimum_text());
    if std == Std::Debian {
        build = build
            .arg("-Zbuild-std=std,panic_unwind")
            .env("RUSTC", DEBIAN_RUSTC)
            // Lets a stable compiler build its own standard library.
            .env("RUSTC_BOOTSTRAP", "1");
    }
    if let C::Zig { python, headers } = c {
        // All that needs one of Apple's headers that is not public source: <os/log.h>.
        build = build.args(["--no-default-features", "--features", "tls"]);
        let tools = Wrappers::write(place, slice, target, python, headers)?;
        build = build
            .env(&format!("CC_{name}"), tools.compiler)
            .env(&format!("AR_{name}"), tools.archiver)
            // Asked for by build scripts; the headers are told to the compiler by its wrapper.
            .env("SDKROOT", tools.no_sdk);
    }
    let library = folder.join(target.rust).join(ship::PROFILE).join("libveilfold_ffi.a");
    let stripped = place.target.join("xcframework").join(format!("{}.a", target.rust));
    let built = build.succeeds() && strip_debug(place, c, &library, &stripped) && rename(place, &stripped);
    built.then_some(stripped)
}

/// Rust's own library comes with debugging information, which only makes the download large: an app
/// keeps none of it.
fn strip_debug(place: &Place, c: &C, library: &Path, stripped: &Path) -> bool {
    if matches!(c, C::Xcode) {
        let strip = Run::new("xcrun", &place.root).args(["strip", "-S", "-o"]);
        return strip.args([stripped, library]).succeeds();
    }
    objcopy(place).is_some_and(|objcopy| objcopy.arg("--strip-debug").args([library, stripped]).succeeds())
}

/// Gives functions that an app may have from elsewhere too a name of our own, where they are and where they are
/// called.
fn rename(place: &Place, library: &Path) -> bool {
    let exported = match std::fs::read(library).map_err(|error| error.to_string()) {
        Ok(bytes) => macho::read(&bytes).map(|read| read.exported),
        Err(error) => Err(error),
    };
    let names: String = match exported {
        Ok(exported) => {
            exports::renamed(&exported).iter().map(|(old, new)| format!("{old} {new}\n")).collect()
        }
        Err(error) => {
            println!("{}: {error}", library.display());
            return false;
        }
    };
    let list = library.with_extension("names");
    std::fs::write(&list, names).is_ok()
        && objcopy(place)
            .is_some_and(|objcopy| objcopy.arg("--redefine-syms").args([&list, library]).succeeds())
}

/// Rust brings a tool along that copies object files, but does not tell it where its libraries are.
fn objcopy(place: &Place) -> Option<Run> {
    let sysroot = Run::new("rustc", &place.root).args(["--print", "sysroot"]).quietly()?;
    let libraries = Path::new(sysroot.trim()).join("lib");
    let program = libraries.join("rustlib").join(ship::host(place)?).join("bin/rust-objcopy");
    let path = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
    Some(Run::new(program, &place.root).env(path, libraries))
}

/// Flags by which a standard library that is compiled here names its files as Rust's makers do.
fn debian_paths() -> String {
    let source = std::fs::canonicalize("/usr/lib/rustlib/src/rust").unwrap_or_default();
    format!(
        " --remap-path-prefix=/usr/lib/rustlib/src/rust=rust --remap-path-prefix={}=rust",
        source.display()
    )
}

/// Small programs that speak to Zig as a build script speaks to clang.
struct Wrappers {
    compiler: PathBuf,
    archiver: PathBuf,
    no_sdk: PathBuf,
}

impl Wrappers {
    fn write(place: &Place, slice: &Slice, target: &Target, python: &Path, headers: &Path) -> Option<Self> {
        let folder = place.target.join("xcframework/tools");
        let no_sdk = folder.join("no-sdk");
        std::fs::create_dir_all(&no_sdk).ok()?;
        let (system, abi) = target.zig;
        // Clang's own names for the target mean nothing to Zig, which gets its own.
        let compiler = format!(
            "#!/bin/sh\n\
             for argument; do\n  shift\n  case $argument in\n\
             \x20   --target=*|-m*-version-min=*|-isysroot*|*/no-sdk) ;;\n\
             \x20   *) set -- \"$@\" \"$argument\" ;;\n  esac\ndone\n\
             exec '{}' -m ziglang cc -target {system}.{}-{abi} -isystem '{}' \"$@\"\n",
            python.display(),
            slice.minimum_text(),
            headers.display()
        );
        let archiver = format!("#!/bin/sh\nexec '{}' -m ziglang ar \"$@\"\n", python.display());
        let write = |name: String, text: String| -> Option<PathBuf> {
            let file = folder.join(name);
            std::fs::write(&file, text).ok()?;
            Run::new("chmod", &place.root).arg("+x").arg(&file).quietly()?;
            Some(file)
        };
        Some(Self {
            compiler: write(format!("cc-{}", target.rust), compiler)?,
            archiver: write("ar".to_owned(), archiver)?,
            no_sdk,
        })
    }
}
