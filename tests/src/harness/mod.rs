//! A whole system in one process: devices, a Relay and a network on a virtual clock.
//!
//! The simulation drives it from a seed; scenario tests drive it by hand. Assertions are theirs.

mod clock;
mod device;
mod faults;
mod hostile;
mod network;
mod relay;
mod rng;
mod states;
mod store;
mod watch;
mod world;

pub use clock::DeviceClock;
pub use device::{Device, Seen};
pub use faults::{Counts, Faults};
pub use hostile::{Hostile, Misdeed};
pub use network::{ConnectionId, Network};
pub use relay::{AUTHORITY, KEY_SEED, RelayOutput, SimRelay};
pub use rng::Rng;
pub use states::{State, States};
pub use store::{FaultyStore, StoreHandle};
pub use watch::Watch;
pub use world::{Protections, World};
