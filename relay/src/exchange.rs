//! Where requests of many sessions meet the sequencer: one batch, one commit, then all replies.
//!
//! The server runs it on a thread of its own; a simulation calls it directly. Nothing that was
//! asked is answered before the batch it came with is durable.

use crate::feed::{Feed, Page};
use crate::sequencer::{Receipt, Refusal, Sequencer};
use crate::store::Store;
use std::sync::Arc;
use veilfold_wire::frame::RefuseReason;
use veilfold_wire::{MemberKey, SealedEntry, SpaceId};

/// What a session asks for.
#[derive(Clone, Debug)]
pub enum Request {
    /// Create a Space.
    Create {
        /// Its genesis.
        entry: SealedEntry,
        /// How a refusal names the Space.
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

/// Collects requests and answers them together. `T` says whom an answer is for.
#[derive(Debug)]
pub struct Exchange<S, T> {
    sequencer: Sequencer<S>,
    writes: Vec<(T, Reply)>,
    reads: Vec<(T, Request)>,
}

impl<S: Store, T> Exchange<S, T> {
    /// Starts with nothing collected.
    pub fn new(sequencer: Sequencer<S>) -> Self {
        Self { sequencer, writes: Vec::new(), reads: Vec::new() }
    }

    /// Takes a request. Its reply comes out of the next [`Exchange::flush`].
    pub fn submit(&mut self, ticket: T, request: Request) {
        match request {
            Request::Create { entry, name } => {
                // The feed is looked up after the commit; until then only the name is known.
                match self.sequencer.create_space(&entry) {
                    Ok(space) => self.reads.push((ticket, Request::Create { entry, name: space })),
                    Err(refusal) => self.writes.push((ticket, Reply::Created(name, Err(refusal)))),
                }
            }
            Request::Append { space, member, entry, id } => {
                let result = self.sequencer.append(&space, &entry, &member);
                self.writes.push((ticket, Reply::Appended(space, id, result)));
            }
            read @ (Request::Subscribe { .. } | Request::Read { .. }) => self.reads.push((ticket, read)),
        }
    }

    /// Number of requests that wait for the next flush.
    pub fn waiting(&self) -> usize {
        self.writes.len() + self.reads.len()
    }

    /// Commits what was staged and gives all replies, in the order of the requests for writes.
    ///
    /// When the store fails, every append and creation of the batch is answered `Unavailable`, and
    /// the Relay goes on with what the store has.
    pub fn flush(&mut self) -> Vec<(T, Reply)> {
        let failed = self.sequencer.commit().err();
        let mut replies = std::mem::take(&mut self.writes);
        if let Some(error) = &failed {
            tracing::error!(%error, "a batch could not be made durable");
            for (_, reply) in &mut replies {
                if let Reply::Appended(_, _, result @ Ok(_)) = reply {
                    *result = Err(Refusal::UNAVAILABLE);
                }
            }
        }
        for (ticket, request) in std::mem::take(&mut self.reads) {
            let reply = match request {
                Request::Create { name, .. } if failed.is_some() => {
                    Reply::Created(name, Err(Refusal::UNAVAILABLE))
                }
                Request::Create { name, .. } => Reply::Created(name, self.feed(&name)),
                Request::Subscribe { space, member, ticket } => {
                    Reply::Subscribed(space, ticket, self.subscribe(&space, &member))
                }
                Request::Read { space, after } => Reply::Page(space, self.read(&space, after)),
                Request::Append { .. } => continue,
            };
            replies.push((ticket, reply));
        }
        replies
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
