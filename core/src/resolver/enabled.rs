//! Which resolver versions a Space accepts. Folded from control Entries, in the order, so every
//! Device rejects the same Actions for ever.

use crate::model::{BodyError, COLLECTION_BYTES_MAX, Decoder, Encoder};
use crate::sorted::SortedMap;
use veilfold_wire::hash::Hasher;

/// Format of the sealed part that this version reads. A higher one is a reason to wait for an update.
const FORMAT: u64 = 1;
/// Most versions that one Entry enables, and that a Space ever has.
const VERSIONS_MAX: usize = 1024;

/// A version to be accepted from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enable {
    /// The collection.
    pub collection: String,
    /// Its resolver's version, from 1.
    pub version: u64,
    /// SHA-256 of the module, when it is pinned by its bytes.
    pub module: Option<[u8; 32]>,
}

/// Why the sealed part of a `Settings` Entry enables nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsPart {
    /// Written by a newer version of Veilfold: this Device cannot go on without an update.
    Newer,
    /// Not well-formed; every Device passes over it.
    Malformed,
}

/// The versions that a Space accepts, at one position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enabled(SortedMap<String, Vec<EnabledVersion>>);

/// A version, and the hash of its module if it is pinned.
type EnabledVersion = (u64, Option<[u8; 32]>);

impl Enabled {
    /// The sealed part of a `Settings` Entry.
    pub fn sealed_part(enables: &[Enable]) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(2);
        out.uint(FORMAT);
        encode_list(enables, &mut out);
        out.finish()
    }

    /// Reads the sealed part of a `Settings` Entry.
    ///
    /// # Errors
    /// A [`SettingsPart`] that says whether to wait or to pass over it.
    pub fn read_part(part: &[u8]) -> Result<Vec<Enable>, SettingsPart> {
        let mut input = Decoder::new(part);
        let read = |input: &mut Decoder<'_>| {
            let _fields = input.array(usize::MAX, "settings")?;
            input.uint("settings.format")
        };
        match read(&mut input) {
            Ok(format) if format > FORMAT => return Err(SettingsPart::Newer),
            Ok(FORMAT) => {}
            Ok(_) | Err(_) => return Err(SettingsPart::Malformed),
        }
        let enables = decode_list(&mut input).map_err(|_| SettingsPart::Malformed)?;
        // One way to write it, as with bodies: what a part enables never hangs on how a reader counts.
        if Self::sealed_part(&enables) == part { Ok(enables) } else { Err(SettingsPart::Malformed) }
    }

    /// Accepts more versions. Versions are only raised: one at or below the newest is passed over.
    pub fn enable(&mut self, enables: &[Enable]) {
        for Enable { collection, version, module } in enables {
            if *version > self.newest(collection)
                && self.0.values().map(Vec::len).sum::<usize>() < VERSIONS_MAX
            {
                self.0.get_or_insert_with(collection.clone(), Vec::new).push((*version, *module));
            }
        }
    }

    /// The newest version of a collection's resolver, 0 when only built-in operations may change it.
    pub fn newest(&self, collection: &str) -> u64 {
        self.0.get(collection).and_then(|versions| versions.last()).map_or(0, |(version, _)| *version)
    }

    /// True when Actions for that version are accepted.
    pub fn accepts(&self, collection: &str, version: u64) -> bool {
        self.0.get(collection).is_some_and(|all| all.iter().any(|(enabled, _)| *enabled == version))
    }

    /// The hash of the module that a version is pinned to, if it is.
    pub fn module(&self, collection: &str, version: u64) -> Option<[u8; 32]> {
        let versions = self.0.get(collection)?;
        versions.iter().find(|(enabled, _)| *enabled == version)?.1
    }

    /// True when nothing is enabled.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is enabled.
    pub fn iter(&self) -> impl Iterator<Item = Enable> {
        self.0.iter().flat_map(|(collection, versions)| {
            versions.iter().map(|(version, module)| Enable {
                collection: collection.clone(),
                version: *version,
                module: *module,
            })
        })
    }

    /// Hash for the state root.
    pub fn hash(&self) -> [u8; 32] {
        Hasher::new("settings").prefixed(&self.to_bytes()).finish()
    }

    /// Bytes for the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        encode_list(&self.iter().collect::<Vec<_>>(), &mut out);
        out.finish()
    }

    /// # Errors
    /// A [`BodyError`] naming what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BodyError> {
        let mut input = Decoder::new(bytes);
        let enables = decode_list(&mut input)?;
        input.end()?;
        let mut enabled = Self::default();
        enabled.enable(&enables);
        Ok(enabled)
    }
}

