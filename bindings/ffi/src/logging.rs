//! What Veilfold says of its own work, on its way to the platform's log or to the app.
//!
//! Core reports through `tracing`: ids, sizes and reasons, never names, keys or contents. One
//! subscriber for the process writes what the level lets through and hands it to a thread of its
//! own, so that nothing waits for a slow sink and no lock is held while the app's is called.

use crate::error::Result;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use veilfold_core::Error;

/// Most lines that wait for the sink.
const WAITING_MAX: usize = 1024;
/// How long a sink has for what waits for it when it is not wanted any more.
const PATIENCE: Duration = Duration::from_secs(1);
/// Lines of other crates are not Veilfold's to judge: they may hold addresses and contents.
const OWN: &str = "veilfold";

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, uniffi::Enum)]
pub enum LogLevel {
    /// What needs somebody to act.
    Error = 1,
    /// What went wrong and is being mended.
    Warn,
    /// What changes now and then: connections, Spaces.
    Info,
    /// Every step.
    Debug,
}

/// Where lines go when it is not to be the platform's log.
///
/// Called on one thread of Veilfold's own, a line at a time, never under a lock; what it throws is
/// dropped. While it is slow, lines are dropped too, and the next one says how many.
#[uniffi::export(foreign)]
pub trait LogSink: Send + Sync {
    /// Takes a line without its end.
    fn write(&self, level: LogLevel, line: String) -> Result<(), LogSinkError>;
}

/// A line that a sink could not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum LogSinkError {
    /// It is lost.
    #[error("the sink failed")]
    Failed,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for LogSinkError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed
    }
}

/// Starts logging, or changes its level and sink. Without a sink lines go to the platform's log:
/// logcat on Android, the unified log on Apple's systems, elsewhere the standard error stream.
#[uniffi::export]
pub fn start_logging(level: LogLevel, sink: Option<Arc<dyn LogSink>>) -> Result<()> {
    subscribe()?;
    // What the sink before has not taken yet comes before what the new one gets.
    stop(PATIENCE);
    let mut present = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    *present = Some(Writer::start(sink)?);
    LEVEL.store(level as u8, Relaxed);
    Ok(())
}

/// Ends logging and waits a moment for the lines that are on their way.
#[uniffi::export]
pub fn stop_logging() -> Result<()> {
    stop(PATIENCE);
    Ok(())
}

/// As [`stop_logging`], for the end of the process.
pub(crate) fn stop(wait: Duration) {
    LEVEL.store(0, Relaxed);
    let writer = LOG.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(Writer { lines, ended, .. }) = writer {
        drop(lines);
        let (is_over, told) = &*ended;
        let is_over = is_over.lock().unwrap_or_else(PoisonError::into_inner);
        // A sink that takes longer is left alone.
        let _ = told.wait_timeout_while(is_over, wait, |is_over| !*is_over);
    }
}

static LEVEL: AtomicU8 = AtomicU8::new(0);
static LOG: Mutex<Option<Writer>> = Mutex::new(None);

type Line = (LogLevel, String);

/// Whether a writer's thread is over, however it ended.
type Ended = Arc<(Mutex<bool>, Condvar)>;

struct Over(Ended);

impl Drop for Over {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

/// The thread that writes; it ends when its sender is gone.
struct Writer {
    lines: SyncSender<Line>,
    ended: Ended,
    dropped: u64,
}

impl Writer {
    fn start(sink: Option<Arc<dyn LogSink>>) -> Result<Self, Error> {
        let (lines, waiting) = sync_channel::<Line>(WAITING_MAX);
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let over = Over(ended.clone());
        let write = move || {
            let _over = over;
            // Freed before the end is told: freeing it calls the app's language.
            let sink = sink;
            for (level, line) in waiting {
                match &sink {
                    // There is nobody to tell that a log could not be written.
                    Some(sink) => drop(sink.write(level, line)),
                    None => platform::write(level, &line),
                }
            }
        };
        let thread = std::thread::Builder::new().name("veilfold-log".to_owned());
        thread
            .spawn(write)
            .map_err(|error| Error::internal(format!("the system gives no thread: {}", error.kind())))?;
        Ok(Self { lines, ended, dropped: 0 })
    }

