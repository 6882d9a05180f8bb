//! Opening, closing, reopening, and what is left of waiting calls then.

use crate::harness::World;
use std::sync::Arc;
use std::time::Duration;
use veilfold_core::ErrorKind;
use veilfold_core::client::{Client, Config, Fate, Json};
use veilfold_core::io::{MemoryVault, Vault};

#[test]
fn a_store_is_open_once_and_free_after_closing() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let second = Client::open(world.path("alice"), Config::default()).await.unwrap_err();
        assert_eq!((second.kind, second.code), (ErrorKind::Invalid, "store_in_use"));
        let space = client.create_space("s").await.unwrap();
        let receipt = space.collection("items").put("a", Json(br#"{"n":1}"#)).await.unwrap();
        client.close().await.unwrap();
        client.close().await.unwrap();

        let client = world.client("alice", None).await;
        let again = client.space(space.id()).await.unwrap();
        assert_eq!(client.spaces().await.unwrap().len(), 1);
        assert_eq!(again.name(), "s");
        assert_eq!(again.collection("items").get_json("a").await.unwrap().unwrap(), br#"{"n":1}"#);
        assert_eq!(again.receipt(receipt.tx_id()).fate().await.unwrap(), Fate::Pending);
        let unknown = again.receipt(veilfold_core::model::TxId([9; 8])).settled().await;
        assert_eq!(unknown.unwrap_err().code, "fate_forgotten");
    });
}

#[test]
fn closing_ends_streams_and_waiting_calls() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let space = client.create_space("s").await.unwrap();
        let items = space.collection("items");
        let receipt = items.put("a", Json(b"{}")).await.unwrap();
        let (live, status) = (items.live().await.unwrap(), space.status_stream().await.unwrap());
        let events = client.events().await.unwrap();
        assert_eq!(live.next().await.unwrap().unwrap().inserted.len(), 1);
        assert!(status.next().await.unwrap().is_some());
        let waiting = tokio::spawn(async move {
            let (live, status, event, settled) =
                tokio::join!(live.next(), status.next(), events.next(), receipt.settled());
            (live.unwrap().is_none(), status.unwrap().is_none(), event.is_none(), settled.unwrap_err().code)
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.close().await.unwrap();
        assert_eq!(waiting.await.unwrap(), (true, true, true, "closed"));
        assert_eq!(items.get("a").await.unwrap_err().code, "closed");
        assert_eq!(client.create_space("t").await.unwrap_err().kind, ErrorKind::Invalid);
    });
}

#[test]
fn cancelling_wakes_who_waits_and_a_dropped_wait_loses_nothing() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let items = client.create_space("s").await.unwrap().collection("items");
        let live = Arc::new(items.live().await.unwrap());
        let first = live.next_batch(10).await.unwrap().unwrap();
        assert!(first.complete && first.inserted.is_empty());
        for n in 0..20 {
            items.put(&n.to_string(), Json(b"{}")).await.unwrap();
            // Sometimes the wait is given up before, sometimes after the engine has answered.
            let _ = tokio::time::timeout(Duration::from_micros(n * 20), live.next()).await;
        }
        items.put("last", Json(b"{}")).await.unwrap();
        let mut seen = 0;
        while let Ok(change) = tokio::time::timeout(Duration::from_millis(200), live.next()).await {
            seen += change.unwrap().unwrap().inserted.len();
        }
        // Some went to waits that ended in time; none twice.
        assert!(seen <= 21 && seen > 0);
        let waiting = tokio::spawn({
            let live = live.clone();
            async move { live.next().await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        live.cancel();
        assert_eq!(waiting.await.unwrap(), Ok(None));
        assert_eq!(live.next_batch(1).await, Ok(None));
    });
}

#[test]
fn a_dropped_write_is_whole_or_not_there() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let space = client.create_space("s").await.unwrap();
        for n in 0..50u64 {
            let write = async {
                let mut tx = space.begin();
                tx.increment("c", "a", "n", 1)?;
                tx.increment("c", "b", "n", 1)?;
                tx.commit().await
            };
            let _ = tokio::time::timeout(Duration::from_micros(n * 5), write).await;
        }
        let c = space.collection("c");
        assert_eq!(c.get("a").await.unwrap(), c.get("b").await.unwrap());
    });
}

#[test]
fn a_root_key_that_is_gone_is_not_replaced() {
    let world = World::new();
    world.run(async {
        let vault = MemoryVault::new();
        let with = |vault: &MemoryVault| Config { vault: Some(Arc::new(vault.clone())), ..Config::default() };
        let client = Client::open(world.path("bob"), with(&vault)).await.unwrap();
        client.close().await.unwrap();
        let empty = MemoryVault::new();
        let lost = Client::open(world.path("bob"), with(&empty)).await.unwrap_err();
        assert_eq!((lost.kind, lost.code), (ErrorKind::Corrupt, "keys_lost"));
        assert_eq!(empty.load_root("bob.db"), Ok(None));
        let client = Client::open(world.path("bob"), with(&vault)).await.unwrap();
        client.close().await.unwrap();
    });
}

#[test]
fn dropping_everything_closes_by_itself() {
    let world = World::new();
    world.run(async {
        let client = world.client("alice", None).await;
        let items = client.create_space("s").await.unwrap().collection("items");
        drop(client);
        // The collection keeps the client open.
        items.put("a", Json(b"{}")).await.unwrap();
        drop(items);
        let mut tries = 0;
        loop {
            match Client::open(world.path("alice"), Config::default()).await {
                Ok(client) => return client.close().await.unwrap(),
                Err(error) if error.code == "store_in_use" && tries < 500 => tries += 1,
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
}
