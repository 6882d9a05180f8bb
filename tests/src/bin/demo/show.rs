//! How the demo speaks: titles, facts, progress.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How much a part tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Everything.
    Many,
    /// Nothing but failures.
    Few,
}

impl Words {
    /// Prints a line, if this part is to say much.
    pub fn say(self, text: impl Display) {
        if self == Self::Many {
            println!("{text}");
        }
    }
}

/// A new part begins.
pub fn title(text: &str) {
    println!("\n== {text}\n");
}

/// One thing and what it is.
pub fn fact(what: &str, is: impl Display) {
    println!("  {what:<48} {is}");
}

/// A count with its thousands apart.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as a person reads them.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{} B", thousands(bytes)),
        10_000..10_000_000 => format!("{} kB", thousands(bytes / 1000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Bytes in hex, in groups of four.
pub fn hex(bytes: &[u8]) -> String {
    let groups =
        bytes.chunks(4).map(|group| group.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    groups.collect::<Vec<_>>().join(" ")
}

/// Tells how far something long has come: in place on a terminal, else a line now and then.
pub struct Progress {
    what: &'static str,
    total: usize,
    started: Instant,
    told: Instant,
}

impl Progress {
    /// Begins.
    pub fn of(what: &'static str, total: usize) -> Self {
        Self { what, total, started: Instant::now(), told: Instant::now() }
    }

    /// `done` of the total are done.
    pub fn at(&mut self, done: usize) {
        let terminal = std::io::stdout().is_terminal();
        let pause = Duration::from_millis(if terminal { 200 } else { 5_000 });
        if self.told.elapsed() < pause {
            return;
        }
        self.told = Instant::now();
        let seconds = self.started.elapsed().as_secs_f64();
        let (done_text, total) = (thousands(done as u64), thousands(self.total as u64));
        let rate = thousands((done as f64 / seconds) as u64);
        let line = format!("  {done_text} of {total} {}, {rate} in a second", self.what);
        if terminal {
            print!("\r{line}   ");
            // A terminal that is gone needs no progress.
            let _ = std::io::stdout().flush();
        } else {
            println!("{line}");
        }
    }

    /// Ends, and gives how long it took.
    pub fn done(self) -> Duration {
        if std::io::stdout().is_terminal() {
            print!("\r{:70}\r", "");
        }
        self.started.elapsed()
    }
}