pub(crate) fn encode_list(enables: &[Enable], out: &mut Encoder) {
    out.array(enables.len() * 3);
    for Enable { collection, version, module } in enables {
        out.str(collection);
        out.uint(*version);
        match module {
            Some(hash) => out.bytes(hash),
            None => out.nil(),
        }
    }
}

pub(crate) fn decode_list(input: &mut Decoder<'_>) -> Result<Vec<Enable>, BodyError> {
    let len = input.array(VERSIONS_MAX * 3, "settings.versions")?;
    let mut enables = Vec::with_capacity(len / 3);
    for _ in 0..len / 3 {
        let collection = input.str(COLLECTION_BYTES_MAX, "settings.collection")?.to_owned();
        let version = input.uint("settings.version")?;
        let module = match input.peek("settings.module")? {
            rmp::Marker::Null => input.nil("settings.module").map(|()| None)?,
            _ => Some(input.exact("settings.module")?),
        };
        if collection.is_empty() || version == 0 {
            return Err(BodyError::Unknown { field: "settings.version" });
        }
        enables.push(Enable { collection, version, module });
    }
    if len % 3 == 0 { Ok(enables) } else { Err(BodyError::Unknown { field: "settings.versions" }) }
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests {
    use super::*;

    fn enable(collection: &str, version: u64) -> Enable {
        Enable { collection: collection.to_owned(), version, module: None }
    }

    #[test]
    fn versions_are_only_raised_and_read_back() {
        let mut enabled = Enabled::default();
        enabled.enable(&[enable("seats", 2), enable("notes", 1)]);
        enabled.enable(&[enable("seats", 1), enable("seats", 4)]);
        assert_eq!((enabled.newest("seats"), enabled.newest("notes"), enabled.newest("x")), (4, 1, 0));
        assert!(enabled.accepts("seats", 2) && !enabled.accepts("seats", 1) && !enabled.accepts("seats", 3));
        assert_eq!(Enabled::from_bytes(&enabled.to_bytes()), Ok(enabled));
    }

    #[test]
    fn a_newer_part_is_not_taken_for_a_broken_one() {
        let part = Enabled::sealed_part(&[enable("seats", 1)]);
        assert_eq!(Enabled::read_part(&part), Ok(vec![enable("seats", 1)]));
        let mut newer = part.clone();
        newer[1] = 2;
        assert_eq!(Enabled::read_part(&newer), Err(SettingsPart::Newer));
        assert_eq!(Enabled::read_part(&part[..part.len() - 1]), Err(SettingsPart::Malformed));
        let mut three = part.clone();
        three[0] = 0x93;
        let longer = [&[0xdc, 0, 2], &part[1..]].concat();
        let nothing = Enabled::sealed_part(&[enable("seats", 0)]);
        let mut older = part.clone();
        older[1] = 0;
        for odd in [three, longer, [&part[..], &[0]].concat(), nothing, older] {
            assert_eq!(Enabled::read_part(&odd), Err(SettingsPart::Malformed));
        }
    }

    #[test]
    fn a_space_has_at_most_1024_versions() {
        let versions = |count| (1..=count).map(|version| enable("seats", version)).collect::<Vec<_>>();
        let part = |count| Enabled::sealed_part(&versions(count));
        assert_eq!(Enabled::read_part(&part(1024)), Ok(versions(1024)));
        assert_eq!(Enabled::read_part(&part(1025)), Err(SettingsPart::Malformed));
        let mut enabled = Enabled::default();
        assert!(enabled.is_empty());
        enabled.enable(&versions(1023));
        enabled.enable(&[enable("notes", 1), enable("notes", 2), enable("seats", 2000)]);
        assert!(!enabled.is_empty());
        assert_eq!((enabled.newest("seats"), enabled.newest("notes")), (1023, 1));
        assert_eq!(Enabled::from_bytes(&enabled.to_bytes()), Ok(enabled));
    }
}
