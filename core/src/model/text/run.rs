//! Characters that stand side by side and share who put them and who deleted them.
//!
//! Used by the rest of `text/`.

use veilfold_wire::MemberNo;

/// Largest visible run kept in memory in bytes; the encoding joins them.
pub(super) const PIECE_BYTES_MAX: usize = 512;

/// Who, and in which Entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The author.
    pub(crate) author: MemberNo,
    /// Position of the Entry in the order.
    pub(crate) seq: u64,
}

/// What an author had seen when it made an edit: the order up to `base_seq`, and all of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// The author.
    pub(crate) author: MemberNo,
    /// The order up to which it had folded.
    pub(crate) base_seq: u64,
}

/// Characters in a row that are the same in everything but their place.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Who put them; `None` when they are settled.
    pub(super) tag: Option<Tag>,
    /// Who deleted them, each author once, in the order of authors.
    pub(super) deleted: Vec<Stamp>,
    /// The characters; empty once deleted, because nobody needs them again.
    pub(super) text: String,
    /// Number of characters, deleted or not; never 0.
    pub(super) chars: usize,
}

/// Where characters inside the window come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    /// Who put them.
    pub(super) stamp: Stamp,
    /// Id of the first; the others count on.
    pub(super) id: u64,
    /// Id of the character on which the first hangs; each other one hangs on the one before it.
    pub(super) origin: Option<u64>,
}

impl View {
    pub(super) fn knows(&self, stamp: &Stamp) -> bool {
        stamp.seq <= self.base_seq || stamp.author == self.author
    }
}

impl Run {
    pub(super) fn new(text: String, tag: Option<Tag>) -> Self {
        let chars = text.chars().count();
        Self { tag, deleted: Vec::new(), text, chars }
    }

    /// True when the author has seen the characters, whether deleted or not.
    pub(super) fn is_known_to(&self, view: &View) -> bool {
        self.tag.is_none_or(|tag| view.knows(&tag.stamp))
    }

    /// True when the characters stood in the text that the author saw.
    pub(super) fn is_shown_to(&self, view: &View) -> bool {
        self.is_known_to(view) && !self.deleted.iter().any(|stamp| view.knows(stamp))
    }

    pub(super) fn is_visible(&self) -> bool {
        self.deleted.is_empty()
    }

    /// Id of the character at `index`, when it is inside the window.
    pub(super) fn id_at(&self, index: usize) -> Option<u64> {
        self.tag.map(|tag| tag.id + index as u64)
    }

    /// Cuts the run; the right part is returned. Both must have characters.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        debug_assert!(0 < at && at < self.chars, "a run is cut inside");
        let tag =
            self.tag.map(|tag| Tag { id: tag.id + at as u64, origin: Some(tag.id + at as u64 - 1), ..tag });
        let text = if self.text.is_empty() { String::new() } else { self.text.split_off(self.byte_of(at)) };
        let right = Self { tag, deleted: self.deleted.clone(), text, chars: self.chars - at };
        self.chars = at;
        right
    }

    /// Cuts a long visible run into pieces for memory.
    pub(super) fn into_pieces(mut self) -> Vec<Self> {
        let mut pieces = Vec::with_capacity(1 + self.text.len() / PIECE_BYTES_MAX);
        while self.text.len() > PIECE_BYTES_MAX {
            let at = self.text[..piece_end(&self.text)].chars().count();
            let right = self.split_off(at);
            pieces.push(core::mem::replace(&mut self, right));
        }
        pieces.push(self);
        pieces
    }

    fn byte_of(&self, index: usize) -> usize {
        if self.text.len() == self.chars {
            return index;
        }
        self.text.char_indices().nth(index).map_or(self.text.len(), |(byte, _)| byte)
    }

    /// True when this run, standing right of `left`, is one with it in the encoding.
    pub(super) fn continues(&self, left: &Self) -> bool {
        let hangs_on = match (&left.tag, &self.tag) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                one.stamp == other.stamp
                    && other.id == one.id + left.chars as u64
                    && other.origin == Some(other.id - 1)
            }
            _ => false,
        };
        hangs_on && self.deleted == left.deleted
    }

    /// True when `right`, which continues this run, should be kept in the same piece of memory.
    pub(super) fn has_room_for(&self, right: &Self) -> bool {
        self.text.len() + right.text.len() <= PIECE_BYTES_MAX
    }

    /// Takes over a run that continues this one.
    pub(super) fn absorb(&mut self, right: &Self) {
        self.text.push_str(&right.text);
        self.chars += right.chars;
    }

    /// Notes a deletion by an author that has not deleted the run before.
    pub(super) fn delete(&mut self, stamp: Stamp) {
        let index = self.deleted.partition_point(|other| other.author < stamp.author);
        self.deleted.insert(index, stamp);
        self.text = String::new();
    }
}

/// Where the first piece of a text ends: between characters, at most [`PIECE_BYTES_MAX`] bytes in.
pub(super) fn piece_end(text: &str) -> usize {
    let end = text.len().min(PIECE_BYTES_MAX);
    (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(end)
}
