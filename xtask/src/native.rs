//! What a shared library says of itself: for which machine and system, stripped or not, how aligned, what
//! it exports and what it wants.
//!
//! Used by the verbs that pack one (`jar`, `aar`, `wheel`); `kotlin/android.rs` judges those of Android.

use crate::table;
use crate::xcframework;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Architecture, BinaryFormat, Object, ObjectSection, ObjectSymbol, elf};
use std::collections::BTreeSet;
use std::fmt;
use std::io::{Error, Result};
use std::path::Path;

/// What was read of a library.
#[derive(Debug, Default)]
pub struct Library {
    pub size: u64,
    pub machine: String,
    /// Linux and Android have ELF files, Apple's systems have Mach-O.
    pub is_elf: bool,
    pub stripped: bool,
    /// Smallest alignment of what is loaded, in bytes; of ELF files alone.
    pub alignment: u64,
    pub is_64_bit: bool,
    /// As C writes the names.
    pub exported: BTreeSet<String>,
    /// What has to be found for it to load: without what may be missing.
    pub undefined: BTreeSet<String>,
    /// Libraries that have to be there; of ELF files alone.
    pub needed: BTreeSet<String>,
    pub minimum: Option<Minimum>,
}

/// The oldest system that a library loads on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Minimum {
    /// By the level of its API.
    Android(u32),
    /// By the newest of its functions that is asked for.
    Glibc(u32, u32),
    MacOs(u16, u8),
}

impl fmt::Display for Minimum {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Minimum::Android(level) => write!(to, "Android API {level}"),
            Minimum::Glibc(major, minor) => write!(to, "glibc {major}.{minor}"),
            Minimum::MacOs(major, minor) => write!(to, "macOS {major}.{minor}"),
        }
    }
}

impl Library {
    pub fn read(file: &Path) -> Result<Self> {
        Self::parse(&std::fs::read(file)?)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let object = object::File::parse(bytes).map_err(Error::other)?;
        let machine = match object.architecture() {
            Architecture::Aarch64 => "aarch64",
            Architecture::Arm => "arm",
            Architecture::X86_64 => "x86-64",
            Architecture::I386 => "x86",
            _ => "another machine",
        };
        let mut library = Self {
            size: bytes.len() as u64,
            machine: machine.to_owned(),
            is_elf: object.format() == BinaryFormat::Elf,
            is_64_bit: object.is_64(),
            ..Self::default()
        };
        match &object {
            object::File::Elf64(file) => library.elf(file).map_err(Error::other)?,
            object::File::Elf32(file) => library.elf(file).map_err(Error::other)?,
            object::File::MachO64(file) => {
                let minimum = xcframework::built_for(file).map_err(Error::other)?;
                library.minimum = minimum.map(|(_, (major, minor))| Minimum::MacOs(major, minor));
                library.mach_o(&object);
            }
            _ => return Err(Error::other("neither ELF nor Mach-O of 64 bits")),
        }
        Ok(library)
    }

    fn elf<Elf: FileHeader<Endian = object::Endianness>>(
        &mut self,
        file: &ElfFile<'_, Elf>,
    ) -> object::Result<()> {
        let endian = file.endian();
        self.stripped = file.symbols().next().is_none()
            && file.sections().all(|section| section.name() != Ok(".debug_info"));
        let loaded =
            file.elf_program_headers().iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
        self.alignment = loaded.map(|segment| segment.p_align(endian).into()).min().unwrap_or(0);
        let dynamic = file.elf_dynamic_table()?;
        for entry in dynamic.iter().filter(|entry| entry.tag == elf::DT_NEEDED) {
            self.needed.insert(String::from_utf8_lossy(dynamic.string(entry)?).into_owned());
        }
        let versions = file.elf_section_table().versions(endian, file.data())?.unwrap_or_default();
        for symbol in file.dynamic_symbols() {
            let name = symbol.name()?.to_owned();
            if symbol.is_definition() && symbol.is_global() {
                self.exported.insert(name);
            } else if symbol.is_undefined() && !name.is_empty() {
                let version = versions.version(versions.version_index(endian, symbol.index()).index())?;
                self.minimum = self.minimum.take().max(version.and_then(|version| glibc(version.name())));
                if !symbol.is_weak() {
                    self.undefined.insert(name);
                }
            }
        }
        for segment in file.elf_program_headers() {
            let Some(mut notes) = segment.notes(endian, file.data())? else { continue };
            while let Some(note) = notes.next()? {
                // What the NDK's start code says: the API first, then the release of the NDK.
                if note.name() == b"Android" && note.n_type(endian) == elf::NoteType(1) {
                    let level = note.desc().first_chunk().map(|level| u32::from_le_bytes(*level));
                    self.minimum = level.map(Minimum::Android);
                }
            }
        }
        Ok(())
    }

