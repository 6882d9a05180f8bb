//! Collaborative text: an edit lands where its author meant it, whatever came between.
//!
//! Called by `builtin/mod.rs`. The characters and their order are kept by [`Text`]; here stands what
//! is allowed, when the seen window moves on, and what an edit becomes when it is rebased.

use super::literal::check_depth;
use super::record::on_fields;
use super::spot::{Spot, spot};
use crate::model::{
    Fields, Op, Path, Position, RejectReason, SPLICES_MAX, Stamp, Text, TextSplice, Value, View,
};
use crate::resolver::{Effect, FoldContext};
use veilfold_wire::limits::SEEN_WINDOW;

/// Puts a new text at the path.
pub(super) fn create(
    fields: &mut Option<Fields>,
    path: &Path,
    text: &str,
    context: &FoldContext,
) -> Result<Effect, RejectReason> {
    on_fields(fields, |fields| {
        let spot = spot(fields, &path.0)?;
        check_depth(path.0.len() + 1)?;
        let text = Value::Text(Text::new(text, stamp(context)));
        match spot {
            Spot::There(old) => *old = text,
            Spot::Vacant(vacant) => vacant.put(text),
        }
        Ok(Effect::changed(true))
    })
}

/// Edits the text at the path; makes an empty one when there is none.
pub(super) fn edit(
    fields: &mut Option<Fields>,
    path: &Path,
    splices: &[TextSplice],
    context: &FoldContext,
) -> Result<Effect, RejectReason> {
    on_fields(fields, |fields| {
        let (changed, rebased) = match spot(fields, &path.0)? {
            Spot::There(Value::Text(text)) => edit_text(text, splices, context)?,
            Spot::There(_) => return Err(RejectReason::TypeMismatch),
            Spot::Vacant(vacant) => {
                check_depth(path.0.len() + 1)?;
                let mut text = Text::default();
                let (_, rebased) = edit_text(&mut text, splices, context)?;
                vacant.put(Value::Text(text));
                (true, rebased)
            }
        };
        let rebased = rebased.map(|splices| Op::TextEdit { path: path.clone(), splices });
        Ok(Effect { changed, rebased })
    })
}

/// Applies the splices in order; says whether anything changed and what they are on the visible text
/// when that differs.
fn edit_text(
    text: &mut Text,
    splices: &[TextSplice],
    context: &FoldContext,
) -> Result<(bool, Option<Vec<TextSplice>>), RejectReason> {
    // While an Action is only pending nothing is forgotten: the order decides when the window moves.
    let ordered = context.position.seq != Position::UNORDERED.seq;
    let cutoff = ordered.then(|| context.position.seq.saturating_sub(SEEN_WINDOW));
    let view = View { author: context.author, base_seq: context.base_seq.max(cutoff.unwrap_or(0)) };
    check_range(text, splices, &view)?;
    let changes = splices.iter().any(|splice| splice.delete > 0 || !splice.insert.is_empty());
    let mut rebased = (!text.is_known_to(&view)).then(Vec::new);
    let chars_before = text.chars_count();
    if let Some(cutoff) = cutoff.filter(|_| changes) {
        text.settle(cutoff);
    }
    let mut first_offset = None;
    for splice in splices {
        let offset = text.splice(&view, stamp(context), splice, rebased.as_mut());
        first_offset.get_or_insert(offset);
    }
    if let Some(rebased) = &mut rebased {
        if rebased.is_empty() {
            let offset = first_offset.unwrap_or(0) as u64;
            rebased.push(TextSplice { offset, delete: 0, insert: String::new() });
        }
        if rebased.len() > SPLICES_MAX {
            *rebased = vec![as_one(rebased, chars_before, text)];
        }
    }
    Ok((changes, rebased.filter(|rebased| rebased != splices)))
}

/// The change from the text before to `after` as one splice, for edits that others have broken into
/// more pieces than an Action may have. Characters in between are written again.
fn as_one(splices: &[TextSplice], chars_before: usize, after: &Text) -> TextSplice {
    let mut chars = chars_before as u64;
    let (mut left, mut right) = (chars, chars);
    for splice in splices {
        left = left.min(splice.offset);
        right = right.min(chars - splice.offset - splice.delete);
        chars = chars - splice.delete + splice.insert.chars().count() as u64;
    }
    let insert =
        after.to_string().chars().skip(left as usize).take((chars - left - right) as usize).collect();
    TextSplice { offset: left, delete: chars_before as u64 - left - right, insert }
}

/// Checks every splice against the length of the text that the ones before it leave.
fn check_range(text: &Text, splices: &[TextSplice], view: &View) -> Result<(), RejectReason> {
    let mut chars = text.chars_count_for(view) as u64;
    let mut inserted = 0usize;
    for splice in splices {
        let room = chars.checked_sub(splice.offset).ok_or(RejectReason::OutOfRange)?;
        if splice.delete > room {
            return Err(RejectReason::OutOfRange);
        }
        let insert = splice.insert.chars().count();
        chars = chars - splice.delete + insert as u64;
        inserted += insert;
    }
    if text.has_ids_for(inserted) { Ok(()) } else { Err(RejectReason::TooLarge) }
}

fn stamp(context: &FoldContext) -> Stamp {
    Stamp { author: context.author, seq: context.position.seq }
}

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;
