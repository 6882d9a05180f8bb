//! One file with the libraries of several architectures, as Apple's linker reads it.
//!
//! A head, one line for each architecture, then the libraries. The same as `lipo -create`, which is
//! used on macOS.

use super::slices::Target;
use std::io::{Error, Result};

const MAGIC: u32 = 0xcafe_babe;
/// Each library starts at a multiple of 2^14, the page of Apple's own processors.
const ALIGNMENT: u32 = 14;

/// Joins the libraries of these targets. A single one stays as it is.
pub fn join(libraries: &[(&Target, Vec<u8>)]) -> Result<Vec<u8>> {
    if let [(_, only)] = libraries {
        return Ok(only.clone());
    }
    let number = |length: usize| u32::try_from(length).map_err(|_| Error::other("a library of 4 GiB"));
    let mut head: Vec<u8> =
        [MAGIC, number(libraries.len())?].into_iter().flat_map(u32::to_be_bytes).collect();
    let mut file = Vec::new();
    let mut offset = aligned(8 + 20 * libraries.len());
    for (target, bytes) in libraries {
        let line = [target.cpu.0, target.cpu_kind, number(offset)?, number(bytes.len())?, ALIGNMENT];
        head.extend(line.into_iter().flat_map(u32::to_be_bytes));
        file.resize(offset, 0);
        file.extend(bytes);
        offset = aligned(file.len());
    }
    file[..head.len()].copy_from_slice(&head);
    Ok(file)
}

fn aligned(offset: usize) -> usize {
    offset.next_multiple_of(1 << ALIGNMENT)
}

#[cfg(test)]
mod tests {
    use super::super::slices::SLICES;
    use super::*;
    use object::read::macho::{FatArch, MachOFatFile32};

    #[test]
    fn a_reader_finds_each_library_where_the_head_says() {
        let targets = SLICES[2].targets;
        let file = join(&[(&targets[0], b"one".to_vec()), (&targets[1], b"three".to_vec())]).unwrap();
        let fat = MachOFatFile32::parse(file.as_slice()).unwrap();
        let arches = fat.arches();
        assert_eq!(
            arches.iter().map(|arch| arch.cputype()).collect::<Vec<_>>(),
            targets.iter().map(|t| t.cpu).collect::<Vec<_>>()
        );
        assert_eq!(arches[0].data(file.as_slice()).unwrap(), b"one");
        assert_eq!(arches[1].data(file.as_slice()).unwrap(), b"three");
        assert_eq!(join(&[(&targets[0], b"one".to_vec())]).unwrap(), b"one");
    }
}
