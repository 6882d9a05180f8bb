//! Sets of scalars: add and remove.
//!
//! Called by `builtin/mod.rs`.

use super::literal::check_depth;
use super::record::on_fields;
use super::spot::{Blocked, Spot, spot};
use crate::gather::gather;
use crate::model::{Fields, Path, RejectReason, SetMember, Value};
use crate::resolver::Effect;

/// Adds a member; makes the set when there is none.
pub(super) fn add(
    fields: &mut Option<Fields>,
    path: &Path,
    member: &SetMember,
) -> Result<Effect, RejectReason> {
    on_fields(fields, |fields| match spot(fields, &path.0)? {
        Spot::There(Value::Set(set)) => Ok(Effect::changed(set.insert(member.clone()))),
        Spot::There(_) => Err(RejectReason::TypeMismatch),
        Spot::Vacant(vacant) => {
            check_depth(path.0.len() + 1)?;
            vacant.put(Value::Set(gather([member.clone()])));
            Ok(Effect::changed(true))
        }
    })
}

/// Removes a member; without the set or the member nothing happens.
pub(super) fn remove(
    fields: &mut Option<Fields>,
    path: &Path,
    member: &SetMember,
) -> Result<Effect, RejectReason> {
    let Some(fields) = fields else {
        return Ok(Effect::changed(false));
    };
    match spot(fields, &path.0) {
        Ok(Spot::There(Value::Set(set))) => Ok(Effect::changed(set.remove(member))),
        Ok(Spot::Vacant(_)) | Err(Blocked::ElementGone) => Ok(Effect::changed(false)),
        Ok(Spot::There(_)) | Err(Blocked::WrongType) => Err(RejectReason::TypeMismatch),
    }
}
