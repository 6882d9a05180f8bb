//! Where requests of many sessions meet the sequencer: one batch, one commit, then the replies.
//!
//! The server runs it on a thread of its own; a simulation calls it directly. Nothing is answered
//! before the batch it came with is durable.

use crate::feed::{Feed, Page};
use crate::sequencer::{Receipt, Refusal, Sequencer};
use crate::store::Store;
use std::collections::VecDeque;
use std::sync::Arc;
use veilfold_wire::frame::RefuseReason;
use veilfold_wire::{MemberKey, SealedEntry, SpaceId};

/// Most requests that one commit makes durable; checking so many costs about ten commits.
const BATCH_MAX: usize = 128;
/// The same in bytes.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a session asks for.
#[derive(Clone, Debug)]
pub enum Request {
    /// Create a Space.
    Create {
        /// Its genesis.
        entry: SealedEntry,
        /// The Space that it claims to create, by which the reply names it.
        name: SpaceId,
    },
    /// Check that a key is a Member's, and get the Space's feed.
    Subscribe {
        /// The Space.
        space: SpaceId,
        /// The key; the session has checked that it signed.
        member: MemberKey,
        /// Returned in the reply.
        ticket: u64,
    },
    /// Order an Entry.
    Append {
        /// The Space.
        space: SpaceId,
        /// The key that subscribed.
        member: MemberKey,
        /// The Entry.
        entry: SealedEntry,
        /// Its `append_id`, returned in the reply.
        id: [u8; 32],
    },
    /// Read a page from the store.
    Read {
        /// The Space.
        space: SpaceId,
        /// The position that the page follows.
        after: u64,
    },
}

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// To [`Request::Create`]: the new Space's feed.
    Created(SpaceId, Result<Arc<Feed>, Refusal>),
    /// To [`Request::Subscribe`], with its ticket.
    Subscribed(SpaceId, u64, Result<Arc<Feed>, Refusal>),
    /// To [`Request::Append`], with its id.
    Appended(SpaceId, [u8; 32], Result<Receipt, Refusal>),
    /// To [`Request::Read`]; `None` when there is nothing or the store failed.
    Page(SpaceId, Option<Page>),
}

/// Collects requests, makes what they write durable together, and answers them. `T` says whom an
/// answer is for.
#[derive(Debug)]
pub struct Exchange<S, T> {
    sequencer: Sequencer<S>,
    writes: Vec<(T, Write)>,
    written_bytes: usize,
    reads: VecDeque<(T, Request)>,
}

#[derive(Debug)]
enum Write {
    Create(SpaceId, Result<(), Refusal>),
    Append(SpaceId, [u8; 32], Result<Receipt, Refusal>),
}

impl<S: Store, T> Exchange<S, T> {
    /// Starts with nothing collected.
    pub fn new(sequencer: Sequencer<S>) -> Self {
        Self { sequencer, writes: Vec::new(), written_bytes: 0, reads: VecDeque::new() }
    }

    /// Takes a request. The reply to one that writes comes out of the next [`Exchange::commit`],
    /// the reply to one that reads out of [`Exchange::answer`] after that.
    pub fn submit(&mut self, ticket: T, request: Request) {
        match request {
            Request::Create { entry, name } => {
                self.written_bytes += entry.bytes().len();
                let result = self.sequencer.create_space(&entry).map(|_| ());
                self.writes.push((ticket, Write::Create(name, result)));
            }
            Request::Append { space, member, entry, id } => {
                self.written_bytes += entry.bytes().len();
                let result = self.sequencer.append(&space, &entry, &member);
                self.writes.push((ticket, Write::Append(space, id, result)));
            }
            read @ (Request::Subscribe { .. } | Request::Read { .. }) => {
                self.reads.push_back((ticket, read));
            }
        }
    }

    /// True when waiting for more would cost those who wait already more than a commit does.
    pub fn is_full(&self) -> bool {
        self.writes.len() >= BATCH_MAX || self.written_bytes >= BATCH_BYTES_MAX
    }

    /// Makes what was staged durable and gives the replies, in the order of their requests.
    ///
    /// When the store fails, every append and creation of the batch is answered `Unavailable`, and
    /// the Relay goes on with what the store has.
    pub fn commit(&mut self) -> Vec<(T, Reply)> {
        let failed = self.sequencer.commit().err();
        if let Some(error) = &failed {
            tracing::error!(%error, "a batch could not be made durable");
        }
        let durable = if failed.is_none() { Ok(()) } else { Err(Refusal::UNAVAILABLE) };
        self.written_bytes = 0;
        let mut replies = Vec::with_capacity(self.writes.len());
        for (ticket, write) in std::mem::take(&mut self.writes) {
            let reply = match write {
                Write::Create(space, result) => {
                    Reply::Created(space, result.and(durable).and_then(|()| self.feed(&space)))
                }
                Write::Append(space, id, result) => {
                    Reply::Appended(space, id, result.and_then(|receipt| durable.map(|()| receipt)))
                }
            };
            replies.push((ticket, reply));
        }
        replies
    }

    /// The reply to the oldest request that reads. To be called after a commit, so that it shows
    /// what is durable; requests may stay for later, so that a commit need not wait for all of them.
    pub fn answer(&mut self) -> Option<(T, Reply)> {
        let (ticket, request) = self.reads.pop_front()?;
        let reply = match request {
            Request::Subscribe { space, member, ticket } => {
                Reply::Subscribed(space, ticket, self.subscribe(&space, &member))
            }
            Request::Read { space, after } => Reply::Page(space, self.read(&space, after)),
            Request::Create { .. } | Request::Append { .. } => unreachable!("only reads are queued here"),
        };
        Some((ticket, reply))
    }

    /// Commits, and gives the replies to everything that was submitted.
    pub fn flush(&mut self) -> Vec<(T, Reply)> {
        let mut replies = self.commit();
        while let Some(reply) = self.answer() {
            replies.push(reply);
        }
        replies
    }

    /// True while something waits for [`Exchange::answer`].
    pub fn has_reads(&self) -> bool {
        !self.reads.is_empty()
    }

    /// The sequencer, when the Relay stops or a test looks into it.
    pub fn sequencer_mut(&mut self) -> &mut Sequencer<S> {
        &mut self.sequencer
    }

    /// Ends the exchange; what waits for a flush is lost.
    pub fn into_sequencer(self) -> Sequencer<S> {
        self.sequencer
    }

    fn subscribe(&mut self, space: &SpaceId, member: &MemberKey) -> Result<Arc<Feed>, Refusal> {
        let membership = self.sequencer.membership(space)?.ok_or(RefuseReason::UnknownSpace)?;
        membership.find(member).ok_or(RefuseReason::NotAMember)?;
        self.feed(space)
    }

    fn feed(&mut self, space: &SpaceId) -> Result<Arc<Feed>, Refusal> {
        Ok(self.sequencer.feed(space)?.ok_or(RefuseReason::UnknownSpace)?)
    }

    fn read(&mut self, space: &SpaceId, after: u64) -> Option<Page> {
        self.sequencer.page(space, after).unwrap_or_else(|error| {
            tracing::error!(%error, "a page could not be read");
            None
        })
    }
}
