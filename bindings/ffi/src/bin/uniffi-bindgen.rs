//! Writes the Swift, Kotlin and Python files for the library of this package.

fn main() {
    uniffi::uniffi_bindgen_main();
}
