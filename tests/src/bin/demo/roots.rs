//! Compares the state roots of all devices with each other and with the reference model, which
//! folds the same log in the simplest way there is.
//!
//! The model is slow, so it runs on a thread of its own and follows the log while it grows.

use super::Outcome;
use super::people::People;
use super::show;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use veilfold_core::client::{Client, Space};
use veilfold_core::engine::LogEntry;
use veilfold_core::model::{Op, Transaction, Value};
use veilfold_core::wire::SpaceId;
use veilfold_tests::reference::ReferenceModel;

/// Entries of the log that are read at once.
const LOG_PAGE: usize = 512;

/// What came out.
pub struct Compared {
    /// All devices have the same root, in every Space.
    pub equal: bool,
    /// The model has it too, and another one after a changed byte.
    pub reference_ok: bool,
    /// Entries in all Spaces.
    pub entries: u64,
}

/// The model of one Space, fed with the log of one device.
pub struct Follower {
    client: Client,
    space: SpaceId,
    /// The newest position that was read.
    seq: u64,
    entries: Sender<LogEntry>,
    /// The newest position that the model has.
    folded_seq: Arc<AtomicU64>,
    folding: JoinHandle<Models>,
}

/// The state after the log, and after the log with one byte of its last Transactions changed.
struct Models {
    folded: ReferenceModel,
    altered: Option<ReferenceModel>,
}

impl Follower {
    /// Starts at the beginning of the log.
    pub fn start(client: &Client, space: SpaceId) -> Self {
        let (entries, incoming) = channel();
        let folded_seq = Arc::new(AtomicU64::new(0));
        let told = folded_seq.clone();
        let folding = std::thread::spawn(move || fold(&incoming, &told));
        Self { client: client.clone(), space, seq: 0, entries, folded_seq, folding }
    }

    /// Reads what the device has folded since the last time.
    pub async fn keep_up(&mut self) -> Outcome<()> {
        loop {
            let (space, after) = (self.space, self.seq);
            let page = self.client.with_engine(move |engine| engine.log_entries(space, after, LOG_PAGE));
            let page = page.await?;
            let ended = page.len() < LOG_PAGE;
            for entry in page {
                self.seq = entry.seq;
                self.entries.send(entry).map_err(|_| "the reference model stopped")?;
            }
            if ended {
                return Ok(());
            }
        }
    }

    async fn finish(mut self) -> Outcome<Models> {
        self.keep_up().await?;
        drop(self.entries);
        let mut progress = show::Progress::of("Entries folded by the model", self.seq as usize);
        while !self.folding.is_finished() {
            progress.at(self.folded_seq.load(Ordering::Relaxed) as usize);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        progress.done();
        self.folding.join().map_err(|_| "the reference model stopped".into())
    }
}

/// Compares every Space, of which everybody's handles and a follower are given.
pub async fn compare(people: &People, spaces: Vec<(&[Space], Follower)>) -> Outcome<Compared> {
    let mut compared = Compared { equal: true, reference_ok: true, entries: 0 };
    for (handles, follower) in spaces {
        one_space(people, handles, follower, &mut compared).await?;
    }
    Ok(compared)
}

async fn one_space(
    people: &People,
    handles: &[Space],
    follower: Follower,
    compared: &mut Compared,
) -> Outcome<()> {
    println!("  {}", handles[0].name());
    let mut roots = Vec::new();
    for (person, space) in people.all.iter().zip(handles) {
        let root = space.state_root().await?;
        println!("    {:<10} {}", person.name, show::hex(&root.0));
        roots.push(root);
    }
    compared.equal &= roots.iter().all(|root| *root == roots[0]);

    let id = handles[0].id();
    let point = people.all[0].client.with_engine(move |engine| engine.order_point(id)).await?;
    compared.entries += point.seq;
    let Models { folded, altered } = follower.finish().await?;
    let root = |model: &ReferenceModel| {
        model.state_root(point.seq, &point.chain, &point.control_head, &point.authors)
    };
    let (model, altered) = (root(&folded), altered.map(|model| root(&model)));
    println!("    {:<10} {}", "the model", show::hex(&model));
    if let Some(altered) = altered {
        println!("    {:<10} {}", "altered", show::hex(&altered));
        println!("    {:<10} (the model once more, with one byte of the last Entry changed)", "");
    }
    compared.reference_ok &= model == roots[0].0 && altered.is_some_and(|altered| altered != model);
    Ok(())
}

/// Folds what comes, always leaving the newest Transactions for the end, to fold them twice.
fn fold(incoming: &Receiver<LogEntry>, folded_seq: &AtomicU64) -> Models {
    let mut folded = ReferenceModel::new();
    let mut newest: Option<(LogEntry, Vec<Transaction>)> = None;
    let take = |model: &mut ReferenceModel, entry: &LogEntry, transactions: &[Transaction]| {
        model.fold_entry(entry.seq, entry.author, entry.seen_seq, transactions);
    };
    for mut entry in incoming {
        folded_seq.store(entry.seq, Ordering::Relaxed);
        let Some(transactions) = entry.transactions.take() else { continue };
        if let Some((entry, transactions)) = newest.replace((entry, transactions)) {
            take(&mut folded, &entry, &transactions);
        }
    }
    let mut altered = None;
    if let Some((entry, transactions)) = newest {
        if let Some(changed) = alter(transactions.clone()) {
            let mut other = folded.clone();
            take(&mut other, &entry, &changed);
            altered = Some(other);
        }
        take(&mut folded, &entry, &transactions);
    }
    Models { folded, altered }
}

/// Changes one byte of the last text, string or place in a text that is written.
fn alter(mut transactions: Vec<Transaction>) -> Option<Vec<Transaction>> {
    let ops = transactions.iter_mut().rev().flat_map(|transaction| transaction.actions.iter_mut().rev());
    for op in ops.map(|action| &mut action.op) {
        let text = match op {
            Op::TextEdit { splices, .. } => match splices.last_mut() {
                Some(splice) if splice.insert.is_empty() => {
                    splice.offset ^= 1;
                    return Some(transactions);
                }
                Some(splice) => &mut splice.insert,
                None => continue,
            },
            Op::TextCreate { text, .. } | Op::Set { value: Value::String(text), .. } => text,
            _ => continue,
        };
        if text.ends_with(|last: char| last.is_ascii()) {
            let last = text.pop();
            text.push(if last == Some('!') { '?' } else { '!' });
            return Some(transactions);
        }
    }
    None
}
