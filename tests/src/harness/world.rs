//! Everything together on one virtual clock: what happens next, and carrying it out.

use super::device::Device;
use super::faults::{Counts, Faults};
use super::hostile::Hostile;
use super::network::{ConnectionId, Network, Way};
use super::relay::{AUTHORITY, RelayOutput, SimRelay};
use super::rng::Rng;
use super::states::{State, States};
use veilfold_core::Error;
use veilfold_core::engine::{Engine, EngineConfig, Event, Output, SyncState};
use veilfold_core::members::SpaceTicket;
use veilfold_core::wire::frame::{Refused, RelayFrame};
use veilfold_core::wire::{Role, SpaceId, TransportFault};
use veilfold_relay::testing::FaultyStore as RelayStore;

/// How long a killed process stays away, in milliseconds.
const RESTART_MS: u64 = 500;
/// Outputs of one step besides what is sent and what is settled, in a world with one Space.
const OUTPUTS_MAX: usize = 24;
/// Events after which a quiet world must have become quiet.
const QUIET_EVENTS_MAX: u64 = 200_000;

/// What a history runs with; everything on, outside of tests of the protections themselves.
#[derive(Clone, Copy, Debug)]
pub struct Protections {
    /// The devices'.
    pub device: EngineConfig,
    /// The Relay's.
    pub relay: veilfold_relay::Protections,
    /// One store transaction per step.
    pub whole_transactions: bool,
    /// Of the last device, when it has others.
    pub odd_device: Option<EngineConfig>,
}

impl Default for Protections {
    fn default() -> Self {
        Self {
            device: EngineConfig::default(),
            relay: veilfold_relay::Protections::ALL,
            whole_transactions: true,
            odd_device: None,
        }
    }
}

/// A whole system.
pub struct World {
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Choices.
    pub rng: Rng,
    /// The devices.
    pub devices: Vec<Device>,
    /// The network.
    pub network: Network,
    /// The running Relay; `None` while it is killed.
    pub relay: Option<SimRelay>,
    /// What is left of a killed Relay.
    relay_store: Option<RelayStore>,
    relay_back_ms: u64,
    /// Which faults happen.
    pub faults: Faults,
    /// Which have happened.
    pub counts: Counts,
    /// What went wrong, for the first time.
    pub violation: Option<String>,
    /// What the Relay, or somebody between it and one device, does wrong.
    pub hostile: Option<Hostile>,
    /// Events that engines reported.
    pub events: Vec<(usize, Event)>,
    /// Which states the engines were in, as far as somebody looked.
    pub states: States,
    /// Whether to look at the engines after every step.
    pub looks: bool,
    /// The Space that is looked at.
    pub(super) observed: Option<SpaceId>,
    /// Only what begins so counts as gone wrong; for showing what a checker sees by itself.
    pub only: Option<&'static str>,
    pub(super) watched: Option<(SpaceId, String)>,
    pub(super) relay_ahead_ms: i64,
    protections: Protections,
}

impl World {
    /// `devices` devices and a Relay, all running, nothing shared yet.
    pub fn new(seed: u64, devices: usize, protections: Protections) -> Self {
        let mut world = Self {
            now_ms: 1_700_000_000_000,
            rng: Rng::new(seed),
            devices: Vec::new(),
            network: Network::default(),
            relay: Some(SimRelay::start(RelayStore::new(), protections.relay)),
            relay_store: None,
            relay_back_ms: 0,
            faults: Faults::NONE,
            counts: Counts::default(),
            violation: None,
            hostile: None,
            events: Vec::new(),
            states: States::default(),
            looks: false,
            observed: None,
            only: None,
            watched: None,
            relay_ahead_ms: 0,
            protections,
        };
        for index in 0..devices {
            let odd = protections.odd_device.filter(|_| index + 1 == devices);
            let (config, whole) = (odd.unwrap_or(protections.device), protections.whole_transactions);
            let device = Device::new(Device::seed_of(seed, index), config, whole, world.now_ms);
            world.devices.push(device);
            world.start(index);
        }
        world
    }

