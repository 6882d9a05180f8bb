//! What must hold, one invariant per file.

mod convergence;
mod misdeed;
mod rebase;
mod reference;

pub(super) use misdeed::misdeed_is_named;
pub(super) use rebase::rebase_equals_reopen;

use crate::harness::World;
use veilfold_core::wire::SpaceId;

/// Everything that must hold once the system has come to rest.
pub(super) fn check_all(world: &mut World, space: SpaceId) {
    convergence::check(world, space);
    reference::check(world, space);
    for device in 0..world.devices.len() {
        rebase_equals_reopen(world, device, space);
    }
}
