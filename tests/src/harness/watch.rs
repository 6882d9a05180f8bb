//! Devices whose app watches a collection: what it was told, batch by batch.

use super::states::State;
use super::world::World;
use std::collections::{BTreeMap, BTreeSet};
use veilfold_core::engine::SyncState;
use veilfold_core::model::Fields;
use veilfold_core::query::{LiveBatch, LiveId, LiveScope};
use veilfold_core::wire::SpaceId;

/// What an app knows from its live query.
#[derive(Debug)]
pub struct Watch {
    id: LiveId,
    /// Documents by id, as told.
    pub rows: BTreeMap<String, Fields>,
    /// True when that is the whole of one state.
    pub complete: bool,
    /// True when the engine has said that there is more.
    pub has_news: bool,
}

impl World {
    /// What all devices watch.
    pub fn watched(&self) -> Option<(SpaceId, String)> {
        self.watched.clone()
    }

    /// Every device watches a collection from now on, also after a restart.
    pub fn watch(&mut self, space: SpaceId, collection: &str) {
        self.watched = Some((space, collection.to_owned()));
        (0..self.devices.len()).for_each(|device| self.open_watch(device));
    }

    pub(super) fn open_watch(&mut self, device: usize) {
        let (Some((space, collection)), true) = (self.watched.clone(), self.devices[device].engine.is_some())
        else {
            return;
        };
        let scope = LiveScope { space, collection, document: None };
        self.devices[device].watch = match self.call(device, |engine| engine.live(scope)) {
            Ok(id) => Some(Watch { id, rows: BTreeMap::new(), complete: false, has_news: true }),
            Err(_) => None,
        };
    }

    /// Takes what is due, at most about `max` documents at once, and puts it together.
    pub fn take_live(&mut self, device: usize, max: usize) {
        let Some(id) = self.devices[device].watch.as_ref().map(|watch| watch.id) else { return };
        if self.devices[device].engine.is_none() {
            return;
        }
        let Ok(taken) = self.call(device, |engine| engine.take_live(id, max)) else { return };
        let Some(watch) = &mut self.devices[device].watch else { return };
        let Some(batch) = taken else {
            watch.has_news = false;
            return;
        };
        self.states.reached_if(!batch.complete, State::LiveInPieces);
        self.states.reached_if(!batch.updated.is_empty(), State::LiveChanged);
        if let Err(wrong) = watch.apply(batch) {
            self.violated(format!("live queries: device {device}: {wrong}"));
        }
    }

    /// Looks at where a device stands now, for what a history has reached.
    pub(super) fn observe(&mut self, device: usize) {
        let Some(space) = self.observed else { return };
        let now = &mut self.devices[device];
        let Some(engine) = &mut now.engine else { return };
        if !engine.is_open(space) {
            return;
        }
        if let Ok(status) = engine.status(space) {
            self.states.sync(&status.state);
            self.states.reached_if(status.stored_count > 0, State::Acknowledged);
            self.states.reached_if(
                now.starting && status.state == SyncState::Offline && status.stored_count > 0,
                State::StartedAcknowledged,
            );
        }
        let standings = engine.standings(space);
        let sealed: BTreeSet<u64> = standings.iter().filter_map(|standing| standing.sealed).collect();
        let sealed = sealed.len();
        self.states.reached_if(sealed > 0, State::Sealed);
        self.states.reached_if(sealed > 1, State::SealedSeveral);
        self.states.reached_if(now.starting && !standings.is_empty(), State::StartedPending);
        self.states.reached_if(now.starting && sealed > 0, State::StartedSealed);
        for standing in &standings {
            self.states.standing(now.standings.get(&standing.tx_id), standing);
        }
        now.standings = standings.into_iter().map(|standing| (standing.tx_id, standing)).collect();
        now.starting = false;
    }
}

impl Watch {
    /// Puts a batch on what was told before; says what cannot be.
    fn apply(&mut self, batch: LiveBatch) -> Result<(), String> {
        for id in batch.removed {
            self.rows.remove(&id).ok_or(format!("{id} is removed and was never there"))?;
        }
        for (id, fields) in batch.inserted {
            if self.rows.insert(id.clone(), fields).is_some() {
                return Err(format!("{id} is inserted and was there"));
            }
        }
        for (id, fields) in batch.updated {
            self.rows.insert(id.clone(), fields).ok_or(format!("{id} is updated and was never there"))?;
        }
        self.complete = batch.complete;
        Ok(())
    }
}
