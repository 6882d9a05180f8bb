//! `cargo xtask size`: what the library weighs that users get, and what each dependency costs.
//!
//! `size/parts.rs` weighs libraries with some of the dependencies and no product logic, `size/crates.rs`
//! shares the library's own code out among the packages it comes from. The comparison is without TLS,
//! which is a choice of the platform as much as ours; what it adds is shown beside it.

mod crates;
mod parts;

use crate::place::Place;
use crate::{ship, table};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::Path;

/// How much heavier than its parts the library may be.
const LIMIT: f64 = 1.5;

#[derive(clap::Args, Default)]
pub struct Options {
    /// Prints one JSON object at the end
    #[arg(long)]
    pub json: bool,
}

/// Bytes of a stripped library, and of what is downloaded of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    pub bytes: u64,
    pub gzip: u64,
}

impl Weight {
    pub fn of(file: &Path) -> std::io::Result<Self> {
        let bytes = std::fs::read(file)?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes)?;
        Ok(Self { bytes: bytes.len() as u64, gzip: gzip.finish()?.len() as u64 })
    }

    fn row(self, name: &str) -> Vec<String> {
        vec![name.to_owned(), table::bytes(self.bytes), table::bytes(self.gzip)]
    }

    fn json(self) -> serde_json::Value {
        serde_json::json!({ "bytes": self.bytes, "gzip": self.gzip })
    }
}

pub fn run(place: &Place, options: &Options) -> bool {
    weigh(place, options.json).is_some_and(|ratio| ratio <= LIMIT)
}

/// The library without TLS, in sums of its parts; nothing if something could not be built.
pub fn weigh(place: &Place, json: bool) -> Option<f64> {
    let without = ship::host_library(place, ship::Kind::WithoutTls)?;
    let without = Weight::of(&without.stripped).ok()?;
    let with_wasm = ship::host_library(place, ship::Kind::WithWasm)?;
    let with_wasm = Weight::of(&with_wasm.stripped).ok()?;
    let library = ship::host_library(place, ship::Kind::Shipped)?;
    let shipped = Weight::of(&library.stripped).ok()?;
    let weighed = parts::weigh(place)?;
    let by_crate = match std::fs::read(&library.whole).map_err(|error| error.to_string()) {
        Ok(bytes) => crates::share(&bytes),
        Err(error) => Err(error),
    };
    let by_crate = match by_crate {
        Ok(by_crate) => by_crate,
        Err(error) => {
            println!("{}: {error}", library.whole.display());
            return None;
        }
    };

    let ratio = without.bytes as f64 / weighed.together.bytes as f64;

    println!("\nCode and data by the package it comes from, in the library as shipped:\n");
    let mut rows = vec![["package", "bytes"].map(str::to_owned).to_vec()];
    rows.extend(by_crate.iter().map(|(name, bytes)| vec![name.clone(), table::bytes(*bytes)]));
    println!("{}", table::text(&rows));

    println!("Libraries with these parts alone, compiled and stripped alike:\n");
    let head = ["library", "bytes", "gzip -9"].map(str::to_owned).to_vec();
    let mut rows = vec![head.clone()];
    rows.extend(weighed.alone.iter().map(|(name, weight)| weight.row(name)));
    rows.push(weighed.together.row("all of these: the sum of the parts"));
    rows.push(weighed.with_tls.row("with TLS"));
    println!("{}", table::text(&rows));

    let mut rows = vec![head];
    rows.push(shipped.row("Veilfold as shipped"));
    rows.push(with_wasm.row("Veilfold with WebAssembly"));
    rows.push(without.row("Veilfold without TLS"));
    rows.push(weighed.small.row("the parts, compiled as the peers were"));
    println!("{}", table::text(&rows));
    let small = without.bytes as f64 / weighed.small.bytes as f64;
    println!(
        "Veilfold without TLS is {ratio:.2} times its parts (limit {LIMIT}), {small:.2} times as the peers were compiled."
    );
    if json {
        let alone: serde_json::Map<_, _> =
            weighed.alone.iter().map(|(name, weight)| ((*name).to_owned(), weight.json())).collect();
        let packages: serde_json::Map<_, _> =
            by_crate.iter().map(|(name, bytes)| (name.clone(), (*bytes).into())).collect();
        let said = serde_json::json!({
            "shipped": shipped.json(), "without_tls": without.json(), "with_wasm": with_wasm.json(),
            "parts": alone,
            "together": weighed.together.json(), "with_tls": weighed.with_tls.json(),
            "small": weighed.small.json(), "ratio": ratio, "ratio_small": small, "packages": packages,
        });
        println!("{said}");
    }
    Some(ratio)
}
