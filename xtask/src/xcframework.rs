//! `cargo xtask xcframework`: the library for Apple's platforms, as Xcode and SwiftPM take it.
//!
//! `slices.rs` says for what, `toolchain.rs` with which compilers, `fat.rs` joins architectures,
//! `package.rs` lays the files out, `checks.rs` judges them with what `macho.rs` reads, `system.rs` and
//! `exports.rs` know. Linux makes all of it but the signature; releases come from macOS (docs/releasing.md).

mod checks;
mod exports;
mod fat;
mod macho;
mod package;
mod slices;
mod system;
mod toolchain;

use crate::command::Run;
use crate::place::Place;
use crate::{ship, table};
use checks::{Check, Shown};
pub use macho::built_for;
use package::Layout;
use slices::{SLICES, Slice};
use std::collections::BTreeSet;
use std::path::PathBuf;
use toolchain::{C, Std};

#[derive(clap::Args, Default)]
pub struct Options {
    /// Makes only these slices: ios-arm64, ios-arm64_x86_64-simulator, macos-arm64_x86_64
    #[arg(long = "slice", value_name = "NAME")]
    pub slices: Vec<String>,
    /// Gets what is missing: Rust's standard library by rustup or apt, a C compiler from PyPI
    #[arg(long)]
    pub install: bool,
    #[command(flatten)]
    pub extras: ship::Extras,
    /// Made to be looked at by tests, so that it takes the place of nothing that is released
    #[arg(skip)]
    pub tried: bool,
}

/// How many checks held, and how many did not.
pub struct Judged {
    pub passed: u64,
    pub failed: u64,
}

pub fn run(place: &Place, options: &Options) -> bool {
    make(place, options).is_some_and(|judged| judged.failed == 0)
}

/// Builds, packages and checks; nothing if it could not be built.
pub fn make(place: &Place, options: &Options) -> Option<Judged> {
    let wanted =
        |slice: &&Slice| options.slices.is_empty() || options.slices.iter().any(|name| name == slice.name);
    let slices: Vec<&Slice> = SLICES.iter().filter(wanted).collect();
    if slices.is_empty() || options.slices.iter().any(|name| SLICES.iter().all(|slice| slice.name != name)) {
        let names: Vec<&str> = SLICES.iter().map(|slice| slice.name).collect();
        println!("no such slice; there are: {}", names.join(", "));
        return None;
    }
    let c = toolchain::c(place, options.install)?;
    let mut built = Vec::new();
    for slice in &slices {
        built.push(Built::build(place, slice, &c, options)?);
    }
    let layout = Layout::of(place, options.tried);
    if let Err(error) = package(place, &layout, &slices, &built, &c) {
        println!("the XCFramework cannot be written: {error}");
        return None;
    }
    let (checks, shown) = checks::all(place, &layout, &slices);
    Some(tell(&layout, &slices, &built, &checks, &shown))
}

/// The libraries of one slice, one for each architecture.
struct Built {
    libraries: Vec<PathBuf>,
    std: BTreeSet<&'static str>,
}

impl Built {
    fn build(place: &Place, slice: &Slice, c: &C, options: &Options) -> Option<Self> {
        let mut built = Self { libraries: Vec::new(), std: BTreeSet::new() };
        for target in slice.targets {
            let std: Std = toolchain::std(place, target, options.install)?;
            built.libraries.push(toolchain::build(place, slice, target, std, c, options.extras)?);
            built.std.insert(std.told());
        }
        Some(built)
    }

