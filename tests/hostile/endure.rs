//! The story of every lie: Alice and Bob share a Space, Bob is away while both write, and when he
//! comes back the Relay lies to him.

use super::lies::Lie;
use super::relay::FakeRelay;
use bytes::Bytes;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;
use veilfold_core::client::{Client, CloseReason, Config, DriverEvent, Event, EventStream, Space, SyncState};
use veilfold_core::model::Value;
use veilfold_core::wire::{Role, SpaceId, TransportFault};

/// What does not come to an end in this time never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the client blames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// The Space, which halts; others go on.
    Space,
    /// The connection, which is given up and tried again.
    Connection,
    /// The transport, before there is a message.
    Transport,
    /// Nothing: no harm is done.
    Nowhere,
}

/// What happens when the Relay tells the truth again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Everything syncs.
    GoesOn,
    /// The Space stays as it is, for a person to decide: two logs were shown to be true.
    StaysForked,
}

/// Tells the story with this lie. `named` says whether a fault names it rightly.
pub async fn endure(lie: Lie, to_blame: Where, named: impl Fn(&TransportFault) -> bool, after: After) {
    endure_with(move |_| lie, to_blame, named, after).await;
}

/// As [`endure`], with a lie that is made of Entries of another Space.
pub async fn endure_with(
    lie: impl FnOnce(Vec<Bytes>) -> Lie,
    to_blame: Where,
    named: impl Fn(&TransportFault) -> bool,
    after: After,
) {
    let folder = tempfile::tempdir().unwrap();
    let relay = FakeRelay::start().await;
    let alice = open(folder.path(), "alice", relay.honest.to_string()).await;
    let bob = open(folder.path(), "bob", relay.lying.to_string()).await;
    let space = alice.create_space("Shared").await.unwrap();
    let added = space.add_member(bob.contact_card("Bob").await.unwrap(), Role::Writer).await.unwrap();
    write(&space, "before", 1).await;
    patient(space.synced()).await.unwrap();
    let theirs = bob.join(&added.ticket, "Shared").await.unwrap();
    agree(&space, &theirs).await;

    bob.disconnect().await.unwrap();
    patient(relay.alone()).await;
    for value in 2..5 {
        write(&space, "meanwhile", value).await;
        patient(space.synced()).await.unwrap();
    }
    write(&theirs, "offline", 5).await;
    let events = bob.events().await.unwrap();
    let lie = lie(other_space(&relay, &alice).await);
    let forgets = lie == Lie::Forgets;
    relay.lie(Some(lie));
    bob.connect().await.unwrap();
    if forgets {
        // The lie comes to light when something else stands in that place.
        let acknowledged = theirs.status_stream().await.unwrap();
        while patient(acknowledged.next()).await.unwrap().unwrap().stored_count == 0 {}
        write(&space, "meanwhile", 9).await;
    }

    match to_blame {
        Where::Space => {
            let fault = blamed(&events, Some(space.id())).await;
            assert!(named(&fault), "blamed for {fault:?}");
            let shown = forked(&theirs).await;
            assert!(named(&shown), "shown as {shown:?}");
        }
        Where::Connection => {
            let fault = blamed(&events, None).await;
            assert!(named(&fault), "blamed for {fault:?}");
        }
        Where::Transport => loop {
            let happened = patient(events.next()).await.unwrap();
            if matches!(happened.event, DriverEvent::Disconnected(CloseReason::Misbehaved(_))) {
                break;
            }
        },
        Where::Nowhere => {}
    }

    // Nothing is lost, and writing goes on.
    write(&theirs, "during", 6).await;
    for (document, value) in [("before", 1), ("offline", 5), ("during", 6)] {
        assert_eq!(read(&theirs, document).await, Some(value), "{document}");
    }
    relay.lie(None);
    relay.cut();
    bob.connect().await.unwrap();
    match after {
        After::GoesOn => goes_on(&space, &theirs).await,
        After::StaysForked => {
            blamed(&events, Some(space.id())).await;
            forked(&theirs).await;
            write(&theirs, "after", 7).await;
            bob.close().await.unwrap();
            // Neither a restart loses anything.
            let bob = open(folder.path(), "bob", relay.lying.to_string()).await;
            let theirs = bob.space(space.id()).await.unwrap();
            for (document, value) in [("before", 1), ("offline", 5), ("during", 6), ("after", 7)] {
                assert_eq!(read(&theirs, document).await, Some(value), "{document}");
            }
        }
    }
}

async fn goes_on(space: &Space, theirs: &Space) {
    // A fault that is still remembered may be told before the truth is heard.
    let heard = async {
        while theirs.synced().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if timeout(PATIENCE, heard).await.is_err() {
        panic!("it does not sync again: {:?}", theirs.status().await);
    }
    agree(space, theirs).await;
    for (document, value) in [("before", 1), ("meanwhile", 4), ("offline", 5), ("during", 6)] {
        for space in [space, theirs] {
            assert_eq!(read(space, document).await, Some(value), "{document}");
        }
    }
}

/// Waits until both have everything, and compares their roots.
async fn agree(one: &Space, other: &Space) {
    let mut end = 0;
    for space in [one, other] {
        // A newcomer's Space is at position 0 until the Relay has answered.
        end = end.max(patient(space.synced()).await.unwrap().seq);
    }
    for space in [one, other] {
        patient(space.reached(end)).await.unwrap();
    }
    assert_eq!(one.state_root().await.unwrap(), other.state_root().await.unwrap());
}

/// The next fault that the client tells of.
pub async fn blamed(events: &EventStream, about: Option<SpaceId>) -> TransportFault {
    loop {
        let happened = patient(events.next()).await.expect("the client is open");
        if let DriverEvent::Engine(Event::RelayMisbehaved { space, fault }) = happened.event {
            assert_eq!(space, about, "{fault:?}");
            return fault;
        }
    }
}

/// What the Space is halted for. It asks the Relay again and again, so it need not be just now.
pub async fn forked(space: &Space) -> TransportFault {
    let states = space.status_stream().await.unwrap();
    loop {
        if let SyncState::Forked(fault) = patient(states.next()).await.unwrap().unwrap().state {
            return fault;
        }
    }
}

/// Entries of a Space of Alice's alone, as many as Bob's Space has.
async fn other_space(relay: &FakeRelay, alice: &Client) -> Vec<Bytes> {
    let other = alice.create_space("Other").await.unwrap();
    for value in 0..8 {
        write(&other, "other", value).await;
        patient(other.synced()).await.unwrap();
    }
    relay.entries(other.id(), 3)
}

pub async fn open(folder: &Path, name: &str, relay: String) -> Client {
    let config = Config { name: name.to_owned(), ..Config::with_relay(format!("ws://{relay}")) };
    Client::open(folder.join(format!("{name}.db")), config).await.unwrap()
}

pub async fn write(space: &Space, document: &str, value: i64) {
    space.collection("numbers").set(document, "value", value).await.unwrap();
}

pub async fn read(space: &Space, document: &str) -> Option<i64> {
    let fields = space.collection("numbers").get(document).await.unwrap()?;
    match fields.get("value") {
        Some(Value::Int(value)) => Some(*value),
        _ => None,
    }
}

pub async fn patient<T>(waiting: impl Future<Output = T>) -> T {
    timeout(PATIENCE, waiting).await.expect("it comes to an end")
}
