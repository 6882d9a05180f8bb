//! A device's clock, which may be hours off and may jump.
//!
//! It behaves as `io/clock.rs` of the core does: inside one process it follows the system forwards
//! and never runs back; a process that starts takes what the system says.

/// The clock of one device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceClock {
    /// How far the system's clock is ahead of the world's.
    ahead_ms: i64,
    /// What the process last saw, and when that was.
    newest_ms: u64,
    read_at_ms: u64,
}

impl DeviceClock {
    /// A clock that is right.
    pub fn right(world_ms: u64) -> Self {
        Self { ahead_ms: 0, newest_ms: world_ms, read_at_ms: world_ms }
    }

    /// What the process sees.
    pub fn shows(&self, world_ms: u64) -> u64 {
        let paced = self.newest_ms.saturating_add(world_ms.saturating_sub(self.read_at_ms));
        self.system_ms(world_ms).max(paced)
    }

    /// When it will show that time, by the world's clock.
    pub fn reaches(&self, device_ms: u64, world_ms: u64) -> u64 {
        world_ms.saturating_add(device_ms.saturating_sub(self.shows(world_ms)))
    }

    /// Somebody sets the system's clock.
    pub fn jump(&mut self, by_ms: i64, world_ms: u64) {
        self.newest_ms = self.shows(world_ms);
        self.read_at_ms = world_ms;
        self.ahead_ms = self.ahead_ms.saturating_add(by_ms);
    }

    /// A new process.
    pub fn restart(&mut self, world_ms: u64) {
        self.newest_ms = self.system_ms(world_ms);
        self.read_at_ms = world_ms;
    }

    fn system_ms(&self, world_ms: u64) -> u64 {
        world_ms.saturating_add_signed(self.ahead_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_back_only_with_a_new_process() {
        let mut clock = DeviceClock::right(1_000);
        clock.jump(500, 1_000);
        assert_eq!((clock.shows(1_000), clock.reaches(1_700, 1_010)), (1_500, 1_200));
        clock.jump(-900, 1_100);
        assert_eq!(clock.shows(1_150), 1_650);
        clock.restart(1_200);
        assert_eq!(clock.shows(1_200), 800);
    }
}
