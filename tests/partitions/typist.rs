//! One author of the session at a device: types what was meant as soon as the device has what it was
//! meant for.

use crate::meaning::{Edit, Meaning, Meant};
use veilfold_core::engine::Draft;
use veilfold_core::model::{Action, DocumentKey, Fields, Op, Path, TextSplice, Value};
use veilfold_core::wire::{MemberNo, SpaceId};
use veilfold_tests::harness::World;

/// Every inserted character is written as one that stands nowhere else, from here on.
const FIRST: u32 = 0xf_0000;

/// Entries read from the log at once.
const READ: usize = 256;

/// An author and its device, which have the same number.
pub struct Typist<'a> {
    meaning: &'a Meaning,
    /// The place of every character, by its number.
    ranks: &'a [usize],
    author: usize,
    space: SpaceId,
    /// Transactions made.
    made: usize,
    /// Transactions of the others that are folded here.
    known: Vec<usize>,
    /// Up to where that was counted.
    counted: u64,
    /// The text as the device shows it.
    text: Vec<char>,
    /// Edits made where the character on their left was gone already, because its deletion came sooner
    /// than to the recorded author.
    pub displaced: u64,
}

impl<'a> Typist<'a> {
    /// Starts with an empty text, whose making is in the order already.
    pub fn start(
        world: &mut World,
        space: SpaceId,
        author: usize,
        meaning: &'a Meaning,
        ranks: &'a [usize],
    ) -> Self {
        let counted = world.call(author, |engine| engine.status(space)).expect("a status").seq;
        let known = vec![0; meaning.by_author.len()];
        Self { meaning, ranks, author, space, made: 0, known, counted, text: Vec::new(), displaced: 0 }
    }

    /// True when everything was typed.
    pub fn is_done(&self) -> bool {
        self.made == self.meaning.by_author[self.author].len()
    }

    /// Types at most so many transactions; how many it was.
    pub fn type_some(&mut self, world: &mut World, most: u64) -> u64 {
        if world.devices[self.author].engine.is_none() || !self.look(world) {
            return 0;
        }
        for typed in 0..most {
            let Some(meant) = self.next() else { return typed };
            let splices = meant.edits.iter().flat_map(|edit| self.splices(edit)).collect();
            let action = Action { key: document(), op: Op::TextEdit { path: field(), splices } };
            let (space, now) = (self.space, world.now_ms);
            let draft = Draft { actions: vec![action], ..Draft::default() };
            match world.call(self.author, |engine| engine.transact(space, draft, now)) {
                Ok(Some(_)) => self.made += 1,
                // Killed in the middle of it: the text is what it was.
                _ if world.devices[self.author].engine.is_none() => return typed,
                other => {
                    world.violated(format!("device {} refuses to write: {other:?}", self.author));
                    return typed;
                }
            }
            if world.devices[self.author].engine.is_none() {
                return typed + 1;
            }
        }
        most
    }

    /// What comes next, if what it was made on has come.
    fn next(&self) -> Option<&'a Meant> {
        let meant = self.meaning.by_author[self.author].get(self.made)?;
        let has = |(author, known): (usize, &usize)| author == self.author || *known <= self.known[author];
        meant.known.iter().enumerate().all(has).then_some(meant)
    }

    /// Looks at what has come: whose edits, and the text. False when the device fails meanwhile.
    fn look(&mut self, world: &mut World) -> bool {
        let (space, device) = (self.space, self.author);
        loop {
            let after = self.counted;
            let Ok(entries) = world.call(device, |engine| engine.log_entries(space, after, READ)) else {
                return false;
            };
            for entry in &entries {
                let Some(author) = self.author_of(entry.author) else { continue };
                self.known[author] += entry.transactions.as_ref().map_or(0, Vec::len);
            }
            self.counted += entries.len() as u64;
            if entries.len() < READ {
                break;
            }
        }
        let Some(text) = shown(world, device, space) else { return false };
        self.text = text;
        true
    }

    /// Members have the numbers of the control Entries that added them, from 1.
    fn author_of(&self, member: MemberNo) -> Option<usize> {
        (member.0 as usize).checked_sub(1).filter(|author| *author < self.known.len())
    }

    /// The edit where its characters are now, made on `text` as well.
    fn splices(&mut self, edit: &Edit) -> Vec<TextSplice> {
        let mut splices = Vec::new();
        for number in &edit.delete {
            // The other one may have been quicker.
            if let Some(offset) = self.find(*number) {
                self.text.remove(offset);
                splices.push(TextSplice { offset: offset as u64, delete: 1, insert: String::new() });
            }
        }
        let insert: String = edit.insert.iter().map(|number| written(*number)).collect();
        let offset = edit.after.map_or(0, |after| self.right_of(after));
        self.displaced += u64::from(edit.after.is_some_and(|after| self.find(after).is_none()));
        self.text.splice(offset..offset, insert.chars());
        if !insert.is_empty() || splices.is_empty() {
            splices.push(TextSplice { offset: offset as u64, delete: 0, insert });
        }
        splices
    }

    fn find(&self, number: usize) -> Option<usize> {
        let wanted = written(number);
        self.text.iter().position(|character| *character == wanted)
    }

    /// The place right of a character, or right of what was left of it when it is gone.
    fn right_of(&self, number: usize) -> usize {
        let rank = |character: &char| self.ranks[number_of(*character)];
        match self.find(number) {
            Some(offset) => offset + 1,
            None => self.text.iter().rposition(|left| rank(left) < self.ranks[number]).map_or(0, |at| at + 1),
        }
    }
}

/// The document that all write.
pub fn document() -> DocumentKey {
    DocumentKey::new("notes", "one")
}

/// The field that holds the text.
pub fn field() -> Path {
    Path::parse("body").expect("a path")
}

/// The text that a device shows.
pub fn shown(world: &mut World, device: usize, space: SpaceId) -> Option<Vec<char>> {
    let read = |fields: Option<Fields>| match fields?.get("body") {
        Some(Value::Text(text)) => Some(text.pieces().flat_map(str::chars).collect()),
        _ => None,
    };
    world.call(device, |engine| engine.read(space, &document())).ok().and_then(read)
}

/// How a character is written.
fn written(number: usize) -> char {
    char::from_u32(FIRST + number as u32).expect("private use has room for a session")
}

/// Which character it is.
pub fn number_of(written: char) -> usize {
    (u32::from(written) - FIRST) as usize
}
