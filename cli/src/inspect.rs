//! `veilfold inspect`: what a device's store has: Spaces, members, status, the log, documents.
//!
//! Contents are shown only where they are asked for, names of members and Spaces always.

use crate::failure::Failure;
use crate::open::{StoreOptions, engine, spaces};
use std::io::Write;
use veilfold_core::engine::Engine;
use veilfold_core::model::fields_to_json;
use veilfold_core::wire::{Kind, SpaceId};

/// Entries read at a time.
const ENTRIES: usize = 256;

#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    store: StoreOptions,
    /// Also the log: position, author, kind, sizes
    #[arg(long)]
    log: bool,
    /// Also the documents as they are visible, one line of JSON each
    #[arg(long)]
    documents: bool,
}

pub fn run(options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let mut engine = engine(&options.store, |_| Ok(()))?;
    for space in spaces(&engine, &options.store)? {
        summary(&mut engine, space, out)?;
        if options.log {
            log(&mut engine, space, out)?;
        }
        if options.documents {
            documents(&mut engine, space, out)?;
        }
    }
    Ok(())
}

fn summary(engine: &mut Engine, space: SpaceId, out: &mut impl Write) -> Result<(), Failure> {
    let (seq, chain) = engine.log_head(space)?;
    let status = engine.status(space)?;
    writeln!(out, "space {space} {:?}", engine.space_name(space)?)?;
    writeln!(out, "  log: {seq} entries, running hash {chain}")?;
    writeln!(out, "  folded: {}", status.seq)?;
    writeln!(
        out,
        "  outbox: {}, of which the relay has stored {}",
        status.outbox_count, status.stored_count
    )?;
    for member in engine.members(space)? {
        let name = member.name.as_deref().unwrap_or_default();
        let me = if member.me { ", this device" } else { "" };
        writeln!(out, "  member {}: {:?} {name:?}{me}", member.member, member.role)?;
    }
    Ok(())
}

fn log(engine: &mut Engine, space: SpaceId, out: &mut impl Write) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let (stored, opened) =
            (engine.stored_log(space, after, ENTRIES)?, engine.log_entries(space, after, ENTRIES)?);
        let Some(last) = stored.last() else { return Ok(()) };
        after = last.seq();
        for (sealed, entry) in stored.iter().zip(opened) {
            let header = sealed.entry().header();
            let what = match (entry.skipped, header.kind, entry.transactions) {
                (true, ..) => "skipped by all".to_owned(),
                (_, Kind::Control, _) => "control".to_owned(),
                (_, Kind::Data, Some(transactions)) => format!("data, {} transactions", transactions.len()),
                (_, Kind::Data, None) => "data that does not open".to_owned(),
            };
            writeln!(
                out,
                "  {} by {} (its {}., epoch {}, had seen {}): {} bytes, {what}",
                entry.seq, entry.author, header.author_seq, header.epoch, entry.seen_seq, entry.bytes
            )?;
        }
    }
}

fn documents(engine: &mut Engine, space: SpaceId, out: &mut impl Write) -> Result<(), Failure> {
    for key in engine.document_keys(space)? {
        let Some(fields) = engine.read(space, &key)? else { continue };
        let fields = String::from_utf8_lossy(&fields_to_json(&fields)).into_owned();
        let (collection, id) =
            (serde_json::Value::from(key.collection), serde_json::Value::from(key.document));
        writeln!(out, r#"{{"collection":{collection},"id":{id},"fields":{fields}}}"#)?;
    }
    Ok(())
}
