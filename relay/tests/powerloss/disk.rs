//! What a disk may hold after a power cut, worked out from the notes of `record.c`.
//!
//! What was synced is there. Of what came after, any part may be: whole writes, single sectors,
//! nothing. Names of files are kept in order, up to some point after their folder was last synced.

use std::collections::BTreeMap;
use std::path::Path;

/// What a disk writes at once; a write of several sectors can be cut between them.
const SECTOR: usize = 512;

/// One change of one file, or of the folder.
#[derive(Clone, Debug)]
pub enum Note {
    Create(String),
    Write(String, usize, Vec<u8>),
    Truncate(String, usize),
    /// The empty name is the folder.
    Sync(String),
    Rename(String, String),
    Unlink(String),
}

/// The notes of a journal, each with the journal's length after it.
pub fn notes(journal: &[u8]) -> Vec<(u64, Note)> {
    let mut notes = Vec::new();
    let mut rest = journal;
    while !rest.is_empty() {
        let (head, body) = rest.split_at(15);
        let path_len = usize::from(u16::from_le_bytes(head[1..3].try_into().unwrap()));
        let offset = u64::from_le_bytes(head[3..11].try_into().unwrap()) as usize;
        let data_len = u32::from_le_bytes(head[11..15].try_into().unwrap()) as usize;
        let (path, body) = body.split_at(path_len);
        let (data, after) = body.split_at(data_len);
        let path = String::from_utf8(path.to_vec()).unwrap();
        let note = match head[0] {
            1 => Note::Create(path),
            2 => Note::Write(path, offset, data.to_vec()),
            3 => Note::Truncate(path, offset),
            4 => Note::Sync(path),
            5 => Note::Rename(path, String::from_utf8(data.to_vec()).unwrap()),
            6 => Note::Unlink(path),
            kind => panic!("a note of kind {kind}"),
        };
        notes.push(((journal.len() - after.len()) as u64, note));
        rest = after;
    }
    notes
}

/// Numbers that follow from a seed.
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

#[derive(Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Clone, Default)]
struct File {
    synced: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Clone)]
enum Naming {
    Add(String, usize),
    Move(String, String),
    Remove(String),
}

/// Which part of what was not synced is left.
#[derive(Clone, Copy, Debug)]
pub enum Left {
    Nothing,
    Everything,
    /// The changes up to one of them, which is torn.
    Beginning,
    /// Any of the changes, each whole.
    Changes,
    /// Any of the sectors.
    Sectors,
}

impl Left {
    pub const ALL: [Self; 5] =
        [Self::Nothing, Self::Everything, Self::Beginning, Self::Changes, Self::Sectors];
}

/// A folder as its process sees it and as the disk may have it.
#[derive(Clone, Default)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    namings: Vec<Naming>,
}

impl Disk {
    pub fn apply(&mut self, note: &Note) {
        match note {
            Note::Create(path) => {
                self.files.push(File::default());
                self.name(Naming::Add(path.clone(), self.files.len() - 1));
            }
            Note::Write(path, offset, data) => self.change(path, Change::Write(*offset, data.clone())),
            Note::Truncate(path, len) => self.change(path, Change::Truncate(*len)),
            Note::Sync(path) if path.is_empty() => {
                self.synced_names = self.names.clone();
                self.namings.clear();
            }
            Note::Sync(path) => {
                let file = &mut self.files[self.names[path]];
                for change in std::mem::take(&mut file.since) {
                    make(&mut file.synced, &change, &mut |_| true);
                }
            }
            Note::Rename(from, to) => self.name(Naming::Move(from.clone(), to.clone())),
            Note::Unlink(path) => self.name(Naming::Remove(path.clone())),
        }
    }

    fn change(&mut self, path: &str, change: Change) {
        self.files[self.names[path]].since.push(change);
    }

    fn name(&mut self, naming: Naming) {
        rename(&mut self.names, &naming);
        self.namings.push(naming);
    }

    /// Writes what may be left after a power cut now into `folder`.
    pub fn cut(&self, left: Left, dice: &mut Dice, folder: &Path) {
        let kept = match left {
            Left::Nothing => 0,
            Left::Everything => self.namings.len(),
            _ => dice.below(self.namings.len() + 1),
        };
        let mut names = self.synced_names.clone();
        self.namings[..kept].iter().for_each(|naming| rename(&mut names, naming));
        for (name, file) in names {
            std::fs::write(folder.join(name), self.files[file].cut(left, dice)).unwrap();
        }
    }
}

impl File {
    fn cut(&self, left: Left, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let torn = dice.below(self.since.len() + 1);
        for (index, change) in self.since.iter().enumerate() {
            let whole = match left {
                Left::Nothing => Some(false),
                Left::Everything => Some(true),
                Left::Beginning if index == torn => None,
                Left::Beginning => Some(index < torn),
                Left::Changes => Some(dice.coin()),
                Left::Sectors => None,
            };
            match whole {
                Some(keep) => make(&mut bytes, change, &mut |_| keep),
                None => make(&mut bytes, change, &mut |_| dice.coin()),
            }
        }
        bytes
    }
}

/// Makes the sectors of a change that `keep` wants.
fn make(bytes: &mut Vec<u8>, change: &Change, keep: &mut dyn FnMut(usize) -> bool) {
    match change {
        Change::Truncate(len) if keep(*len) => bytes.resize(*len, 0),
        Change::Truncate(_) => {}
        Change::Write(offset, data) => {
            let mut start = 0;
            while start < data.len() {
                let end = data.len().min(start + SECTOR - (offset + start) % SECTOR);
                if keep(offset + start) {
                    bytes.resize(bytes.len().max(offset + end), 0);
                    bytes[offset + start..offset + end].copy_from_slice(&data[start..end]);
                }
                start = end;
            }
        }
    }
}

fn rename(names: &mut BTreeMap<String, usize>, naming: &Naming) {
    match naming {
        Naming::Add(path, file) => {
            names.insert(path.clone(), *file);
        }
        Naming::Move(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Naming::Remove(path) => {
            names.remove(path);
        }
    }
}
