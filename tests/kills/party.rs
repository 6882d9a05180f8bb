//! One typist: its store, its ledger, the proxy before the Relay, and its process while it lives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use veilfold_core::wire::frame::{DeviceFrame, RelayFrame, append_id};
use veilfold_tests::proxy::Proxy;

/// What does not come to an end in this time never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the Relay said of an Entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub seq: u64,
    pub hash: [u8; 32],
}

/// A typist.
pub struct Party {
    pub name: String,
    pub store: PathBuf,
    pub proxy: Proxy,
    /// Names of the Entries that were offered to the Relay since all was quiet, over all lives.
    pub offered: BTreeSet<[u8; 32]>,
    /// What the Relay acknowledged, by the Entries' names.
    pub acknowledged: BTreeMap<[u8; 32], Acknowledged>,
    trace: PathBuf,
    ledger: PathBuf,
    /// Commits that came about although a kill took the answer.
    untold: usize,
    process: Option<Process>,
}

struct Process {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Party {
    pub fn new(folder: &Path, name: &str, trace: PathBuf, proxy: Proxy) -> Self {
        Self {
            name: name.to_owned(),
            store: folder.join(format!("{name}.db")),
            ledger: folder.join(format!("{name}.ledger")),
            proxy,
            offered: BTreeSet::new(),
            acknowledged: BTreeMap::new(),
            trace,
            untold: 0,
            process: None,
        }
    }

    /// Starts the process. True when it finds a keystroke in the Space whose commit had not returned
    /// when it was killed.
    ///
    /// # Panics
    /// When a keystroke is gone whose commit had returned.
    pub async fn start(&mut self) -> bool {
        let mut child = Command::new(env!("CARGO_BIN_EXE_veilfold-killed"))
            .args([&self.store, &PathBuf::from(self.proxy.url()), &self.trace])
            .args([PathBuf::from(&self.name), self.ledger.clone()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        self.process = Some(Process { child, orders, answers });
        let (typed, promised) = (self.answer("ready").await, self.promised());
        assert!(typed >= promised + self.untold, "{} has {typed} of {promised} keystrokes", self.name);
        let untold = core::mem::replace(&mut self.untold, typed - promised);
        self.untold > untold
    }

    /// Gives an order without waiting for its end.
    pub async fn order(&mut self, order: &str) {
        let process = self.process.as_mut().unwrap();
        process.orders.write_all(format!("{order}\n").as_bytes()).await.unwrap();
    }

    /// Waits for the end of an order; gives how many keystrokes are typed.
    pub async fn done(&mut self) -> usize {
        self.answer("done").await
    }

    /// Gives an order and waits for its end.
    pub async fn obey(&mut self, order: &str) -> usize {
        self.order(order).await;
        self.done().await
    }

    async fn answer(&mut self, word: &str) -> usize {
        let process = self.process.as_mut().unwrap();
        let line = timeout(PATIENCE, process.answers.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{} did not answer {word} in time", self.name));
        let line = line.unwrap().unwrap_or_else(|| panic!("{} ended instead of answering {word}", self.name));
        let count = line.strip_prefix(word).unwrap_or_else(|| panic!("{} said {line:?}", self.name));
        count.trim().parse().unwrap()
    }

    /// `SIGKILL`.
    pub async fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.child.start_kill().unwrap();
        process.child.wait().await.unwrap();
    }

    /// Waits for the end of a process that was told to end.
    pub async fn ended(&mut self) {
        let mut process = self.process.take().unwrap();
        let status = timeout(PATIENCE, process.child.wait()).await.expect("it ends when it is told to");
        assert!(status.unwrap().success(), "{} ended badly", self.name);
    }

    /// Notes what has passed the proxy since the last time.
    pub fn note_passed(&mut self) {
        let recording = self.proxy.take_recording();
        for message in &recording.to_relay {
            if let Ok(DeviceFrame::Append { entry, .. }) = DeviceFrame::decode(message) {
                self.offered.insert(append_id(&entry));
            }
        }
        for message in &recording.to_client {
            if let Ok(RelayFrame::Ordered { id, hash, seq, .. }) = RelayFrame::decode(message) {
                let now = Acknowledged { seq, hash: hash.0 };
                let before = self.acknowledged.insert(id, now);
                assert!(before.is_none_or(|before| before == now), "one Entry was given two places");
            }
        }
    }

    /// The lines of the ledger that were written whole.
    pub fn ledger(&self) -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(&self.ledger).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    }

    /// How many commits were promised.
    pub fn promised(&self) -> usize {
        self.ledger().iter().filter(|line| line[0] == "c").count()
    }
}
