//! A client in a process of its own, made to be killed: it types a recording into a Space and writes
//! every promise it was given into a ledger on disk.
//!
//! `tests/kills` starts it, tells it what to do on standard input and kills it at chosen instants.
//! Where it stands in the recording is read from the Space itself, so it goes on after any kill.

#![allow(clippy::print_stdout, reason = "the answers that the test waits for")]

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::unbounded_channel;
use veilfold_core::client::{Client, Config, Fate, Receipt, Space, value_at};
use veilfold_core::model::{Action, DocumentKey, Op, Path, TextSplice, Value};
use veilfold_tests::trace::{Patch, Trace};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What was promised, one line each: `c` and the id of a committed Transaction, `o` with its id and
/// position once the order has it.
#[derive(Clone)]
struct Ledger(Arc<Mutex<File>>);

impl Ledger {
    fn open(path: &FilePath) -> Outcome<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Returns once the line is on disk.
    fn write(&self, line: &str) -> Outcome<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes())?;
        Ok(file.sync_data()?)
    }
}

struct Typist {
    client: Client,
    space: Space,
    trace: Trace,
    author: String,
    ledger: Ledger,
    typed: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, relay, trace, author, ledger] = arguments.as_slice() else {
        return Err("usage: veilfold-killed STORE RELAY TRACE AUTHOR LEDGER".into());
    };
    let trace = Trace::read(FilePath::new(trace))?;
    let client = Client::open(store, Config::with_relay(relay)).await?;
    let space = client.spaces().await?.pop().ok_or("the store has no space")?;
    let ledger = Ledger::open(FilePath::new(ledger))?;
    let mut typist = Typist { client, space, trace, author: author.clone(), ledger, typed: 0 };
    typist.typed = typist.progress().await?;
    println!("ready {}", typist.typed);
    let (orders, mut lines) = unbounded_channel();
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).all(|line| orders.send(line).is_ok())
    });
    while let Some(line) = lines.recv().await {
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("type", count) => typist.type_keys(count.parse()?).await?,
            ("connect", _) => typist.client.connect().await?,
            ("sync", _) => {
                typist.space.synced().await?;
            }
            ("reach", seq) => {
                typist.space.reached(seq.parse()?).await?;
            }
            ("quit", _) => break,
            _ => return Err(format!("unknown command {line:?}").into()),
        }
        println!("done {}", typist.typed);
    }
    typist.client.close().await?;
    Ok(())
}

impl Typist {
    /// How many keystrokes are in the Space, as this device shows it.
    async fn progress(&self) -> Outcome<usize> {
        let progress = self.space.collection("typed").get(&self.author).await?.unwrap_or_default();
        Ok(match progress.get("keys") {
            Some(Value::Int(keys)) => usize::try_from(*keys)?,
            _ => 0,
        })
    }

    async fn type_keys(&mut self, count: usize) -> Outcome<()> {
        for _ in 0..count {
            let patches = &self.trace.transactions.get(self.typed).ok_or("the recording ended")?.patches;
            let receipt = self.space.commit(self.actions(patches).await?).await?;
            self.ledger.write(&format!("c {}", receipt.tx_id()))?;
            self.typed += 1;
            tokio::spawn(note_order(receipt, self.ledger.clone()));
        }
        Ok(())
    }

    /// One Transaction: the keystroke in an own text, the same somewhere in the shared text, and the
    /// counts that say how far everybody is.
    async fn actions(&self, patches: &[Patch]) -> Outcome<Vec<Action>> {
        let shared = self.space.collection("texts").get("shared").await?.unwrap_or_default();
        let mut length = match value_at(&shared, &Path::parse("text")?) {
            Some(Value::Text(text)) => text.to_string().chars().count() as u64,
            _ => 0,
        };
        let own: Vec<TextSplice> = patches.iter().map(splice).collect();
        let mut clamped = own.clone();
        for splice in &mut clamped {
            splice.offset = splice.offset.min(length);
            splice.delete = splice.delete.min(length - splice.offset);
            length = length - splice.delete + splice.insert.chars().count() as u64;
        }
        let text = Path::parse("text")?;
        let keys = Path::parse("keys")?;
        Ok(vec![
            action("texts", &self.author, Op::TextEdit { path: text.clone(), splices: own }),
            action("texts", "shared", Op::TextEdit { path: text, splices: clamped }),
            action("typed", &self.author, Op::Increment { path: keys.clone(), by: 1 }),
            action("typed", "together", Op::Increment { path: keys, by: 1 }),
        ])
    }
}

async fn note_order(receipt: Receipt, ledger: Ledger) {
    if let Ok(Fate::Confirmed(position)) = receipt.settled().await {
        // Without a disk there is no ledger to compare with, and the test ends by that.
        let _ = ledger.write(&format!("o {} {} {}", receipt.tx_id(), position.seq, position.index));
    }
}

fn splice(patch: &Patch) -> TextSplice {
    TextSplice { offset: patch.offset, delete: patch.delete, insert: patch.insert.clone() }
}

fn action(collection: &str, document: &str, op: Op) -> Action {
    Action { key: DocumentKey::new(collection, document), op }
}
