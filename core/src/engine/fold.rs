//! Folds a run of ordered Entries into documents, then puts the Outbox back on top, once.

use super::engine::{Engine, Parts};
use super::holds::HeldFor;
use super::output::{Event, Output};
use super::remote::{Fold, open_for_fold};
use super::roots::compare_root;
use super::settle::Batch;
use super::space::Space;
use crate::documents::{FoldAuthor, FoldPlace, Undecided};
use crate::envelope::VerifiedEntry;
use crate::error::Error;
use crate::model::{Body, Op, Position, RejectReason, Rejection, Transaction};
use crate::outbox::{Content, Fate, Settled};
use crate::resolver::{Coming, Enable, Enabled, FoldContext, Governed, SettingsPart, Silent};
use crate::sorted::SortedSet;
use crate::store::rows::AuthorRow;
use veilfold_wire::{ControlOp, ControlPublic, MemberNo, SpaceId};

/// Opened Entries are gathered up to this many bytes, so that an app's resolver is asked for all of
/// their calls at once.
const GATHER_BYTES: usize = 1024 * 1024;

impl Engine {
    /// Folds Entries from the one after the newest folded position on. Stops before the first whose
    /// key is missing, and where the Space holds.
    pub(super) fn fold_entries(&mut self, id: SpaceId, entries: Vec<VerifiedEntry>) -> Result<(), Error> {
        let stop = self.holds.stop(&id);
        let resolvers = self.resolvers.clone();
        let mut parts = self.parts(id)?;
        let mut batch = Batch::begin();
        let mut hold = None;
        let mut entries = entries.into_iter().take_while(|entry| stop != Some(entry.seq()));
        while hold.is_none() {
            let gathered = gather(parts.space, &mut entries);
            if gathered.is_empty() {
                break;
            }
            let enabled = parts.space.enabled.clone();
            let mut governed = Governed::new(&resolvers, &enabled);
            foresee(&mut parts, &mut governed, &gathered)?;
            for (entry, opened) in gathered {
                let seq = entry.seq();
                match opened {
                    Fold::Stop | Fold::Skip => {}
                    Fold::Control(part) => {
                        if let Some(why) = fold_control(&mut parts, &entry, &part)? {
                            hold = Some((seq, why));
                            break;
                        }
                    }
                    Fold::Body(body) => {
                        let folded = fold_body(&mut parts, &mut batch, &mut governed, &entry, &body);
                        if let Err(error) = folded {
                            return Err(match error {
                                Unfolded::Failed(error) => error,
                                Unfolded::Silent(silent) => self.stuck(id, seq, silent),
                            });
                        }
                    }
                }
                if parts.space.me() == Some(entry.entry().header().member_no) {
                    came_back(&mut parts, &mut batch, &entry)?;
                }
                parts.space.row.folded = seq;
            }
        }
        tracing::debug!(space = %id, seq = parts.space.row.folded, "folded");
        parts.space.dirty.core = true;
        let rebased = batch.finish(&mut parts)?;
        self.shown(id, rebased);
        self.consider_healing(id)?;
        if let Some((seq, why)) = hold {
            self.hold(id, seq, why);
        }
        Ok(())
    }
}

/// The next Entries, opened: one, or as many as are worth asking a resolver for together. What
/// changes the settings comes last.
fn gather(space: &Space, entries: &mut impl Iterator<Item = VerifiedEntry>) -> Vec<(VerifiedEntry, Fold)> {
    let (mut gathered, mut bytes) = (Vec::new(), 0);
    for entry in entries {
        let opened = open_for_fold(space, &entry);
        if matches!(opened, Fold::Stop) {
            break;
        }
        bytes += entry.entry().bytes().len();
        let last = space.enabled.is_empty() || matches!(opened, Fold::Control(_)) || bytes > GATHER_BYTES;
        gathered.push((entry, opened));
        if last {
            break;
        }
    }
    gathered
}

/// Asks the app's resolvers for everything that is coming, each once.
fn foresee(
    parts: &mut Parts<'_>,
    governed: &mut Governed<'_>,
    gathered: &[(VerifiedEntry, Fold)],
) -> Result<(), Error> {
    let Parts { space, store, .. } = parts;
    if space.enabled.is_empty() {
        return Ok(());
    }
    let mut coming = Vec::new();
    for (entry, opened) in gathered {
        let Fold::Body(body) = opened else { continue };
        for (index, transaction) in body.transactions.iter().enumerate() {
            let position = Position { seq: entry.seq(), index: index as u64 };
            let context = FoldContext {
                author: entry.entry().header().member_no,
                position,
                time_ms: transaction.time_ms,
                tx_id: transaction.tx_id,
                base_seq: transaction.base_seq,
                elements: 0,
            };
            let mut seen = SortedSet::new();
            for action in &transaction.actions {
                // A second call of one Transaction on a document cannot be told from the first by its
                // Version; it is asked for when it is its turn.
                if let Op::Call(op) = &action.op
                    && seen.insert(&action.key)
                {
                    coming.push(Coming { position, key: &action.key, op, context: context.clone() });
                }
            }
        }
    }
    if coming.len() > 1 {
        governed.foresee(coming, |key| space.documents.confirmed(*store, key).cloned())?;
    }
    Ok(())
}

/// Why an Entry could not be folded.
enum Unfolded {
    Failed(Error),
    Silent(Silent),
}

impl From<Undecided> for Unfolded {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Store(error) => Self::Failed(error.into()),
            Undecided::Silent(silent) => Self::Silent(silent),
        }
    }
}

