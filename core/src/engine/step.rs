//! One step is one store transaction: a kill at any instant leaves the old state or the new one.
//!
//! Outputs that a failed step asked for are dropped with it, and so is everything in memory that
//! the store may not have: it is read again when it is needed.

use super::engine::Engine;
use crate::error::Error;

impl Engine {
    /// Runs `decide` inside one store transaction.
    ///
    /// # Errors
    /// What `decide` or the store said; nothing has happened then.
    pub(super) fn step<T>(&mut self, decide: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let asked = self.outputs.len();
        self.touched.clear();
        self.store.begin()?;
        let result = decide(self).and_then(|value| self.commit().map(|()| value));
        if result.is_err() {
            self.undo(asked);
        }
        result
    }

    fn commit(&mut self) -> Result<(), Error> {
        for id in core::mem::take(&mut self.touched) {
            if let Some(space) = self.open.get_mut(&id) {
                space.flush(self.store.as_mut())?;
            }
        }
        Ok(self.store.commit(self.config.durability)?)
    }

    /// Back to what was stored, with the outputs that were asked for before.
    fn undo(&mut self, asked: usize) {
        self.store.rollback();
        self.outputs.truncate(asked);
        self.open.clear();
        self.retries.forget_spaces();
        self.forget_unstored_spaces();
    }

    /// A Space whose first step failed was never there.
    fn forget_unstored_spaces(&mut self) {
        let stored = |no: &crate::store::rows::SpaceNo| {
            matches!(
                self.store.last(crate::store::Table::Spaces, &no.first(), &no.end()),
                Ok(Some(_)) | Err(_)
            )
        };
        let kept = self.numbers.iter().filter(|(_, no)| stored(no)).map(|(id, no)| (*id, *no)).collect();
        self.numbers = kept;
    }
}
