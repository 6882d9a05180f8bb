//! What crossing into each language costs: calls, rows, and memory that does not come back.
//!
//! Drives the players of `tests/players`, one language after the other, offline; `cargo xtask bench
//! crossing` builds what it needs and starts it.

#![allow(clippy::print_stdout, reason = "the table that somebody reads")]

use serde_json::{Value as Json, json};
use std::io;
use veilfold_tests::player::{Language, Player};

/// Documents of the live query.
const ROWS: u64 = 10_000;

struct Measured {
    language: &'static str,
    ids: f64,
    gets: f64,
    puts: f64,
    rows: f64,
    calls_grew: i64,
    watches_grew: i64,
}

fn main() -> io::Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let as_json = std::env::args().any(|argument| argument == "--json");
    let all =
        Language::here()?.iter().map(|language| measure(language, quick)).collect::<io::Result<Vec<_>>>()?;
    if as_json {
        let rows = all.iter().map(|one| {
            json!({ "language": one.language, "ids_per_s": one.ids, "gets_per_s": one.gets,
                "puts_per_s": one.puts, "rows_per_s": one.rows,
                "bytes_grown_by_calls": one.calls_grew, "bytes_grown_by_subscriptions": one.watches_grew })
        });
        println!("{}", Json::from_iter(rows));
        return Ok(());
    }
    println!("| | id/s | get/s | put/s | rows/s | memory after the calls | after the subscriptions |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for one in &all {
        let mib = |bytes: i64| format!("{:+.1} MiB", bytes as f64 / 1_048_576.0);
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {} |",
            one.language,
            one.ids,
            one.gets,
            one.puts,
            one.rows,
            mib(one.calls_grew),
            mib(one.watches_grew)
        );
    }
    Ok(())
}

/// One language. Memory is compared after as many calls as settle what is kept for later use.
fn measure(language: &Language, quick: bool) -> io::Result<Measured> {
    let share = if quick { 10 } else { 1 };
    let folder = tempfile::tempdir()?;
    let mut player = Player::start(language)?;
    let told = |order: Json, player: &mut Player| -> io::Result<Json> {
        let answer = player.obey(&order)?;
        let failed = || io::Error::other(format!("{}, told {order}: {answer}", language.name));
        answer.get("ok").cloned().ok_or_else(failed)
    };
    let path = folder.path().join("crossing.db");
    told(json!({ "do": "open", "as": "a", "path": path, "relay": null, "name": "a" }), &mut player)?;
    told(json!({ "do": "create_space", "as": "a", "name": "crossing" }), &mut player)?;
    let per_s = |call: &str, times: u64, player: &mut Player| -> io::Result<f64> {
        let answer = told(json!({ "do": "repeat", "as": "a", "call": call, "times": times }), player)?;
        Ok(times as f64 / answer["seconds"].as_f64().unwrap_or(f64::NAN))
    };
    let puts = per_s("put", ROWS, &mut player)?;
    per_s("get", 1_000, &mut player)?;
    let gets = per_s("get", 20_000 / share, &mut player)?;
    per_s("rows", 2, &mut player)?;
    let rows = per_s("rows", 20 / share, &mut player)? * ROWS as f64;
    per_s("id", 100_000, &mut player)?;
    per_s("watch", 10_000 / share, &mut player)?;
    let before = player.memory()?;
    let ids = per_s("id", 1_000_000 / share, &mut player)?;
    let after_calls = player.memory()?;
    per_s("watch", 100_000 / share, &mut player)?;
    let after_watches = player.memory()?;
    told(json!({ "do": "close", "as": "a" }), &mut player)?;
    player.end()?;
    let grew = |from: u64, to: u64| to as i64 - from as i64;
    Ok(Measured {
        language: language.name,
        ids,
        gets,
        puts,
        rows,
        calls_grew: grew(before, after_calls),
        watches_grew: grew(after_calls, after_watches),
    })
}
