//! Literals on their way into a document: every element of a stored list has an id.
//!
//! Called by the resolvers beside it, which reserve before they change anything and store after.

use crate::gather::gather;
use crate::model::{DEPTH_MAX, RejectReason, Value};
use crate::resolver::FoldContext;

/// Checks that `value`, at a path of `segments`, stays within the nesting of a document, and that
/// the Transaction has ids left for its elements and for `more` of them.
///
/// # Errors
/// `TooLarge`.
pub(super) fn reserve(
    value: &Value,
    segments: usize,
    more: usize,
    context: &FoldContext,
) -> Result<(), RejectReason> {
    check_depth(segments + value.depth())?;
    let ids_left = usize::try_from(u32::MAX - context.elements).unwrap_or(usize::MAX);
    if elements(value).saturating_add(more) > ids_left { Err(RejectReason::TooLarge) } else { Ok(()) }
}

/// Checks the nesting of a document, counted with its outermost map.
///
/// # Errors
/// `TooLarge`.
pub(super) fn check_depth(depth: usize) -> Result<(), RejectReason> {
    if depth > DEPTH_MAX { Err(RejectReason::TooLarge) } else { Ok(()) }
}

/// The stored form of a literal: lists get ids, outer elements before inner ones, maps in the order
/// of their keys.
pub(super) fn store(value: &Value, context: &mut FoldContext) -> Value {
    match value {
        Value::Array(values) => Value::List(
            values
                .iter()
                .map(|value| {
                    let id = context.next_element();
                    (id, store(value, context))
                })
                .collect(),
        ),
        Value::Map(map) => {
            Value::Map(gather(map.iter().map(|(key, value)| (key.clone(), store(value, context)))))
        }
        other => other.clone(),
    }
}

fn elements(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.len() + values.iter().map(elements).sum::<usize>(),
        Value::Map(map) => map.values().map(elements).sum(),
        _ => 0,
    }
}
