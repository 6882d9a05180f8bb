//! `veilfold verify`: every stored log verified from its genesis and folded once more.
//!
//! Finds what no look at single rows finds: signatures, hashes and membership that do not fit
//! together, and a state that is not what its log makes of it. Changes nothing.

use crate::failure::Failure;
use crate::open::{StoreOptions, engine, random, spaces};
use std::io::Write;
use std::time::{Duration, Instant};
use veilfold_core::engine::{Engine, HeldFor};
use veilfold_core::wire::SpaceId;

/// Entries verified at a time.
const ENTRIES: usize = 256;

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    store: StoreOptions,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let mut engine = engine(&options.store, |store| Ok(store.check()?))?;
    for space in spaces(&engine, &options.store)? {
        let verdict = verify(&mut engine, space)?;
        writeln!(out, "space {space}: {verdict}")?;
    }
    Ok(())
}

fn verify(engine: &mut Engine, space: SpaceId) -> Result<String, Failure> {
    let damaged = |what: String| Failure::damaged(format!("space {space}: {what}"));
    let (total, chain) = engine.log_head(space)?;
    let mut refold = engine.refold(space, Box::new(random()?))?;
    let mut progress = Progress::new();
    let mut after = 0;
    while after < total {
        let stored = engine.stored_log(space, after, ENTRIES)?;
        let Some(last) = stored.last() else {
            return Err(damaged(format!("the log ends at {after}, {total} entries were kept")));
        };
        if let Some((missing, _)) = (after + 1..).zip(&stored).find(|(seq, entry)| entry.seq() != *seq) {
            return Err(damaged(format!("position {missing} of the log is missing")));
        }
        let entries = stored.iter().map(|entry| entry.entry().bytes().clone()).collect();
        if let Some(fault) = refold.feed(after + 1, entries)? {
            let (good, _) = refold.log_head()?;
            return Err(damaged(format!("position {} does not verify: {fault}", good + 1)));
        }
        after = last.seq();
        if refold.log_head()? != (after, last.chain()) {
            return Err(damaged(format!("the running hash kept at {after} is not the log's")));
        }
        progress.show(space, after, total);
    }
    if refold.log_head()? != (total, chain) {
        return Err(damaged(format!("the log goes to {after}, the store says {total}")));
    }
    if engine.status(space)?.seq < total {
        return Ok(format!("{total} entries verify; not all are folded, a key is missing"));
    }
    if total == 0 {
        return Ok("nothing has arrived yet".to_owned());
    }
    if let Some(HeldFor::Update { version, .. }) = refold.held()? {
        return Ok(format!(
            "{total} entries verify; their documents are made by version {version} of a resolver that only the app has"
        ));
    }
    let (stored, again) = (engine.state_root(space)?, refold.state_root()?);
    if stored != again {
        return Err(damaged(format!("the stored state {stored} is not what its log makes of it, {again}")));
    }
    Ok(format!("{total} entries verify, state root {stored}"))
}

/// Says how far it is, once a second, to whoever looks at standard error.
struct Progress(Instant);

impl Progress {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn show(&mut self, space: SpaceId, done: u64, total: u64) {
        if self.0.elapsed() >= Duration::from_secs(1) {
            self.0 = Instant::now();
            // Progress is a courtesy; without standard error the work goes on.
            let _ = writeln!(std::io::stderr(), "space {space}: {done} of {total} entries");
        }
    }
}
