//! The ready-made resolvers: `record` and `text`.

use super::context::{Effect, FoldContext};
use crate::model::{Fields, Op, RejectReason};

/// Applies one operation.
pub fn resolve(
    _fields: &mut Option<Fields>,
    _op: &Op,
    _context: &mut FoldContext,
) -> Result<Effect, RejectReason> {
    Ok(Effect::default())
}