fn fold_body(
    parts: &mut Parts<'_>,
    batch: &mut Batch,
    governed: &mut Governed<'_>,
    entry: &VerifiedEntry,
    body: &Body,
) -> Result<(), Unfolded> {
    let header = *entry.entry().header();
    for (index, transaction) in body.transactions.iter().enumerate() {
        let place = FoldPlace {
            position: Position { seq: entry.seq(), index: index as u64 },
            base_seq: transaction.base_seq,
            seen_seq: header.seen_seq,
        };
        fold_transaction(parts, batch, governed, transaction, header.member_no, place)?;
    }
    if let Some(claim) = &body.root
        && let Some((difference, documents)) =
            compare_root(parts, header.member_no, claim).map_err(Unfolded::Failed)?
    {
        parts.outputs.push_back(Output::Event(Event::Diverged {
            space: parts.space.id,
            position: claim.seq,
            author: header.member_no,
            bucket: difference.bucket,
            documents,
        }));
    }
    Ok(())
}

fn fold_transaction(
    parts: &mut Parts<'_>,
    batch: &mut Batch,
    governed: &mut Governed<'_>,
    transaction: &Transaction,
    author: MemberNo,
    place: FoldPlace,
) -> Result<(), Unfolded> {
    let (space, protections) = (&mut *parts.space, &parts.config.protections);
    let row = space.authors.get_or_insert_with(author, || AuthorRow::NEW);
    if transaction.tx_no <= row.tx_mark && protections.tx_mark {
        return Ok(());
    }
    let fold_author = FoldAuthor { member: author, row, preconditions: protections.preconditions };
    let result = space.documents.fold(parts.store, transaction, &fold_author, place, governed)?;
    row.mark(transaction.tx_no, result.is_ok(), place.position.seq);
    space.dirty.authors.insert(author);
    if let Err(Rejection { reason: RejectReason::ResolverFailed, document: Some(key), .. }) = &result {
        parts.outputs.push_back(Output::Event(Event::ResolverFailed {
            space: space.id,
            collection: key.collection.clone(),
            position: place.position,
        }));
    }
    if space.me() == Some(author) {
        batch.own(parts, transaction, place.position, result).map_err(Unfolded::Failed)?;
    } else if let Ok(accepted) = result {
        batch.changed(accepted.changed);
    }
    Ok(())
}

/// The sealed part of a control Entry: names, and what is accepted from here on. Gives why the Space
/// has to hold before it.
fn fold_control(
    parts: &mut Parts<'_>,
    entry: &VerifiedEntry,
    sealed_part: &[u8],
) -> Result<Option<HeldFor>, Error> {
    /// The newest body format that this version reads.
    const BODY_FORMAT: u64 = 1;
    let Ok(control) = ControlPublic::decode(entry.entry().public()) else { return Ok(None) };
    let Parts { space, resolvers, .. } = parts;
    let enables = match control.op {
        // A sealed part that does not parse leaves the Member without a name; it stays a Member.
        ControlOp::Genesis(_) => note_name(space, MemberNo(1), sealed_part),
        ControlOp::AddMember(added) => {
            note_name(space, added.member_no, sealed_part);
            Vec::new()
        }
        ControlOp::Settings(settings) if settings.body_format > BODY_FORMAT => {
            return Ok(Some(HeldFor::NewerVeilfold));
        }
        ControlOp::Settings(_) => match Enabled::read_part(sealed_part) {
            Ok(enables) => enables,
            Err(SettingsPart::Newer) => return Ok(Some(HeldFor::NewerVeilfold)),
            Err(SettingsPart::Malformed) => Vec::new(),
        },
    };
    let mut enabled = space.enabled.clone();
    enabled.enable(&enables);
    let unknown = enabled.iter().find(|enable| {
        !space.enabled.accepts(&enable.collection, enable.version)
            && !resolvers.knows(&enable.collection, enable.version, enable.module.as_ref())
    });
    if let Some(Enable { collection, version, .. }) = unknown {
        return Ok(Some(HeldFor::Update { collection, version }));
    }
    if enabled != space.enabled {
        space.enabled = enabled;
        space.dirty.settings = true;
        space.documents.set_reader(resolvers, &space.enabled);
    }
    Ok(None)
}

fn note_name(space: &mut Space, member: MemberNo, sealed_part: &[u8]) -> Vec<Enable> {
    let Ok(enables) = space.roster.note(member, sealed_part) else { return Vec::new() };
    space.dirty.membership = true;
    enables
}

/// An own Entry is in the order: it is no longer in flight, whatever became of it.
fn came_back(parts: &mut Parts<'_>, batch: &mut Batch, entry: &VerifiedEntry) -> Result<(), Error> {
    let Parts { space, store, .. } = parts;
    match space.in_flight.take_folded(*store, space.no, &entry.hash())? {
        Some(row) => {
            if let (Content::Control { wish }, None) = (row.content, entry.fault()) {
                let tx_id = crate::model::TxId(wish);
                space.wishes.retain(|other| other.id != tx_id);
                space.save_wish(*store, tx_id)?;
                let fate = Fate::Confirmed(Position { seq: entry.seq(), index: 0 });
                parts.tell(Settled::once(tx_id, fate))?;
            }
            batch.unseal(&mut parts.space.pending, row.content);
        }
        // Not one that waits here: a copy of this store wrote it, or this store was restored, or an
        // Entry that had been given up was ordered after all. It is the author's head now.
        None if entry.seq() > 1 => {
            let author_seq = entry.entry().header().author_seq;
            let given_up = space.in_flight.drop_from(*store, space.no, author_seq)?;
            for row in given_up {
                batch.unseal(&mut space.pending, row.content);
            }
            if batch.takes_unknown() {
                let cloned = Event::DeviceCloned { space: parts.space.id };
                parts.outputs.push_back(Output::Event(cloned));
            }
        }
        None => {}
    }
    Ok(())
}
