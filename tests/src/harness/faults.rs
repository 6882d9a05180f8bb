//! Which faults a history has, and how many of each happened.

use super::rng::Rng;

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
    /// Frames delivered.
    pub frames: u64,
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that a faulty writer sealed again.
    pub copies: u64,
    /// Misdeeds of a Relay.
    pub misdeeds: u64,
}

impl Counts {
    /// What happened and how often, for people.
    pub fn faults(&self) -> [(&'static str, u64); 9] {
        [
            ("transactions committed", self.commits),
            ("frames delivered", self.frames),
            ("connections cut", self.cuts),
            ("devices killed between two writes", self.device_kills),
            ("relays cut off from power", self.relay_kills),
            ("frames that came twice", self.repeats),
            ("times that a device went offline", self.offline),
            ("entries that a faulty writer sealed again", self.copies),
            ("pages that were tampered with", self.misdeeds),
        ]
    }

    /// Adds another history's.
    pub fn add(&mut self, other: &Self) {
        self.cuts += other.cuts;
        self.device_kills += other.device_kills;
        self.relay_kills += other.relay_kills;
        self.repeats += other.repeats;
        self.offline += other.offline;
        self.frames += other.frames;
        self.commits += other.commits;
        self.copies += other.copies;
        self.misdeeds += other.misdeeds;
    }
}

impl Faults {
    /// No faults at all.
    pub const NONE: Self = Self { cut: 0, kill_device: 0, kill_relay: 0, repeat: 0, delay_ms: 0, offline: 0 };

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
        }
    }
}
