//! A collaborative text as a list of single characters.
//!
//! Called by `act.rs`, which decides when the seen window moves on.

use super::encoding;
use std::collections::BTreeSet;
use veilfold_core::model::{RejectReason, TextSplice};
use veilfold_core::wire::MemberNo;

/// What an author had seen when it made an edit: the order up to an Entry, and all of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Viewer {
    pub(super) author: MemberNo,
    pub(super) base_seq: u64,
}

/// Who put a character, in which Entry, its id, and the id of the character on which it hangs: its
/// left neighbour as its author saw it. `None`, or an id that is not in the text any more, stands
/// for the nearest settled character to the left, or the start of the text.
#[derive(Clone, Copy, Debug)]
struct Tag {
    author: MemberNo,
    seq: u64,
    id: u64,
    left: Option<u64>,
}

#[derive(Clone, Debug)]
struct Char {
    char: char,
    /// `None` when the character is settled: everybody has seen it.
    tag: Option<Tag>,
    /// Who deleted it, in which Entry.
    deleted: Vec<(MemberNo, u64)>,
}

/// All characters, deleted ones too, in the order of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    chars: Vec<Char>,
}

impl Viewer {
    fn has_seen(&self, author: MemberNo, seq: u64) -> bool {
        seq <= self.base_seq || author == self.author
    }

    fn has_seen_insertion(&self, char: &Char) -> bool {
        match char.tag {
            Some(tag) => self.has_seen(tag.author, tag.seq),
            None => true,
        }
    }

    /// True when the character stood in the text as the author saw it.
    fn sees(&self, char: &Char) -> bool {
        self.has_seen_insertion(char)
            && !char.deleted.iter().any(|(author, seq)| self.has_seen(*author, *seq))
    }
}

impl Text {
    /// A text that `author` puts in the Entry `seq`.
    pub(super) fn new(text: &str, author: MemberNo, seq: u64) -> Self {
        let mut new = Self::default();
        new.insert(0, text, author, seq, None);
        new
    }

    /// Where in `chars` the characters are that the author saw.
    fn seen_by(&self, viewer: &Viewer) -> Vec<usize> {
        (0..self.chars.len()).filter(|index| viewer.sees(&self.chars[*index])).collect()
    }

    /// How many characters the author saw.
    pub(super) fn count_for(&self, viewer: &Viewer) -> usize {
        self.seen_by(viewer).len()
    }

    /// What everybody sees who has seen everything.
    pub(super) fn visible(&self) -> String {
        self.chars.iter().filter(|char| char.deleted.is_empty()).map(|char| char.char).collect()
    }

    /// Applies one splice of the viewer, ordered in the Entry `seq`.
    pub(super) fn splice(
        &mut self,
        viewer: &Viewer,
        seq: u64,
        splice: &TextSplice,
    ) -> Result<(), RejectReason> {
        let seen = self.seen_by(viewer);
        let length = seen.len() as u64;
        if splice.offset > length || splice.delete > length - splice.offset {
            return Err(RejectReason::OutOfRange);
        }
        let (offset, delete) = (splice.offset as usize, splice.delete as usize);
        for index in &seen[offset..offset + delete] {
            self.chars[*index].deleted.push((viewer.author, seq));
        }
        let (mut place, left) = match offset {
            0 => (0, None),
            _ => (seen[offset - 1] + 1, self.chars[seen[offset - 1]].tag.map(|tag| tag.id)),
        };
        // What others have put at the same place was ordered first and stays left, together with
        // what they have put behind it.
        let ids = self.ids();
        let mut passed = vec![left];
        while let Some(char) = self.chars.get(place) {
            let Some(tag) = char.tag else { break };
            if viewer.has_seen_insertion(char) || !passed.contains(&hangs_on(&tag, &ids)) {
                break;
            }
            passed.push(Some(tag.id));
            place += 1;
        }
        self.insert(place, &splice.insert, viewer.author, seq, left);
        Ok(())
    }

    fn insert(&mut self, place: usize, text: &str, author: MemberNo, seq: u64, mut left: Option<u64>) {
        let next = self.ids().last().map_or(0, |last| last + 1);
        let mut new = Vec::new();
        for (id, char) in (next..).zip(text.chars()) {
            new.push(Char { char, tag: Some(Tag { author, seq, id, left }), deleted: Vec::new() });
            left = Some(id);
        }
        self.chars.splice(place..place, new);
    }

    /// Settles what was put up to and including the Entry `seq`; what was deleted by then is gone.
    pub(super) fn settle(&mut self, seq: u64) {
        for char in &mut self.chars {
            if char.tag.is_some_and(|tag| tag.seq <= seq) {
                char.tag = None;
            }
        }
        self.chars.retain(|char| char.deleted.iter().all(|(_, deleted)| *deleted > seq));
    }

    /// Ids of the characters that are not settled.
    fn ids(&self) -> BTreeSet<u64> {
        self.chars.iter().filter_map(|char| char.tag.map(|tag| tag.id)).collect()
    }

    /// The canonical encoding: an array of runs of neighbours that differ in nothing but their place.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let ids = self.ids();
        let mut runs: Vec<Vec<&Char>> = Vec::new();
        for char in &self.chars {
            match runs.last_mut() {
                Some(run) if is_one_run(run[run.len() - 1], char, &ids) => run.push(char),
                _ => runs.push(vec![char]),
            }
        }
        encoding::array(out, runs.len());
        for run in runs {
            encode_run(out, &run, &ids);
        }
    }
}

