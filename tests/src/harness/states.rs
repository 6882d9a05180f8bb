//! Which states of the engine a history has reached, so that nobody takes a state for tested that no
//! history ever comes to.
//!
//! `world.rs` looks after every step; the list is in `State::ALL`, and `cargo xtask sim` counts the
//! histories that reached each.

use std::collections::BTreeSet;
use veilfold_core::engine::{Standing, SyncState};
use veilfold_core::model::RejectReason;
use veilfold_core::outbox::Fate;

/// Something that an engine can be in, or that can become of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Without a connection.
    Offline,
    /// A connection is made, or the Space is asked for.
    Connecting,
    /// The Relay does not know the Space or the Member, for now.
    SubscriptionRefused,
    /// Entries are arriving.
    CatchingUp,
    /// Up to date.
    Live,
    /// Stopped before what no honest Relay can have given.
    Halted,
    /// A connection was given up.
    ConnectionGivenUp,
    /// An own write is visible and not ordered.
    Shown,
    /// An own write is left out of what is visible, for now.
    Hidden,
    /// One that was left out is visible again.
    ShownAgain,
    /// An own write has got another number.
    IssuedAgain,
    /// What is left of its first time is still awaited.
    Superseded,
    /// A sealed Entry waits for the Relay's word.
    Sealed,
    /// More than one does.
    SealedSeveral,
    /// The Relay has stored an Entry that has not come back.
    Acknowledged,
    /// The Relay refused an Entry.
    AppendRefused,
    /// Confirmed.
    Confirmed,
    /// Rejected: a document that was read has changed.
    ReadChanged,
    /// Rejected: a collection that was read has changed.
    Phantom,
    /// Rejected: an own write that was read is not there.
    DependencyRejected,
    /// Rejected: a condition does not hold.
    ExpectFailed,
    /// Rejected for the value that it met.
    ValueRejected,
    /// The call itself was turned down by what is visible.
    RejectedAtOnce,
    /// What was read had changed before the call.
    ReadAgain,
    /// A step was taken back in the middle.
    StepUndone,
    /// A log was folded again because of another writer's root.
    FoldedAgain,
    /// Started with own writes that wait.
    StartedPending,
    /// Started with a sealed Entry whose fate is not known.
    StartedSealed,
    /// Started with an Entry that the Relay has acknowledged.
    StartedAcknowledged,
    /// An Entry that every reader skips is in the order.
    EntrySkipped,
    /// A mutator was run again.
    RunAgain,
    /// A device got a newer version of the app.
    AppUpdated,
    /// A Space waits for a version of the app that knows its resolver.
    UpdateRequired,
    /// Rejected by the app's own resolver.
    RefusedByResolver,
    /// A live query has delivered one state in several pieces.
    LiveInPieces,
    /// A live query has delivered a change.
    LiveChanged,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 36] = [
        Self::Offline,
        Self::Connecting,
        Self::SubscriptionRefused,
        Self::CatchingUp,
        Self::Live,
        Self::Halted,
        Self::ConnectionGivenUp,
        Self::Shown,
        Self::Hidden,
        Self::ShownAgain,
        Self::IssuedAgain,
        Self::Superseded,
        Self::Sealed,
        Self::SealedSeveral,
        Self::Acknowledged,
        Self::AppendRefused,
        Self::Confirmed,
        Self::ReadChanged,
        Self::Phantom,
        Self::DependencyRejected,
        Self::ExpectFailed,
        Self::ValueRejected,
        Self::RejectedAtOnce,
        Self::ReadAgain,
        Self::StepUndone,
        Self::FoldedAgain,
        Self::StartedPending,
        Self::StartedSealed,
        Self::StartedAcknowledged,
        Self::EntrySkipped,
        Self::RunAgain,
        Self::AppUpdated,
        Self::UpdateRequired,
        Self::RefusedByResolver,
        Self::LiveInPieces,
        Self::LiveChanged,
    ];

    /// Its name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Connecting => "connecting",
            Self::SubscriptionRefused => "subscription refused",
            Self::CatchingUp => "catching up",
            Self::Live => "live",
            Self::Halted => "halted",
            Self::ConnectionGivenUp => "connection given up",
            Self::Shown => "pending shown",
            Self::Hidden => "pending hidden",
            Self::ShownAgain => "hidden, then shown again",
            Self::IssuedAgain => "issued again",
            Self::Superseded => "superseded",
            Self::Sealed => "sealed",
            Self::SealedSeveral => "several sealed",
            Self::Acknowledged => "acknowledged",
            Self::AppendRefused => "append refused",
            Self::Confirmed => "confirmed",
            Self::ReadChanged => "read set rejected",
            Self::Phantom => "phantom rejected",
            Self::DependencyRejected => "dependency rejected",
            Self::ExpectFailed => "condition rejected",
            Self::ValueRejected => "value rejected",
            Self::RejectedAtOnce => "rejected at the call",
            Self::ReadAgain => "read again at the call",
            Self::StepUndone => "step undone",
            Self::FoldedAgain => "folded again",
            Self::StartedPending => "started with pending writes",
            Self::StartedSealed => "started with a sealed entry",
            Self::StartedAcknowledged => "started with an acknowledged entry",
            Self::EntrySkipped => "entry skipped",
            Self::RunAgain => "mutator run again",
            Self::AppUpdated => "app updated",
            Self::UpdateRequired => "held for an update",
            Self::RefusedByResolver => "refused by the resolver",
            Self::LiveInPieces => "live query in pieces",
            Self::LiveChanged => "live query changed",
        }
    }
}