    /// Mach-O has one table of symbols, with an underscore before each name of C.
    fn mach_o(&mut self, object: &object::File<'_>) {
        self.stripped = object.symbols().all(|symbol| symbol.is_global())
            && object.sections().all(|section| section.segment_name() != Ok(Some("__DWARF")));
        for symbol in object.symbols().filter(|symbol| symbol.is_global()) {
            let name = symbol.name().unwrap_or_default();
            let name = name.strip_prefix('_').unwrap_or(name).to_owned();
            if !symbol.is_undefined() {
                self.exported.insert(name);
            } else if !symbol.is_weak() {
                self.undefined.insert(name);
            }
        }
    }

    /// Calls that generated code makes and the library has not, and what it shows the world besides.
    pub fn differs(&self, wanted: &BTreeSet<String>) -> Vec<String> {
        let missing = wanted.difference(&self.exported).map(|name| format!("does not export {name}"));
        // What UniFFI generates from: the packages' code comes from the very library that is shipped.
        let more = self.exported.difference(wanted).filter(|name| !name.starts_with("UNIFFI_META_"));
        let more = more.map(|name| format!("exports {name}, which nothing calls"));
        let nothing = wanted.is_empty().then(|| "the generated code calls nothing".to_owned());
        missing.chain(more).chain(nothing).collect()
    }
}

/// The version in `GLIBC_2.34`.
fn glibc(version: &[u8]) -> Option<Minimum> {
    let text = std::str::from_utf8(version).ok()?.strip_prefix("GLIBC_")?;
    let mut numbers = text.split('.').map(|number| number.parse::<u32>().ok());
    Some(Minimum::Glibc(numbers.next()??, numbers.next()??))
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
    ["file", "size", "for", "machine", "stripped", "aligned", "symbols exported", "minimum OS"]
        .map(str::to_owned)
        .to_vec()
}

/// A library as a row of the closing table.
pub fn row(name: &str, place: &str, library: &Library) -> Vec<String> {
    vec![
        name.to_owned(),
        table::bytes(library.size),
        place.to_owned(),
        library.machine.clone(),
        if library.stripped { "yes" } else { "no" }.to_owned(),
        if library.is_elf { table::bytes(library.alignment) } else { String::new() },
        table::bytes(library.exported.len() as u64),
        library.minimum.as_ref().map(Minimum::to_string).unwrap_or_else(|| "not said".to_owned()),
    ]
}

