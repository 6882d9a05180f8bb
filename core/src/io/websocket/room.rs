//! How much may wait on each side of a connection, counted in bytes.
//!
//! Used by the handle, which fills the outgoing side, and by `carry.rs`, which empties it.

use bytes::Bytes;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use thiserror::Error;
use tokio::sync::OwnedSemaphorePermit;
use veilfold_wire::limits::FRAME_BYTES_MAX;

/// Most bytes that wait to be sent, counting 64 for each message beside its own.
pub const OUTGOING_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most bytes that are handed out and not dropped yet, counted alike.
pub(super) const INCOMING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What a message costs beside its bytes, so that many empty ones have a bound too.
pub(super) const MESSAGE_BYTES: usize = 64;

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// Too much is waiting; `Drained` will follow.
    #[error("too many bytes wait to be sent")]
    Full,
    /// The message is larger than any Relay takes.
    #[error("a message of {bytes} bytes, more than {max}")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The most a message may have.
        max: usize,
    },
    /// The connection is gone.
    #[error("the connection is closed")]
    Closed,
}

/// A message that came. Dropping it makes room for the next.
#[derive(Debug)]
pub struct Received {
    /// The message. Clones of it are not counted any more once this is dropped.
    pub bytes: Bytes,
    room: OwnedSemaphorePermit,
}

impl Received {
    pub(super) fn new(bytes: Bytes, room: OwnedSemaphorePermit) -> Self {
        Self { bytes, room }
    }

    /// How much of the room for incoming messages it takes until it is dropped, in bytes.
    #[must_use]
    pub fn room_bytes(&self) -> usize {
        self.room.num_permits()
    }
}

/// The bytes that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    waiting_bytes: AtomicUsize,
    /// Somebody was told `Full` and waits to hear that there is room.
    refused: AtomicBool,
    /// The handle is gone, so nobody wants to hear of frames.
    closing: AtomicBool,
}

impl Outgoing {
    /// Takes room for a message and says how much.
    pub(super) fn reserve(&self, frame: &Bytes) -> Result<usize, SendError> {
        if frame.len() > FRAME_BYTES_MAX {
            return Err(SendError::TooLarge { bytes: frame.len(), max: FRAME_BYTES_MAX });
        }
        let room = frame.len() + MESSAGE_BYTES;
        if self.take(room) {
            return Ok(room);
        }
        // Announced before a second look: either room is seen now, or whoever empties the queue
        // sees the announcement.
        self.refused.store(true, SeqCst);
        if self.take(room) { Ok(room) } else { Err(SendError::Full) }
    }

    /// Gives room back. True when somebody who was refused should hear of it.
    pub(super) fn release(&self, room: usize) -> bool {
        let before = self.waiting_bytes.fetch_sub(room, SeqCst);
        before - room <= OUTGOING_BYTES_MAX / 2 && self.refused.swap(false, SeqCst)
    }

    pub(super) fn set_closing(&self) {
        self.closing.store(true, SeqCst);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(SeqCst)
    }

    fn take(&self, room: usize) -> bool {
        let grown = |waiting: usize| Some(waiting + room).filter(|bytes| *bytes <= OUTGOING_BYTES_MAX);
        self.waiting_bytes.fetch_update(SeqCst, SeqCst, grown).is_ok()
    }
}

// A refused message found more than half of the room taken, so a release past the half follows.
const _: () = assert!(OUTGOING_BYTES_MAX / 2 > FRAME_BYTES_MAX + MESSAGE_BYTES);
const _: () = assert!(INCOMING_BYTES_MAX > FRAME_BYTES_MAX + MESSAGE_BYTES);
