//! A Relay inside an app: started as a library, stopped by shutdown or by letting go of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod peers;

use peers::{Client, found};
use veilfold_relay::store::Store;
use veilfold_relay::testing::FaultyStore;
use veilfold_relay::{Config, Data, Protections, Relay, RelayError, RelayIdentity};
use veilfold_wire::frame::RefuseReason;

#[tokio::test]
async fn a_relay_in_memory_serves_until_it_is_dropped() {
    let relay = Relay::start(Config::new(Data::Memory)).await.unwrap();
    let mut client = Client::log_in(&relay.url()).await;
    assert_eq!(client.transcript.relay, relay.key());
    let (mut owner, seen) = found(&mut client, 1).await;
    let entry = owner.write(seen, 10);
    assert_eq!(client.append(owner.space, &entry).await.map(|receipt| receipt.seq), Ok(2));
    client.read(owner.space, 2, 2).await;
    let url = relay.url();
    drop(relay);
    while client.next().await.is_some() {}
    while tokio_tungstenite::connect_async(&url).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn after_shutdown_the_folder_is_free_again() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(Data::Folder(folder.path().join("data")));
    let relay = Relay::start(config.clone()).await.unwrap();
    assert!(matches!(Relay::start(config.clone()).await, Err(RelayError::Store(_))));
    let taken = Config { listen: relay.address(), ..Config::new(Data::Memory) };
    assert!(matches!(Relay::start(taken).await, Err(RelayError::Listen { .. })));
    relay.shutdown().await;
    Relay::start(config).await.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_store_that_fails_costs_nothing_that_was_acknowledged() {
    let store = FaultyStore::new();
    let identity = RelayIdentity::from_seed(&[1; 32]);
    let relay = Relay::start_with(Config::new(Data::Memory), store.clone(), identity).await.unwrap();
    let mut client = Client::log_in(&relay.url()).await;
    let (mut owner, mut seen) = found(&mut client, 1).await;
    for round in 0..20 {
        let entries: Vec<_> = (0..8).map(|_| owner.write(seen, 10)).collect();
        store.fail_commits(round % 3);
        let mut left = &entries[..];
        while let [first, rest @ ..] = left {
            match client.append(owner.space, first).await {
                Ok(receipt) => {
                    seen = seen.then(&receipt.hash);
                    assert_eq!((receipt.seq, receipt.chain), (seen.seq, seen.chain));
                    left = rest;
                }
                Err((reason, retry_after_ms)) => {
                    assert_eq!(reason, RefuseReason::Unavailable);
                    assert!(retry_after_ms > 0);
                }
            }
        }
    }
    assert_eq!(store.clone().head(&owner.space).unwrap(), Some((seen.seq, seen.chain)));
}

#[tokio::test]
async fn connections_without_a_login_are_limited_and_a_login_makes_room() {
    let config = Config { unauthenticated_max: 2, ..Config::new(Data::Memory) };
    let relay = Relay::start(config).await.unwrap();
    let waiting = Client::connect(&relay.url()).await;
    let _first = Client::log_in(&relay.url()).await;
    let _second = Client::log_in(&relay.url()).await;
    let other = Client::connect(&relay.url()).await;
    assert!(tokio_tungstenite::connect_async(relay.url()).await.is_err());
    drop((waiting, other));
    while tokio_tungstenite::connect_async(relay.url()).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_switches_reach_the_running_relay() {
    let protections = Protections::ALL.without_dedupe();
    let config = Config { protections, ..Config::new(Data::Memory) };
    let relay = Relay::start(config).await.unwrap();
    let mut client = Client::log_in(&relay.url()).await;
    let (mut owner, seen) = found(&mut client, 1).await;
    let entry = owner.write(seen, 10);
    for seq in 2..4 {
        assert_eq!(client.append(owner.space, &entry).await.map(|receipt| receipt.seq), Ok(seq));
    }
}
