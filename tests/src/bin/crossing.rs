//! What crossing into each language costs: calls, rows, resolvers, and memory that does not come back.
//!
//! Drives the players of `tests/players`, one language after the other; `cargo xtask bench crossing` builds
//! what it needs and starts it. A Relay runs here for what others have written; all else is offline.

#![allow(clippy::print_stdout, reason = "the table that somebody reads")]

use serde_json::{Value as Json, json};
use std::io;
use std::path::Path;
use std::time::Instant;
use veilfold_relay::{Config, Data, Relay};
use veilfold_tests::player::{Language, Player};

/// Documents of the live query.
const ROWS: u64 = 10_000;
/// Calls of a resolver that another device has written.
const CALLS: u64 = 20_000;

struct Measured {
    language: &'static str,
    ids: f64,
    gets: f64,
    puts: f64,
    rows: f64,
    resolved: Resolved,
    calls_grew: i64,
    watches_grew: i64,
}

/// How fast the resolver of a language is called.
struct Resolved {
    /// One by one, as this device writes.
    written: f64,
    /// Many in one crossing, as the order comes.
    folded: f64,
    /// How many in one, by the player that can see it.
    in_one: Option<f64>,
}

fn main() -> io::Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let as_json = std::env::args().any(|argument| argument == "--json");
    let all =
        Language::here()?.iter().map(|language| measure(language, quick)).collect::<io::Result<Vec<_>>>()?;
    if as_json {
        println!("{}", all.iter().map(Measured::json).collect::<Json>());
        return Ok(());
    }
    println!(
        "| | ids/s | reads/s | writes/s | rows/s | resolver calls/s, written here | from the order | in one \
         crossing | memory after the calls | after the subscriptions |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    all.iter().for_each(|one| println!("{}", one.row()));
    Ok(())
}

impl Measured {
    fn json(&self) -> Json {
        json!({
            "language": self.language, "ids_per_s": self.ids, "gets_per_s": self.gets,
            "puts_per_s": self.puts, "rows_per_s": self.rows,
            "resolver_calls_per_s_written_here": self.resolved.written,
            "resolver_calls_per_s_from_the_order": self.resolved.folded,
            "resolver_calls_per_crossing": self.resolved.in_one,
            "bytes_grown_by_calls": self.calls_grew, "bytes_grown_by_subscriptions": self.watches_grew,
        })
    }

    fn row(&self) -> String {
        let mib = |bytes: i64| format!("{:+.1} MiB", bytes as f64 / 1_048_576.0);
        let rate = |rate: f64| format!("{rate:.0}");
        let cells = [
            self.language.to_owned(),
            rate(self.ids),
            rate(self.gets),
            rate(self.puts),
            rate(self.rows),
            rate(self.resolved.written),
            rate(self.resolved.folded),
            self.resolved.in_one.map_or_else(|| "the same".to_owned(), rate),
            mib(self.calls_grew),
            mib(self.watches_grew),
        ];
        format!("| {} |", cells.join(" | "))
    }
}

/// One language. Memory is compared after as many calls as settle what is kept for later use.
fn measure(language: &Language, quick: bool) -> io::Result<Measured> {
    let share = if quick { 10 } else { 1 };
    let folder = tempfile::tempdir()?;
    let mut player = Player::start(language)?;
    let path = folder.path().join("crossing.db");
    told(&mut player, json!({ "do": "open", "as": "a", "path": path, "relay": null, "name": "a" }))?;
    told(&mut player, json!({ "do": "create_space", "as": "a", "name": "crossing" }))?;
    let puts = per_s(&mut player, "a", "put", ROWS)?;
    per_s(&mut player, "a", "get", 1_000)?;
    let gets = per_s(&mut player, "a", "get", 20_000 / share)?;
    per_s(&mut player, "a", "rows", 2)?;
    let rows = per_s(&mut player, "a", "rows", 20 / share)? * ROWS as f64;
    per_s(&mut player, "a", "id", 100_000)?;
    per_s(&mut player, "a", "watch", 10_000 / share)?;
    let before = player.memory()?;
    let ids = per_s(&mut player, "a", "id", 1_000_000 / share)?;
    let after_calls = player.memory()?;
    per_s(&mut player, "a", "watch", 100_000 / share)?;
    let after_watches = player.memory()?;
    told(&mut player, json!({ "do": "close", "as": "a" }))?;
    let resolved = resolved(&mut player, folder.path(), share)?;
    player.end()?;
    let grew = |from: u64, to: u64| to as i64 - from as i64;
    Ok(Measured {
        language: language.name,
        ids,
        gets,
        puts,
        rows,
        resolved,
        calls_grew: grew(before, after_calls),
        watches_grew: grew(after_calls, after_watches),
    })
}

