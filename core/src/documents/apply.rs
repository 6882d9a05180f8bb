//! One Transaction on one layer of images: its preconditions, then its Actions, all or nothing.
//!
//! The same code folds the order and shows pending Transactions, so that what the user sees first
//! is what the order will make of it when nothing comes in between.

use crate::model::{Action, DocumentKey, Image, Op, Position, RejectReason, Rejection, Transaction, TxNos};
use crate::resolver::{Effect, FoldContext, Governed, Silent, expect, resolve};
use crate::sorted::{SortedMap, SortedSet};
use crate::store::StoreError;
use crate::store::rows::AuthorRow;
use veilfold_wire::MemberNo;
use veilfold_wire::limits::SEEN_WINDOW;

/// The layer that a Transaction is applied to.
pub trait Images {
    /// An image to look at.
    ///
    /// # Errors
    /// As the store says.
    fn look(&mut self, key: &DocumentKey) -> Result<&Image, StoreError>;
    /// An image to change.
    ///
    /// # Errors
    /// As the store says.
    fn change(&mut self, key: &DocumentKey) -> Result<&mut Image, StoreError>;
}

/// Why a Transaction could be neither accepted nor rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// The store failed.
    Store(StoreError),
    /// An app's resolver gave no answer on this Device.
    Silent(Silent),
}

impl From<StoreError> for Undecided {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The author as the fold knows it before the Transaction.
pub struct FoldAuthor<'a> {
    /// Its number.
    pub member: MemberNo,
    /// Which of its Transactions were not accepted lately.
    pub row: &'a AuthorRow,
    /// False only in tests that show what read sets and dependencies are for.
    pub preconditions: bool,
}

/// Where the Transaction stands.
#[derive(Clone, Copy, Debug)]
pub struct FoldPlace {
    /// Its place in the order, or [`Position::UNORDERED`].
    pub position: Position,
    /// The order its Actions were made for.
    pub base_seq: u64,
    /// What the Entry around it says its author had seen.
    pub seen_seq: u64,
}

/// What an accepted Transaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Documents that it changed.
    pub changed: Vec<DocumentKey>,
    /// By index of the Action: how it reads for somebody who sees everything below it.
    pub rebased: Vec<(usize, Op)>,
    /// How many list elements it made.
    pub elements: u32,
}

impl AuthorRow {
    /// True when all of these were folded and accepted, as far as the window tells.
    fn accepted(&self, tx_nos: &TxNos) -> bool {
        let overlaps = |(first, count): &(u64, u64)| {
            self.unaccepted
                .iter()
                .any(|(lost, lost_count, _)| lost < &(first + count) && first < &(lost + lost_count))
        };
        tx_nos.last().is_none_or(|last| last <= self.tx_mark) && !tx_nos.ranges().iter().any(overlaps)
    }

    /// True when one of these was folded and accepted, as far as the window tells.
    fn accepted_any(&self, tx_nos: &TxNos) -> bool {
        tx_nos.ranges().iter().any(|(first, count)| {
            let end = (first + count).min(self.tx_mark + 1);
            let mut next = *first;
            let lost: SortedSet<(u64, u64)> =
                self.unaccepted.iter().map(|(lost, count, _)| (*lost, lost + count)).collect();
            for (start, after) in lost {
                if start <= next {
                    next = next.max(after);
                }
            }
            next < end
        })
    }

    /// Notes that `tx_no` was folded at `seq`; numbers that were left out count as not accepted.
    pub fn mark(&mut self, tx_no: u64, accepted: bool, seq: u64) {
        self.unaccepted.retain(|(_, _, at)| at + SEEN_WINDOW > seq);
        let end = if accepted { tx_no } else { tx_no + 1 };
        let first = self.tx_mark + 1;
        if end > first {
            match self.unaccepted.last_mut() {
                Some((start, count, at)) if *start + *count == first && *at == seq => *count += end - first,
                _ => self.unaccepted.push((first, end - first, seq)),
            }
        }
        self.tx_mark = tx_no;
    }
}

