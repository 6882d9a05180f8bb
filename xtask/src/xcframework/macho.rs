//! What a static library for Apple platforms says about itself, read from its load commands.
//!
//! Used by `checks.rs`, which judges it.

use super::slices::Target;
use object::macho::{
    CPU_TYPE_X86_64, LC_VERSION_MIN_IPHONEOS, LC_VERSION_MIN_MACOSX, PLATFORM_IOS, PLATFORM_IOSSIMULATOR,
    PLATFORM_MACOS, Platform,
};
use object::read::archive::ArchiveFile;
use object::read::macho::{FatArch, LoadCommandVariant, MachOFatFile32, MachOFile64};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SymbolScope};
use std::collections::BTreeSet;

/// What was read of the library of one architecture.
#[derive(Debug, Default)]
pub struct Library {
    /// One for each object in the archive.
    pub objects: Vec<Member>,
    /// Visible to whoever links the library.
    pub exported: BTreeSet<String>,
    /// Wanted by some object and in none of them.
    pub undefined: BTreeSet<String>,
    /// Some object has debugging information.
    pub debug: bool,
}

/// What one object of the archive was compiled for.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    pub cpu: object::macho::CpuType,
    /// Platform and oldest system (major, minor), if it says so.
    pub built_for: Option<(Platform, (u16, u8))>,
}

/// The part of a (fat) library that is for one architecture.
pub fn part<'a>(library: &'a [u8], target: &Target) -> Result<&'a [u8], String> {
    if library.starts_with(b"!<arch>\n") {
        return Ok(library);
    }
    let fat = MachOFatFile32::parse(library).map_err(|error| format!("not a fat file: {error}"))?;
    let arch = fat.arches().iter().find(|arch| arch.cputype() == target.cpu);
    let arch = arch.ok_or_else(|| format!("nothing for {}", target.architecture))?;
    arch.data(library).map_err(|error| format!("{}: {error}", target.architecture))
}

/// How many architectures a library has.
pub fn parts(library: &[u8]) -> usize {
    MachOFatFile32::parse(library).map_or(1, |fat| fat.arches().len())
}

/// Reads an archive of Mach-O objects.
pub fn read(bytes: &[u8]) -> Result<Library, String> {
    let archive = ArchiveFile::parse(bytes).map_err(|error| format!("not an archive: {error}"))?;
    let mut library = Library::default();
    let mut defined = BTreeSet::new();
    for member in archive.members() {
        let member = member.map_err(|error| error.to_string())?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let object = member.data(bytes).map_err(|error| format!("{name}: {error}"))?;
        let file = File::parse(object).map_err(|error| format!("{name}: {error}"))?;
        let built_for = built_for(&file).map_err(|error| format!("{name}: {error}"))?;
        library.debug |= file.sections().any(|section| section.segment_name() == Ok(Some("__DWARF")));
        for symbol in file.symbols().filter(|symbol| symbol.is_global()) {
            let symbol_name = symbol.name().map_err(|error| format!("{name}: {error}"))?.to_owned();
            if symbol.is_undefined() {
                library.undefined.insert(symbol_name);
            } else {
                if symbol.scope() == SymbolScope::Dynamic {
                    library.exported.insert(symbol_name.clone());
                }
                defined.insert(symbol_name);
            }
        }
        library.objects.push(Member { name, cpu: file.macho_header().cputype.get(file.endian()), built_for });
    }
    library.undefined.retain(|symbol| !defined.contains(symbol));
    Ok(library)
}

pub type File<'a> = MachOFile64<'a, Endianness, &'a [u8]>;

/// LC_BUILD_VERSION; before there was one, the command itself named the system, and an iOS on Intel's
/// processor was the simulator. Rust's own compiler support is still built so.
pub fn built_for(file: &File<'_>) -> object::Result<Option<(Platform, (u16, u8))>> {
    let endian = file.endian();
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        let (platform, version) = match command.variant()? {
            LoadCommandVariant::BuildVersion(command, _) => {
                (command.platform.get(endian), command.minos.get(endian))
            }
            LoadCommandVariant::VersionMin(command) => {
                let simulator = file.macho_header().cputype.get(endian) == CPU_TYPE_X86_64;
                let platform = match command.cmd.get(endian) {
                    LC_VERSION_MIN_MACOSX => PLATFORM_MACOS,
                    LC_VERSION_MIN_IPHONEOS if simulator => PLATFORM_IOSSIMULATOR,
                    LC_VERSION_MIN_IPHONEOS => PLATFORM_IOS,
                    _ => continue,
                };
                (platform, command.version.get(endian))
            }
            _ => continue,
        };
        return Ok(Some((platform, (version.major(), version.minor()))));
    }
    Ok(None)
}
