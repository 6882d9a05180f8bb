//! One Space on the present connection: asked for, catching up, live, or waiting to ask again.

use super::backoff::Backoff;
use crate::sorted::{SortedMap, SortedSet};
use veilfold_wire::frame::RefuseReason;
use veilfold_wire::{SpaceId, TransportFault};

/// Where a Space stands with the Relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// To be asked for as soon as there is a connection.
    Wanted,
    /// Asked for on this connection.
    Asked,
    /// Pages are coming until this position is reached.
    CatchingUp {
        /// The Relay's newest position when it answered.
        target: u64,
    },
    /// What is ordered arrives as it is ordered, and own Entries may be sent.
    Live,
    /// To be asked for again then.
    Waiting {
        /// Milliseconds since 1970.
        until_ms: u64,
    },
}

/// A Space's subscription and why it last failed.
#[derive(Debug)]
pub struct Subscription {
    state: State,
    backoff: Backoff,
    refused: Option<RefuseReason>,
    fault: Option<TransportFault>,
    /// Sending waits until then, because the Relay said so.
    quiet_until_ms: u64,
}

impl Subscription {
    fn new() -> Self {
        Self {
            state: State::Wanted,
            backoff: Backoff::default(),
            refused: None,
            fault: None,
            quiet_until_ms: 0,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the Relay did that an honest one cannot do; cleared once the log goes on.
    pub fn fault(&self) -> Option<TransportFault> {
        self.fault
    }

    /// Why the Relay refused, until it answers otherwise.
    pub fn refused(&self) -> Option<RefuseReason> {
        self.refused
    }

    /// It was asked for.
    pub fn asked(&mut self) {
        self.state = State::Asked;
    }

    /// The Relay answered: its log ends at `target`, ours at `have`.
    pub fn answered(&mut self, target: u64, have: u64) {
        self.refused = None;
        if have >= target {
            // What the Relay signs agrees with all that was verified: nothing is held against it.
            self.fault = None;
        }
        self.state = if have >= target { State::Live } else { State::CatchingUp { target } };
    }

    /// The log reached `have`. True when that made it live.
    pub fn advanced(&mut self, have: u64) -> bool {
        self.fault = None;
        self.backoff.reset();
        match self.state {
            State::CatchingUp { target } if have >= target => {
                self.state = State::Live;
                true
            }
            _ => false,
        }
    }

    /// Asks again after a while because the Relay misbehaved.
    pub fn faulted(&mut self, fault: TransportFault, now_ms: u64, random: u64) {
        self.fault = Some(fault);
        self.wait(now_ms, random, 0);
    }

    /// Asks again after a while because the Relay refused.
    pub fn refuse(&mut self, reason: RefuseReason, now_ms: u64, random: u64, at_least_ms: u64) {
        self.refused = Some(reason);
        self.wait(now_ms, random, at_least_ms);
    }

    /// Asks again at once, from where the log ends now.
    pub fn again(&mut self) {
        self.state = State::Wanted;
    }

    fn wait(&mut self, now_ms: u64, random: u64, at_least_ms: u64) {
        let wait = self.backoff.fail(random).max(at_least_ms);
        self.state = State::Waiting { until_ms: now_ms.saturating_add(wait) };
    }

    /// Sends nothing before then.
    pub fn quiet(&mut self, until_ms: u64) {
        self.quiet_until_ms = until_ms;
    }

    /// When sending may go on, while it has to wait.
    pub fn quiet_until(&self, now_ms: u64) -> Option<u64> {
        (now_ms < self.quiet_until_ms).then_some(self.quiet_until_ms)
    }

    /// True between the Relay's answer and the end of the subscription: pages belong to it then.
    pub fn is_followed(&self) -> bool {
        matches!(self.state, State::CatchingUp { .. } | State::Live)
    }

    /// How many Entries from `first` on the Relay is known to have; `None` when it is not being followed.
    pub fn missing(&self, first: u64) -> Option<u64> {
        match self.state {
            State::CatchingUp { target } => Some((target + 1).saturating_sub(first)),
            State::Live => Some(0),
            State::Wanted | State::Asked | State::Waiting { .. } => None,
        }
    }

    /// True when own Entries may be sent, apart from waiting.
    pub fn may_send(&self) -> bool {
        self.state == State::Live && self.fault.is_none()
    }
}

/// All Spaces on the present connection.
#[derive(Debug, Default)]
pub struct Subscriptions {
    by_space: SortedMap<SpaceId, Subscription>,
    /// Times at which a Space needs attention.
    due: SortedSet<(u64, SpaceId)>,
}

impl Subscriptions {
    /// The subscription of a Space, made when there was none.
    pub fn get(&mut self, space: SpaceId) -> &mut Subscription {
        self.by_space.get_or_insert_with(space, Subscription::new)
    }

    /// The subscription of a Space, to look at.
    pub fn look(&self, space: &SpaceId) -> Option<&Subscription> {
        self.by_space.get(space)
    }

    /// Wakes the Space at `at_ms`.
    pub fn wake(&mut self, space: SpaceId, at_ms: u64) {
        self.due.insert((at_ms, space));
    }

    /// Wakes the Space when its own waiting ends.
    pub fn wake_when_due(&mut self, space: SpaceId) {
        let until = match self.by_space.get(&space) {
            Some(Subscription { state: State::Waiting { until_ms }, .. }) => *until_ms,
            Some(subscription) => subscription.quiet_until_ms,
            None => return,
        };
        self.wake(space, until);
    }

    /// The Spaces that need attention at `now_ms`.
    pub fn take_due(&mut self, now_ms: u64) -> Vec<SpaceId> {
        let mut spaces = Vec::new();
        while let Some((at, space)) = self.due.first().copied().filter(|(at, _)| *at <= now_ms) {
            self.due.remove(&(at, space));
            if let Some(subscription) = self.by_space.get_mut(&space)
                && matches!(subscription.state, State::Waiting { until_ms } if until_ms <= now_ms)
            {
                subscription.state = State::Wanted;
            }
            spaces.push(space);
        }
        spaces
    }

    /// How many subscriptions there are, and how many times at which one needs attention.
    #[cfg(feature = "testing")]
    pub fn held(&self) -> (usize, usize) {
        (self.by_space.len(), self.due.len())
    }

    /// When a Space needs attention next.
    pub fn deadline(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The connection is gone: everything is to be asked for again.
    pub fn disconnected(&mut self) {
        self.due.clear();
        for subscription in self.by_space.values_mut() {
            subscription.state = State::Wanted;
        }
    }
}
