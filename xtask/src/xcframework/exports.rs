//! What a static library shows to the app that links it: the calls of the header, and what cannot be hidden.
//!
//! An app is linked of many libraries, and of two functions with one name it gets either. So a name that others
//! may have as well is not shown: SQLite's are given names of our own by `toolchain.rs`.

use std::collections::BTreeSet;

/// What SQLite's functions are called in the library of a slice, before their own name.
pub const OWN: &str = "veilfold_";

/// Why names are shown that nobody calls from outside, their beginnings, and the names themselves.
type Group = (&'static str, &'static [&'static str], &'static [&'static str]);

const GROUPS: [Group; 5] = [
    ("Rust's own names, with a sum of their crate in each", &["_R", "_ZN"], &["rust_eh_personality"]),
    (
        "What UniFFI generates from: Swift's code comes from the very library that is shipped",
        &["UNIFFI_META_"],
        &[],
    ),
    ("SQLite, under names that no other copy has", &["veilfold_sqlite3"], &[]),
    ("ring, which has its version in each name", &["ring_core_"], &[]),
    (
        "compiler-rt, which comes with Rust: the same arithmetic wherever the names are found",
        &["__aarch64_", "_aarch64_"],
        &[
            "__absvdi2",
            "__absvsi2",
            "__absvti2",
            "__addvdi3",
            "__addvsi3",
            "__addvti3",
            "__cmpdi2",
            "__cmpti2",
            "__compilerrt_abort_impl",
            "__divdc3",
            "__divsc3",
            "__fe_getround",
            "__fe_raise_inexact",
            "__ffsti2",
            "__init_cpu_features_resolver",
            "__muldc3",
            "__mulsc3",
            "__mulvdi3",
            "__mulvsi3",
            "__mulvti3",
            "__negdf2",
            "__negdi2",
            "__negsf2",
            "__negti2",
            "__negvdi2",
            "__negvsi2",
            "__negvti2",
            "__paritydi2",
            "__paritysi2",
            "__parityti2",
            "__popcountdi2",
            "__popcountsi2",
            "__popcountti2",
            "__subvdi3",
            "__subvsi3",
            "__subvti3",
            "__ucmpdi2",
            "__ucmpti2",
            "atomic_flag_clear",
            "atomic_flag_clear_explicit",
            "atomic_flag_test_and_set",
            "atomic_flag_test_and_set_explicit",
            "atomic_signal_fence",
            "atomic_thread_fence",
        ],
    ),
];

/// Symbols of the linker that need a name of our own, and those names.
pub fn renamed(exported: &BTreeSet<String>) -> Vec<(&str, String)> {
    let sqlite = exported.iter().filter_map(|symbol| Some((symbol, symbol.strip_prefix("_sqlite3")?)));
    sqlite.map(|(symbol, rest)| (symbol.as_str(), format!("_{OWN}sqlite3{rest}"))).collect()
}

/// What the header declares and the library does not show, and what else it shows without a reason.
pub fn judged(declared: &BTreeSet<String>, exported: &BTreeSet<String>) -> Vec<String> {
    let missing = declared.difference(exported).map(|name| format!("declared, not exported: {name}"));
    let more = exported.difference(declared).filter(|symbol| !has_reason(symbol));
    let more = more.map(|name| format!("exported, neither declared nor in exports.rs: {name}"));
    let nothing = declared.is_empty().then(|| "the header declares nothing".to_owned());
    missing.chain(more).chain(nothing).collect()
}

fn has_reason(symbol: &str) -> bool {
    let name = symbol.strip_prefix('_').unwrap_or(symbol);
    GROUPS.iter().any(|(_, beginnings, names)| {
        names.contains(&name) || beginnings.iter().any(|beginning| name.starts_with(beginning))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_is_exported_and_what_is_declared_are_compared_both_ways() {
        let exported = set(&[
            "_uniffi_veilfold_ffi_a",
            "_uniffi_veilfold_ffi_b",
            "_sqlite3_open",
            "_memcpy",
            "__RNvCsx_4core",
            "__ZN4core",
            "_ring_core_0_17_14__aes",
            "___absvdi2",
            "_UNIFFI_META_A",
        ]);
        assert_eq!(
            judged(&set(&["_uniffi_veilfold_ffi_b", "_uniffi_veilfold_ffi_c"]), &exported),
            [
                "declared, not exported: _uniffi_veilfold_ffi_c",
                "exported, neither declared nor in exports.rs: _memcpy",
                "exported, neither declared nor in exports.rs: _sqlite3_open",
                "exported, neither declared nor in exports.rs: _uniffi_veilfold_ffi_a",
            ]
        );
        assert_eq!(judged(&set(&[]), &set(&[])), ["the header declares nothing"]);
    }

    #[test]
    fn a_renamed_function_is_shown_with_a_reason() {
        let exported = set(&["_sqlite3_open", "_sqlite3Fts", "_uniffi_x"]);
        let renamed = renamed(&exported);
        assert_eq!(
            renamed,
            [
                ("_sqlite3Fts", "_veilfold_sqlite3Fts".to_owned()),
                ("_sqlite3_open", "_veilfold_sqlite3_open".to_owned())
            ]
        );
        assert!(renamed.iter().all(|(old, new)| !has_reason(old) && has_reason(new)));
    }
}
