//! One player: a process that takes orders on standard input and answers each on standard output.
//!
//! Used by `tests/players` and by `veilfold-crossing`; `tests/scenarios/README.md` has the orders. The
//! Rust player is found beside the program that starts it, the others by `VEILFOLD_PLAYER_SWIFT`,
//! `…_KOTLIN` and `…_PYTHON`, which name the commands that start them.

use crate::relay_process::program;
use serde_json::Value as Json;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// An order that takes longer waits for something that does not come.
const PATIENCE: Duration = Duration::from_secs(600);

/// A language and the command that starts its player.
#[derive(Clone, Debug)]
pub struct Language {
    /// `rust`, `swift`, `kotlin` or `python`.
    pub name: &'static str,
    command: String,
}

impl Language {
    /// The one that is always there.
    ///
    /// # Errors
    /// When it was not built.
    pub fn rust() -> io::Result<Self> {
        Ok(Self { name: "rust", command: program("veilfold-player")?.display().to_string() })
    }

    /// Those whose player can be started: Rust, and what the environment names.
    ///
    /// # Errors
    /// When the Rust player was not built.
    pub fn here() -> io::Result<Vec<Self>> {
        let others = [
            ("swift", "VEILFOLD_PLAYER_SWIFT"),
            ("kotlin", "VEILFOLD_PLAYER_KOTLIN"),
            ("python", "VEILFOLD_PLAYER_PYTHON"),
        ];
        let others = others
            .into_iter()
            .filter_map(|(name, variable)| Some(Self { name, command: std::env::var(variable).ok()? }));
        Ok(std::iter::once(Self::rust()?).chain(others).collect())
    }
}

/// A started player, ended when dropped.
#[derive(Debug)]
pub struct Player {
    /// What it is written in.
    pub language: &'static str,
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Player {
    /// Starts the player of a language.
    ///
    /// # Errors
    /// As the system says.
    pub fn start(language: &Language) -> io::Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {}", language.command)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (sender, answers) = channel();
        if let Some(output) = child.stdout.take() {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            std::thread::spawn(move || lines.try_for_each(|line| sender.send(line)));
        }
        let orders = child.stdin.take();
        Ok(Self { language: language.name, child, orders, answers })
    }

    /// Gives an order and waits for its answer.
    ///
    /// # Errors
    /// When it has ended, gives no answer in time, or one that is not JSON.
    pub fn obey(&mut self, order: &Json) -> io::Result<Json> {
        let failed = |what: String| io::Error::other(format!("{}, told {order}: {what}", self.language));
        let orders = self.orders.as_mut().ok_or_else(|| failed("has ended".to_owned()))?;
        writeln!(orders, "{order}").and_then(|()| orders.flush())?;
        let line = self.answers.recv_timeout(PATIENCE);
        let line = line.map_err(|error| failed(format!("no answer: {error}")))?;
        serde_json::from_str(&line).map_err(|error| failed(format!("said {line:?}: {error}")))
    }

    /// Ends its input and waits for its end.
    ///
    /// # Errors
    /// When it does not end well.
    pub fn end(mut self) -> io::Result<()> {
        drop(self.orders.take());
        let status = self.child.wait()?;
        let bad = || io::Error::other(format!("{} ended badly: {status}", self.language));
        if status.success() { Ok(()) } else { Err(bad()) }
    }

    /// Resident memory of it and of the processes that it was started through, in bytes.
    ///
    /// # Errors
    /// On systems without `/proc`.
    pub fn memory(&self) -> io::Result<u64> {
        let mut of = vec![self.child.id()];
        let mut bytes = 0;
        while let Some(id) = of.pop() {
            let folder = Path::new("/proc").join(id.to_string());
            let status = std::fs::read_to_string(folder.join("status"))?;
            let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kilobytes: Option<u64> =
                resident.and_then(|text| text.split_whitespace().next()?.parse().ok());
            bytes += kilobytes.unwrap_or_default() * 1024;
            let children = std::fs::read_to_string(folder.join(format!("task/{id}/children")))?;
            of.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        Ok(bytes)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // One that ended by itself has nothing to be killed; another one belongs to a failed test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
