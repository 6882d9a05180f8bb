//! Seeded histories of the whole system, and what must hold after each.
//!
//! `cargo xtask sim` runs many; a seed that ever failed is kept in `tests/simulation/seeds/`.

mod app;
mod checkers;
mod history;
pub mod resolver;
mod switches;
pub(crate) mod user;

pub use checkers::{check_device, rebase_equals_reopen as check_restart};
pub use history::{HistoryResult, REAL_SIGNATURES_EVERY, run_history, run_history_for};
pub use switches::{Switch, SwitchResult, catch};
