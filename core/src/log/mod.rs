//! The ordered log of one Space as this Device verified it.
//!
//! Called by the engine; knows no plaintext.

mod append;
mod cursor;

pub use append::{LogTail, read_log};
pub use cursor::LogCursor;
