//! What must hold, one invariant per file.

pub(super) mod atomicity;
mod convergence;
pub(super) mod fates;
pub(super) mod live;
pub(super) mod memory;
mod misdeed;
mod promises;
mod rebase;
mod reference;
pub(super) mod refold;
mod roots;
mod serializability;

pub(super) use misdeed::misdeed_is_named;
pub use rebase::rebase_equals_reopen;

use crate::harness::World;
use veilfold_core::wire::SpaceId;

/// What must hold of one device at any time, looked at between two steps.
pub fn check_device(world: &mut World, device: usize, space: SpaceId) {
    fates::check(world, device, space);
    atomicity::check(world, device, space);
    live::check(world, device);
    memory::check(world, device, space);
}

/// Everything that must hold once the system has come to rest. `enabled` says from which Entries on
/// which versions of the app's resolver count.
pub(super) fn check_all(world: &mut World, space: SpaceId, enabled: &[(u64, u64)]) {
    convergence::check(world, space);
    reference::check(world, space, enabled);
    roots::check(world);
    for device in 0..world.devices.len() {
        check_device(world, device, space);
        rebase_equals_reopen(world, device, space);
    }
}
