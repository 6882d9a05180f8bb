//! An app with a resolver and mutators of its own, in histories of their own draw: calls, mutators that
//! are run again, versions of the app side by side, and an admin who raises the version.

use super::resolver::{TICKETS, resolvers};
use crate::harness::{Rng, State, World};
use std::collections::BTreeMap;
use veilfold_core::engine::{Draft, GiveUp, Mutation};
use veilfold_core::model::{Action, CallOp, DocumentKey, Op, TxId, Value};
use veilfold_core::wire::SpaceId;

/// The founder, who alone may raise versions.
const OWNER: usize = 0;
/// The newest version of the app.
const NEWEST: u64 = 2;

/// The app of one history.
pub struct App {
    rng: Rng,
    /// The version that each device has.
    versions: BTreeMap<usize, u64>,
    /// The change that raises the Space's version.
    raised: Option<TxId>,
}

impl App {
    /// The app of this history, if it has one; installed on every device before there is a Space.
    pub fn install(world: &mut World, seed: u64) -> Option<Self> {
        let mut rng = Rng::new(seed ^ 0xa99);
        if !rng.chance(400) {
            return None;
        }
        let mut app = Self { rng, versions: BTreeMap::new(), raised: None };
        (0..world.devices.len()).for_each(|device| app.update(world, device, 1));
        Some(app)
    }

    /// Something that the app does, or that is done to it.
    pub fn act(&mut self, world: &mut World, device: usize, space: SpaceId) {
        if world.devices[device].engine.is_none() {
            return;
        }
        match self.rng.below(10) {
            0..=3 => self.call(world, device, space),
            4..=6 => {
                self.run(world, device, space, None);
            }
            7 => {
                self.run_again(world, device, space);
            }
            8 if self.versions.get(&device) == Some(&1) && self.rng.chance(300) => {
                self.update(world, device, NEWEST);
            }
            9 if device == OWNER && self.versions.get(&OWNER) == Some(&NEWEST) => self.raise(world, space),
            _ => {}
        }
    }

    /// Every device gets the newest version, and what has to be run again is run until nothing is left.
    pub fn settle(&mut self, world: &mut World, space: SpaceId) {
        for device in 0..world.devices.len() {
            self.update(world, device, NEWEST);
        }
        // Each round settles at least one of those that meet; none is tried more than eight times.
        for _ in 0..200 {
            world.quiet(space);
            if world.violation.is_some() {
                return;
            }
            let ran = (0..world.devices.len()).filter(|device| self.run_again(world, *device, space)).count();
            if ran == 0 {
                return;
            }
        }
        world.violated("mutators: they are run again without an end");
    }

    /// Where the order enabled a version: from the first Entry, and where the change is.
    pub fn enabled(&self, world: &mut World, space: SpaceId) -> Vec<(u64, u64)> {
        let mut enabled = vec![(1, 1)];
        let raised = self.raised.and_then(|id| world.call(OWNER, |engine| engine.fate(space, id)).ok()?);
        if let Some(veilfold_core::outbox::Fate::Confirmed(position)) = raised.map(|settled| settled.fate) {
            enabled.push((position.seq, NEWEST));
        }
        enabled
    }

    fn update(&mut self, world: &mut World, device: usize, version: u64) {
        if world.devices[device].engine.is_some() {
            world.kill_device(device);
        }
        world.devices[device].resolvers = resolvers(version);
        world.devices[device].app = [version as u8; 8];
        world.start(device);
        self.versions.insert(device, version);
        world.states.reached_if(version > 1, State::AppUpdated);
    }

    fn raise(&mut self, world: &mut World, space: SpaceId) {
        let now = world.clock(OWNER);
        if let Ok(Some(id)) = world.call(OWNER, |engine| engine.enable_resolvers(space, now)) {
            self.raised = Some(id);
        }
    }

    fn call(&mut self, world: &mut World, device: usize, space: SpaceId) {
        let name = *self.rng.pick(&["buy", "buy", "buy", "give back", "note", "close", "what"]);
        let actions = vec![action(&mut self.rng, name)];
        let draft = Draft { actions, ..Draft::default() };
        let now = world.clock(device);
        if let Ok(Some(committed)) = world.call(device, |engine| engine.transact(space, draft, now)) {
            world.counts.commits += 1;
            world.devices[device].promised.entry(committed.tx_id).or_insert(None);
        }
    }

    /// Buys a ticket if one is left: reads first, so that another buyer in between is a conflict.
    fn run(&mut self, world: &mut World, device: usize, space: SpaceId, again: Option<TxId>) -> bool {
        let action = action(&mut self.rng, "buy");
        let read = world.call(device, |engine| engine.preview(space, &[], &action.key));
        let Ok((fields, token)) = read else { return false };
        let sold_out = |fields: &veilfold_core::model::Fields| {
            ["left", "free"].iter().any(|name| fields.get(*name) == Some(&Value::Int(0)))
        };
        if fields.as_ref().is_some_and(sold_out) {
            if let Some(first) = again {
                return world
                    .call(device, |engine| engine.give_up(space, first, GiveUp::NothingToDo))
                    .is_ok();
            }
            return true;
        }
        let mutation = match again {
            Some(first) => Mutation::Again(first),
            None => Mutation::First { name: "buy".to_owned(), args: Vec::new() },
        };
        let draft = Draft { reads: vec![token], actions: vec![action], mutation: Some(mutation) };
        let now = world.clock(device);
        match world.call(device, |engine| engine.transact(space, draft, now)) {
            Ok(Some(committed)) => {
                world.counts.commits += u64::from(again.is_none());
                world.states.reached_if(again.is_some(), State::RunAgain);
                let device = &mut world.devices[device];
                device.promised.entry(committed.tx_id).or_insert(None);
                device.mutators.insert(committed.tx_id);
                true
            }
            Ok(None) => false,
            Err(error) if error.code == "rejected" && again.is_some() => {
                let first = again.unwrap_or(TxId([0; 8]));
                world.call(device, |engine| engine.give_up(space, first, GiveUp::Failed)).is_ok()
            }
            Err(_) => false,
        }
    }

    /// Runs one mutator again, if one waits; false when none does.
    fn run_again(&mut self, world: &mut World, device: usize, space: SpaceId) -> bool {
        let taken = world.devices[device].engine.as_mut().and_then(|engine| engine.take_retry().ok()?);
        let Some((_, retry)) = taken else { return false };
        let first = retry.run.first;
        if !self.run(world, device, space, Some(first))
            && let Some(engine) = &mut world.devices[device].engine
        {
            // The app was killed, or changed its mind: it is handed out again.
            engine.put_back(space, first);
        }
        true
    }
}

fn action(rng: &mut Rng, name: &str) -> Action {
    let gig = *rng.pick(&["one", "two"]);
    let op = Op::Call(CallOp { version: 0, name: name.to_owned(), args: Value::Null });
    Action { key: DocumentKey::new(TICKETS, gig), op }
}
