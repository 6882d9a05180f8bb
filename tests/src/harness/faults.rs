//! Which faults a history has, how many of each happened, and making them happen.

use super::rng::Rng;
use super::world::World;

/// How far a clock jumps at most, in milliseconds, forwards or back.
const JUMP_MS_MAX: u64 = 12 * 3_600_000;

/// How often each fault happens, per thousand events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A connection is cut.
    pub cut: u64,
    /// A device is killed between two writes.
    pub kill_device: u64,
    /// The Relay is killed.
    pub kill_relay: u64,
    /// A frame comes twice.
    pub repeat: u64,
    /// Longest delay of a frame in milliseconds.
    pub delay_ms: u64,
    /// A device goes offline for a while.
    pub offline: u64,
    /// Somebody sets a clock, forwards or back, by up to half a day.
    pub clock: u64,
}

/// How many faults happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Connections cut.
    pub cuts: u64,
    /// Devices killed.
    pub device_kills: u64,
    /// Relay kills.
    pub relay_kills: u64,
    /// Frames that came twice.
    pub repeats: u64,
    /// Times that a device went offline.
    pub offline: u64,
    /// Clocks that jumped.
    pub clock_jumps: u64,
    /// Frames delivered.
    pub frames: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that a faulty writer sealed again.
    pub copies: u64,
    /// Misdeeds of a Relay.
    pub misdeeds: u64,
    /// Roots that a faulty writer invented.
    pub invented_roots: u64,
}

impl Counts {
    /// What happened and how often, for people.
    pub fn faults(&self) -> [(&'static str, u64); 11] {
        [
            ("transactions committed", self.commits),
            ("frames delivered", self.frames),
            ("connections cut", self.cuts),
            ("devices killed between two writes", self.device_kills),
            ("relays cut off from power", self.relay_kills),
            ("frames that came twice", self.repeats),
            ("times that a device went offline", self.offline),
            ("clocks that jumped", self.clock_jumps),
            ("entries that a faulty writer sealed again", self.copies),
            ("pages that were tampered with", self.misdeeds),
            ("roots that a faulty writer invented", self.invented_roots),
        ]
    }

    /// Adds another history's.
    pub fn add(&mut self, other: &Self) {
        self.cuts += other.cuts;
        self.device_kills += other.device_kills;
        self.relay_kills += other.relay_kills;
        self.repeats += other.repeats;
        self.offline += other.offline;
        self.clock_jumps += other.clock_jumps;
        self.frames += other.frames;
        self.commits += other.commits;
        self.copies += other.copies;
        self.misdeeds += other.misdeeds;
        self.invented_roots += other.invented_roots;
    }
}

impl Faults {
    /// No faults at all.
    pub const NONE: Self =
        Self { cut: 0, kill_device: 0, kill_relay: 0, repeat: 0, delay_ms: 0, offline: 0, clock: 0 };

    /// A mixture that differs from seed to seed.
    pub fn mixed(rng: &mut Rng) -> Self {
        let mut some = |most: u64| if rng.chance(600) { rng.below(most) } else { 0 };
        Self {
            cut: some(40),
            kill_device: some(40),
            kill_relay: some(15),
            repeat: some(60),
            delay_ms: some(2_000),
            offline: some(20),
            clock: some(20),
        }
    }
}

impl World {
    /// Draws the faults of one event.
    pub(super) fn maybe_fault(&mut self) {
        let faults = self.faults;
        if self.rng.chance(faults.cut) {
            let open = self.network.open_connections();
            if !open.is_empty() {
                self.counts.cuts += 1;
                let connection = *self.rng.pick(&open);
                self.cut(connection);
            }
        }
        if self.rng.chance(faults.kill_device) {
            let device = self.rng.below(self.devices.len() as u64) as usize;
            if self.devices[device].engine.is_some() {
                let writes = self.rng.below(24);
                self.devices[device].store.kill_after(writes);
            }
        }
        if self.rng.chance(faults.kill_relay) {
            self.kill_relay();
        }
        if self.rng.chance(faults.offline) {
            let device = self.rng.below(self.devices.len() as u64) as usize;
            let for_ms = self.rng.below(60_000);
            self.take_offline(device, for_ms);
        }
        if faults.clock > 0 && self.rng.chance(faults.clock) {
            self.set_a_clock();
        }
    }

    /// The Relay's clock counts as one more.
    fn set_a_clock(&mut self) {
        let by_ms = self.rng.below(2 * JUMP_MS_MAX) as i64 - JUMP_MS_MAX as i64;
        let whose = self.rng.below(self.devices.len() as u64 + 1) as usize;
        self.counts.clock_jumps += 1;
        match (self.devices.get_mut(whose), &mut self.relay) {
            (Some(device), _) => device.clock.jump(by_ms, self.now_ms),
            (None, relay) => {
                self.relay_ahead_ms += by_ms;
                if let Some(relay) = relay {
                    relay.ahead_ms = self.relay_ahead_ms;
                }
            }
        }
    }
}
