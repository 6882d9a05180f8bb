//! Libraries with some of the dependencies and no product logic, built from `xtask/size-probe`.
//!
//! In the profile that is shipped with the very flags of `ship.rs`, and all of them once more as small
//! as the peers of docs/benchmarks.md were compiled.
//!
//! A part is every package of others that the library links (`cargo tree -p veilfold-ffi -e normal`
//! without TLS), called once in each shape in which Veilfold calls it: the same types where code is made
//! for types, the same features, no more. The standard library is such a package for what an empty
//! library has none of: threads, channels, files. What is ours is no part: not our trees of documents, not
//! the engine's calls, not one of the exported functions beyond the first of its shape.

use super::Weight;
use crate::command::Run;
use crate::place::Place;
use crate::ship;

/// Features of the probe that are parts of Veilfold; TLS is counted apart.
const PARTS: [&str; 8] = ["std", "json", "msgpack", "crypto", "sqlite", "websocket", "tracing", "uniffi"];

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
    let host = ship::host(place)?;
    let targets = [host.as_str()];
    let mut flags = ship::Flags::of(place, &targets);
    flags.folder.clone_from(&folder);
    let built = flags
        .on(Run::cargo(&place.root))
        .args(["build", "-q", "--manifest-path", "xtask/size-probe/Cargo.toml", "--profile", profile])
        .args(["--target", &host, "--features", &features.join(",")])
        .succeeds();
    let name = format!("{}size_probe{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let whole = folder.join(&host).join(profile).join(&name);
    let stripped = folder.join(&name);
    if built && ship::strip(place, &whole, &stripped) { Weight::of(&stripped).ok() } else { None }
}
