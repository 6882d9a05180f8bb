//! W5: from A's commit to B's live query, through a real Relay on SQLite that acknowledges only what
//! survives a power cut, all over loopback WebSockets and with stores on disk. Also what the public
//! API costs above the engine.

use super::echo::{Keep, latencies, runtime};
use super::limits::Sync;
use super::measure::{Latencies, Stopwatch};
use super::report::{Better, OWN, Report};
use super::{Options, actions};
use std::time::Instant;
use veilfold_core::client::{Client, Config, LiveQuery, Space};
use veilfold_core::model::Value;
use veilfold_relay::{Data, Relay};
use veilfold_wire::{Limits, Role};

const W: &str = "W5";
/// Bytes of an Entry with one action.
const ENTRY_BYTES: usize = 257;
/// Messages before measuring starts.
const WARM_UP: usize = 50;

/// Measures one round.
pub fn run(options: &Options, report: &mut Report) {
    let count = options.actions(5_000).min(if options.is_quick() { 300 } else { 2_000 });
    report.progress(&format!("W5: {count} messages"));
    let folder = options.scratch();
    let (normal, full) = (folder.path().join("normal.db"), folder.path().join("full.db"));
    let echoes = [
        ("echo-memory", Keep::Nothing),
        ("echo-normal", Keep::Sqlite(&normal, Sync::Normal)),
        ("echo-full", Keep::Sqlite(&full, Sync::Full)),
    ];
    for (peer, keep) in echoes {
        note(report, peer, "p50", "p99", latencies(&keep, count, ENTRY_BYTES));
    }
    for (data, p50, p99) in [
        (Data::Folder(folder.path().join("relay")), "p50", "p99"),
        (Data::Memory, "relay_in_memory_p50", "relay_in_memory_p99"),
    ] {
        note(report, OWN, p50, p99, commit_to_callback(options, data, count));
    }
    let less = Better::Less;
    report.compare(W, "p50", ("echo-full", "p50"), less, (Some(5.0), Some(2.2)));
    report.compare(W, "p50", ("echo-normal", "p50"), less, (None, None));
    report.remark(
        "W5: the echo that also survives a power cut is the reference; the others are for comparing peers.",
    );
    report.compare(W, "p99", ("echo-full", "p99"), less, (None, None));
    report.compare(W, "relay_in_memory_p50", ("echo-memory", "p50"), less, (None, None));
}

fn note(report: &mut Report, peer: &str, p50: &str, p99: &str, mut latencies: Latencies) {
    report.figure(W, peer, p50, latencies.percentile_us(0.5), "us");
    report.figure(W, peer, p99, latencies.percentile_us(0.99), "us");
}

fn commit_to_callback(options: &Options, data: Data, count: usize) -> Latencies {
    let (server, folder) = (runtime(2), options.scratch());
    // One Member writes as fast as it can; how much a Relay takes of one is not the question.
    let limits = Limits { entries_per_second: 1_000_000, ..Limits::default() };
    let config = veilfold_relay::Config { limits, ..veilfold_relay::Config::new(data) };
    let relay = server.block_on(Relay::start(config)).expect("the relay starts");
    let latencies = runtime(1).block_on(async {
        let open = |name: &'static str| {
            let config = Config { name: name.to_owned(), ..Config::with_relay(relay.url()) };
            Client::open(folder.path().join(name).with_extension("db"), config)
        };
        let (a, b) = (open("a").await.expect("a store"), open("b").await.expect("a store"));
        let (from, to) = share(&a, &b).await;
        let live = to.collection(actions::COLLECTION).live().await.expect("a live query");
        let writer = from.collection(actions::COLLECTION);
        let mut latencies = Latencies::with_capacity(count);
        for index in 0..count + WARM_UP {
            let value = actions::value(index);
            let start = Instant::now();
            let receipt = writer.set("one", actions::FIELD, value.as_str()).await.expect("a good write");
            until_seen(&live, &value).await;
            if index >= WARM_UP {
                latencies.push(start.elapsed());
            }
            receipt.settled().await.expect("the relay is here");
        }
        a.close().await.expect("it closes");
        b.close().await.expect("it closes");
        latencies
    });
    server.block_on(relay.shutdown());
    server.shutdown_background();
    latencies
}

/// One Space of both.
async fn share(a: &Client, b: &Client) -> (Space, Space) {
    let from = a.create_space("bench").await.expect("a new space");
    let card = b.contact_card("b").await.expect("a good name");
    let added = from.add_member(card, Role::Writer).await.expect("an owner may add");
    let to = b.join(&added.ticket, "bench").await.expect("a good ticket");
    from.synced().await.expect("the relay is here");
    to.synced().await.expect("the relay is here");
    (from, to)
}

/// Waits until the live query gives this value.
async fn until_seen(live: &LiveQuery, value: &str) {
    loop {
        let batch = live.next().await.expect("the store reads").expect("the client is open");
        let mut fields = batch.inserted.iter().chain(&batch.updated).map(|(_, fields)| fields);
        if fields
            .any(|fields| matches!(fields.get(actions::FIELD), Some(Value::String(text)) if text == value))
        {
            return;
        }
    }
}

/// W1 through the public API: one awaited write after the other, offline.
pub fn api(options: &Options, report: &mut Report) {
    const W: &str = "W1";
    let n = options.actions(5_000).min(20_000);
    let folder = options.scratch();
    let mut latencies = Latencies::with_capacity(n);
    let cost = runtime(1).block_on(async {
        let client = Client::open(folder.path().join("api.db"), Config::default()).await.expect("a store");
        let space = client.create_space("bench").await.expect("a new space");
        let collection = space.collection(actions::COLLECTION);
        let watch = Stopwatch::start();
        for index in 0..n {
            let (key, value) = (actions::key(index), actions::value(index));
            let start = Instant::now();
            collection.set(&key, actions::FIELD, value).await.expect("a good write");
            latencies.push(start.elapsed());
        }
        let cost = watch.cost();
        client.close().await.expect("it closes");
        cost
    });
    report.figure(W, OWN, "api_actions_per_s", n as f64 / cost.wall, "actions/s");
    report.figure(W, OWN, "api_actions_per_cpu_s", n as f64 / cost.cpu, "actions/cpu-s");
    report.figure(W, OWN, "api_p50", latencies.percentile_us(0.5), "us");
    report.figure(W, OWN, "api_p99", latencies.percentile_us(0.99), "us");
    report.compare(W, "api_actions_per_cpu_s", (OWN, "actions_per_cpu_s"), Better::More, (None, None));
    report.compare(W, "api_p50", (OWN, "p50"), Better::Less, (None, None));
}
