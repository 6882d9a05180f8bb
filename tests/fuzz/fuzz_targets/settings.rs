//! See `settings` in `tests/src/fuzz_targets.rs`, which says what is done with an input.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use veilfold_tests::fuzz_targets::settings as target;

fuzz_target!(|data: &[u8]| target.feed(data));
fuzz_mutator!(|data: &mut [u8], size: usize, size_max: usize, seed: u32| {
    target.mutate(data, size, size_max, seed, fuzzer_mutate)
});
