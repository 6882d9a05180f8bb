//! The two clock values that decisions are made with; they are passed in, never read there.
//!
//! The server reads its clocks once per event, a simulation sets them as it likes.

/// A moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that only goes forward; all timers are on it.
    pub mono_ms: u64,
    /// Milliseconds since 1970, shown to devices and never used to decide.
    pub unix_ms: u64,
}

/// The process's clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: std::time::Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Now { mono_ms: millis(self.start.elapsed()), unix_ms: millis(unix) }
    }

    /// The instant at which the forward clock shows `mono_ms`.
    pub(crate) fn instant(&self, mono_ms: u64) -> std::time::Instant {
        self.start + std::time::Duration::from_millis(mono_ms)
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
