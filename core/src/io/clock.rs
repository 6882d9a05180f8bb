//! The clock that the driver hands to the engine with every input.
//!
//! What a time is good for is the engine's business; nothing here is trusted by the protocol.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, as the system says, but never running backwards.
///
/// When the system's clock is set back, this one goes on from where it was at the pace of the
/// monotonic clock, so that a timer of the engine still fires after the time it was set for.
#[derive(Clone, Debug)]
pub struct Clock {
    newest_ms: u64,
    read_at: Instant,
}

impl Clock {
    /// A clock that shows the system's time.
    #[must_use]
    pub fn new() -> Self {
        Self { newest_ms: system_ms(), read_at: Instant::now() }
    }

    /// The time now, in milliseconds since 1970.
    pub fn now_ms(&mut self) -> u64 {
        self.advance(system_ms(), self.read_at.elapsed());
        self.newest_ms
    }

    fn advance(&mut self, system_ms: u64, since: Duration) {
        let passed_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let paced_ms = self.newest_ms.saturating_add(passed_ms);
        if system_ms > self.newest_ms || paced_ms > self.newest_ms {
            self.newest_ms = system_ms.max(paced_ms);
            self.read_at += since;
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

fn system_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_system_forwards_and_paces_itself_when_it_steps_back() {
        let mut clock = Clock { newest_ms: 10_000, read_at: Instant::now() };
        clock.advance(60_000, Duration::from_millis(5));
        assert_eq!(clock.newest_ms, 60_000);
        clock.advance(20_000, Duration::from_millis(7));
        assert_eq!(clock.newest_ms, 60_007);
        clock.advance(60_009, Duration::from_millis(1));
        assert_eq!(clock.newest_ms, 60_009);
    }

    #[test]
    fn many_reads_within_a_millisecond_do_not_lose_time() {
        let start = Instant::now();
        let mut clock = Clock { newest_ms: 10_000, read_at: start };
        for _ in 0..10 {
            clock.advance(0, Duration::from_micros(400));
        }
        assert_eq!((clock.newest_ms, clock.read_at), (10_000, start));
        clock.advance(0, Duration::from_micros(4_000));
        assert_eq!(clock.newest_ms, 10_004);
    }
}
