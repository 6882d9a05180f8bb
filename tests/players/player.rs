//! One player: a process that takes orders on standard input and answers each on standard output.

use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// An order that takes longer waits for something that does not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A language and the command that starts its player.
#[derive(Clone, Debug)]
pub struct Language {
    pub name: &'static str,
    command: String,
}

impl Language {
    /// The one that is always there.
    pub fn rust() -> Self {
        Self { name: "rust", command: env!("CARGO_BIN_EXE_veilfold-player").to_owned() }
    }

    /// Those whose player can be started: Rust, and what the environment names.
    pub fn here() -> Vec<Self> {
        let others = [
            ("swift", "VEILFOLD_PLAYER_SWIFT"),
            ("kotlin", "VEILFOLD_PLAYER_KOTLIN"),
            ("python", "VEILFOLD_PLAYER_PYTHON"),
        ];
        let others = others
            .into_iter()
            .filter_map(|(name, variable)| Some(Self { name, command: std::env::var(variable).ok()? }));
        std::iter::once(Self::rust()).chain(others).collect()
    }
}

/// A started player, ended when dropped.
pub struct Player {
    pub language: &'static str,
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Player {
    pub fn start(language: &Language) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {}", language.command)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", language.command));
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let orders = child.stdin.take();
        Self { language: language.name, child, orders, answers }
    }

    /// Gives an order and waits for its answer.
    pub fn obey(&mut self, order: &Json) -> Json {
        let orders = self.orders.as_mut().unwrap();
        writeln!(orders, "{order}").and_then(|()| orders.flush()).unwrap();
        let line = self.answers.recv_timeout(PATIENCE);
        let line =
            line.unwrap_or_else(|error| panic!("{} gave no answer to {order}: {error}", self.language));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{} said {line:?}: {error}", self.language))
    }

    /// Ends its input and waits for its end, which has to be a good one.
    pub fn end(mut self) {
        drop(self.orders.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{} ended badly: {status}", self.language);
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // One that ended by itself has nothing to be killed; another one belongs to a failed test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