/// One device of the language's player writes calls of its own resolver, and gets those of a device in Rust.
fn resolved(player: &mut Player, folder: &Path, share: u64) -> io::Result<Resolved> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let relay = runtime.block_on(Relay::start(Config::new(Data::Memory))).map_err(io::Error::other)?;
    let mut other = Player::start(&Language::rust()?)?;
    for (name, player) in [("b", &mut *player), ("c", &mut other)] {
        let (path, url) = (folder.join(name).with_extension("db"), relay.url());
        let open =
            json!({ "do": "open", "as": name, "name": name, "path": path, "relay": url, "resolver": true });
        told(player, open)?;
    }
    told(&mut other, json!({ "do": "create_space", "as": "c", "name": "calls" }))?;
    let card = told(player, json!({ "do": "contact_card", "as": "b", "name": "b" }))?["card"].clone();
    let added = json!({ "do": "add_member", "as": "c", "card": card, "role": "writer" });
    let ticket = told(&mut other, added)?["ticket"].clone();
    told(player, json!({ "do": "join", "as": "b", "ticket": ticket, "name": "calls" }))?;
    told(player, json!({ "do": "synced", "as": "b" }))?;
    told(player, json!({ "do": "disconnect", "as": "b" }))?;

    per_s(&mut other, "c", "call", CALLS / share)?;
    let seq = told(&mut other, json!({ "do": "synced", "as": "c" }))?["seq"].clone();
    let before = told(player, json!({ "do": "resolved", "as": "b" }))?;
    let started = Instant::now();
    told(player, json!({ "do": "connect", "as": "b" }))?;
    told(player, json!({ "do": "reached", "as": "b", "seq": seq }))?;
    let seconds = started.elapsed().as_secs_f64();
    let after = told(player, json!({ "do": "resolved", "as": "b" }))?;
    let more = |what: &str| Some(after[what].as_f64()? - before[what].as_f64()?);
    let calls = more("calls").unwrap_or(f64::NAN);

    told(player, json!({ "do": "disconnect", "as": "b" }))?;
    per_s(player, "b", "call", 100)?;
    let written = per_s(player, "b", "call", CALLS / 2 / share)?;
    told(player, json!({ "do": "close", "as": "b" }))?;
    told(&mut other, json!({ "do": "close", "as": "c" }))?;
    other.end()?;
    runtime.block_on(relay.shutdown());
    Ok(Resolved {
        written,
        folded: calls / seconds,
        in_one: more("crossings").map(|crossings| calls / crossings),
    })
}

fn told(player: &mut Player, order: Json) -> io::Result<Json> {
    let answer = player.obey(&order)?;
    let failed = || io::Error::other(format!("{}, told {order}: {answer}", player.language));
    answer.get("ok").cloned().ok_or_else(failed)
}

fn per_s(player: &mut Player, name: &str, call: &str, times: u64) -> io::Result<f64> {
    let answer = told(player, json!({ "do": "repeat", "as": name, "call": call, "times": times }))?;
    Ok(times as f64 / answer["seconds"].as_f64().unwrap_or(f64::NAN))
}
