//! Moves text edits that stood on an own edit which the order rejected.
//!
//! Their offsets count characters that will never be there. The text that each was made on is
//! rebuilt from the state before the batch, and the edit is carried over by comparing both texts:
//! what it deleted is deleted where it still is, what it inserted goes to the nearest kept place.

use super::apply::{FoldAuthor, Undecided};
use super::cache::Documents;
use crate::model::{
    DocumentKey, Fields, Op, Path, SPLICES_MAX, Segment, Text, TextSplice, Transaction, Value, View,
};
use crate::resolver::Governed;
use crate::sorted::{SortedMap, SortedSet};
use crate::store::rows::AuthorRow;
use crate::store::{Store, StoreError};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use veilfold_wire::MemberNo;

/// For each Transaction to be reissued, the text that each of its edits was made on.
#[derive(Debug, Default)]
pub struct SeenTexts {
    texts: SortedMap<(u64, usize), Vec<Option<char>>>,
    transactions: SortedSet<u64>,
}

impl SeenTexts {
    /// Rebuilds the texts by showing `before`, all pending Transactions as they stood before the
    /// batch, on the confirmed state before the batch. `documents` must be a fresh cache. Conditions
    /// are left out: each edit was made while everything before it was shown.
    ///
    /// `renumbered` maps the old number of each Transaction to be reissued to its new one.
    ///
    /// # Errors
    /// As the store says.
    pub fn rebuild(
        mut documents: Documents,
        store: &dyn Store,
        me: MemberNo,
        before: &[Transaction],
        renumbered: &SortedMap<u64, u64>,
        governed: &mut Governed<'_>,
    ) -> Result<Self, StoreError> {
        let mut seen = Self { texts: SortedMap::new(), transactions: renumbered.values().copied().collect() };
        let again = before.iter().filter(|transaction| renumbered.contains_key(&transaction.tx_no));
        let concerned: SortedSet<&DocumentKey> =
            again.flat_map(|transaction| transaction.actions.iter().map(|action| &action.key)).collect();
        for key in &concerned {
            documents.set_overlay(store, key, None)?;
        }
        for transaction in before {
            if !transaction.actions.iter().any(|action| concerned.contains(&action.key)) {
                continue;
            }
            let view = View { author: me, base_seq: transaction.base_seq };
            let author = FoldAuthor { member: me, row: &AuthorRow::NEW, preconditions: false };
            for (index, action) in transaction.actions.iter().enumerate() {
                if let (Some(new_no), Op::TextEdit { path, .. }) =
                    (renumbered.get(&transaction.tx_no), &action.op)
                {
                    let text = text_at(documents.visible(store, &action.key)?.fields.as_ref(), path);
                    let chars = text.map(|text| text.chars_for(&view)).unwrap_or_default();
                    seen.texts.insert((*new_no, index), chars);
                }
                if !action.op.is_read_only() {
                    let alone = Transaction { actions: vec![action.clone()], ..transaction.clone() };
                    // What cannot be shown by itself changes nothing that a later edit could have seen.
                    match documents.show(store, &alone, &author, transaction.base_seq, governed) {
                        Ok(_) | Err(Undecided::Silent(_)) => {}
                        Err(Undecided::Store(error)) => return Err(error),
                    }
                }
            }
        }
        Ok(seen)
    }

    /// Numbers of the Transactions that are issued again.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.transactions.iter().copied()
    }

    /// True for a Transaction that is issued again.
    pub fn moves(&self, tx_no: u64) -> bool {
        self.transactions.contains(&tx_no)
    }

    pub(super) fn text(&self, tx_no: u64, index: usize) -> Option<&[Option<char>]> {
        self.texts.get(&(tx_no, index)).map(Vec::as_slice)
    }
}

/// Rewrites a text edit made on `seen` for the text in `fields`.
pub(super) fn move_splices(op: &mut Op, seen: Option<&[Option<char>]>, fields: Option<&Fields>) {
    let (Op::TextEdit { path, splices }, Some(seen)) = (op, seen) else { return };
    let visible = text_at(fields, path).map(ToString::to_string).unwrap_or_default();
    let before: Vec<Option<char>> = visible.chars().map(Some).collect();
    let (mut seen, mut now) = (seen.to_vec(), before.clone());
    let mut moved: Vec<TextSplice> = Vec::new();
    for splice in splices.iter() {
        let start = (splice.offset as usize).min(seen.len());
        let end = start.saturating_add(splice.delete as usize).min(seen.len());
        // What is equal in both texts is in the same order in both: the place for what is inserted lies
        // before all that is deleted.
        let kept = kept_characters(&seen, &now);
        let offset = kept[..start].iter().rev().find_map(|at| at.map(|at| at + 1)).unwrap_or(0);
        // Backwards, so that a deletion does not shift the next one.
        for at in kept[start..end].iter().rev().flatten() {
            now.remove(*at);
            let at = *at as u64;
            match moved.last_mut() {
                Some(last) if last.insert.is_empty() && last.offset == at + 1 => {
                    (last.offset, last.delete) = (at, last.delete + 1);
                }
                _ => moved.push(TextSplice { offset: at, delete: 1, insert: String::new() }),
            }
        }
        if !splice.insert.is_empty() || moved.is_empty() {
            moved.push(TextSplice { offset: offset as u64, delete: 0, insert: splice.insert.clone() });
        }
        now.splice(offset..offset, splice.insert.chars().map(Some));
        seen.splice(start..end, splice.insert.chars().map(Some));
    }
    *splices = if moved.len() > SPLICES_MAX { vec![as_one(&before, &now)] } else { moved };
}

/// The whole change as one splice, when others have broken it into more pieces than an Action may have.
fn as_one(before: &[Option<char>], after: &[Option<char>]) -> TextSplice {
    let alike = |(one, other): &(&Option<char>, &Option<char>)| one == other;
    let left = before.iter().zip(after).take_while(alike).count();
    let (before, after) = (&before[left..], &after[left..]);
    let right = before.iter().rev().zip(after.iter().rev()).take_while(alike).count();
    TextSplice {
        offset: left as u64,
        delete: (before.len() - right) as u64,
        insert: after[..after.len() - right].iter().flatten().collect(),
    }
}

/// For each character of `old`, where it is in `new`, if it is.
fn kept_characters(old: &[Option<char>], new: &[Option<char>]) -> Vec<Option<usize>> {
    let mut kept = vec![None; old.len()];
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for step in 0..len {
                kept[old_index + step] = Some(new_index + step);
            }
        }
    }
    kept
}

fn text_at<'a>(fields: Option<&'a Fields>, path: &Path) -> Option<&'a Text> {
    let Some((Segment::Key(first), rest)) = path.0.split_first() else { return None };
    let start = fields.and_then(|fields| fields.get(first));
    let found = rest.iter().try_fold(start, |value, segment| match (value, segment) {
        (Some(Value::Map(map)), Segment::Key(key)) => Some(map.get(key)),
        (Some(Value::List(list)), Segment::Element(id)) => {
            Some(list.iter().find(|(element, _)| element == id).map(|(_, value)| value))
        }
        _ => None,
    });
    match found.flatten() {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
