//! What still arrives of a connection that was given up, or that has not proved who it is.

use crate::story::{BOB, rest};
use veilfold_core::client::SyncState;
use veilfold_core::engine::{Event, Output};
use veilfold_core::wire::ChainHash;
use veilfold_core::wire::frame::{RelayFrame, SignedHead};
use veilfold_tests::harness::{Protections, World};

#[test]
fn nobody_is_blamed_for_what_arrives_after_going_offline() {
    let mut world = World::new(21, 2, Protections::default());
    let space = world.share_space();
    let head = SignedHead { seq: 1, chain: ChainHash([7; 32]), time_ms: 0, signature: [0; 64] };
    let late = RelayFrame::Head { space, head }.encode();
    let now = world.now_ms;
    let engine = world.devices[BOB].engine();
    engine.disconnect();
    // The transport is closed a moment later; until then frames that were under way come in.
    engine.received(&late, now).expect("a store that works");
    let state = engine.status(space).expect("a status").state;
    assert_eq!(state, SyncState::Offline);

    // The same from a connection whose other end has not proved that it is the Relay: that
    // connection is not trusted, the Space is not halted.
    engine.connect(now);
    engine.handle_timeout(now).expect("a store that works");
    engine.opened("relay.example:443".to_owned(), now);
    engine.received(&late, now).expect("a store that works");
    let mut blamed = Vec::new();
    while let Some(output) = engine.poll_output() {
        if let Output::Event(Event::RelayMisbehaved { space, .. }) = output {
            blamed.push(space);
        }
    }
    assert_eq!(blamed, [None]);
    let state = engine.status(space).expect("a status").state;
    assert!(!matches!(state, SyncState::Forked(_)), "{state:?}");
    world.kill_device(BOB);
    world.start(BOB);
    rest(&mut world, space);
}