    /// Makes a Space of the first device with all others as writers, and waits until all have it.
    pub fn share_space(&mut self) -> SpaceId {
        let now = self.now_ms;
        let space = self.call(0, |engine| engine.create_space("space", "device 0", now)).expect("a space");
        self.observed = Some(space).filter(|_| self.looks);
        for index in 1..self.devices.len() {
            let card =
                self.call(index, |engine| engine.contact_card(&format!("device {index}"))).expect("a card");
            let (_, ticket) = self
                .call(0, |engine| engine.add_member(space, card, Role::Writer, now))
                .expect("an addition");
            self.call(index, |engine| engine.join(&SpaceTicket { ..ticket }, "space", now)).expect("a join");
        }
        self.quiet(space);
        space
    }

    /// Notes the first thing that went wrong.
    pub fn violated(&mut self, what: impl Into<String>) {
        let what = what.into();
        if self.violation.is_none() && self.only.is_none_or(|only| what.starts_with(only)) {
            self.violation = Some(what);
        }
    }

    /// What a device's clock shows.
    pub fn clock(&self, device: usize) -> u64 {
        self.devices[device].clock.shows(self.now_ms)
    }

    /// Runs a call of a device's app and carries out what it leads to; `None` when it failed.
    pub fn call<T>(
        &mut self,
        device: usize,
        call: impl FnOnce(&mut Engine) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = call(self.devices[device].engine());
        self.after_step(device);
        result
    }

    /// Starts a device's process.
    pub fn start(&mut self, device: usize) {
        self.devices[device].clock.restart(self.now_ms);
        let now = self.clock(device);
        match self.devices[device].start() {
            Ok(engine) => {
                engine.connect(now);
                self.open_watch(device);
                self.after_step(device);
            }
            Err(error) => self.violated(format!("device {device} does not start: {error}")),
        }
    }

    /// Kills a device's process.
    pub fn kill_device(&mut self, device: usize) {
        self.counts.device_kills += 1;
        self.devices[device].engine = None;
        if let Some(connection) = self.devices[device].connection.take() {
            self.cut(connection);
        }
        self.devices[device].offline_until_ms = self.now_ms + RESTART_MS;
    }

    /// Kills the Relay's process.
    pub fn kill_relay(&mut self) {
        if let Some(relay) = self.relay.take() {
            self.counts.relay_kills += 1;
            self.relay_store = Some(relay.kill());
            self.relay_back_ms = self.now_ms + RESTART_MS;
            for connection in self.network.open_connections() {
                self.cut(connection);
            }
        }
    }

    /// Takes a device off the network for a while.
    pub fn take_offline(&mut self, device: usize, for_ms: u64) {
        self.counts.offline += 1;
        self.devices[device].offline_until_ms = self.now_ms + for_ms;
        if let Some(connection) = self.devices[device].connection {
            self.cut(connection);
        }
    }

    /// Cuts a connection; both ends notice.
    pub fn cut(&mut self, connection: ConnectionId) {
        let device = self.network.device(connection);
        self.network.cut(connection);
        if let Some(relay) = &mut self.relay {
            relay.disconnect(connection);
        }
        if let Some(device) = device
            && self.devices[device].connection == Some(connection)
        {
            self.devices[device].connection = None;
            let now = self.clock(device);
            if let Some(engine) = &mut self.devices[device].engine {
                engine.closed(now);
                self.after_step(device);
            }
        }
    }

