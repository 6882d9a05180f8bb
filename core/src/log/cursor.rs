//! How far the log goes and how far it is folded.

use crate::envelope::LogHead;

/// The two ends that matter: verified and stored, and folded into documents.
///
/// They differ while the key that opens an Entry is still missing, as it is for a newcomer until
/// the Entry that adds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogCursor {
    /// Newest verified Entry.
    pub log: LogHead,
    /// Newest folded position.
    pub folded: u64,
}

impl LogCursor {
    /// True when everything verified is folded.
    pub fn is_folded(&self) -> bool {
        self.folded == self.log.seq
    }
}
