//! When to try again: later each time, and not all Devices at once.

/// First wait in milliseconds.
const FIRST_MS: u64 = 250;
/// Longest wait in milliseconds.
const LONGEST_MS: u64 = 30_000;

/// Counts failed attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Notes a failure; how long to wait, in milliseconds, between half and all of the step.
    /// `random` spreads the Devices of one Relay that went away.
    pub fn fail(&mut self, random: u64) -> u64 {
        let step = (FIRST_MS << self.attempts.min(16)).min(LONGEST_MS);
        self.attempts = self.attempts.saturating_add(1);
        step / 2 + random % (step / 2)
    }

    /// Notes a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Failures since the last success.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_start_over() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..12).map(|_| backoff.fail(u64::MAX)).collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(waits.iter().all(|wait| *wait <= LONGEST_MS));
        backoff.reset();
        assert!(backoff.fail(u64::MAX) <= FIRST_MS);
    }
}