    /// Carries out what a device's engine wants, and notices when it was killed meanwhile.
    fn after_step(&mut self, device: usize) {
        if self.devices[device].store.is_killed() {
            self.states.reached(State::StepUndone);
            self.kill_device(device);
            return;
        }
        let refolds = self.devices[device].engine.as_ref().map_or(0, Engine::refolds);
        self.states.reached_if(refolds > 0, State::FoldedAgain);
        let mut asked = 0;
        while let Some(output) = self.devices[device].engine.as_mut().and_then(Engine::poll_output) {
            asked += usize::from(!matches!(output, Output::Send(_) | Output::Settled { .. }));
            match output {
                Output::Connect => self.connect(device),
                Output::Send(frame) => {
                    if let Some(connection) = self.devices[device].connection {
                        let delay = self.rng.below(self.faults.delay_ms + 1);
                        self.network.send(connection, Way::ToRelay, frame, self.now_ms, delay);
                    }
                }
                Output::Disconnect => {
                    self.states.reached(State::ConnectionGivenUp);
                    if let Some(connection) = self.devices[device].connection.take() {
                        self.network.cut(connection);
                        if let Some(relay) = &mut self.relay {
                            relay.disconnect(connection);
                        }
                    }
                }
                Output::Settled { tx_id, fate, .. } => self.settled(device, tx_id, fate),
                Output::Event(event) => self.noted(device, event),
                Output::Live(_) => {
                    if let Some(watch) = &mut self.devices[device].watch {
                        watch.has_news = true;
                    }
                }
                Output::Retry | Output::Status(_) => {}
            }
        }
        if asked > OUTPUTS_MAX {
            self.violated(format!("memory: one step of device {device} leaves {asked} outputs"));
        }
        self.observe(device);
    }

    fn noted(&mut self, device: usize, event: Event) {
        let misbehaved = matches!(event, Event::RelayMisbehaved { .. } | Event::DeviceCloned { .. });
        if misbehaved && self.hostile.is_none() {
            self.violated(format!("an honest world is blamed by device {device}: {event:?}"));
        }
        self.events.push((device, event));
    }

    fn settled(
        &mut self,
        device: usize,
        tx_id: veilfold_core::model::TxId,
        fate: veilfold_core::outbox::Fate,
    ) {
        self.states.fate(&fate);
        // Changes of membership have fates too; nobody was promised theirs here.
        let Some(told) = self.devices[device].promised.get_mut(&tx_id) else { return };
        if let Some(before) = told.replace(fate.clone())
            && before != fate
        {
            self.violated(format!("fates: that of {tx_id} went from {before:?} to {fate:?}"));
        }
    }

    fn connect(&mut self, device: usize) {
        let (now, clock) = (self.now_ms, self.clock(device));
        let reachable = self.relay.is_some() && self.devices[device].offline_until_ms <= now;
        if !reachable {
            self.devices[device].engine().closed(clock);
            self.after_step(device);
            return;
        }
        let connection = self.network.open(device);
        self.devices[device].connection = Some(connection);
        self.devices[device].engine().opened(AUTHORITY.to_owned(), clock);
        if let Some(relay) = &mut self.relay {
            relay.connect(connection, now);
        }
        self.relay_work();
    }

    fn relay_work(&mut self) {
        let Some(relay) = &mut self.relay else { return };
        for output in relay.work(self.now_ms) {
            match output {
                RelayOutput::Send(connection, frame) => {
                    let delay = self.rng.below(self.faults.delay_ms + 1);
                    self.network.send(connection, Way::ToDevice, frame, self.now_ms, delay);
                }
                RelayOutput::Close(connection) => self.cut(connection),
            }
        }
    }

    /// Lets the next thing happen; false when nothing is left to happen before `until_ms`.
    pub fn tick(&mut self, until_ms: u64) -> bool {
        self.maybe_fault();
        if let Some((connection, way, frame)) = self.network.take(self.now_ms, &mut self.rng) {
            self.deliver(connection, way, frame);
            return true;
        }
        let mut next = self.network.next_arrival().into_iter().chain(self.relay_deadline()).min();
        for device in &self.devices {
            let deadline = match &device.engine {
                Some(engine) => engine.next_deadline().map(|at| device.clock.reaches(at, self.now_ms)),
                None => Some(device.offline_until_ms),
            };
            next = next.into_iter().chain(deadline).min();
        }
        match next {
            Some(at) if at <= until_ms => {
                self.now_ms = self.now_ms.max(at);
                self.wake();
                true
            }
            _ => false,
        }
    }

