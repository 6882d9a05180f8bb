//! Small typed records: fates, status, members, events. Numbers are `i64`, which every language has.

use veilfold_core::client::{self, DriverEvent};
use veilfold_core::model::{DocumentKey, Position};
use veilfold_core::wire::Role;

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Fate {
    /// The order does not contain it yet.
    Pending,
    /// Every Device has it.
    Confirmed {
        /// Position of its Entry.
        seq: i64,
        /// Its place in the Entry.
        index: i64,
    },
    /// Every Device left it out.
    Rejected {
        /// Position of its Entry.
        seq: i64,
        /// Its place in the Entry.
        index: i64,
        /// Stable code.
        code: String,
        /// The reason for people.
        detail: String,
        /// The collection that it is about, if it is about one.
        collection: Option<String>,
        /// The document that it is about, if it is about one.
        document: Option<String>,
    },
    /// It never entered the order.
    Refused {
        /// Stable code.
        code: String,
        /// The reason for people.
        detail: String,
    },
}

/// Where a Space stands with the Relay.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum SyncState {
    /// No connection.
    Offline,
    /// A connection is being made, or the Space is being asked for.
    Connecting,
    /// The Relay turned it away; it is asked again by itself.
    Refused,
    /// Entries are arriving.
    CatchingUp {
        /// Newest verified position.
        done: i64,
        /// The Relay's newest position.
        total: i64,
    },
    /// What is ordered arrives as it is ordered.
    Live,
    /// Entries are kept and not folded; `SpaceStatus.held` says why.
    Held,
    /// The Relay misbehaved.
    Forked {
        /// How.
        fault: String,
    },
}

/// A settled fate with what it took.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SettledFate {
    /// The id on the receipt, 16 hex digits.
    pub tx_id: String,
    /// What became of it.
    pub fate: Fate,
    /// How many Transactions were tried for it; more than 1 only for a mutator.
    pub attempts: i64,
    /// The mutator that it is from, if it is from one.
    pub mutator: Option<String>,
}

/// How a Space stands.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SpaceStatus {
    /// With the Relay.
    pub state: SyncState,
    /// Own writes that the order does not contain yet.
    pub outbox_count: i64,
    /// Of these, how many the Relay has stored.
    pub stored_count: i64,
    /// Newest position that this Device has verified and folded.
    pub seq: i64,
    /// Why Entries are kept and not folded: `key_missing`, `update_required` or `resolver_stuck`.
    pub held: Option<String>,
}

/// What a Member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum MemberRole {
    /// Reads.
    Reader,
    /// Reads and writes.
    Writer,
    /// Also adds readers and writers.
    Admin,
    /// Also adds admins and owners.
    Owner,
}

/// A Member as this Device knows it.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Member {
    /// Its number.
    pub number: i64,
    /// Its role.
    pub role: MemberRole,
    /// Its name, if the Entry that added it said one.
    pub name: Option<String>,
    /// True for this Device.
    pub me: bool,
}

/// Something noteworthy that no call was waiting for.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Event {
    /// The Relay gave something that an honest one cannot give.
    RelayMisbehaved {
        /// The Space, when it is about one.
        space: Option<String>,
        /// What it did.
        fault: String,
    },
    /// Another copy of this store writes as this Device.
    DeviceCloned {
        /// The Space.
        space: String,
    },
    /// This Device was added to a Space.
    Admitted {
        /// The Space.
        space: String,
    },
    /// A Space stands still: Entries are kept and not folded. Its status says when it goes on.
    Held {
        /// The Space.
        space: String,
        /// `key_missing`, `update_required` or `resolver_stuck`.
        why: String,
        /// Whose resolver it is about, if it is about one.
        collection: Option<String>,
        /// Which version of it.
        version: Option<i64>,
    },
    /// A resolver of the app threw or gave what is no document: that write is rejected on every Device.
    ResolverFailed {
        /// The Space.
        space: String,
        /// The collection.
        collection: String,
        /// Position in the order.
        seq: i64,
    },
    /// A writer has other documents, although this Device's are what its own verified log makes of them.
    Diverged {
        /// The Space.
        space: String,
        /// Where in the order.
        seq: i64,
        /// Number of the Member that wrote it.
        author: i64,
        /// The bucket of the state root in which something differs, once it is known.
        bucket: Option<i64>,
        /// The documents that differ, as far as they are known.
        documents: Vec<DocumentName>,
    },
    /// This Device's documents were not what its own verified log makes of them. They are now.
    Healed {
        /// The Space.
        space: String,
        /// Up to where in the order.
        seq: i64,
        /// The bucket of the state root in which the first of them lies, if documents were concerned.
        bucket: Option<i64>,
        /// The first of the documents that are different now.
        documents: Vec<DocumentName>,
        /// How many there are.
        count: i64,
    },
    /// The store could not keep what arrived; it is fetched again.
    StoreFailed {
        /// What it said.
        detail: String,
    },
    /// The connection ended or never came about; it is tried again.
    Disconnected {
        /// Why.
        detail: String,
    },
}

/// A document's collection and id.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct DocumentName {
    /// The collection.
    pub collection: String,
    /// The id.
    pub id: String,
}

