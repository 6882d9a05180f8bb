//! Shares the code and data of a library out among the packages it was compiled from.
//!
//! By the symbols of the library before it is stripped: Rust's names carry the package, and an ELF file
//! says for C's from which source file they are. Generic code counts for the package that wrote it.

use object::{Object, ObjectSection, ObjectSymbol, SymbolKind, SymbolSection};
use std::collections::BTreeMap;

/// Packages with fewer bytes are one line.
const WORTH_A_LINE: u64 = 4 * 1024;
const SMALL: &str = "smaller ones";

/// Bytes of each package, the heaviest first; then what belongs to no symbol, by section.
pub fn share(library: &[u8]) -> Result<Vec<(String, u64)>, String> {
    let file = object::File::parse(library).map_err(|error| error.to_string())?;
    let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
    let mut left: BTreeMap<String, u64> = BTreeMap::new();
    for section in file.sections() {
        let name = section.name().map_err(|error| error.to_string())?;
        // What strip leaves in the file, and what takes place in it.
        let kept = matches!(section.flags(), object::SectionFlags::Elf { sh_flags, .. } if kept(sh_flags.0));
        if kept && section.file_range().is_some() {
            left.insert(name.to_owned(), section.size());
        }
    }
    let mut source = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or_default();
        if symbol.kind() == SymbolKind::File {
            source = name.to_owned();
        }
        let SymbolSection::Section(index) = symbol.section() else { continue };
        // Two names of one thing count once.
        if symbol.size() == 0 || !seen.insert(symbol.address()) {
            continue;
        }
        let section = file.section_by_index(index).and_then(|section| section.name());
        let Some(rest) = left.get_mut(section.unwrap_or_default()) else { continue };
        *rest = rest.saturating_sub(symbol.size());
        let package = package(name, if symbol.is_local() { &source } else { "" });
        *bytes.entry(package).or_default() += symbol.size();
    }
    let small: u64 = bytes.values().filter(|size| **size < WORTH_A_LINE).sum();
    bytes.retain(|_, size| *size >= WORTH_A_LINE);
    bytes.insert(SMALL.to_owned(), small);
    let mut shared: Vec<_> = bytes.into_iter().collect();
    shared.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let mut left: Vec<_> = left.into_iter().filter(|(_, size)| *size >= WORTH_A_LINE).collect();
    left.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    shared.extend(left.into_iter().map(|(section, size)| (format!("no symbol, {section}"), size)));
    Ok(shared)
}

/// SHF_ALLOC: loaded with the library.
fn kept(flags: u64) -> bool {
    flags & 2 != 0
}

/// The package of a symbol, from its name or from the source file it is local to.
fn package(name: &str, source: &str) -> String {
    if let Some(found) = of_rust(name).or_else(|| of_old_rust(name)) {
        return found;
    }
    let c = [("sqlite3", "sqlite3"), ("fts5", "sqlite3"), ("ring_core", "ring"), ("uniffi_", "veilfold_ffi")];
    let c = c.into_iter().chain([("UNIFFI_", "veilfold_ffi"), ("ffi_veilfold", "veilfold_ffi")]);
    for (start, package) in c {
        if name.starts_with(start) || source.starts_with(start) {
            return package.to_owned();
        }
    }
    // The only other package that brings C along.
    if source.ends_with(".c") { "ring".to_owned() } else { "other".to_owned() }
}

/// `_RNvNtCs1234_5tokio…`: the first package in the path is where the code was written.
fn of_rust(name: &str) -> Option<String> {
    let path = name.strip_prefix("_R")?;
    let mut from = 0;
    while let Some(at) = path[from..].find("Cs") {
        from += at + 2;
        let (hash, rest) = path[from..].split_once('_')?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let length: usize = rest[..digits].parse().unwrap_or(0);
        let named = rest[digits..].trim_start_matches('_').get(..length);
        if hash.chars().all(|c| c.is_ascii_alphanumeric()) && length > 0 {
            return named.map(str::to_owned);
        }
    }
    None
}

/// `_ZN5tokio…E`, as names were until 2026.
fn of_old_rust(name: &str) -> Option<String> {
    let path = name.strip_prefix("_ZN")?;
    let digits = path.len() - path.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let length: usize = path[..digits].parse().ok()?;
    let first = path[digits..].get(..length)?;
    if !first.contains("$LT$") {
        return Some(first.to_owned());
    }
    // `_$LT$tokio..Tcp$u20$as$u20$core..Debug$GT$`, and for all types: `_$LT$T$u20$as$u20$core..Into$GT$`.
    first.split('$').find_map(|part| Some(part.split_once("..")?.0.to_owned())).or(Some("core".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_its_package() {
        for (name, expected) in [
            ("_RNvNtCskZn6J6i4cQL_3std9panicking11EMPTY_PANIC", "std"),
            ("_RNvMs_NtCs1abC_13veilfold_core6enginNtB4_6Engine3new", "veilfold_core"),
            ("_RINvNtCs9x_4core3ptr13drop_in_placeNtCs1_5tokio4TaskEB4_", "core"),
            ("_ZN5tokio7runtime4task3raw17h0123456789abcdefE", "tokio"),
            ("_ZN54_$LT$rustls..Error$u20$as$u20$core..fmt..Debug$GT$3fmt17h0E", "rustls"),
            ("_ZN50_$LT$T$u20$as$u20$core..convert..Into$LT$U$GT$$GT$4into17h0E", "core"),
            ("sqlite3_open", "sqlite3"),
            ("ring_core_0_17_14__x25519_ge_frombytes_vartime", "ring"),
            ("uniffi_veilfold_ffi_fn_clone_client", "veilfold_ffi"),
        ] {
            assert_eq!(package(name, ""), expected, "{name}");
        }
        assert_eq!(package("pagerWalFrames", "sqlite3.c"), "sqlite3");
        assert_eq!(package("fiat_25519_carry", "curve25519.c"), "ring");
        assert_eq!(package("_start_of_nothing", ""), "other");
    }
}
