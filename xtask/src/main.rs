//! One door to every task of this repository: `cargo xtask <verb>`.
//!
//! Each verb has a file of its own. What they share is `place.rs` (where things are), `command.rs`
//! (running programs) and `tools.rs` (what a machine needs for which task, and how it gets it).
#![allow(clippy::print_stdout, reason = "what a command-line tool says goes to standard output")]

mod bench;
mod command;
mod demo;
mod deny;
mod dist;
mod doc;
mod fmt;
mod fuzz;
mod guests;
mod kotlin;
mod lint;
mod mutants;
mod native;
mod place;
mod python;
mod ship;
mod sim;
mod size;
mod swift;
mod table;
mod test;
mod tidy;
mod tools;
mod vectors;
mod wheel;
mod xcframework;
mod zip;

use clap::{Parser, Subcommand};
use place::Place;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "One door to every task of this repository")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs every check and test, and sums them up in one line
    Test(test::Options),
    /// What the hosted checks run: `test --install`
    Ci,
    /// Shows two devices, a Relay that cannot read, and a recorded session replayed through them
    Demo(demo::Options),
    /// Measures the workloads beside the raw limits of this machine
    Bench(Forwarded),
    /// Runs seeded histories of the whole system on a virtual clock
    Sim(sim::Options),
    /// Feeds the decoders of foreign bytes with broken input
    Fuzz(fuzz::Options),
    /// Compiles the example resolvers to WebAssembly and compares them with the pinned bytes
    Guests(guests::Options),
    /// Changes the core a little, one change at a time, and looks whether its unit tests notice
    Mutants(mutants::Options),
    /// Writes the golden vectors anew and checks them with the second implementation
    Vectors,
    /// Looks for what house style forbids: imports against the layers, long files, dead links
    Tidy,
    /// Formats all Rust code
    Fmt(fmt::Options),
    /// Runs clippy with warnings as errors, with and without I/O
    Lint,
    /// Builds the API documentation with warnings as errors
    Doc,
    /// Builds the Kotlin package and tests it on this machine's JVM
    Kotlin(kotlin::Options),
    /// Makes the AAR for Android, in the same repository as the jar
    Aar(kotlin::aar::Options),
    /// Makes the jar for the JVM and the Relay for tests of apps, in a Maven repository under target/dist
    Jar(kotlin::jar::Options),
    /// Builds the Python wheel and tests it in a fresh environment
    Python(python::Options),
    /// Builds the wheel that is released, and runs the quickstarts with it alone
    Wheel(wheel::Options),
    /// Builds everything that this machine can make of a release, with sums and a bill of materials
    Dist(dist::Options),
    /// Weighs the library that users get against its parts, and shares it out among its dependencies
    Size(size::Options),
    /// Builds the Swift package and tests it against a real Relay
    Swift(swift::Options),
    /// Builds the XCFramework and the Swift package that names it, and checks them
    Xcframework(xcframework::Options),
}

/// Arguments that go to another program as they are.
#[derive(clap::Args)]
struct Forwarded {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let place = Place::find();
    let worked = match Arguments::parse().verb {
        Verb::Test(options) => test::run(&place, &options),
        Verb::Ci => test::run(&place, &test::Options::for_ci()),
        Verb::Demo(options) => demo::run(&place, &options),
        Verb::Bench(forwarded) => bench::run(&place, &forwarded.arguments),
        Verb::Sim(options) => sim::run(&place, &options),
        Verb::Fuzz(options) => fuzz::run(&place, &options),
        Verb::Guests(options) => guests::run(&place, &options),
        Verb::Mutants(options) => mutants::run(&place, &options),
        Verb::Vectors => vectors::run(&place),
        Verb::Tidy => tidy::run(&place),
        Verb::Fmt(options) => fmt::run(&place, &options),
        Verb::Lint => lint::run(&place),
        Verb::Doc => doc::run(&place),
        Verb::Kotlin(options) => kotlin::run(&place, &options),
        Verb::Aar(options) => kotlin::aar::run(&place, &options),
        Verb::Jar(options) => kotlin::jar::run(&place, &options),
        Verb::Python(options) => python::run(&place, &options),
        Verb::Wheel(options) => wheel::run(&place, &options),
        Verb::Dist(options) => dist::run(&place, &options),
        Verb::Size(options) => size::run(&place, &options),
        Verb::Swift(options) => swift::run(&place, &options),
        Verb::Xcframework(options) => xcframework::run(&place, &options),
    };
    if worked { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
