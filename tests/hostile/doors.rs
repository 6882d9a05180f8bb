//! The hostile Relay that apps get for their tests, seen by real clients: each of its lies is named by
//! the device that it is told to, and the device at the other door notices nothing.

use super::endure::{blamed, forked, open, patient, read, write};
use tempfile::TempDir;
use veilfold_core::client::{Client, EventStream, Space, SyncState};
use veilfold_core::wire::{Role, TransportFault};
use veilfold_relay::testing::hostile::{HostileRelay, Lie};

/// Alice writes at the honest door, Bob is offline at the lying one.
struct Couple {
    _folder: TempDir,
    relay: HostileRelay,
    alice: Client,
    bob: Client,
    ours: Space,
    theirs: Space,
    events: EventStream,
}

impl Couple {
    async fn meet() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let relay = HostileRelay::start().await.unwrap();
        let door = |url: String| url.trim_start_matches("ws://").to_owned();
        let alice = open(folder.path(), "alice", door(relay.url())).await;
        let bob = open(folder.path(), "bob", door(relay.lying_url())).await;
        let ours = alice.create_space("Shared").await.unwrap();
        let added = ours.add_member(bob.contact_card("Bob").await.unwrap(), Role::Writer).await.unwrap();
        write(&ours, "before", 1).await;
        let seq = patient(ours.synced()).await.unwrap().seq;
        let theirs = bob.join(&added.ticket, "Shared").await.unwrap();
        patient(theirs.reached(seq)).await.unwrap();
        bob.disconnect().await.unwrap();
        let events = bob.events().await.unwrap();
        Self { _folder: folder, relay, alice, bob, ours, theirs, events }
    }

    /// Alice writes three times, and each write is in the order before the next.
    async fn alice_writes(&self) {
        for value in 2..5 {
            write(&self.ours, "meanwhile", value).await;
            patient(self.ours.synced()).await.unwrap();
        }
    }

    /// What Bob says of the Relay, as an event and as the status of the Space.
    async fn bob_blames(&self) -> [TransportFault; 2] {
        self.bob.connect().await.unwrap();
        [blamed(&self.events, Some(self.ours.id())).await, forked(&self.theirs).await]
    }
}

async fn named(lie: Lie, named: impl Fn(&TransportFault) -> bool) -> Couple {
    let couple = Couple::meet().await;
    couple.alice_writes().await;
    couple.relay.lie(Some(lie)).await.unwrap();
    for fault in couple.bob_blames().await {
        assert!(named(&fault), "blamed for {fault:?}");
    }
    assert_eq!(read(&couple.ours, "meanwhile").await, Some(4));
    patient(couple.ours.synced()).await.unwrap();
    couple
}

/// With the truth everything arrives.
async fn forgiven(couple: &Couple) {
    couple.relay.lie(None).await.unwrap();
    couple.bob.connect().await.unwrap();
    while patient(couple.theirs.synced()).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(read(&couple.theirs, "meanwhile").await, Some(4));
}

#[tokio::test]
async fn an_omission_and_a_swap_are_named_and_forgiven() {
    for lie in [Lie::Omits, Lie::Reorders] {
        let gap = |fault: &TransportFault| {
            matches!(fault, TransportFault::AuthorGap { .. } | TransportFault::SeenAhead { .. })
        };
        forgiven(&named(lie, gap).await).await;
    }
}

#[tokio::test]
async fn a_repetition_is_named_by_what_its_author_saw() {
    named(Lie::Repeats, |fault| matches!(fault, TransportFault::ForkDetected { .. })).await;
}

#[tokio::test]
async fn a_fork_is_named_when_the_logs_meet() {
    let couple = Couple::meet().await;
    couple.relay.lie(Some(Lie::Forks)).await.unwrap();
    couple.bob.connect().await.unwrap();
    write(&couple.theirs, "theirs", 7).await;
    patient(couple.theirs.synced()).await.unwrap();
    couple.alice_writes().await;
    assert_eq!(read(&couple.ours, "theirs").await, None);
    assert_eq!(read(&couple.theirs, "meanwhile").await, None);
    couple.relay.lie(None).await.unwrap();
    for fault in couple.bob_blames().await {
        assert!(
            matches!(fault, TransportFault::HeadMismatch { .. } | TransportFault::ForkDetected { .. }),
            "blamed for {fault:?}"
        );
    }
    patient(couple.ours.synced()).await.unwrap();
    couple.alice.close().await.unwrap();
}

#[tokio::test]
async fn what_is_delayed_comes_with_the_truth() {
    let couple = Couple::meet().await;
    couple.relay.lie(Some(Lie::Delays)).await.unwrap();
    couple.alice_writes().await;
    write(&couple.theirs, "theirs", 7).await;
    let states = couple.theirs.status_stream().await.unwrap();
    couple.bob.connect().await.unwrap();
    // The Relay says how long its log is, and does not show it.
    while !matches!(patient(states.next()).await.unwrap().unwrap().state, SyncState::CatchingUp { .. }) {}
    assert_eq!(read(&couple.theirs, "meanwhile").await, None);
    forgiven(&couple).await;
    assert_eq!(couple.theirs.status().await.unwrap().outbox_count, 0);
}
