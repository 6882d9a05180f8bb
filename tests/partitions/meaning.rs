//! What the authors of a recorded session meant: which characters, whatever else is in the text.
//!
//! A recording counts positions in the text that its author saw. Here every inserted character gets a
//! number, and each edit is said in these numbers, so that it can be made on a device that has another
//! part of the session. Nothing of Veilfold is used for it.

use veilfold_tests::trace::{Patch, Trace, TraceError};

/// A session, in characters.
pub struct Meaning {
    /// What each author did, in its own order.
    pub by_author: Vec<Vec<Meant>>,
    /// Every character ever inserted, deleted ones too, in their places; numbers of characters.
    pub places: Vec<usize>,
    /// By number.
    pub characters: Vec<Character>,
}

/// A character that somebody inserted.
pub struct Character {
    /// Which one it is in the recording; many look alike.
    pub shown: char,
    /// Author and number of the transaction that inserted it.
    by: (usize, usize),
    /// The same of those that deleted it.
    pub deleted_by: Vec<(usize, usize)>,
}

/// One transaction of the recording.
pub struct Meant {
    /// How many transactions of each author its author had seen; of its own, all before this one.
    pub known: Vec<usize>,
    /// What it did, in order.
    pub edits: Vec<Edit>,
}

/// One patch, in numbers of characters.
pub struct Edit {
    /// The character left of it; `None` at the start of the text.
    pub after: Option<usize>,
    /// What it deletes.
    pub delete: Vec<usize>,
    /// What it inserts.
    pub insert: Vec<usize>,
}

impl Meaning {
    /// Reads a session.
    pub fn of(trace: &Trace) -> Result<Self, TraceError> {
        let mut meaning = Self {
            by_author: (0..trace.authors).map(|_| Vec::new()).collect(),
            places: Vec::new(),
            characters: Vec::new(),
        };
        for (transaction, known) in trace.transactions.iter().zip(trace.known()?) {
            let by = (transaction.author, known[transaction.author]);
            let edits = transaction.patches.iter().map(|patch| meaning.edit(patch, by, &known)).collect();
            meaning.by_author[transaction.author].push(Meant { known, edits });
        }
        Ok(meaning)
    }

    /// The text that is left when everything has happened.
    pub fn end(&self) -> String {
        let left = self.places.iter().map(|number| &self.characters[*number]);
        left.filter(|character| character.deleted_by.is_empty()).map(|character| character.shown).collect()
    }

    fn edit(&mut self, patch: &Patch, by: (usize, usize), known: &[usize]) -> Edit {
        // Also what earlier patches of the same transaction did.
        let seen = |(author, number): (usize, usize)| number < known[author] || (author, number) == by;
        let is_shown = |number: usize| {
            let character = &self.characters[number];
            seen(character.by) && !character.deleted_by.iter().any(|by| seen(*by))
        };
        let (mut after, mut at, mut left_of_it) = (None, 0, patch.offset);
        let mut delete = Vec::new();
        for (place, number) in self.places.iter().enumerate().filter(|(_, number)| is_shown(**number)) {
            if left_of_it > 0 {
                (after, at) = (Some(*number), place + 1);
                left_of_it -= 1;
            } else if delete.len() < patch.delete as usize {
                delete.push(*number);
            } else {
                break;
            }
        }
        assert_eq!((left_of_it, delete.len() as u64), (0, patch.delete), "a patch outside the text");
        for number in &delete {
            self.characters[*number].deleted_by.push(by);
        }
        let first = self.characters.len();
        self.characters.extend(patch.insert.chars().map(|shown| Character {
            shown,
            by,
            deleted_by: Vec::new(),
        }));
        let insert: Vec<usize> = (first..self.characters.len()).collect();
        self.places.splice(at..at, insert.iter().copied());
        Edit { after, delete, insert }
    }
}
