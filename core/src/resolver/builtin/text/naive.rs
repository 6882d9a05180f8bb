//! The simplest program that folds a collaborative text as it should: one entry per character,
//! everything looked up by walking, nothing joined. The tests compare the real one with it.

use crate::model::{Encoder, TextSplice};
use std::collections::BTreeSet;
use veilfold_wire::MemberNo;

/// What a character hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The nearest settled character to the left, or the start.
    Settled,
    Id(u64),
}

#[derive(Clone, Debug)]
struct Char {
    char: char,
    /// Author, seq, id, origin; `None` when settled.
    tag: Option<(u64, u64, u64, Origin)>,
    /// Author and seq.
    deleted: Vec<(u64, u64)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Naive {
    chars: Vec<Char>,
}

#[derive(Clone, Copy)]
pub(super) struct By {
    pub(super) author: MemberNo,
    pub(super) base_seq: u64,
    pub(super) seq: u64,
}

impl By {
    fn knows(&self, author: u64, seq: u64) -> bool {
        author == self.author.0 || seq <= self.base_seq
    }

    fn knows_char(&self, char: &Char) -> bool {
        char.tag.is_none_or(|(author, seq, ..)| self.knows(author, seq))
    }

    fn sees(&self, char: &Char) -> bool {
        self.knows_char(char) && !char.deleted.iter().any(|(author, seq)| self.knows(*author, *seq))
    }
}

impl Naive {
    pub(super) fn visible(&self) -> String {
        self.chars.iter().filter(|char| char.deleted.is_empty()).map(|char| char.char).collect()
    }

    pub(super) fn len_for(&self, by: &By) -> usize {
        self.chars.iter().filter(|char| by.sees(char)).count()
    }

    pub(super) fn edit(&mut self, by: &By, splices: &[TextSplice]) {
        for splice in splices {
            self.splice(by, splice);
        }
    }

    fn splice(&mut self, by: &By, splice: &TextSplice) {
        let seen: Vec<usize> = (0..self.chars.len()).filter(|index| by.sees(&self.chars[*index])).collect();
        let offset = splice.offset as usize;
        for index in &seen[offset..offset + splice.delete as usize] {
            self.chars[*index].deleted.push((by.author.0, by.seq));
            self.chars[*index].deleted.sort();
        }
        let left = offset.checked_sub(1).map(|last| seen[last]);
        let mut hangs_on = match left.and_then(|left| self.chars[left].tag) {
            Some((_, _, id, _)) => Origin::Id(id),
            None => Origin::Settled,
        };
        let mut at = left.map_or(0, |left| left + 1);
        let mut skipped = vec![hangs_on];
        while let Some(char) = self.chars.get(at) {
            match char.tag {
                Some((_, _, id, origin)) if !by.knows_char(char) && skipped.contains(&origin) => {
                    skipped.push(Origin::Id(id));
                }
                _ => break,
            }
            at += 1;
        }
        let ids = self.chars.iter().filter_map(|char| char.tag.map(|(_, _, id, _)| id));
        let free = ids.max().map_or(0, |id| id + 1);
        for (id, char) in (free..).zip(splice.insert.chars()) {
            let tag = Some((by.author.0, by.seq, id, hangs_on));
            self.chars.insert(at, Char { char, tag, deleted: Vec::new() });
            hangs_on = Origin::Id(id);
            at += 1;
        }
    }

    pub(super) fn prune(&mut self, cutoff: u64) {
        for char in &mut self.chars {
            char.tag = char.tag.filter(|(_, seq, ..)| *seq > cutoff);
        }
        self.chars.retain(|char| !char.deleted.iter().any(|(_, seq)| *seq <= cutoff));
        let ids: BTreeSet<u64> =
            self.chars.iter().filter_map(|char| char.tag.map(|(_, _, id, _)| id)).collect();
        for (_, _, _, origin) in self.chars.iter_mut().filter_map(|char| char.tag.as_mut()) {
            if matches!(origin, Origin::Id(id) if !ids.contains(id)) {
                *origin = Origin::Settled;
            }
        }
    }

    /// The canonical encoding, built character by character.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut runs: Vec<Vec<&Char>> = Vec::new();
        for char in &self.chars {
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|left| is_one_run(left, char)) => run.push(char),
                _ => runs.push(vec![char]),
            }
        }
        let mut out = Encoder::new();
        out.array(runs.len());
        for run in runs {
            let text: String = run.iter().map(|char| char.char).collect();
            if run[0].tag.is_none() && run[0].deleted.is_empty() {
                out.str(&text);
                continue;
            }
            out.array(2 + 2 * run[0].deleted.len());
            if run[0].deleted.is_empty() {
                out.str(&text);
            } else {
                out.uint(run.len() as u64);
            }
            match run[0].tag {
                None => out.nil(),
                Some((author, seq, id, origin)) => {
                    out.array(4);
                    [author, seq, id].into_iter().for_each(|number| out.uint(number));
                    match origin {
                        Origin::Settled => out.nil(),
                        Origin::Id(id) => out.uint(id),
                    }
                }
            }
            for (author, seq) in &run[0].deleted {
                out.uint(*author);
                out.uint(*seq);
            }
        }
        out.finish()
    }
}

fn is_one_run(left: &Char, right: &Char) -> bool {
    let hangs_on = match (left.tag, right.tag) {
        (None, None) => true,
        (Some((author, seq, id, _)), Some(right)) => right == (author, seq, id + 1, Origin::Id(id)),
        _ => false,
    };
    hangs_on && left.deleted == right.deleted
}
