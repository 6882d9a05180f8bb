//! What each step came to and how long it took, as a table with one closing line.

use std::time::{Duration, Instant};

/// How many tests of a step passed and failed. A step without tests of its own counts as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub passed: u64,
    pub failed: u64,
    /// Why the step did not do all it could.
    pub note: Option<String>,
}

impl Outcome {
    pub fn of(ok: bool) -> Self {
        Self { passed: u64::from(ok), failed: u64::from(!ok), note: None }
    }

    /// Something that the step needs is missing, and that is as bad as a failed test.
    pub fn missing(what: &str) -> Self {
        Self { note: Some(format!("not run: {what}")), ..Self::of(false) }
    }

    /// The step was left out, and that is all right.
    pub fn left_out(why: &str) -> Self {
        Self { note: Some(format!("left out: {why}")), ..Self::default() }
    }

    pub fn with_note(self, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..self }
    }

    /// A program that says it failed is believed, even if none of its tests did.
    pub fn and_exit(mut self, ok: bool) -> Self {
        if !ok && self.failed == 0 {
            self.failed = 1;
        }
        self
    }
}

struct Row {
    name: String,
    outcome: Outcome,
    took: Duration,
}

pub struct Report {
    rows: Vec<Row>,
    started: Instant,
}

impl Report {
    pub fn new() -> Self {
        Self { rows: Vec::new(), started: Instant::now() }
    }

    /// Runs one step and notes what it came to.
    pub fn step(&mut self, name: &str, run: impl FnOnce() -> Outcome) -> bool {
        let started = Instant::now();
        let outcome = run();
        let row = Row { name: name.to_owned(), outcome, took: started.elapsed() };
        println!("-- {}", row.line());
        let ok = row.outcome.failed == 0;
        self.rows.push(row);
        ok
    }

    /// Prints the table and the closing line; true when nothing failed.
    pub fn close(self) -> bool {
        println!("\n{}", self.text());
        self.rows.iter().all(|row| row.outcome.failed == 0)
    }

    fn text(&self) -> String {
        let mut text = format!("{:<14} {:>8} {:>8} {:>8}\n", "step", "passed", "failed", "time");
        for row in &self.rows {
            text.push_str(&row.line());
            text.push('\n');
        }
        let sum = |of: fn(&Outcome) -> u64| self.rows.iter().map(|row| of(&row.outcome)).sum::<u64>();
        let (passed, failed) = (sum(|outcome| outcome.passed), sum(|outcome| outcome.failed));
        text.push_str(&format!("{:<14} {:>26}\n", "all", clock(self.started.elapsed())));
        text.push_str(&format!("{passed} passed, {failed} failed"));
        text
    }
}

impl Row {
    fn line(&self) -> String {
        let Outcome { passed, failed, note } = &self.outcome;
        let line = format!("{:<14} {passed:>8} {failed:>8} {:>8}", self.name, clock(self.took));
        match note {
            Some(note) => format!("{line}  {note}"),
            None => line,
        }
    }
}

fn clock(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_sums_up_all_steps() {
        let mut report = Report::new();
        assert!(report.step("fmt", || Outcome::of(true)));
        assert!(!report.step("rust", || Outcome { passed: 40, failed: 2, note: None }));
        assert!(report.step("deny", || Outcome::left_out("no cargo-deny")));
        assert!(!report.step("python", || Outcome::missing("Python")));
        assert_eq!(report.text().lines().last(), Some("41 passed, 3 failed"));
        assert!(!report.close());
    }

    #[test]
    fn a_program_that_failed_counts_even_without_a_failed_test() {
        assert_eq!(Outcome { passed: 7, ..Outcome::default() }.and_exit(false).failed, 1);
        assert_eq!(Outcome { passed: 7, failed: 2, note: None }.and_exit(false).failed, 2);
        assert_eq!(Outcome::of(true).and_exit(true), Outcome::of(true));
    }
}
