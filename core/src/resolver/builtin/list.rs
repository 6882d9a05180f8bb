//! Lists whose elements keep their names: insert, move, remove.
//!
//! Called by `builtin/mod.rs`. A place is named by its neighbours, so it still means the same after
//! others have changed the list.

use super::literal::{reserve, store};
use super::record::on_fields;
use super::spot::{Blocked, Spot, index_of, spot};
use crate::model::{ElementId, Fields, List, Path, Place, RejectReason, Value};
use crate::resolver::{Effect, FoldContext};

/// Inserts an element; makes the list when there is none.
pub(super) fn insert(
    fields: &mut Option<Fields>,
    path: &Path,
    place: &Place,
    value: &Value,
    context: &mut FoldContext,
) -> Result<Effect, RejectReason> {
    on_fields(fields, |fields| {
        let spot = spot(fields, &path.0)?;
        if matches!(&spot, Spot::There(value) if !matches!(value, Value::List(_))) {
            return Err(RejectReason::TypeMismatch);
        }
        reserve(value, path.0.len() + 1, 1, context)?;
        let mut element = || {
            let id = context.next_element();
            (id, store(value, context))
        };
        match spot {
            Spot::There(Value::List(list)) => {
                let index = index_for(list, place);
                list.insert(index, element());
            }
            Spot::There(_) => return Err(RejectReason::TypeMismatch),
            Spot::Vacant(vacant) => vacant.put(Value::List(vec![element()])),
        }
        Ok(Effect::changed(true))
    })
}

/// Moves an element. A place beside the element itself is where it already is.
pub(super) fn move_element(
    fields: &mut Option<Fields>,
    path: &Path,
    element: &ElementId,
    place: &Place,
) -> Result<Effect, RejectReason> {
    on_list(fields, path, |list| {
        let Some(from) = index_of(list, element) else {
            return false;
        };
        let anchor = place.after.filter(|after| index_of(list, after).is_some()).or(place.before);
        if anchor.as_ref() == Some(element) {
            return false;
        }
        let moved = list.remove(from);
        let to = index_for(list, place);
        list.insert(to, moved);
        from != to
    })
}

/// Removes an element.
pub(super) fn remove(
    fields: &mut Option<Fields>,
    path: &Path,
    element: &ElementId,
) -> Result<Effect, RejectReason> {
    on_list(fields, path, |list| match index_of(list, element) {
        Some(index) => {
            list.remove(index);
            true
        }
        None => false,
    })
}

/// Runs a change on a list that need not be there: without it nothing happens.
fn on_list(
    fields: &mut Option<Fields>,
    path: &Path,
    change: impl FnOnce(&mut List) -> bool,
) -> Result<Effect, RejectReason> {
    let Some(fields) = fields else {
        return Ok(Effect::changed(false));
    };
    match spot(fields, &path.0) {
        Ok(Spot::There(Value::List(list))) => Ok(Effect::changed(change(list))),
        Ok(Spot::Vacant(_)) | Err(Blocked::ElementGone) => Ok(Effect::changed(false)),
        Ok(Spot::There(_)) | Err(Blocked::WrongType) => Err(RejectReason::TypeMismatch),
    }
}

fn index_for(list: &List, place: &Place) -> usize {
    if let Some(index) = place.after.and_then(|after| index_of(list, &after)) {
        return index + 1;
    }
    match (place.after, place.before) {
        (None, None) => 0,
        (_, before) => before.and_then(|before| index_of(list, &before)).unwrap_or(list.len()),
    }
}
