//! What should be done outside, after the step that asked for it was committed.

use super::holds::HeldFor;
use crate::model::{DocumentKey, Position, TxId};
use crate::outbox::Fate;
use crate::query::LiveId;
use bytes::Bytes;
use veilfold_wire::{MemberNo, SpaceId, TransportFault};

/// Something for the driver to do. Lost outputs are harmless: what matters is asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Open a transport to the Relay.
    Connect,
    /// Send a message on the transport.
    Send(Bytes),
    /// Close the transport.
    Disconnect,
    /// A live query has something to deliver.
    Live(LiveId),
    /// A write has its fate.
    Settled {
        /// The Space.
        space: SpaceId,
        /// The name on its receipt.
        tx_id: TxId,
        /// What became of it.
        fate: Fate,
    },
    /// A mutator waits to be run again ([`Engine::take_retry`](super::Engine::take_retry)).
    Retry,
    /// Something in a Space's status may be different.
    Status(SpaceId),
    /// Something that the app's developer should hear of.
    Event(Event),
}

/// Something noteworthy that no call is waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The Relay gave something that an honest one cannot give; the Space halts before it.
    RelayMisbehaved {
        /// The Space, when it is about one.
        space: Option<SpaceId>,
        /// What it did.
        fault: TransportFault,
    },
    /// The Relay holds own Transactions that this store does not know: it is a copy or was restored.
    DeviceCloned {
        /// The Space.
        space: SpaceId,
    },
    /// This Device was added to a Space.
    Admitted {
        /// The Space.
        space: SpaceId,
    },
    /// A Space stands still: Entries are kept and not folded. Its status says when it goes on.
    Held {
        /// The Space.
        space: SpaceId,
        /// What it waits for.
        why: HeldFor,
    },
    /// A resolver of the app threw or gave what is no document. The Transaction is rejected, on every
    /// Device alike.
    ResolverFailed {
        /// The Space.
        space: SpaceId,
        /// The collection.
        collection: String,
        /// Where.
        position: Position,
    },
    /// A writer has other documents, although this Device's are what its own verified log makes of them.
    /// Told once, and again when the bucket and the documents are found. This Device keeps its own.
    Diverged {
        /// The Space.
        space: SpaceId,
        /// Where the roots differ.
        position: u64,
        /// Whose root it was.
        author: MemberNo,
        /// The bucket of the state root in which something differs, once it is known.
        bucket: Option<u64>,
        /// The documents in it that differ, as far as this Device has them, once they are known.
        documents: Vec<DocumentKey>,
    },
    /// This Device's documents were not what its own verified log makes of them, perhaps because of a mistake
    /// in an earlier version of the app's resolvers. They are now.
    Healed {
        /// The Space.
        space: SpaceId,
        /// The position up to which it was folded again.
        position: u64,
        /// The bucket of the state root in which the first of them lies, if documents were concerned.
        bucket: Option<u64>,
        /// The first of the documents that are different now.
        documents: Vec<DocumentKey>,
        /// How many there are.
        count: u64,
    },
    /// The store could not keep what arrived; it is fetched again.
    StoreFailed {
        /// What it said.
        detail: String,
    },
}
