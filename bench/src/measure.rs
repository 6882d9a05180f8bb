//! What a run costs: wall and CPU seconds, percentiles, peak memory, bytes on disk.
//!
//! CPU seconds are those of the whole process, user and system: the figure that survives a busy machine.

use rustix::time::{ClockId, clock_gettime};
use std::path::Path;
use std::time::{Duration, Instant};

/// User and system seconds of this process so far.
pub fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Wall and CPU seconds of one piece of work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Seconds on the clock.
    pub wall: f64,
    /// Seconds on the processors.
    pub cpu: f64,
}

impl Cost {
    /// Runs `work` and gives what it cost.
    pub fn of<T>(work: impl FnOnce() -> T) -> (T, Self) {
        let watch = Stopwatch::start();
        let value = work();
        (value, watch.cost())
    }
}

/// A running measurement.
pub struct Stopwatch {
    wall: Instant,
    cpu: f64,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { cpu: cpu_seconds(), wall: Instant::now() }
    }

    /// What it has cost so far.
    pub fn cost(&self) -> Cost {
        Cost { wall: self.wall.elapsed().as_secs_f64(), cpu: cpu_seconds() - self.cpu }
    }
}

/// Durations of many calls.
#[derive(Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Room for `count` calls, so that noting one does not allocate.
    pub fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Notes one call.
    pub fn push(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// The duration below which the share `part` of all calls lies, in microseconds; 0 without calls.
    pub fn percentile_us(&mut self, part: f64) -> f64 {
        self.0.sort_unstable();
        let index = (self.0.len().saturating_sub(1) as f64 * part).round() as usize;
        self.0.get(index).map_or(0.0, |found| found.as_secs_f64() * 1e6)
    }
}

/// The most memory that this process has held, in MiB; 0 where the system does not say.
pub fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Bytes of a database and its log.
pub fn disk_bytes(path: &Path) -> u64 {
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    bytes(path) + bytes(Path::new(&log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_by_rank() {
        let mut all = Latencies::default();
        assert_eq!(all.percentile_us(0.5), 0.0);
        (0..=100).rev().for_each(|us| all.push(Duration::from_micros(us)));
        assert_eq!(
            [0.0, 0.5, 0.99, 1.0].map(|part| all.percentile_us(part).round()),
            [0.0, 50.0, 99.0, 100.0]
        );
    }

    #[test]
    fn work_costs_cpu_time_and_waiting_does_not() {
        let ((), waiting) = Cost::of(|| std::thread::sleep(Duration::from_millis(20)));
        assert!(waiting.wall >= 0.02 && waiting.cpu < waiting.wall);
    }
}
