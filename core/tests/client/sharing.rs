//! Two clients and a Relay: share a Space, write offline, converge, be told.

use crate::harness::{World, relay, share};
use futures_util::StreamExt;
use veilfold_core::ErrorKind;
use veilfold_core::client::{Client, CloseReason, DriverEvent, Event, Fate, Json, SyncState};
use veilfold_core::model::Value;
use veilfold_relay::{Data, Relay};

#[test]
fn two_devices_share_a_space_write_offline_and_converge() {
    let world = World::new();
    world.run(async {
        let relay = relay().await;
        let alice = world.client("alice", Some(&relay)).await;
        let bob = world.client("bob", Some(&relay)).await;
        let ours = alice.create_space("Groceries").await.unwrap();
        let items = ours.collection("items");
        items.put("milk", Json(br#"{"qty":1}"#)).await.unwrap();
        let theirs = share(&ours, &bob, "Bob").await;
        let live = theirs.collection("items").live().await.unwrap();
        let mut changes = Box::pin(live.into_stream());
        let mut arrived = changes.next().await.unwrap().unwrap();
        if arrived.inserted.is_empty() {
            arrived = changes.next().await.unwrap().unwrap();
        }
        assert_eq!(arrived.inserted[0].0, "milk");
        theirs.synced().await.unwrap();

        alice.disconnect().await.unwrap();
        bob.disconnect().await.unwrap();
        let mut receipts = Vec::new();
        for _ in 0..5 {
            receipts.push(items.increment("milk", "qty", 1).await.unwrap());
            receipts.push(theirs.collection("items").increment("milk", "qty", 10).await.unwrap());
        }
        assert_eq!(items.get("milk").await.unwrap().unwrap()["qty"], Value::Int(6));
        assert_eq!(ours.status().await.unwrap().state, SyncState::Offline);
        assert_eq!(ours.status().await.unwrap().outbox_count, 5);
        alice.connect().await.unwrap();
        bob.connect().await.unwrap();
        let mut last = 0;
        for receipt in receipts {
            match receipt.settled().await.unwrap() {
                Fate::Confirmed(position) => last = last.max(position.seq),
                other => panic!("{other:?}"),
            }
        }
        ours.reached(last).await.unwrap();
        theirs.reached(last).await.unwrap();
        for space in [&ours, &theirs] {
            let milk = space.collection("items").get("milk").await.unwrap().unwrap();
            assert_eq!(milk["qty"], Value::Int(56));
        }
        assert_eq!(ours.state_root().await.unwrap(), theirs.state_root().await.unwrap());
        let names = |members: Vec<veilfold_core::client::MemberInfo>| {
            members.into_iter().map(|member| (member.name.unwrap_or_default(), member.me)).collect::<Vec<_>>()
        };
        assert_eq!(
            names(ours.members().await.unwrap()),
            [("alice".to_owned(), true), ("Bob".to_owned(), false)]
        );
        assert_eq!(names(theirs.members().await.unwrap())[1], ("Bob".to_owned(), true));
        alice.close().await.unwrap();
        bob.close().await.unwrap();
        relay.shutdown().await;
    });
}

#[test]
fn a_relay_can_be_named_later_and_a_fate_outlives_the_process() {
    let world = World::new();
    world.run(async {
        let alice = world.client("alice", None).await;
        let space = alice.create_space("s").await.unwrap();
        let receipt = space.collection("items").put("a", Json(b"{}")).await.unwrap();
        let offline = space.synced().await.unwrap_err();
        assert_eq!((offline.kind, offline.code), (ErrorKind::Offline, "no_relay"));
        alice.close().await.unwrap();

        let relay = relay().await;
        let alice = world.client("alice", None).await;
        alice.set_relay(Some(&relay.url())).await.unwrap();
        assert_eq!(alice.status().await.unwrap().relay, Some(format!("{}/", relay.url())));
        let space = alice.space(space.id()).await.unwrap();
        let settled = space.receipt(receipt.tx_id()).settled().await.unwrap();
        assert!(matches!(settled, Fate::Confirmed(_)), "{settled:?}");
        assert_eq!(space.synced().await.unwrap().state, SyncState::Live);
        alice.synced().await.unwrap();
        assert!(alice.status().await.unwrap().wants_connection);
        alice.set_relay(None).await.unwrap();
        assert!(!alice.status().await.unwrap().wants_connection);
        assert_eq!(space.status().await.unwrap().state, SyncState::Offline);
        alice.close().await.unwrap();
    });
}

#[test]
fn a_transaction_on_what_another_changed_is_rejected_by_the_order() {
    let world = World::new();
    world.run(async {
        let relay = relay().await;
        let alice = world.client("alice", Some(&relay)).await;
        let bob = world.client("bob", Some(&relay)).await;
        let ours = alice.create_space("s").await.unwrap();
        ours.collection("items").put("a", Json(br#"{"n":1}"#)).await.unwrap();
        let theirs = share(&ours, &bob, "Bob").await;
        let seq = ours.synced().await.unwrap().seq;
        theirs.reached(seq).await.unwrap();
        bob.disconnect().await.unwrap();
        let ((), receipt) = theirs
            .transact(async |tx| {
                let Value::Int(n) = tx.get("items", "a").await?.unwrap_or_default()["n"] else {
                    return Ok(());
                };
                tx.set("items", "a", "n", n + 1)
            })
            .await
            .unwrap();
        let first = ours.collection("items").increment("a", "n", 5).await.unwrap();
        first.settled().await.unwrap();
        bob.connect().await.unwrap();
        let fate = receipt.unwrap().settled().await.unwrap();
        assert!(matches!(fate, Fate::Rejected(..)), "{fate:?}");
        assert_eq!(theirs.collection("items").get("a").await.unwrap().unwrap()["n"], Value::Int(6));
    });
}

#[test]
fn a_guest_may_read_and_is_told_what_it_may_not() {
    let world = World::new();
    world.run(async {
        let relay = relay().await;
        let alice = world.client("alice", Some(&relay)).await;
        let bob = world.client("bob", Some(&relay)).await;
        let ours = alice.create_space("s").await.unwrap();
        let card = bob.contact_card("Bob").await.unwrap();
        let reader = veilfold_core::wire::Role::Reader;
        let added = ours.add_member(card.clone(), reader).await.unwrap();
        assert_eq!(ours.add_member(card, reader).await.unwrap_err().code, "already_member");
        let events = bob.events().await.unwrap();
        let theirs = bob.join(&added.ticket, "").await.unwrap();
        let early = theirs.collection("items").put("a", Json(b"{}")).await.unwrap_err();
        assert_eq!((early.kind, early.code), (ErrorKind::NotAllowed, "not_admitted"));
        loop {
            let happened = events.next().await.unwrap();
            if happened.event == DriverEvent::Engine(Event::Admitted { space: theirs.id() }) {
                break;
            }
        }
        let denied = theirs.collection("items").put("a", Json(b"{}")).await.unwrap_err();
        assert_eq!((denied.kind, denied.code), (ErrorKind::NotAllowed, "read_only"));
    });
}

#[test]
fn the_first_stream_of_events_begins_with_what_happened_before_it() {
    let world = World::new();
    world.run(async {
        let relay = relay().await;
        let (alice, bob) =
            (world.client("alice", Some(&relay)).await, world.client("bob", Some(&relay)).await);
        let ours = alice.create_space("s").await.unwrap();
        let theirs = share(&ours, &bob, "Bob").await;
        theirs.reached(ours.synced().await.unwrap().seq).await.unwrap();
        let admitted = DriverEvent::Engine(Event::Admitted { space: theirs.id() });
        let (first, later) = (bob.events().await.unwrap(), bob.events().await.unwrap());
        assert_eq!(first.next().await.map(|happened| happened.event), Some(admitted));
        relay.shutdown().await;
        let lost = later.next().await.unwrap().event;
        assert!(matches!(lost, DriverEvent::Disconnected(_)), "{lost:?}");
    });
}

#[test]
fn a_relay_that_comes_back_is_found_again() {
    let world = World::new();
    world.run(async {
        let folder = Data::Folder(world.folder.path().join("relay"));
        let config = veilfold_relay::Config::new(folder);
        let relay = Relay::start(config.clone()).await.unwrap();
        let address = relay.address();
        let alice: Client = world.client("alice", Some(&relay)).await;
        let space = alice.create_space("s").await.unwrap();
        space.collection("c").put("a", Json(b"{}")).await.unwrap().settled().await.unwrap();
        relay.shutdown().await;
        let status = space.status_stream().await.unwrap();
        while status.next().await.unwrap().unwrap().state == SyncState::Live {}
        let receipt = space.collection("c").put("b", Json(b"{}")).await.unwrap();
        let relay = Relay::start(veilfold_relay::Config { listen: address, ..config }).await.unwrap();
        assert!(matches!(receipt.settled().await.unwrap(), Fate::Confirmed(_)));
        relay.shutdown().await;
    });
}

#[test]
fn a_connection_that_was_kept_for_a_while_ends_where_nobody_else_wants_it() {
    let world = World::new();
    world.run(async {
        let relay = relay().await;
        let alice = world.client("alice", Some(&relay)).await;
        let wanted = async || alice.status().await.unwrap().wants_connection;
        drop(alice.keep_connected().unwrap());
        assert!(wanted().await, "it was connected before");

        alice.disconnect().await.unwrap();
        let (first, second) = (alice.keep_connected().unwrap(), alice.keep_connected().unwrap());
        drop(first);
        assert!(wanted().await);
        drop(second);
        assert!(!wanted().await);

        let kept = alice.keep_connected().unwrap();
        alice.connect().await.unwrap();
        drop(kept);
        assert!(wanted().await, "the app wants it now");

        let kept = alice.keep_connected().unwrap();
        alice.disconnect().await.unwrap();
        assert!(!wanted().await, "the app has the last word");
        let later = alice.keep_connected().unwrap();
        drop(kept);
        assert!(wanted().await);
        drop(later);
        assert!(!wanted().await);

        let kept = alice.keep_connected().unwrap();
        let other = self::relay().await;
        alice.set_relay(Some(&other.url())).await.unwrap();
        drop(kept);
        assert!(wanted().await, "a Relay was named");
        alice.close().await.unwrap();
        assert_eq!(alice.keep_connected().unwrap_err().code, "closed");
        relay.shutdown().await;
        other.shutdown().await;
    });
}

#[test]
fn who_cannot_be_reached_is_told_and_tried_again() {
    let world = World::new();
    world.run(async {
        let alice = world.client("alice", None).await;
        let events = alice.events().await.unwrap();
        alice.set_relay(Some("ws://127.0.0.1:1")).await.unwrap();
        for _ in 0..2 {
            let happened = events.next().await.unwrap();
            assert!(matches!(happened.event, DriverEvent::Disconnected(CloseReason::Unreachable(_))));
        }
        alice.set_relay(None).await.unwrap();
        alice.close().await.unwrap();
    });
}
