//! Sizes and counts that both sides hold to. A Relay announces its own at login.

use crate::codec::{Reader, Writer};
use crate::error::WireError;

/// How many positions an author may be behind, and how far back a resolver looks (protocol 4.4).
pub const SEEN_WINDOW: u64 = 1024;
/// Largest sealed Entry in bytes.
pub const ENTRY_BYTES_MAX: usize = 256 * 1024;
/// Largest WebSocket message in bytes, either way.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Largest public part of a control Entry in bytes.
pub const PUBLIC_BYTES_MAX: usize = 128 * 1024;
/// Most Entries in one page.
pub const PAGE_ENTRIES_MAX: usize = 512;
/// Most bytes of Entries in one page; one larger Entry is still sent alone.
pub const PAGE_BYTES_MAX: usize = 512 * 1024;
/// Most unacknowledged Entries of one Device in one Space.
pub const IN_FLIGHT_MAX: usize = 8;

/// What a Relay accepts; sent in its hello so that a Device can say so before it tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest sealed Entry in bytes.
    pub entry_bytes: u64,
    /// Most Entries a member may append per second, averaged.
    pub entries_per_second: u64,
    /// Most Spaces one connection may subscribe to.
    pub subscriptions: u64,
    /// The Relay closes a connection that was silent this long, in milliseconds.
    pub idle_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entry_bytes: ENTRY_BYTES_MAX as u64,
            entries_per_second: 2_000,
            subscriptions: 10_000,
            idle_ms: 60_000,
        }
    }
}

impl Limits {
    pub(crate) fn encode(&self, out: &mut Writer) {
        out.varint(self.entry_bytes)
            .varint(self.entries_per_second)
            .varint(self.subscriptions)
            .varint(self.idle_ms);
    }

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            entry_bytes: input.varint_max(ENTRY_BYTES_MAX as u64, "limits.entry_bytes")?,
            entries_per_second: input.varint("limits.entries_per_second")?,
            subscriptions: input.varint("limits.subscriptions")?,
            idle_ms: input.varint("limits.idle_ms")?,
        })
    }
}
