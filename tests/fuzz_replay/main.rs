//! The fuzz targets on the stable compiler: their corpora, past crashes, and how much of what the
//! mutators make gets past parsing.
//!
//! `cargo test -p veilfold-tests --test fuzz_replay -- --ignored` writes the corpora anew.
#![allow(clippy::print_stdout, reason = "shares and failing inputs belong to the result")]

use std::path::{Path, PathBuf};
use veilfold_tests::fuzz_targets::{Outcome, TARGETS, Target};
use veilfold_tests::harness::Rng;

/// Inputs that a generator adds to each corpus.
const MADE: u64 = 12;
/// Largest input, as `cargo fuzz` sets it by itself.
const SIZE_MAX: usize = 4096;

fn folder(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry of a folder").path()).collect();
    files.sort();
    files
}

/// What is committed; a fuzzer puts its own finds beside it.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let is_seed =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
    let files = files(&folder("corpus", target.name)).into_iter().filter(is_seed);
    files.map(|path| std::fs::read(path).expect("a seed")).collect()
}

#[test]
fn every_target_has_a_program_and_a_corpus_that_parses() {
    let programs: Vec<String> = files(&folder("fuzz_targets", ""))
        .iter()
        .filter_map(|path| path.file_stem().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(programs, names);
    for target in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() as u64 >= MADE, "{} has a corpus", target.name);
        let parsed = seeds.iter().filter(|seed| target.run(seed) == Outcome::Parsed).count();
        // A script need not come to altering anything.
        assert!(parsed * 3 > seeds.len(), "{}: {parsed} of {} parse", target.name, seeds.len());
    }
}

#[test]
fn past_crashes_stay_mended() {
    for target in TARGETS {
        for crash in files(&folder("crashes", target.name)) {
            println!("{}", crash.display());
            target.run(&std::fs::read(&crash).expect("a past crash"));
        }
    }
}

#[test]
fn at_least_a_fifth_of_the_mutated_inputs_get_past_parsing() {
    let times = std::env::var("VEILFOLD_FUZZ_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    for target in TARGETS {
        let seeds = seeds(target);
        let mut rng = Rng::new(1);
        let runs = match target.name {
            "engine" | "relay_session" | "page" => 60,
            // A damaged module may run on until its fuel is gone.
            "module" => 300,
            _ => 2_000,
        } * times;
        let mut parsed = 0;
        for _ in 0..runs {
            let mut data = vec![0; SIZE_MAX];
            let seed = rng.pick(&seeds);
            let mut size = seed.len().min(SIZE_MAX);
            data[..size].copy_from_slice(&seed[..size]);
            // A fuzzer mutates what earlier mutations left.
            for _ in 0..1 + rng.below(3) {
                let choice = rng.draw() as u32;
                let blind = |data: &mut [u8], size: usize, max: usize| unshaped(data, size, max, &mut rng);
                size = target.mutate(&mut data, size, SIZE_MAX, choice, blind);
            }
            let shown = Shown(&data[..size]);
            parsed += u64::from(target.run(shown.0) == Outcome::Parsed);
        }
        println!("{}: {parsed} of {runs} inputs got past parsing", target.name);
        assert!(parsed * 5 >= runs, "{}: {parsed} of {runs}", target.name);
    }
}

/// Prints an input when it is what makes the test fail, so that it can be kept.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("the input was {hex}");
        }
    }
}

/// What a fuzzer does that knows nothing of the input: one flip, insertion, removal or copy.
fn unshaped(data: &mut [u8], size: usize, size_max: usize, rng: &mut Rng) -> usize {
    let at = rng.below(size as u64) as usize;
    match rng.below(4) {
        0 if size > 0 => data[at] ^= 1 << rng.below(8),
        1 if size > 1 => {
            data.copy_within(at + 1..size, at);
            return size - 1;
        }
        2 if size < size_max => {
            data.copy_within(at..size, at + 1);
            data[at] = rng.draw() as u8;
            return size + 1;
        }
        _ if size > 0 => data[at] = data[rng.below(size as u64) as usize],
        _ => {}
    }
    size
}

#[test]
#[ignore = "writes into the source tree"]
fn write_the_corpora_anew() {
    for (index, target) in TARGETS.iter().enumerate() {
        let corpus = folder("corpus", target.name);
        std::fs::create_dir_all(&corpus).expect("a folder");
        for seed in files(&corpus) {
            std::fs::remove_file(seed).expect("an old seed goes");
        }
        let mut rng = Rng::new(7 + index as u64);
        let made = (0..MADE).map(|_| target.make(&mut rng));
        for (number, input) in target.recorded().into_iter().chain(made).enumerate() {
            std::fs::write(corpus.join(format!("seed-{number:02}")), input).expect("a seed");
        }
    }
}
