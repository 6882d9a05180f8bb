//! Devices that have folded the same order have the same root, running hash and visible documents.

use crate::harness::World;
use veilfold_core::wire::SpaceId;

pub(super) fn check(world: &mut World, space: SpaceId) {
    let mut first = None;
    for device in 0..world.devices.len() {
        let root = world.call(device, |engine| engine.state_root(space));
        let head = world.call(device, |engine| engine.log_head(space));
        let visible = super::rebase::visible(world, device, space);
        let (Ok(root), Ok(head)) = (root, head) else {
            return world.violated(format!("convergence: device {device} has no root"));
        };
        let state = (root, head, visible);
        match &first {
            None => first = Some(state),
            Some(first) if *first == state => {}
            Some(_) => return world.violated(format!("convergence: device {device} differs from device 0")),
        }
    }
}
