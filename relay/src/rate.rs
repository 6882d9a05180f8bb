//! How much one connection may ask for: a bucket of tokens that refills with time.
//!
//! Sessions take a token for everything that costs the Relay more than a few bytes.

use veilfold_wire::Limits;

/// A connection that was quiet may catch up with this many seconds' worth at once.
const BURST_SECONDS: u64 = 10;
/// Tokens are counted in thousandths, so that every millisecond refills a whole number of them.
const TOKEN: u64 = 1_000;

/// Tokens of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    per_second: u64,
    thousandths: u64,
    filled_at_ms: u64,
}

impl Bucket {
    pub(crate) fn full(limits: &Limits, now_ms: u64) -> Self {
        let per_second = limits.entries_per_second.max(1);
        Self { per_second, thousandths: capacity(per_second), filled_at_ms: now_ms }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// The milliseconds after which there will be one.
    pub(crate) fn take(&mut self, now_ms: u64) -> Result<(), u64> {
        let passed_ms = now_ms.saturating_sub(self.filled_at_ms);
        // At n tokens per second, each millisecond brings n thousandths.
        let refilled = self.thousandths.saturating_add(passed_ms.saturating_mul(self.per_second));
        self.thousandths = refilled.min(capacity(self.per_second));
        self.filled_at_ms = self.filled_at_ms.max(now_ms);
        if self.thousandths < TOKEN {
            return Err((TOKEN - self.thousandths).div_ceil(self.per_second));
        }
        self.thousandths -= TOKEN;
        Ok(())
    }
}

fn capacity(per_second: u64) -> u64 {
    per_second.saturating_mul(BURST_SECONDS).saturating_mul(TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_average_holds() {
        let limits = Limits { entries_per_second: 4, ..Limits::default() };
        let mut bucket = Bucket::full(&limits, 1_000);
        for _ in 0..40 {
            assert_eq!(bucket.take(1_000), Ok(()));
        }
        assert_eq!(bucket.take(1_000), Err(250));
        assert_eq!(bucket.take(1_249), Err(1));
        assert_eq!(bucket.take(1_250), Ok(()));
        assert_eq!(bucket.take(1_250), Err(250));
    }

    #[test]
    fn a_clock_that_stands_still_or_jumps_far_does_no_harm() {
        let mut bucket = Bucket::full(&Limits { entries_per_second: u64::MAX, ..Limits::default() }, 0);
        assert_eq!(bucket.take(u64::MAX), Ok(()));
        assert_eq!(bucket.take(0), Ok(()));
    }
}
