//! Whole documents and single values: create, set, unset, merge, increment, delete.
//!
//! Called by `builtin/mod.rs`. Every function looks first and changes after, so an error leaves the
//! document as it was.

use super::literal::{check_depth, reserve, store};
use super::spot::{Spot, index_of, spot};
use crate::model::{Fields, Path, RejectReason, Segment, Value};
use crate::resolver::{Effect, FoldContext};

/// Makes a document.
pub(super) fn create(
    fields: &mut Option<Fields>,
    value: &Value,
    context: &mut FoldContext,
) -> Result<Effect, RejectReason> {
    if fields.is_some() {
        return Err(RejectReason::AlreadyExists);
    }
    replace(fields, value, context)
}

/// Puts a value at the path, or in place of the whole document.
pub(super) fn set(
    fields: &mut Option<Fields>,
    path: &Path,
    value: &Value,
    context: &mut FoldContext,
) -> Result<Effect, RejectReason> {
    if path.0.is_empty() {
        return replace(fields, value, context);
    }
    on_fields(fields, |fields| {
        let spot = spot(fields, &path.0)?;
        reserve(value, path.0.len(), 0, context)?;
        let value = store(value, context);
        match spot {
            Spot::There(old) => *old = value,
            Spot::Vacant(vacant) => vacant.put(value),
        }
        Ok(Effect::changed(true))
    })
}

fn replace(
    fields: &mut Option<Fields>,
    value: &Value,
    context: &mut FoldContext,
) -> Result<Effect, RejectReason> {
    let Value::Map(_) = value else {
        return Err(RejectReason::TypeMismatch);
    };
    reserve(value, 0, 0, context)?;
    if let Value::Map(map) = store(value, context) {
        *fields = Some(map);
    }
    Ok(Effect::changed(true))
}

/// Removes what is at the path.
pub(super) fn unset(fields: &mut Option<Fields>, path: &Path) -> Effect {
    let (Some(fields), Some((last, way))) = (fields, path.0.split_last()) else {
        return Effect::changed(false);
    };
    let removed = match (way.is_empty(), last) {
        (true, Segment::Key(key)) => fields.remove(key).is_some(),
        (true, Segment::Element(_)) => false,
        (false, last) => match (spot(fields, way), last) {
            (Ok(Spot::There(Value::Map(map))), Segment::Key(key)) => map.remove(key).is_some(),
            (Ok(Spot::There(Value::List(list))), Segment::Element(id)) => match index_of(list, id) {
                Some(index) => {
                    list.remove(index);
                    true
                }
                None => false,
            },
            _ => false,
        },
    };
    Effect::changed(removed)
}

/// Puts the fields of a map into the map at the path, into maps recursively; anything else that a
/// field held is replaced.
pub(super) fn merge(
    fields: &mut Option<Fields>,
    path: &Path,
    value: &Value,
    context: &mut FoldContext,
) -> Result<Effect, RejectReason> {
    let Value::Map(news) = value else {
        return Err(RejectReason::TypeMismatch);
    };
    let existed = fields.is_some();
    on_fields(fields, |fields| {
        if path.0.is_empty() {
            reserve(value, 0, 0, context)?;
            merge_map(fields, news, context);
            return Ok(Effect::changed(!existed || !news.is_empty()));
        }
        match spot(fields, &path.0)? {
            Spot::There(Value::Map(map)) => {
                reserve(value, path.0.len(), 0, context)?;
                merge_map(map, news, context);
                Ok(Effect::changed(!news.is_empty()))
            }
            Spot::There(_) => Err(RejectReason::TypeMismatch),
            Spot::Vacant(vacant) => {
                reserve(value, path.0.len(), 0, context)?;
                vacant.put(store(value, context));
                Ok(Effect::changed(true))
            }
        }
    })
}

fn merge_map(map: &mut Fields, news: &Fields, context: &mut FoldContext) {
    for (key, new) in news {
        match (map.get_mut(key), new) {
            (Some(Value::Map(inner)), Value::Map(news)) => merge_map(inner, news, context),
            (Some(old), new) => *old = store(new, context),
            (None, new) => {
                map.insert(key.clone(), store(new, context));
            }
        }
    }
}

/// Adds to a whole number.
pub(super) fn increment(fields: &mut Option<Fields>, path: &Path, by: i64) -> Result<Effect, RejectReason> {
    on_fields(fields, |fields| match spot(fields, &path.0)? {
        Spot::There(Value::Int(number)) => {
            *number = number.checked_add(by).ok_or(RejectReason::Overflow)?;
            Ok(Effect::changed(by != 0))
        }
        Spot::There(_) => Err(RejectReason::TypeMismatch),
        Spot::Vacant(vacant) => {
            check_depth(path.0.len())?;
            vacant.put(Value::Int(by));
            Ok(Effect::changed(true))
        }
    })
}

/// Deletes the document.
pub(super) fn delete(fields: &mut Option<Fields>) -> Effect {
    Effect::changed(fields.take().is_some())
}

/// Runs a change on the fields; a document that is missing is made when the change happened.
pub(super) fn on_fields(
    fields: &mut Option<Fields>,
    change: impl FnOnce(&mut Fields) -> Result<Effect, RejectReason>,
) -> Result<Effect, RejectReason> {
    if let Some(fields) = fields {
        return change(fields);
    }
    let mut made = Fields::new();
    let effect = change(&mut made)?;
    if effect.changed {
        *fields = Some(made);
    }
    Ok(effect)
}
