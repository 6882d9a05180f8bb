//! Libraries with some of the dependencies and no product logic, built from `xtask/size-probe`.
//!
//! In the profile that is shipped, and all of them once more as small as the peers of
//! docs/benchmarks.md were compiled.

use super::Weight;
use crate::command::Run;
use crate::place::Place;
use crate::ship;

/// Features of the probe that are parts of Veilfold; TLS is counted apart.
const PARTS: [&str; 5] = ["json", "crypto", "sqlite", "websocket", "uniffi"];

pub struct Weighed {
    /// An empty library, and each part alone.
    pub alone: Vec<(&'static str, Weight)>,
    pub together: Weight,
    pub with_tls: Weight,
    /// Together, compiled for size alone and without unwinding.
    pub small: Weight,
}

pub fn weigh(place: &Place) -> Option<Weighed> {
    let package = place.root.join("xtask/size-probe");
    // The very versions that the product is built from; cargo leaves out what the probe does not need.
    std::fs::copy(place.root.join("Cargo.lock"), package.join("Cargo.lock")).ok()?;
    let mut alone = vec![("empty", probe(place, ship::PROFILE, &[])?)];
    for part in PARTS {
        alone.push((part, probe(place, ship::PROFILE, &[part])?));
    }
    let together = probe(place, ship::PROFILE, &PARTS)?;
    let mut all = PARTS.to_vec();
    all.push("tls");
    let with_tls = probe(place, ship::PROFILE, &all)?;
    Some(Weighed { alone, together, with_tls, small: probe(place, "small", &PARTS)? })
}

fn probe(place: &Place, profile: &str, features: &[&str]) -> Option<Weight> {
    let folder = place.target.join("size");
    let built = Run::cargo(&place.root)
        .args(["build", "-q", "--manifest-path", "xtask/size-probe/Cargo.toml", "--profile", profile])
        .args(["--features", &features.join(",")])
        .env("CARGO_TARGET_DIR", &folder)
        .succeeds();
    let name = format!("{}size_probe{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let whole = folder.join(profile).join(&name);
    let stripped = folder.join(&name);
    if built && ship::strip(place, &whole, &stripped) { Weight::of(&stripped).ok() } else { None }
}
