//! All of a Transaction or nothing of it: transfers between accounts leave their sum at nothing, on
//! every device and at every moment.

use crate::harness::World;
use veilfold_core::model::Value;
use veilfold_core::wire::SpaceId;

pub(in super::super) fn check(world: &mut World, device: usize, space: SpaceId) {
    if world.devices[device].engine.is_none() {
        return;
    }
    let rows = world.call(device, |engine| engine.read_collection(space, "accounts", None, 100));
    let Ok(rows) = rows else { return };
    let balances = rows.iter().map(|(_, fields)| match fields.get("n") {
        Some(Value::Int(balance)) => *balance,
        _ => 0,
    });
    let sum: i64 = balances.sum();
    if sum != 0 {
        world.violated(format!("atomicity: the accounts of device {device} come to {sum}"));
    }
}
