//! Running other programs: shown before they run, listened to while they run.
//!
//! Used by every verb. A program that cannot be started counts as one that failed.

use crate::place::Place;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program to run, with the line that a person would type for it.
pub struct Run {
    command: Command,
    shown: String,
}

/// What a program came to, and what it said on both of its outputs.
pub struct Said {
    /// It ended by itself and reported success.
    pub ok: bool,
    /// Everything that it wrote, line by line.
    pub text: String,
}

impl Run {
    pub fn new(program: impl AsRef<OsStr>, folder: &Path) -> Self {
        let program = program.as_ref();
        let mut command = Command::new(program);
        command.current_dir(folder);
        Self { command, shown: program.to_string_lossy().into_owned() }
    }

    /// Cargo of the toolchain that built this xtask, or of another one.
    pub fn cargo(folder: &Path) -> Self {
        Self::new("cargo", folder)
    }

    /// Cargo, building in the target folder of this place, which need not be cargo's own choice.
    pub fn cargo_in(place: &Place) -> Self {
        let mut run = Self::cargo(&place.root);
        run.command.env("CARGO_TARGET_DIR", &place.target);
        run
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        let argument = argument.as_ref();
        self.shown.push(' ');
        self.shown.push_str(&argument.to_string_lossy());
        self.command.arg(argument);
        self
    }

    pub fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Self {
        arguments.into_iter().fold(self, Self::arg)
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let value = value.as_ref();
        self.shown = format!("{name}={} {}", value.to_string_lossy(), self.shown);
        self.command.env(name, value);
        self
    }

    /// Runs with this process's own inputs and outputs.
    pub fn succeeds(mut self) -> bool {
        println!("$ {}", self.shown);
        match self.command.status() {
            Ok(status) => status.success(),
            Err(error) => {
                println!("{}: {error}", self.shown);
                false
            }
        }
    }

    /// Runs like [`Run::succeeds`], but not for ever: what takes longer has failed.
    pub fn succeeds_within(mut self, time: Duration) -> bool {
        println!("$ {}", self.shown);
        let Ok(mut child) = self.command.stdin(Stdio::null()).spawn() else {
            println!("{}: cannot be started", self.shown);
            return false;
        };
        let started = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if started.elapsed() < time => std::thread::sleep(Duration::from_millis(20)),
                Ok(None) | Err(_) => {
                    println!("{}: not done after {} s", self.shown, time.as_secs());
                    let _ = child.kill();
                    let _ = child.wait();
                    return false;
                }
            }
        }
    }

    /// Runs, passes on what is said as it comes, and keeps it.
    pub fn heard(mut self) -> Said {
        println!("$ {}", self.shown);
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(error) => {
                println!("{}: {error}", self.shown);
                return Said { ok: false, text: error.to_string() };
            }
        };
        let errors = child.stderr.take().map(|pipe| std::thread::spawn(move || pass_on(pipe, Where::Errors)));
        let mut text = child.stdout.take().map(|pipe| pass_on(pipe, Where::Output)).unwrap_or_default();
        if let Some(said) = errors.and_then(|thread| thread.join().ok()) {
            text.push_str(&said);
        }
        Said { ok: child.wait().is_ok_and(|status| status.success()), text }
    }

    /// Runs without a word and returns what was written to standard output.
    pub fn quietly(mut self) -> Option<String> {
        self.command.stdin(Stdio::null()).stderr(Stdio::null());
        let output = self.command.output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

#[derive(Clone, Copy)]
enum Where {
    Output,
    Errors,
}

fn pass_on(pipe: impl Read, to: Where) -> String {
    let mut text = String::new();
    let mut lines = BufReader::new(pipe);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let said = String::from_utf8_lossy(&line);
        // Nobody may be listening any more; the tests go on all the same.
        let _ = match to {
            Where::Output => std::io::stdout().write_all(said.as_bytes()),
            Where::Errors => std::io::stderr().write_all(said.as_bytes()),
        };
        text.push_str(&said);
        line.clear();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_are_heard_and_the_exit_code_is_believed() {
        let said = Run::new("sh", Path::new(".")).args(["-c", "echo out; echo err >&2; exit 3"]).heard();
        assert!(!said.ok);
        assert!(said.text.contains("out\n") && said.text.contains("err\n"));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let run = |script: &str| Run::new("sh", Path::new(".")).args(["-c", script]);
        assert!(run("exit 0").succeeds_within(Duration::from_secs(60)));
        assert!(!run("exec sleep 60").succeeds_within(Duration::from_millis(50)));
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure() {
        assert!(!Run::new("no-such-program-here", Path::new(".")).heard().ok);
        assert!(Run::new("no-such-program-here", Path::new(".")).quietly().is_none());
    }
}
