//! The second part: a recorded session, one Transaction for each of its transactions, by as many
//! devices as it had authors, each held back from Entries that its author had not seen.
//!
//! What is in the order before a run is what the plan says; a proxy before each device lets Entries
//! through up to the position that the run's author knew, and the device waits until it has folded
//! them. Nothing in the device knows of this.

use super::Outcome;
use super::people::{People, Person, agree, patiently};
use super::roots::Follower;
use super::runs::{Run, runs};
use super::show;
use std::path::Path;
use std::time::{Duration, Instant};
use veilfold_core::client::{Collection, Space, SpaceStatus, StatusStream, value_at};
use veilfold_core::engine::LogEntry;
use veilfold_core::model::{Path as Place, TextSplice, Value};
use veilfold_core::wire::SpaceId;
use veilfold_core::wire::limits::SEEN_WINDOW;
use veilfold_tests::trace::{Patch, Plan, Trace};

/// Names that the replay gives to things.
pub const NAMES_GIVEN: [&str; 3] = [SPACE, COLLECTION, DOCUMENT];
const SPACE: &str = "An evening in one document";
const COLLECTION: &str = "conversations";
const DOCUMENT: &str = "friends-forever";
const TEXT: &str = "transcript";
/// Entries of the log that are read at once.
const LOG_PAGE: usize = 512;
/// After so many runs the reference model is given what has come.
const FOLLOW_RUNS: usize = 64;

/// What became of it.
pub struct Replayed {
    /// The text is the recorded one on every device.
    pub text_ok: bool,
    /// All devices show the same text.
    pub texts_equal: bool,
    /// Transactions of the recording that the order contains.
    pub transactions: u64,
    /// Transactions sealed while their author was held back from something ordered.
    pub concurrent: u64,
    /// The Space.
    pub space: SpaceId,
    spaces: Vec<Space>,
}

impl Replayed {
    /// Everybody's handle on the Space.
    pub fn spaces(&self) -> &[Space] {
        &self.spaces
    }
}

/// One author at work.
struct Desk<'a> {
    person: &'a Person,
    space: Space,
    text: Collection,
    status: StatusStream,
    newest: SpaceStatus,
}

/// Where the time went.
#[derive(Default)]
struct Spent {
    catching_up: Duration,
    writing: Duration,
    ordering: Duration,
}

impl Desk<'_> {
    async fn at<'a>(person: &'a Person, space: &Space) -> Outcome<Desk<'a>> {
        Ok(Desk {
            person,
            space: space.clone(),
            text: space.collection(COLLECTION),
            status: space.status_stream().await?,
            newest: space.status().await?,
        })
    }

    /// Waits until the device stands as wanted.
    async fn until(&mut self, what: &str, enough: impl Fn(&SpaceStatus) -> bool) -> Outcome<()> {
        while !enough(&self.newest) {
            let next = patiently(what, self.status.next()).await??;
            self.newest = next.ok_or("the client was closed")?;
        }
        Ok(())
    }

    /// Lets the device have the order up to `seq` and waits until it has.
    async fn know(&mut self, seq: u64) -> Outcome<()> {
        self.person.proxy.hold_at(self.space.id(), seq);
        self.until("catching up", |status| status.seq >= seq).await?;
        if self.newest.seq > seq {
            return Err(format!("{} knows more than {seq}", self.person.name).into());
        }
        Ok(())
    }

    async fn write(&self, patches: &[Patch]) -> Outcome<()> {
        let splices = patches.iter().map(|patch| TextSplice {
            offset: patch.offset,
            delete: patch.delete,
            insert: patch.insert.clone(),
        });
        self.text.text_edit(DOCUMENT, TEXT, splices.collect()).await?;
        Ok(())
    }

    /// Waits until the Relay has acknowledged everything written here; gives the newest position.
    async fn be_ordered(&mut self) -> Outcome<u64> {
        self.newest = self.space.status().await?;
        self.until("being ordered", |status| status.stored_count == status.outbox_count).await?;
        Ok(self.person.proxy.passed(self.space.id()).acknowledged_seq)
    }
}