    /// One file for the slice: by `lipo` where Xcode is, otherwise as `fat.rs` writes it.
    fn joined(&self, place: &Place, slice: &Slice, c: &C) -> std::io::Result<Vec<u8>> {
        if matches!(c, C::Xcode) && self.libraries.len() > 1 {
            let file = place.target.join("xcframework").join(slice.name);
            let joined = Run::new("xcrun", &place.root)
                .args(["lipo", "-create", "-output"])
                .arg(&file)
                .args(&self.libraries)
                .succeeds();
            return if joined { std::fs::read(file) } else { Err(std::io::Error::other("lipo failed")) };
        }
        let libraries = self.libraries.iter().map(std::fs::read).collect::<std::io::Result<Vec<_>>>()?;
        fat::join(&slice.targets.iter().zip(libraries).collect::<Vec<_>>())
    }
}

fn package(place: &Place, layout: &Layout, slices: &[&Slice], built: &[Built], c: &C) -> std::io::Result<()> {
    let first = built.first().and_then(|built| built.libraries.first());
    if !first.is_some_and(|library| package::generate(place, layout, library)) {
        return Err(std::io::Error::other("the header was not generated"));
    }
    let _ = std::fs::remove_dir_all(&layout.framework);
    let mut used = BTreeSet::new();
    for (slice, built) in slices.iter().zip(built) {
        let library = built.joined(place, slice, c)?;
        let mut own = BTreeSet::new();
        for target in slice.targets {
            let read = macho::part(&library, target).and_then(macho::read).map_err(std::io::Error::other)?;
            own.extend(read.undefined);
        }
        let declared = system::to_be_declared(&own);
        package::slice(layout, slice, &library, &package::privacy(&declared))?;
        used.extend(own);
    }
    package::info(layout, slices)?;
    if matches!(c, C::Xcode) && !accepted_by_xcode(place, layout, slices) {
        return Err(std::io::Error::other("xcodebuild does not take the slices"));
    }
    let checksum = package::pack(layout)?;
    package::swift_package(place, layout, &checksum, &package::privacy(&system::to_be_declared(&used)))
}

/// Xcode makes a framework of the same libraries and headers. It is only asked whether it can: it lists
/// slices in an order of its own each time, and a release has to have the same bytes twice.
fn accepted_by_xcode(place: &Place, layout: &Layout, slices: &[&Slice]) -> bool {
    let output = place.target.join("xcframework/by-xcode.xcframework");
    let _ = std::fs::remove_dir_all(&output);
    let mut create = Run::new("xcodebuild", &place.root).arg("-create-xcframework");
    for slice in slices {
        create = create.arg("-library").arg(layout.library(slice));
        create = create.arg("-headers").arg(layout.framework.join(slice.name).join("Headers"));
    }
    create.arg("-output").arg(output).succeeds()
}

fn tell(layout: &Layout, slices: &[&Slice], built: &[Built], checks: &[Check], shown: &[Shown]) -> Judged {
    for check in checks {
        println!("{} {}", if check.wrong.is_empty() { "ok   " } else { "WRONG" }, check.what);
        for wrong in &check.wrong {
            println!("      {wrong}");
        }
    }
    let head = ["slice", "size", "stripped", "symbols exported", "minimum OS", "TLS", "system log", "std"];
    let said = |holds: bool| if holds { "yes" } else { "no" }.to_owned();
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for ((slice, built), shown) in slices.iter().zip(built).zip(shown) {
        rows.push(vec![
            slice.name.to_owned(),
            table::bytes(shown.bytes),
            said(shown.stripped),
            shown.exported.to_string(),
            format!("{} {}", slice.platform, slice.minimum_text()),
            said(shown.tls),
            said(shown.log),
            built.std.iter().copied().collect::<Vec<_>>().join(", "),
        ]);
    }
    println!("\n{}", table::text(&rows));
    if shown.iter().any(|shown| !shown.log) {
        println!("Without the system's log: it needs <os/log.h>, which comes with Xcode alone.");
    }
    println!("{}\n{}", layout.zip.display(), layout.package.join("Package.swift").display());
    let failed = checks.iter().filter(|check| !check.wrong.is_empty()).count() as u64;
    Judged { passed: checks.len() as u64 - failed, failed }
}