impl From<DocumentKey> for DocumentName {
    fn from(key: DocumentKey) -> Self {
        Self { collection: key.collection, id: key.document }
    }
}

/// A count or position for languages without unsigned numbers; none comes near the limit.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl From<client::Fate> for Fate {
    fn from(fate: client::Fate) -> Self {
        let place = |position: Position| (signed(position.seq), signed(position.index));
        match fate {
            client::Fate::Pending => Self::Pending,
            client::Fate::Confirmed(position) => {
                let (seq, index) = place(position);
                Self::Confirmed { seq, index }
            }
            client::Fate::Rejected(position, rejection) => {
                let (seq, index) = place(position);
                let (collection, document) =
                    rejection.document.map(|key| (key.collection, key.document)).unzip();
                // About a whole collection.
                let document = document.filter(|id| !id.is_empty());
                let code = rejection.reason.name().to_owned();
                let detail = rejection.detail.unwrap_or_else(|| rejection.reason.to_string());
                Self::Rejected { seq, index, code, detail, collection, document }
            }
            client::Fate::Refused(reason) => {
                Self::Refused { code: reason.name().to_owned(), detail: reason.to_string() }
            }
        }
    }
}

impl From<client::Settled> for SettledFate {
    fn from(settled: client::Settled) -> Self {
        Self {
            tx_id: settled.tx_id.to_string(),
            fate: settled.fate.into(),
            attempts: signed(settled.attempts),
            mutator: settled.mutator,
        }
    }
}

impl From<client::SpaceStatus> for SpaceStatus {
    fn from(status: client::SpaceStatus) -> Self {
        let state = match status.state {
            client::SyncState::Offline => SyncState::Offline,
            client::SyncState::Connecting => SyncState::Connecting,
            client::SyncState::Refused => SyncState::Refused,
            client::SyncState::CatchingUp { done, total } => {
                SyncState::CatchingUp { done: signed(done), total: signed(total) }
            }
            client::SyncState::Live => SyncState::Live,
            client::SyncState::Held => SyncState::Held,
            client::SyncState::Forked(fault) => SyncState::Forked { fault: fault.to_string() },
        };
        Self {
            state,
            outbox_count: signed(status.outbox_count),
            stored_count: signed(status.stored_count),
            seq: signed(status.seq),
            held: status.held.map(|why| why.name().to_owned()),
        }
    }
}

impl From<MemberRole> for Role {
    fn from(role: MemberRole) -> Self {
        match role {
            MemberRole::Reader => Self::Reader,
            MemberRole::Writer => Self::Writer,
            MemberRole::Admin => Self::Admin,
            MemberRole::Owner => Self::Owner,
        }
    }
}

impl From<client::MemberInfo> for Member {
    fn from(member: client::MemberInfo) -> Self {
        let role = match member.role {
            Role::Reader => MemberRole::Reader,
            Role::Writer => MemberRole::Writer,
            Role::Admin => MemberRole::Admin,
            Role::Owner => MemberRole::Owner,
        };
        Self { number: signed(member.member.0), role, name: member.name, me: member.me }
    }
}

impl From<DriverEvent> for Event {
    fn from(event: DriverEvent) -> Self {
        match event {
            DriverEvent::Engine(client::Event::RelayMisbehaved { space, fault }) => {
                Self::RelayMisbehaved { space: space.map(|id| id.to_string()), fault: fault.to_string() }
            }
            DriverEvent::Engine(client::Event::DeviceCloned { space }) => {
                Self::DeviceCloned { space: space.to_string() }
            }
            DriverEvent::Engine(client::Event::Admitted { space }) => {
                Self::Admitted { space: space.to_string() }
            }
            DriverEvent::Engine(client::Event::Held { space, why }) => {
                let name = why.name().to_owned();
                let (collection, version) = match why {
                    client::HeldFor::Update { collection, version }
                    | client::HeldFor::Resolver { collection, version } => {
                        (Some(collection), Some(signed(version)))
                    }
                    client::HeldFor::Key | client::HeldFor::NewerVeilfold => (None, None),
                };
                Self::Held { space: space.to_string(), why: name, collection, version }
            }
            DriverEvent::Engine(client::Event::ResolverFailed { space, collection, position }) => {
                Self::ResolverFailed { space: space.to_string(), collection, seq: signed(position.seq) }
            }
            DriverEvent::Engine(client::Event::Diverged { space, position, author, bucket, documents }) => {
                Self::Diverged {
                    space: space.to_string(),
                    seq: signed(position),
                    author: signed(author.0),
                    bucket: bucket.map(signed),
                    documents: documents.into_iter().map(DocumentName::from).collect(),
                }
            }
            DriverEvent::Engine(client::Event::Healed { space, position, bucket, documents, count }) => {
                Self::Healed {
                    space: space.to_string(),
                    seq: signed(position),
                    bucket: bucket.map(signed),
                    documents: documents.into_iter().map(DocumentName::from).collect(),
                    count: signed(count),
                }
            }
            DriverEvent::Engine(client::Event::StoreFailed { detail }) => Self::StoreFailed { detail },
            DriverEvent::Disconnected(reason) => Self::Disconnected { detail: reason.to_string() },
        }
    }
}
