//! What an engine is told once.

use crate::store::Durability;
use veilfold_wire::Checks;

/// Options of an engine.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// What a commit must survive.
    pub durability: Durability,
    /// How often a named mutator is tried before its rejection is final.
    pub mutator_tries: u64,
    /// Names the version of the app, and ours: each folds a Space again at most once when another writer's
    /// root differs.
    pub app: [u8; 8],
    /// Roots are taken at multiples of this many positions; another number only in tests.
    pub root_every: u64,
    /// Which protections are on: all of them, outside of tests.
    pub protections: Protections,
    /// How sealed parts are made.
    #[cfg(feature = "testing")]
    pub cipher: crate::keys::Cipher,
}

/// The protections that a test may take away one by one, to show what each is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protections {
    /// What is checked of an Entry before it enters the log.
    pub checks: Checks,
    /// Skip a Transaction whose number was folded before.
    pub tx_mark: bool,
    /// Read sets and dependencies reject.
    pub preconditions: bool,
}

impl Protections {
    /// Every protection.
    pub const ALL: Self = Self { checks: Checks::ALL, tx_mark: true, preconditions: true };
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            durability: Durability::Process,
            mutator_tries: 8,
            app: [0; 8],
            root_every: super::roots::ROOT_EVERY,
            protections: Protections::ALL,
            #[cfg(feature = "testing")]
            cipher: crate::keys::Cipher::Real,
        }
    }
}