#[cfg(test)]
pub mod examples {
    /// A library for macOS as small as can be: one function of its own, one of the system.
    pub fn mach_o() -> Vec<u8> {
        let mut file: Vec<u8> = Vec::new();
        let mut words = |words: &[u32]| file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        // Head: 64 bits, arm64, a dylib, two commands of 48 bytes.
        words(&[0xfeed_facf, 0x0100_000c, 0, 6, 2, 48, 0, 0]);
        // LC_BUILD_VERSION: macOS from 12.0 on. LC_SYMTAB: two symbols at 80, 16 bytes of names at 112.
        words(&[0x32, 24, 1, 12 << 16, 12 << 16, 0]);
        words(&[2, 24, 80, 2, 112, 16]);
        // `_mine`, absolute and external; `_open`, undefined and external.
        words(&[1, 0x0000_0003, 0x10, 0]);
        words(&[7, 0x0000_0001, 0, 0]);
        file.extend(b"\0_mine\0_open\0\0\0\0");
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn native_functions_are_found_in_generated_code() {
        let file = std::env::temp_dir().join(format!("veilfold-native-{}.kt", std::process::id()));
        std::fs::write(&file, "object Lib {\n    external fun uniffi_a(`x`: Long,\n    ): Int\n}\n").unwrap();
        assert_eq!(wanted(&file), set(&["uniffi_a"]));
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_very_program_is_read() {
        let read = Library::read(&std::env::current_exe().unwrap()).unwrap();
        assert!(read.is_elf && !read.stripped && read.alignment >= 0x1000 && read.size > 0);
        assert!(read.needed.contains("libc.so.6") && read.undefined.contains("malloc"));
        // Every program asks for it, and none has it unless it is profiled.
        assert!(!read.undefined.contains("__gmon_start__"), "what may be missing is not asked for");
        assert!(read.minimum > Some(Minimum::Glibc(2, 16)), "{:?}", read.minimum);
    }

    /// An ELF file as small as can be, with the note that the NDK's start code leaves.
    #[test]
    fn a_library_of_android_says_for_which_one() {
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        let mut words = |words: &[u32]| file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        // Head: a library for aarch64, one segment at 64 and no sections.
        words(&[(183 << 16) | 3, 1, 0, 0, 64, 0, 0, 0, 0, (56 << 16) | 64, 1, 0]);
        // The segment: a note of 24 bytes at 120, aligned to 4.
        words(&[4, 4, 120, 0, 120, 0, 120, 0, 24, 0, 24, 0, 4, 0]);
        // The note: 8 bytes of name, 4 of content, of type 1.
        words(&[8, 4, 1, u32::from_le_bytes(*b"Andr"), u32::from_le_bytes(*b"oid\0"), 24]);
        let read = Library::parse(&file).unwrap();
        assert_eq!((read.minimum, read.machine.as_str()), (Some(Minimum::Android(24)), "aarch64"));
        *file.last_chunk_mut().unwrap() = 21_u32.to_le_bytes();
        assert_eq!(Library::parse(&file).unwrap().minimum, Some(Minimum::Android(21)));
        let name = file.len() - 12;
        file[name] = b'X';
        assert_eq!(Library::parse(&file).unwrap().minimum, None);
    }

    #[test]
    fn the_newest_function_decides_and_not_its_spelling() {
        assert!(glibc(b"GLIBC_2.34") > glibc(b"GLIBC_2.4") && glibc(b"GLIBC_2.2.5") > None);
        assert_eq!([glibc(b"GLIBC_PRIVATE"), glibc(b"GCC_3.0")], [None, None]);
    }

    #[test]
    fn what_is_exported_and_what_is_called_are_compared_both_ways() {
        let library =
            Library { exported: set(&["a", "UNIFFI_META_A", "sqlite3_open"]), ..Library::default() };
        assert_eq!(
            library.differs(&set(&["a", "b"])),
            ["does not export b", "exports sqlite3_open, which nothing calls"]
        );
        assert_eq!(library.differs(&BTreeSet::new()).len(), 3);
    }

    #[test]
    fn a_library_of_apple_has_its_symbols_in_one_table() {
        let read = Library::parse(&examples::mach_o()).unwrap();
        assert_eq!((read.exported, read.undefined), (set(&["mine"]), set(&["open"])));
        assert!(!read.is_elf && read.stripped && read.machine == "aarch64");
        assert_eq!(read.minimum.unwrap().to_string(), "macOS 12.0");
    }
}