/// Replays the recording and looks at what came out. Gives the reference model that followed, too.
pub async fn replay(
    people: &People,
    file: &Path,
    trace: &Trace,
    plan: &Plan,
) -> Outcome<(Replayed, Follower)> {
    let runs = runs(plan);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    println!("  {name}: {} people, {} keystrokes.", plan.authors, show::thousands(plan.steps.len() as u64));
    println!("  What each knew of the others changes {} times.\n", show::thousands(runs.len() as u64));
    let spaces = people.share(SPACE).await?;
    spaces[0].collection(COLLECTION).text_create(DOCUMENT, TEXT, &trace.start).await?;
    let start = agree(&spaces).await?;
    for (person, space) in people.all.iter().zip(&spaces) {
        person.proxy.hold_at(space.id(), start);
    }
    let mut desks = Vec::new();
    for (person, space) in people.all.iter().zip(&spaces) {
        desks.push(Desk::at(person, space).await?);
    }

    let began = Instant::now();
    let mut follower = Follower::start(&people.all[0].client, spaces[0].id());
    let spent = type_all(&mut desks, &runs, plan, start, &mut follower).await?;
    let typed = began.elapsed();
    drop(desks);
    for (person, space) in people.all.iter().zip(&spaces) {
        person.proxy.release(space.id());
    }
    let end = agree(&spaces).await?;
    let took = began.elapsed();

    let log = read_log(people, spaces[0].id(), start).await?;
    let mut texts = Vec::new();
    for space in &spaces {
        texts.push(read_text(space).await?);
    }
    let replayed = Replayed {
        text_ok: texts.iter().all(|text| *text == trace.end),
        texts_equal: texts.iter().all(|text| *text == texts[0]),
        transactions: log.iter().map(transactions).sum(),
        concurrent: log.iter().filter(|entry| is_concurrent(entry, &log)).map(transactions).sum(),
        space: spaces[0].id(),
        spaces,
    };
    tell(&replayed, plan, &texts, end - start, took);
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    show::fact("time to fold what others wrote", seconds(spent.catching_up));
    show::fact("time to commit keystrokes", seconds(spent.writing));
    show::fact("time until the Relay had them on disk", seconds(spent.ordering));
    show::fact("time to let everybody see everything", seconds(took.saturating_sub(typed)));
    Ok((replayed, follower))
}

/// Goes through the runs, one after the other, so that the order is the plan's.
async fn type_all(
    desks: &mut [Desk<'_>],
    runs: &[Run],
    plan: &Plan,
    start: u64,
    follower: &mut Follower,
) -> Outcome<Spent> {
    let mut spent = Spent::default();
    let mut progress = show::Progress::of("keystrokes", plan.steps.len());
    // Where the order ended when a step was reached that begins a run.
    let mut ordered_before = vec![start; plan.steps.len() + 1];
    let mut end = start;
    for (count, run) in runs.iter().enumerate() {
        if count % FOLLOW_RUNS == 0 {
            follower.keep_up().await?;
        }
        ordered_before[run.steps.start] = end;
        let known = ordered_before[run.known];
        if end - known >= SEEN_WINDOW {
            let text = "an author stays too far behind the others for a device that is online";
            return Err(format!("the recording does not fit: {text}").into());
        }
        let desk = &mut desks[run.author];
        let began = Instant::now();
        desk.know(known).await?;
        let folded = Instant::now();
        for step in &plan.steps[run.steps.clone()] {
            let written = desk.write(&step.patches).await;
            written.map_err(|error| format!("transaction {} of the recording: {error}", step.transaction))?;
        }
        let written = Instant::now();
        end = desk.be_ordered().await?;
        spent.catching_up += folded - began;
        spent.writing += written - folded;
        spent.ordering += written.elapsed();
        progress.at(run.steps.end);
    }
    progress.done();
    Ok(spent)
}

fn tell(replayed: &Replayed, plan: &Plan, texts: &[String], entries: u64, took: Duration) {
    let seconds = took.as_secs_f64();
    let rate = |count: u64| format!("{} in a second", show::thousands((count as f64 / seconds) as u64));
    let planned = plan.steps.iter().enumerate().filter(|(index, step)| step.known < *index).count() as u64;
    show::fact("keystrokes, one Transaction each", show::thousands(replayed.transactions));
    show::fact("", rate(replayed.transactions));
    show::fact("Entries that carried them", show::thousands(entries));
    show::fact("", rate(entries));
    show::fact("made without knowing something ordered", show::thousands(replayed.concurrent));
    show::fact("so many should be, by the recording", show::thousands(planned));
    let ends = if replayed.text_ok { "yes, on every device" } else { "NO" };
    show::fact("the text is the recorded one", ends);
    let shown = texts[0].lines().next_back().unwrap_or_default();
    let shown: String = shown.chars().take(72).collect();
    println!("\n  It ends: {shown}\n");
}

/// The data Entries after position `after`.
async fn read_log(people: &People, space: SpaceId, after: u64) -> Outcome<Vec<LogEntry>> {
    let mut log: Vec<LogEntry> = Vec::new();
    loop {
        let from = log.last().map_or(after, |entry| entry.seq);
        let client = &people.all[0].client;
        let page = client.with_engine(move |engine| engine.log_entries(space, from, LOG_PAGE)).await?;
        let ended = page.len() < LOG_PAGE;
        log.extend(page);
        if ended {
            return Ok(log);
        }
    }
}

fn transactions(entry: &LogEntry) -> u64 {
    entry.transactions.as_ref().map_or(0, |transactions| transactions.len() as u64)
}

/// Somebody else's Entry lies between what the author had seen and the Entry itself.
fn is_concurrent(entry: &LogEntry, log: &[LogEntry]) -> bool {
    let first = log.partition_point(|other| other.seq <= entry.seen_seq);
    log[first..].iter().take_while(|other| other.seq < entry.seq).any(|other| other.author != entry.author)
}

async fn read_text(space: &Space) -> Outcome<String> {
    let fields = space.collection(COLLECTION).get(DOCUMENT).await?.unwrap_or_default();
    match value_at(&fields, &Place::parse(TEXT)?) {
        Some(Value::Text(text)) => Ok(text.to_string()),
        _ => Err("there is no text in the document".into()),
    }
}