/// Applies a Transaction to a layer; a rejection leaves the layer as it was.
///
/// # Errors
/// As the store says, and for a resolver without an answer; the layer is as it was then too. A
/// rejection is a result, not an error.
pub fn apply(
    images: &mut impl Images,
    transaction: &Transaction,
    author: &FoldAuthor<'_>,
    place: FoldPlace,
    governed: &mut Governed<'_>,
) -> Result<Result<Accepted, Rejection>, Undecided> {
    if let Err(rejection) = check_base(place) {
        return Ok(Err(rejection.into()));
    }
    if author.preconditions
        && let Err(rejection) = check_reads(images, transaction, author)?
    {
        return Ok(Err(rejection));
    }
    let mut context = FoldContext {
        author: author.member,
        position: place.position,
        time_ms: transaction.time_ms,
        tx_id: transaction.tx_id,
        base_seq: place.base_seq,
        elements: 0,
    };
    // A single Action undoes itself when it is rejected; several need the images before the first.
    let several = transaction.actions.len() > 1;
    let mut before: SortedMap<&DocumentKey, Image> = SortedMap::new();
    let mut accepted = Accepted::default();
    for (index, action) in transaction.actions.iter().enumerate() {
        let key = &action.key;
        let told = if let Op::Expect { path, condition } = &action.op {
            Ok(expect(&images.look(key)?.fields, path, condition).map_err(|reason| reason.at(key)))
        } else {
            if several && !before.contains_key(key) {
                before.insert(key, images.look(key)?.clone());
            }
            let image = images.change(key)?;
            let told = act(image, action, &mut context, governed);
            // Noted at once: a document that was just deleted is not one that was deleted long ago.
            if matches!(&told, Ok(Ok(effect)) if effect.changed) {
                image.touch(author.member, place.position);
            }
            told
        };
        let ends = match told {
            Ok(Ok(effect)) => {
                if effect.changed && !accepted.changed.contains(key) {
                    accepted.changed.push(key.clone());
                }
                accepted.rebased.extend(effect.rebased.map(|op| (index, op)));
                continue;
            }
            Ok(Err(rejection)) => Ok(Err(rejection)),
            Err(silent) => Err(Undecided::Silent(silent)),
        };
        for (key, image) in before {
            *images.change(key)? = image;
        }
        return ends;
    }
    accepted.elements = context.elements;
    if place.position != Position::UNORDERED {
        touch_collections(images, &accepted.changed, author.member, place.position)?;
    }
    Ok(Ok(accepted))
}

/// One Action on one document; what does not happen leaves it as it was.
///
/// # Errors
/// An app's resolver gave no answer on this Device. A rejection is a result, not an error.
pub fn act(
    image: &mut Image,
    action: &Action,
    context: &mut FoldContext,
    governed: &mut Governed<'_>,
) -> Result<Result<Effect, Rejection>, Silent> {
    let key = &action.key;
    Ok(match &action.op {
        Op::Call(call) => {
            let called = governed.call(image, key, call, context)?;
            called.map(|changed| Effect { changed, rebased: None })
        }
        op if governed.governs(&key.collection) && !op.is_read_only() => {
            Err(RejectReason::NeedsResolver.at(key))
        }
        op => resolve(&mut image.fields, op, context).map_err(|reason| reason.at(key)),
    })
}

/// Notes the change for those who have read which documents there are. A collection is remembered as
/// a deleted document is: for the seen window, which is how far a reader may look back.
fn touch_collections(
    images: &mut impl Images,
    changed: &[DocumentKey],
    author: MemberNo,
    position: Position,
) -> Result<(), StoreError> {
    let mut last: Option<&str> = None;
    for key in changed {
        if last != Some(&key.collection) {
            images.change(&DocumentKey::whole(&key.collection))?.touch(author, position);
            last = Some(&key.collection);
        }
    }
    Ok(())
}

fn check_base(place: FoldPlace) -> Result<(), RejectReason> {
    let pending = place.position == Position::UNORDERED;
    if !pending && (place.base_seq > place.seen_seq || place.position.seq - place.base_seq > SEEN_WINDOW) {
        return Err(RejectReason::BaseTooOld);
    }
    Ok(())
}

/// Everything read must be as it was, and every own Transaction that was counted on accepted.
fn check_reads(
    images: &mut impl Images,
    transaction: &Transaction,
    author: &FoldAuthor<'_>,
) -> Result<Result<(), Rejection>, StoreError> {
    let lost = |tx_nos: &TxNos| !author.row.accepted(tx_nos);
    let impossible = |tx_nos: &TxNos| tx_nos.last().is_some_and(|last| last >= transaction.tx_no);
    if impossible(&transaction.depends)
        || transaction.reads.iter().any(|read| impossible(&read.own) || impossible(&read.absent))
    {
        return Ok(Err(RejectReason::BadReadSet.into()));
    }
    if lost(&transaction.depends) {
        return Ok(Err(RejectReason::DependencyRejected.into()));
    }
    for read in &transaction.reads {
        if images.look(&read.key)?.changed_by_others(author.member) > read.version {
            return Ok(Err(RejectReason::ReadChanged.at(&read.key)));
        }
        if author.row.accepted_any(&read.absent) {
            return Ok(Err(RejectReason::ReadChanged.at(&read.key)));
        }
        if lost(&read.own) {
            return Ok(Err(RejectReason::DependencyRejected.at(&read.key)));
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests;