fn encode_run(out: &mut Vec<u8>, run: &[&Char], ids: &BTreeSet<u64>) {
    let first = run[0];
    let text: String = run.iter().map(|char| char.char).collect();
    if first.tag.is_none() && first.deleted.is_empty() {
        // A settled run is text and nothing else.
        return encoding::str(out, &text);
    }
    encoding::array(out, 2 + 2 * first.deleted.len());
    if first.deleted.is_empty() {
        encoding::str(out, &text);
    } else {
        // Nobody needs the characters of a tombstone again, only how many they were.
        encoding::uint(out, run.len() as u64);
    }
    match first.tag {
        None => encoding::nil(out),
        Some(tag) => {
            encoding::array(out, 4);
            encoding::uint(out, tag.author.0);
            encoding::uint(out, tag.seq);
            encoding::uint(out, tag.id);
            match hangs_on(&tag, ids) {
                Some(left) => encoding::uint(out, left),
                None => encoding::nil(out),
            }
        }
    }
    for (author, seq) in deletions(first) {
        encoding::uint(out, author.0);
        encoding::uint(out, seq);
    }
}

fn hangs_on(tag: &Tag, ids: &BTreeSet<u64>) -> Option<u64> {
    tag.left.filter(|left| ids.contains(left))
}

/// By author; an author deletes a character once, since it does not see it any more.
fn deletions(char: &Char) -> Vec<(MemberNo, u64)> {
    let mut deletions = char.deleted.clone();
    deletions.sort();
    deletions
}

fn is_one_run(left: &Char, right: &Char, ids: &BTreeSet<u64>) -> bool {
    let continues = match (left.tag, right.tag) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            (one.author, one.seq, one.id + 1) == (other.author, other.seq, other.id)
                && hangs_on(&other, ids) == Some(one.id)
        }
        _ => false,
    };
    continues && deletions(left) == deletions(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANNA: MemberNo = MemberNo(1);
    const BEN: MemberNo = MemberNo(2);

    fn edit(text: &mut Text, author: MemberNo, base_seq: u64, seq: u64, at: (u64, u64, &str)) {
        let splice = TextSplice { offset: at.0, delete: at.1, insert: at.2.into() };
        text.splice(&Viewer { author, base_seq }, seq, &splice).unwrap();
    }

    fn bytes(text: &Text) -> Vec<u8> {
        let mut out = Vec::new();
        text.encode(&mut out);
        out
    }

    #[test]
    fn words_typed_side_by_side_stay_whole() {
        let mut text = Text::new("ab", ANNA, 1);
        for (index, (one, other)) in [("c", "d"), ("a", "o"), ("t", "g")].into_iter().enumerate() {
            let (offset, seq) = (1 + index as u64, 2 + 2 * index as u64);
            edit(&mut text, ANNA, 1, seq, (offset, 0, one));
            edit(&mut text, BEN, 1, seq + 1, (offset, 0, other));
        }
        assert_eq!(text.visible(), "acatdogb");
    }

    #[test]
    fn an_edit_counts_in_the_text_that_its_author_saw() {
        let mut text = Text::new("hello world", ANNA, 1);
        edit(&mut text, ANNA, 1, 2, (0, 6, "goodbye "));
        assert_eq!(text.count_for(&Viewer { author: BEN, base_seq: 1 }), 11);
        edit(&mut text, BEN, 1, 3, (6, 5, "all"));
        assert_eq!(text.visible(), "goodbye all");
        let outside = TextSplice { offset: 5, delete: 7, insert: String::new() };
        let rejected = text.splice(&Viewer { author: BEN, base_seq: 1 }, 4, &outside);
        assert_eq!(rejected, Err(RejectReason::OutOfRange));
    }

    #[test]
    fn a_deletion_by_two_is_one_tombstone_with_both_names() {
        let mut text = Text::new("abc", ANNA, 1);
        edit(&mut text, BEN, 1, 2, (1, 2, ""));
        edit(&mut text, ANNA, 1, 3, (1, 1, ""));
        assert_eq!(text.visible(), "a");
        let expected = [
            &[0x93][..],
            &[0x92, 0xa1, b'a', 0x94, 1, 1, 0, 0xc0],
            &[0x96, 1, 0x94, 1, 1, 1, 0, 1, 3, 2, 2],
            &[0x94, 1, 0x94, 1, 1, 2, 1, 2, 2],
        ];
        assert_eq!(bytes(&text), expected.concat());
    }

    #[test]
    fn what_is_settled_is_text_and_what_was_deleted_by_then_is_gone() {
        let mut text = Text::new("abc", ANNA, 1);
        edit(&mut text, BEN, 1, 2, (1, 1, ""));
        edit(&mut text, ANNA, 1, 3, (2, 0, "x"));
        text.settle(2);
        assert_eq!(text.visible(), "axc");
        // What x hung on is gone: it hangs on the nearest settled character to its left.
        let expected = [&[0x93, 0xa1, b'a'][..], &[0x92, 0xa1, b'x', 0x94, 1, 3, 3, 0xc0], &[0xa1, b'c']];
        assert_eq!(bytes(&text), expected.concat());
        text.settle(3);
        assert_eq!(bytes(&text), [0x91, 0xa3, b'a', b'x', b'c']);
        edit(&mut text, BEN, 3, 9, (3, 0, "d"));
        assert_eq!(bytes(&text)[5..], [0x92, 0xa1, b'd', 0x94, 2, 9, 0, 0xc0]);
    }
}