/// The states that one history has reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States(BTreeSet<State>);

impl States {
    /// Notes a state.
    pub fn reached(&mut self, state: State) {
        self.0.insert(state);
    }

    /// Notes a state when that is so.
    pub fn reached_if(&mut self, so: bool, state: State) {
        if so {
            self.0.insert(state);
        }
    }

    /// All that were reached.
    pub fn iter(&self) -> impl Iterator<Item = State> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn sync(&mut self, state: &SyncState) {
        match state {
            SyncState::Offline => self.reached(State::Offline),
            SyncState::Connecting => self.reached(State::Connecting),
            SyncState::Refused => self.reached(State::SubscriptionRefused),
            SyncState::CatchingUp { .. } => self.reached(State::CatchingUp),
            SyncState::Live => self.reached(State::Live),
            SyncState::Forked(_) => self.reached(State::Halted),
            // No key is ever missing here as long as membership does not change.
            SyncState::Held => self.reached(State::UpdateRequired),
        }
    }

    pub(super) fn standing(&mut self, before: Option<&Standing>, now: &Standing) {
        self.reached_if(now.superseded, State::Superseded);
        self.reached_if(now.shown, State::Shown);
        self.reached_if(!now.shown && !now.superseded, State::Hidden);
        if let Some(before) = before.filter(|before| !before.superseded && !now.superseded) {
            self.reached_if(before.tx_no != now.tx_no, State::IssuedAgain);
            self.reached_if(!before.shown && now.shown, State::ShownAgain);
        }
    }

    pub(super) fn fate(&mut self, fate: &Fate) {
        match fate {
            Fate::Confirmed(_) => self.reached(State::Confirmed),
            Fate::Rejected(_, rejection) => self.reached(match rejection.reason {
                RejectReason::ReadChanged
                    if rejection.document.as_ref().is_some_and(|key| key.is_whole()) =>
                {
                    State::Phantom
                }
                RejectReason::ReadChanged => State::ReadChanged,
                RejectReason::DependencyRejected => State::DependencyRejected,
                RejectReason::ExpectFailed => State::ExpectFailed,
                RejectReason::RefusedByResolver => State::RefusedByResolver,
                _ => State::ValueRejected,
            }),
            // Only changes of membership are refused in these histories, and not yet.
            Fate::Pending | Fate::Refused(_) => {}
        }
    }
}
