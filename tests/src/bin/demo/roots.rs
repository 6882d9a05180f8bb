//! Compares the state roots of all devices with each other and with the reference model, which
//! folds the same log in the simplest way there is.

use super::Outcome;
use super::people::People;
use super::show;
use veilfold_core::client::Space;
use veilfold_core::engine::LogEntry;
use veilfold_core::model::{Op, Transaction, Value};
use veilfold_tests::reference::ReferenceModel;

/// What came out.
pub struct Compared {
    /// All devices have the same root, in every Space.
    pub equal: bool,
    /// The model has it too, and another one after a changed byte.
    pub reference_ok: bool,
    /// Entries in all Spaces.
    pub entries: u64,
}

/// Compares every Space, of which everybody's handles are given.
pub async fn compare(people: &People, spaces: &[&[Space]]) -> Outcome<Compared> {
    let mut compared = Compared { equal: true, reference_ok: true, entries: 0 };
    for handles in spaces {
        one_space(people, handles, &mut compared).await?;
    }
    Ok(compared)
}

async fn one_space(people: &People, handles: &[Space], compared: &mut Compared) -> Outcome<()> {
    println!("  {}", handles[0].name());
    let mut roots = Vec::new();
    for (person, space) in people.all.iter().zip(handles) {
        let root = space.state_root().await?;
        println!("    {:<10} {}", person.name, show::hex(&root.0));
        roots.push(root);
    }
    compared.equal &= roots.iter().all(|root| *root == roots[0]);

    let id = handles[0].id();
    let client = &people.all[0].client;
    let point = client.with_engine(move |engine| engine.order_point(id)).await?;
    let log = client.with_engine(move |engine| engine.log_entries(id, 0, usize::MAX >> 1)).await?;
    compared.entries += log.len() as u64;
    let folded = tokio::task::spawn_blocking(move || {
        let root = |model: &ReferenceModel| {
            model.state_root(point.seq, &point.chain, &point.control_head, &point.authors)
        };
        let (model, altered) = fold(&log);
        (root(&model), altered.map(|model| root(&model)))
    });
    let (model, altered) = folded.await?;
    println!("    {:<10} {}", "the model", show::hex(&model));
    match altered {
        Some(altered) => {
            println!(
                "    {:<10} {} (one byte of the last Entry with text changed)",
                "altered",
                show::hex(&altered)
            );
            compared.reference_ok &= altered != model;
        }
        None => compared.reference_ok = false,
    }
    compared.reference_ok &= model == roots[0].0;
    Ok(())
}

/// Folds the log, and beside it the same log with one byte changed at the last place where that
/// is possible.
fn fold(log: &[LogEntry]) -> (ReferenceModel, Option<ReferenceModel>) {
    let with_text = log.iter().rposition(|entry| {
        entry.transactions.as_ref().is_some_and(|transactions| alter(transactions.clone()).is_some())
    });
    let mut progress = show::Progress::of("Entries folded by the model", log.len());
    let mut model = ReferenceModel::new();
    let mut altered: Option<ReferenceModel> = None;
    for (index, entry) in log.iter().enumerate() {
        let Some(transactions) = &entry.transactions else { continue };
        if Some(index) == with_text {
            altered = Some(model.clone());
        }
        if let Some(altered) = &mut altered {
            let changed = (Some(index) == with_text).then(|| alter(transactions.clone())).flatten();
            let transactions = changed.as_ref().unwrap_or(transactions);
            altered.fold_entry(entry.seq, entry.author, entry.seen_seq, transactions);
        }
        model.fold_entry(entry.seq, entry.author, entry.seen_seq, transactions);
        progress.at(index);
    }
    progress.done();
    (model, altered)
}

/// Changes one byte of the last text or string that is written.
fn alter(mut transactions: Vec<Transaction>) -> Option<Vec<Transaction>> {
    let ops = transactions.iter_mut().rev().flat_map(|transaction| transaction.actions.iter_mut().rev());
    for op in ops.map(|action| &mut action.op) {
        let text = match op {
            Op::TextEdit { splices, .. } => splices.iter_mut().rev().map(|splice| &mut splice.insert).next(),
            Op::TextCreate { text, .. } => Some(text),
            Op::Set { value: Value::String(text), .. } => Some(text),
            _ => None,
        };
        let Some(text) = text else { continue };
        if let Some(last) = text.chars().next_back().filter(char::is_ascii_graphic) {
            text.pop();
            text.push(if last == '!' { '?' } else { '!' });
            return Some(transactions);
        }
    }
    None
}
