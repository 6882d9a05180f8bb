//! Why a Space does not go on folding although Entries are there, and when that is tried again.
//!
//! Nothing is lost while it holds: Entries are kept unfolded, writes wait in the Outbox, documents
//! stay readable as they are. Other Spaces go on. A hold is not stored: after a restart the fold
//! comes to the same place and finds out anew, perhaps with an updated app.

use super::engine::Engine;
use super::output::{Event, Output};
use super::settle::Batch;
use crate::documents::Rebased;
use crate::error::{Error, ErrorKind};
use crate::resolver::Silent;
use crate::sorted::SortedMap;
use veilfold_wire::SpaceId;

/// The code of the error with which a step ends that a resolver gave no answer to.
const RESOLVER_STUCK: &str = "resolver_stuck";
/// How long the first pause before asking a resolver again is, and the longest, in milliseconds.
const PAUSE_MS: u64 = 1_000;
const PAUSE_MS_MAX: u64 = 300_000;

/// What a held Space waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeldFor {
    /// A key that this Device does not have yet.
    Key,
    /// A version of the app that has this version of the collection's resolver.
    Update {
        /// The collection.
        collection: String,
        /// The version.
        version: u64,
    },
    /// A version of Veilfold that understands the Space's settings.
    NewerVeilfold,
    /// An answer of the app's resolver, which is asked again by itself.
    Resolver {
        /// The collection.
        collection: String,
        /// The version.
        version: u64,
    },
}

impl HeldFor {
    /// Its stable name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Key => "key_missing",
            Self::Update { .. } | Self::NewerVeilfold => "update_required",
            Self::Resolver { .. } => "resolver_stuck",
        }
    }
}

/// The place of a hold that is only there to look once.
const UNKNOWN: u64 = u64::MAX;

/// Where a Space stands still.
#[derive(Clone, Debug)]
struct Hold {
    why: HeldFor,
    /// The Entry before which the fold stops; 0 when only pending Transactions are concerned.
    seq: u64,
    /// When to try again.
    due_ms: Option<u64>,
}

/// All held Spaces.
#[derive(Debug, Default)]
pub(super) struct Holds {
    held: SortedMap<SpaceId, Hold>,
    tries: SortedMap<SpaceId, u32>,
    /// Found out by a step that could not go on and is being undone.
    noted: Option<(SpaceId, u64, HeldFor)>,
}

impl Holds {
    /// The Entry before which the fold has to stop.
    pub(super) fn stop(&self, id: &SpaceId) -> Option<u64> {
        self.held.get(id).map(|hold| hold.seq)
    }

    /// What the Space waits for.
    pub(super) fn why(&self, id: &SpaceId) -> Option<&HeldFor> {
        self.held.get(id).filter(|hold| hold.seq != UNKNOWN).map(|hold| &hold.why)
    }

    /// When the first of them is tried again.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.held.values().filter_map(|hold| hold.due_ms).min()
    }

    /// A Space that was just read from the store has Entries that are not folded: perhaps this version of
    /// the app can go on.
    pub(super) fn look_again(&mut self, id: SpaceId) {
        self.held.get_or_insert_with(id, || Hold { why: HeldFor::Key, seq: UNKNOWN, due_ms: Some(0) });
    }

    fn take_due(&mut self, now_ms: u64) -> Vec<(SpaceId, u64)> {
        let is_due = |hold: &Hold| hold.due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        let due: Vec<_> =
            self.held.iter().filter(|(_, hold)| is_due(hold)).map(|(id, hold)| (*id, hold.seq)).collect();
        due.iter().for_each(|(id, _)| {
            self.held.remove(id);
        });
        due
    }
}

impl From<Silent> for HeldFor {
    fn from(Silent { collection, version, missing }: Silent) -> Self {
        if missing { Self::Update { collection, version } } else { Self::Resolver { collection, version } }
    }
}

impl Engine {
    /// Stands still before the Entry at `seq`, or with pending Transactions only (0).
    pub(super) fn hold(&mut self, id: SpaceId, seq: u64, why: HeldFor) {
        let tries = self.holds.tries.get_or_insert_with(id, || 0);
        let due_ms = match why {
            HeldFor::Resolver { .. } => {
                let pause = PAUSE_MS.checked_shl(*tries).unwrap_or(PAUSE_MS_MAX).min(PAUSE_MS_MAX);
                Some(self.now_ms.saturating_add(pause))
            }
            HeldFor::Key | HeldFor::Update { .. } | HeldFor::NewerVeilfold => None,
        };
        if *tries == 0 {
            self.outputs.push_back(Output::Event(Event::Held { space: id, why: why.clone() }));
        }
        *tries = tries.saturating_add(1);
        // An earlier stop wins: nothing after it can be folded.
        let earlier =
            self.holds.held.get(&id).is_some_and(|hold| hold.seq != 0 && (seq == 0 || hold.seq < seq));
        if !earlier {
            self.holds.held.insert(id, Hold { why, seq, due_ms });
        }
        self.outputs.push_back(Output::Status(id));
    }

    /// The error with which a step ends that came to an Entry without an answer.
    pub(super) fn stuck(&mut self, id: SpaceId, seq: u64, silent: Silent) -> Error {
        self.holds.noted = Some((id, seq, silent.into()));
        Error::new(
            ErrorKind::Invalid,
            RESOLVER_STUCK,
            "a resolver of the app gave no answer; it is asked again",
        )
    }

    /// A step that folds. When a resolver gave no answer, all of it is undone and done once more up to
    /// that place.
    pub(super) fn step_until_held<T>(
        &mut self,
        mut decide: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        /// Resolvers that fail in another place each time must not keep the thread for ever.
        const TRIES: usize = 4;
        let mut result = self.step(&mut decide);
        for _ in 1..TRIES {
            let stuck = matches!(&result, Err(error) if error.code == RESOLVER_STUCK);
            match self.holds.noted.take().filter(|_| stuck) {
                Some((id, seq, why)) => {
                    self.hold(id, seq, why);
                    result = self.step(&mut decide);
                }
                None => break,
            }
        }
        result
    }

    /// Tries again what is due.
    pub(super) fn retry_held(&mut self, now_ms: u64) -> Result<(), Error> {
        for (id, seq) in self.holds.take_due(now_ms) {
            self.fold_what_is_kept(id)?;
            if seq == 0 {
                self.step(|engine| engine.show_again(id))?;
            }
            if self.holds.stop(&id).is_none() {
                self.holds.tries.remove(&id);
                self.outputs.push_back(Output::Status(id));
            }
            self.step(|engine| engine.attend(id, now_ms))?;
        }
        Ok(())
    }

    /// Replays pending Transactions that are not shown.
    pub(super) fn show_again(&mut self, id: SpaceId) -> Result<(), Error> {
        let mut parts = self.parts(id)?;
        let mut batch = Batch::begin();
        let hidden: Vec<_> = parts.space.pending.iter().filter(|(_, pending)| !pending.shown).collect();
        let touched = hidden.iter().flat_map(|(_, pending)| pending.touched().cloned()).collect();
        batch.changed(touched);
        let rebased = batch.finish(&mut parts)?;
        self.shown(id, rebased);
        Ok(())
    }

    /// The Outbox is on top again: tells who watches, and holds for a resolver that gave no answer.
    pub(super) fn shown(&mut self, id: SpaceId, rebased: Rebased) {
        self.mark_changed(id, rebased.changed.iter());
        if let Some(silent) = rebased.silent {
            self.hold(id, 0, silent.into());
        }
    }
}
