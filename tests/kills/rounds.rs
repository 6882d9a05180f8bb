//! The instants at which somebody is killed, and how each is brought about.

use super::autopsy::{self, Phase};
use super::town::Town;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::sleep;
use veilfold_tests::harness::Rng;

/// What a kill is aimed at. What it hit is for the autopsy to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// A client with nothing to do.
    ClientIdle,
    /// A client that writes while its first Entry is on the way.
    ClientWaiting,
    /// A client whose Entry has left and is not answered.
    ClientSealed,
    /// A client whose Entry is acknowledged while the order is held back from it.
    ClientAcknowledged,
    /// A client that was just sent many Entries.
    ClientFolding,
    /// A client, at any moment of both typing.
    ClientAnytime,
    /// The Relay, with nothing to do.
    RelayIdle,
    /// The Relay, as it is handed an Entry.
    RelayReceived,
    /// The Relay, as others see an Entry whose author does not know yet.
    RelayCommitted,
    /// The Relay, at any moment of both typing.
    RelayAnytime,
}

impl Aim {
    fn is_at_relay(self) -> bool {
        use Aim::{RelayAnytime, RelayCommitted, RelayIdle, RelayReceived};
        matches!(self, RelayIdle | RelayReceived | RelayCommitted | RelayAnytime)
    }

    /// The aim for a phase.
    pub fn at(phase: Phase) -> Self {
        match phase {
            Phase::ClientIdle => Self::ClientIdle,
            Phase::ClientInsideCommit => Self::ClientAnytime,
            Phase::ClientCommittedNotSealed => Self::ClientWaiting,
            Phase::ClientSealedNotAcknowledged => Self::ClientSealed,
            Phase::ClientAcknowledgedNotReturned => Self::ClientAcknowledged,
            Phase::ClientFolding => Self::ClientFolding,
            Phase::RelayIdle => Self::RelayIdle,
            Phase::RelayNotCommitted => Self::RelayReceived,
            Phase::RelayCommittedNotAcknowledged => Self::RelayCommitted,
        }
    }
}

/// What the kills hit.
#[derive(Debug, Default)]
pub struct Tally {
    kills: usize,
    under_way: usize,
    phases: BTreeMap<Phase, usize>,
}

impl Tally {
    pub fn kills(&self) -> usize {
        self.kills
    }

    pub fn under_way(&self) -> usize {
        self.under_way
    }

    pub fn of(&self, phase: Phase) -> usize {
        self.phases.get(&phase).copied().unwrap_or_default()
    }

    fn note(&mut self, phases: BTreeSet<Phase>) {
        self.kills += 1;
        let idle = [Phase::ClientIdle, Phase::RelayIdle];
        self.under_way += usize::from(!phases.iter().all(|phase| idle.contains(phase)));
        for phase in phases {
            *self.phases.entry(phase).or_default() += 1;
        }
    }
}

impl Town {
    /// Brings somebody to the instant, kills, looks, and starts again what was killed.
    pub async fn round(&mut self, aim: Aim, rng: &mut Rng, tally: &mut Tally) {
        let victim = rng.below(2) as usize;
        let other = 1 - victim;
        self.sync().await;
        let space = self.space;
        match aim {
            Aim::ClientIdle => {}
            Aim::ClientWaiting => {
                self.parties[victim].proxy.freeze();
                self.parties[victim].obey(&format!("type {}", 4 + rng.below(20))).await;
            }
            Aim::ClientSealed => {
                let offered = self.parties[victim].proxy.passed(space).offered;
                self.parties[victim].proxy.freeze();
                self.parties[victim].obey("type 1").await;
                self.parties[victim].proxy.until(space, |passed| passed.offered > offered).await;
            }
            Aim::ClientAcknowledged => {
                let passed = self.parties[victim].proxy.passed(space);
                self.parties[victim].proxy.hold_at(space, passed.passed_seq);
                self.parties[victim].obey("type 1").await;
                let before = passed.acknowledged_seq;
                self.parties[victim].proxy.until(space, |passed| passed.acknowledged_seq > before).await;
                sleep(Duration::from_micros(rng.below(10_000))).await;
            }
            Aim::ClientFolding => {
                let seen = self.parties[victim].proxy.passed(space).passed_seq;
                self.parties[victim].proxy.hold_at(space, seen);
                self.parties[other].obey("type 100").await;
                self.parties[other].obey("sync").await;
                let newest = self.parties[other].proxy.passed(space).passed_seq;
                self.parties[victim].proxy.until(space, |passed| passed.arrived_seq >= newest).await;
                self.parties[victim].proxy.release(space);
                self.parties[victim].proxy.until(space, |passed| passed.passed_seq > seen).await;
                sleep(Duration::from_micros(rng.below(2_000))).await;
            }
            Aim::RelayIdle => {}
            Aim::RelayReceived => {
                let offered = self.parties[victim].proxy.passed(space).offered;
                self.parties[victim].order("type 5").await;
                self.parties[victim].proxy.until(space, |passed| passed.offered > offered).await;
            }
            Aim::RelayCommitted => {
                let seen = self.parties[other].proxy.passed(space).arrived_seq;
                self.parties[victim].proxy.freeze();
                self.parties[victim].order("type 3").await;
                self.parties[other].proxy.until(space, |passed| passed.arrived_seq > seen).await;
            }
            Aim::ClientAnytime | Aim::RelayAnytime => {
                for party in &mut self.parties {
                    party.order("type 20").await;
                }
                sleep(Duration::from_micros(rng.below(60_000))).await;
            }
        }
        let phases = match aim {
            Aim::ClientIdle
            | Aim::ClientWaiting
            | Aim::ClientSealed
            | Aim::ClientAcknowledged
            | Aim::ClientFolding => self.kill_client(victim).await,
            Aim::ClientAnytime => {
                let phases = self.kill_client(victim).await;
                self.parties[other].done().await;
                phases
            }
            Aim::RelayIdle => self.kill_relay(None).await,
            Aim::RelayReceived | Aim::RelayCommitted => {
                let phases = self.kill_relay(Some(victim)).await;
                self.parties[victim].done().await;
                phases
            }
            Aim::RelayAnytime => {
                let phases = self.kill_relay(None).await;
                for party in &mut self.parties {
                    party.done().await;
                }
                phases
            }
        };
        if aim.is_at_relay() {
            for party in &mut self.parties {
                party.obey("connect").await;
            }
        }
        tally.note(phases);
    }

    async fn kill_client(&mut self, victim: usize) -> BTreeSet<Phase> {
        let party = &mut self.parties[victim];
        party.kill().await;
        party.proxy.cut();
        party.proxy.thaw();
        let mut phases = autopsy::client(party, party.proxy.passed(self.space).passed_seq);
        party.proxy.release(self.space);
        if party.start().await {
            phases.remove(&Phase::ClientIdle);
            phases.insert(Phase::ClientInsideCommit);
        }
        party.note_passed();
        phases
    }

    /// Kills the Relay. The connection of `frozen` must not bring what the Relay said before.
    async fn kill_relay(&mut self, frozen: Option<usize>) -> BTreeSet<Phase> {
        self.relay.kill().unwrap();
        if let Some(frozen) = frozen {
            self.parties[frozen].proxy.cut();
            self.parties[frozen].proxy.thaw();
        }
        for party in &mut self.parties {
            // What the Relay said before its end has arrived once its connections are gone.
            party.proxy.until_alone().await;
            party.note_passed();
        }
        let phases = autopsy::relay(&self.relay_folder(), self.space, &self.parties);
        self.restart_relay().await;
        phases
    }
}