    fn relay_deadline(&self) -> Option<u64> {
        match &self.relay {
            Some(relay) => relay.next_deadline(),
            None => Some(self.relay_back_ms),
        }
    }

    /// Runs whatever is due at this moment.
    fn wake(&mut self) {
        let now = self.now_ms;
        if self.relay.is_none() && self.relay_back_ms <= now {
            let store = self.relay_store.take().unwrap_or_default();
            let mut relay = SimRelay::start(store, self.protections.relay);
            relay.ahead_ms = self.relay_ahead_ms;
            self.relay = Some(relay);
        }
        self.relay_work();
        for index in 0..self.devices.len() {
            let clock = self.clock(index);
            let device = &mut self.devices[index];
            match &mut device.engine {
                None if device.offline_until_ms <= now => self.start(index),
                None => {}
                Some(engine) if engine.next_deadline().is_some_and(|at| at <= clock) => {
                    // A failing store is seen by `after_step`.
                    let _result = engine.handle_timeout(clock);
                    self.after_step(index);
                }
                Some(_) => {}
            }
        }
    }

    fn deliver(&mut self, connection: ConnectionId, way: Way, frame: bytes::Bytes) {
        self.counts.frames += 1;
        if self.rng.chance(self.faults.repeat) {
            self.counts.repeats += 1;
            self.network.repeat(connection, way, frame.clone(), self.now_ms);
        }
        let now = self.now_ms;
        match way {
            Way::ToRelay => {
                if let Some(relay) = &mut self.relay {
                    relay.receive(connection, &frame, now);
                }
                self.relay_work();
            }
            Way::ToDevice => {
                let Some(device) = self.network.device(connection) else { return };
                let frame = match &mut self.hostile {
                    Some(hostile) => hostile.tamper(device, frame, &mut self.rng),
                    None => frame,
                };
                let refused = matches!(
                    RelayFrame::decode(&frame),
                    Ok(RelayFrame::Refused { what: Refused::Append(..), .. })
                );
                self.states.reached_if(refused, State::AppendRefused);
                let clock = self.clock(device);
                if let Some(engine) = &mut self.devices[device].engine {
                    let _result = engine.received(&frame, clock);
                    self.after_step(device);
                }
            }
        }
    }

    /// Ends all faults and runs until every device has everything and has sent everything.
    pub fn quiet(&mut self, space: SpaceId) {
        self.faults = Faults::NONE;
        for device in 0..self.devices.len() {
            self.devices[device].offline_until_ms = self.devices[device].offline_until_ms.min(self.now_ms);
        }
        for _ in 0..QUIET_EVENTS_MAX {
            if self.violation.is_some() {
                return;
            }
            let horizon = self.now_ms + 120_000;
            if self.network.in_transit() == 0 && self.is_settled(space) {
                return;
            }
            if !self.tick(horizon) {
                break;
            }
        }
        let states: Vec<_> = (0..self.devices.len()).map(|device| self.describe(device, space)).collect();
        self.violated(format!("the devices do not come to rest: {}", states.join("; ")));
    }

    /// True when this device has named what the Relay did.
    pub fn blames(&self, device: usize) -> Option<TransportFault> {
        self.events.iter().find_map(|(of, event)| match event {
            Event::RelayMisbehaved { fault, .. } if *of == device => Some(*fault),
            _ => None,
        })
    }

    fn is_settled(&mut self, space: SpaceId) -> bool {
        let mut heads = Vec::new();
        for device in 0..self.devices.len() {
            let Some(engine) = &mut self.devices[device].engine else { return false };
            let Ok(status) = engine.status(space) else { return false };
            if status.state != SyncState::Live || status.outbox_count > 0 || engine.is_healing() {
                return false;
            }
            heads.push(status.seq);
        }
        heads.windows(2).all(|pair| pair[0] == pair[1])
    }

    fn describe(&mut self, device: usize, space: SpaceId) -> String {
        match &mut self.devices[device].engine {
            Some(engine) => format!("device {device}: {:?}", engine.status(space)),
            None => format!("device {device}: killed"),
        }
    }
}
