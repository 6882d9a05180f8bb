//! What a shared library of Linux or Android is: for which machine, stripped or not, how aligned, what
//! it exports.

use crate::table;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Architecture, Object, ObjectSection, ObjectSymbol, elf};
use std::collections::BTreeSet;
use std::io::{Error, Result};
use std::path::Path;

/// What was read of a library.
#[derive(Debug, Default)]
pub struct Library {
    pub size: u64,
    pub machine: String,
    pub stripped: bool,
    /// Smallest alignment of what is loaded, in bytes.
    pub alignment: u64,
    pub is_64_bit: bool,
    pub exported: BTreeSet<String>,
}

impl Library {
    /// Reads a library; of one that is no ELF file only what every format has.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file)?;
        let object = object::File::parse(&*bytes).map_err(Error::other)?;
        let machine = match object.architecture() {
            Architecture::Aarch64 => "aarch64",
            Architecture::Arm => "arm",
            Architecture::X86_64 => "x86-64",
            Architecture::I386 => "x86",
            _ => "another machine",
        };
        let symbols = object.dynamic_symbols().filter(|symbol| symbol.is_definition() && symbol.is_global());
        let exported: BTreeSet<String> =
            symbols.filter_map(|symbol| Some(symbol.name().ok()?.to_owned())).collect();
        let left = object.symbols().next().is_some()
            || object.sections().any(|section| section.name() == Ok(".debug_info"));
        let (alignment, is_64_bit) = match &object {
            object::File::Elf64(file) => (alignment(file), true),
            object::File::Elf32(file) => (alignment(file), false),
            _ => (0, object.is_64()),
        };
        let size = bytes.len() as u64;
        Ok(Self { size, machine: machine.to_owned(), stripped: !left, alignment, is_64_bit, exported })
    }

    /// Those of the wanted symbols that it does not export.
    pub fn missing(&self, wanted: &BTreeSet<String>) -> Vec<String> {
        wanted.difference(&self.exported).cloned().collect()
    }

    fn exported_count(&self) -> u64 {
        self.exported.len() as u64
    }
}

/// The smallest alignment of the segments that are loaded.
fn alignment<Elf: FileHeader>(file: &ElfFile<'_, Elf>) -> u64 {
    let endian = file.endian();
    let loaded = file.elf_program_headers().iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
    loaded.map(|segment| segment.p_align(endian).into()).min().unwrap_or(0)
}

/// The native functions that generated Kotlin code calls.
pub fn wanted(generated: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(generated).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix("external fun "))
        .filter_map(|rest| Some(rest.split_once('(')?.0.to_owned()))
        .collect()
}

pub fn head() -> Vec<String> {
    ["file", "size", "for", "machine", "stripped", "aligned", "symbols exported"].map(str::to_owned).to_vec()
}

/// A library as a row of the closing table.
pub fn row(name: &str, place: &str, library: &Library) -> Vec<String> {
    vec![
        name.to_owned(),
        table::bytes(library.size),
        place.to_owned(),
        library.machine.clone(),
        if library.stripped { "yes" } else { "no" }.to_owned(),
        table::bytes(library.alignment),
        table::bytes(library.exported_count()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_functions_are_found_in_generated_code() {
        let file = std::env::temp_dir().join(format!("veilfold-elf-{}.kt", std::process::id()));
        std::fs::write(&file, "object Lib {\n    external fun uniffi_a(`x`: Long,\n    ): Int\n}\n").unwrap();
        assert_eq!(wanted(&file), BTreeSet::from(["uniffi_a".to_owned()]));
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_very_program_is_read() {
        let read = Library::read(&std::env::current_exe().unwrap()).unwrap();
        assert!(!read.stripped && read.alignment >= 0x1000 && read.size > 0);
        assert_eq!(read.missing(&BTreeSet::from(["no_such_symbol".to_owned()])), ["no_such_symbol"]);
    }
}
