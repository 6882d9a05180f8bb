//! A whole system in one process: devices, a Relay and a network on a virtual clock.
//!
//! The simulation drives it from a seed; scenario tests drive it by hand. Assertions are theirs.

mod device;
mod faults;
mod hostile;
mod network;
mod relay;
mod rng;
mod store;
mod world;

pub use device::Device;
pub use faults::{Counts, Faults};
pub use hostile::{Hostile, Misdeed};
pub use network::{ConnectionId, Network};
pub use relay::{AUTHORITY, KEY_SEED, RelayOutput, SimRelay};
pub use rng::Rng;
pub use store::{FaultyStore, StoreHandle};
pub use world::{Protections, World};