    fn write(&mut self, level: LogLevel, mut line: String) {
        if self.dropped > 0 {
            // Writing into a string cannot fail.
            let _ = write!(line, " ({} lines before this were dropped)", self.dropped);
        }
        match self.lines.try_send((level, line)) {
            Ok(()) => self.dropped = 0,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => self.dropped += 1,
        }
    }
}

/// Makes this the subscriber of the process, once.
fn subscribe() -> Result<(), Error> {
    static SUBSCRIBED: OnceLock<bool> = OnceLock::new();
    match SUBSCRIBED.get_or_init(|| tracing::subscriber::set_global_default(Lines).is_ok()) {
        true => Ok(()),
        false => Err(Error::invalid("logging_taken", "the process has a subscriber of its own")),
    }
}

/// Turns events into lines. Spans are not used.
struct Lines;

fn level_of(metadata: &Metadata<'_>) -> LogLevel {
    match *metadata.level() {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    }
}

impl Subscriber for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The level may change, so it is asked each time.
        let is_own = metadata.is_event() && metadata.target().starts_with(OWN);
        if is_own { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with(OWN)
            && level_of(metadata) as u8 <= LEVEL.load(Relaxed)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Text(String::new());
        event.record(&mut line);
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = log.as_mut() {
            writer.write(level_of(event.metadata()), line.0);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// `message key=value key=value`.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let space = if self.0.is_empty() { "" } else { " " };
        // Writing into a string cannot fail.
        let _ = match field.name() {
            "message" => {
                let rest = std::mem::take(&mut self.0);
                write!(self.0, "{value:?}{}{rest}", if rest.is_empty() { "" } else { " " })
            }
            name => write!(self.0, "{space}{name}={value:?}"),
        };
    }
}

#[cfg(all(feature = "platform-log", target_os = "android"))]
mod platform {
    use super::LogLevel;
    use android_logger::{AndroidLogger, Config};
    use log::{Level, LevelFilter, Log, Record};
    use std::sync::OnceLock;

    pub(super) fn write(level: LogLevel, line: &str) {
        static LOGCAT: OnceLock<AndroidLogger> = OnceLock::new();
        let config = || Config::default().with_max_level(LevelFilter::Trace).with_tag("veilfold");
        let level = match level {
            LogLevel::Error => Level::Error,
            LogLevel::Warn => Level::Warn,
            LogLevel::Info => Level::Info,
            LogLevel::Debug => Level::Debug,
        };
        LOGCAT
            .get_or_init(|| AndroidLogger::new(config()))
            .log(&Record::builder().level(level).target("veilfold").args(format_args!("{line}")).build());
    }
}

#[cfg(all(feature = "platform-log", target_vendor = "apple"))]
mod platform {
    use super::LogLevel;
    use oslog::{Level, OsLog};
    use std::sync::OnceLock;

    pub(super) fn write(level: LogLevel, line: &str) {
        static UNIFIED: OnceLock<OsLog> = OnceLock::new();
        let level = match level {
            // What the system calls a fault is a bug of the process; ours are not that.
            LogLevel::Error => Level::Error,
            LogLevel::Warn => Level::Default,
            LogLevel::Info => Level::Info,
            LogLevel::Debug => Level::Debug,
        };
        UNIFIED.get_or_init(|| OsLog::new("dev.veilfold", "sync")).with_level(level, line);
    }
}

#[cfg(not(all(feature = "platform-log", any(target_os = "android", target_vendor = "apple"))))]
mod platform {
    use super::LogLevel;
    use std::io::Write;

    pub(super) fn write(level: LogLevel, line: &str) {
        let level = match level {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        };
        // A stream that is closed takes nothing, and there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "veilfold {level}: {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Heard(Mutex<Vec<Line>>);

    impl LogSink for Heard {
        fn write(&self, level: LogLevel, line: String) -> Result<(), LogSinkError> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((level, line));
            Ok(())
        }
    }

    /// One test: the log is one for the process.
    #[test]
    fn lines_of_veilfold_up_to_the_level_reach_the_sink() {
        let heard = Arc::new(Heard(Mutex::default()));
        start_logging(LogLevel::Info, Some(heard.clone())).unwrap();
        tracing::info!(seq = 7, "caught up");
        tracing::debug!("a step");
        tracing::info!(target: "rustls", "not ours");
        start_logging(LogLevel::Debug, Some(heard.clone())).unwrap();
        tracing::debug!("another step");
        stop_logging().unwrap();
        tracing::error!("nobody listens");
        let lines = heard.0.lock().unwrap().clone();
        let expected = [(LogLevel::Info, "caught up seq=7"), (LogLevel::Debug, "another step")];
        assert_eq!(lines, expected.map(|(level, line)| (level, line.to_owned())));
    }
}
