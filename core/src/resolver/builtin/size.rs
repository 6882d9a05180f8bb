//! The size limit of a document, checked without reading all of it for every Action.
//!
//! Called by `mod.rs`. The rule is exact: the canonical encoding of the fields after the
//! Action has at most [`DOCUMENT_BYTES_MAX`] bytes. Upper bounds only decide how it is checked.

use super::spot::find;
use crate::model::{Encoder, Fields, Op, Path, RejectReason, Segment, SetMember, Text, TextSplice, Value};
use crate::resolver::{Effect, FoldContext};

/// Largest canonical encoding of a document's fields in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// Most bytes of a number, and of the header of a string, array or map.
const NUMBER_BYTES: usize = 9;
const HEADER_BYTES: usize = 5;
/// The header of an extension around a list, set or text, and the array header in it.
const EXTENSION_BYTES: usize = 6 + HEADER_BYTES;
/// An element id and its header.
const ELEMENT_BYTES: usize = 14;
/// How much one step of a path can add besides its key: a map made on the way, and longer headers
/// of what was there.
const SEGMENT_BYTES: usize = 24;

/// An upper bound of the encoded size of one document's fields, carried from one Action to the next.
///
/// It may be kept beside the fields in memory for as long as only [`crate::resolver::resolve_within`] changes
/// them, and is never stored. [`SizeBound::default`] knows nothing and is always right.
#[derive(Clone, Copy, Debug, Default)]
pub struct SizeBound(Option<usize>);

/// Applies `op` with `apply` unless the document would get too large.
pub(super) fn within_limit(
    fields: &mut Option<Fields>,
    op: &Op,
    context: &mut FoldContext,
    bound: &mut SizeBound,
    apply: impl Fn(&mut Option<Fields>, &Op, &mut FoldContext) -> Result<Effect, RejectReason>,
) -> Result<Effect, RejectReason> {
    let growth = growth(fields, op);
    if growth == 0 {
        return apply(fields, op, context);
    }
    let fits = |before: usize| before.saturating_add(growth) <= DOCUMENT_BYTES_MAX;
    let before = match bound.0 {
        Some(before) if fits(before) => before,
        _ => fields_bound(fields),
    };
    if fits(before) {
        let effect = apply(fields, op, context)?;
        bound.0 = Some(before + growth);
        return Ok(effect);
    }
    let (mut after, mut context_after) = (fields.clone(), context.clone());
    let effect = apply(&mut after, op, &mut context_after)?;
    let bytes = encoded_bytes(&after);
    if bytes > DOCUMENT_BYTES_MAX {
        return Err(RejectReason::TooLarge);
    }
    (*fields, *context, bound.0) = (after, context_after, Some(bytes));
    Ok(effect)
}

/// The exact size that the limit is about.
fn encoded_bytes(fields: &Option<Fields>) -> usize {
    let Some(fields) = fields else { return 0 };
    let mut out = Encoder::with_capacity(DOCUMENT_BYTES_MAX);
    out.map(fields.len());
    for (key, value) in fields {
        out.str(key);
        value.encode(&mut out);
    }
    out.len()
}

/// At most how many bytes `op` adds to the encoding; 0 for what never adds any.
fn growth(fields: &Option<Fields>, op: &Op) -> usize {
    match op {
        Op::Create { fields } => value_bound(fields),
        Op::Set { path, value } | Op::Merge { path, value } => path_bound(path) + value_bound(value),
        Op::Increment { path, .. } => path_bound(path) + NUMBER_BYTES,
        Op::ListInsert { path, value, .. } => {
            path_bound(path) + EXTENSION_BYTES + ELEMENT_BYTES + value_bound(value)
        }
        Op::SetAdd { path, member } => path_bound(path) + EXTENSION_BYTES + member_bound(member),
        Op::TextCreate { path, text } => {
            path_bound(path) + EXTENSION_BYTES + text.len() + Text::default().splice_bound(0)
        }
        Op::TextEdit { path, splices } => {
            let text = match fields.as_ref().and_then(|fields| find(fields, &path.0)) {
                Some(Value::Text(text)) => text,
                _ => &Text::default(),
            };
            splices.iter().fold(path_bound(path) + EXTENSION_BYTES, |sum, splice| {
                sum.saturating_add(splice_bound(text, splice))
            })
        }
        Op::Unset { .. }
        | Op::ListMove { .. }
        | Op::ListRemove { .. }
        | Op::SetRemove { .. }
        | Op::Delete
        | Op::Call(_)
        | Op::Expect { .. } => 0,
    }
}

fn splice_bound(text: &Text, splice: &TextSplice) -> usize {
    let delete = usize::try_from(splice.delete).unwrap_or(usize::MAX);
    text.splice_bound(delete).saturating_add(splice.insert.len())
}

fn path_bound(path: &Path) -> usize {
    let keys = path.0.iter().map(|segment| match segment {
        Segment::Key(key) => key.len() + SEGMENT_BYTES,
        Segment::Element(_) => SEGMENT_BYTES,
    });
    SEGMENT_BYTES + keys.sum::<usize>()
}

fn fields_bound(fields: &Option<Fields>) -> usize {
    fields.as_ref().map_or(0, map_bound)
}

fn map_bound(map: &Fields) -> usize {
    HEADER_BYTES + map.iter().map(|(key, value)| HEADER_BYTES + key.len() + value_bound(value)).sum::<usize>()
}

/// Covers a literal as it is and as it is stored.
fn value_bound(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::Int(_) | Value::Float(_) => NUMBER_BYTES,
        Value::String(text) => HEADER_BYTES + text.len(),
        Value::Array(values) => {
            EXTENSION_BYTES + values.iter().map(|value| ELEMENT_BYTES + value_bound(value)).sum::<usize>()
        }
        Value::Map(map) => map_bound(map),
        Value::List(list) => {
            EXTENSION_BYTES + list.iter().map(|(_, value)| ELEMENT_BYTES + value_bound(value)).sum::<usize>()
        }
        Value::Set(set) => EXTENSION_BYTES + set.iter().map(member_bound).sum::<usize>(),
        Value::Text(text) => EXTENSION_BYTES + text.encoded_bound(),
    }
}

fn member_bound(member: &SetMember) -> usize {
    match member {
        SetMember::Bool(_) => 1,
        SetMember::Int(_) => NUMBER_BYTES,
        SetMember::String(text) => HEADER_BYTES + text.len(),
    }
}

#[cfg(test)]
mod tests;
