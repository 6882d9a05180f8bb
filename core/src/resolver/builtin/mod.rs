//! The ready-made resolvers: `record` and `text`.
//!
//! [`resolve`] is their door, called by `documents/`; [`expect`] looks without changing.

mod expect;
mod list;
mod literal;
mod record;
mod set;
mod size;
mod spot;
mod text;

pub use expect::expect;
pub use size::{DOCUMENT_BYTES_MAX, SizeBound};

use super::context::{Effect, FoldContext};
use crate::model::{Fields, Op, RejectReason};
use size::within_limit;

/// Applies one operation.
///
/// # Errors
/// Why the operation is rejected; the document is then as it was.
pub fn resolve(
    fields: &mut Option<Fields>,
    op: &Op,
    context: &mut FoldContext,
) -> Result<Effect, RejectReason> {
    resolve_within(fields, op, context, &mut SizeBound::default())
}

/// [`resolve`] for whoever folds many Actions on one document: `bound` stays with the fields, and
/// saves walking all of them for every Action. The outcome is the same with any right bound.
///
/// # Errors
/// Why the operation is rejected; the document is then as it was.
pub fn resolve_within(
    fields: &mut Option<Fields>,
    op: &Op,
    context: &mut FoldContext,
    bound: &mut SizeBound,
) -> Result<Effect, RejectReason> {
    within_limit(fields, op, context, bound, apply)
}

fn apply(fields: &mut Option<Fields>, op: &Op, context: &mut FoldContext) -> Result<Effect, RejectReason> {
    match op {
        Op::Create { fields: value } => record::create(fields, value, context),
        Op::Set { path, value } => record::set(fields, path, value, context),
        Op::Unset { path } => Ok(record::unset(fields, path)),
        Op::Merge { path, value } => record::merge(fields, path, value, context),
        Op::Increment { path, by } => record::increment(fields, path, *by),
        Op::ListInsert { path, place, value } => list::insert(fields, path, place, value, context),
        Op::ListMove { path, element, place } => list::move_element(fields, path, element, place),
        Op::ListRemove { path, element } => list::remove(fields, path, element),
        Op::SetAdd { path, member } => set::add(fields, path, member),
        Op::SetRemove { path, member } => set::remove(fields, path, member),
        Op::Delete => Ok(record::delete(fields)),
        Op::Expect { path, condition } => expect::expect(fields, path, condition),
        Op::TextCreate { path, text } => text::create(fields, path, text, context),
        Op::TextEdit { path, splices } => text::edit(fields, path, splices, context),
        // The fold asks the collection's own resolver; without one nothing accepts a call.
        Op::Call(_) => Err(RejectReason::VersionNotEnabled),
    }
}

#[cfg(test)]
mod tests;
