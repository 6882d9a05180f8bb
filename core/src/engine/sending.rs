//! Own writes on their way to the Relay: asked-for Spaces, sealed Entries, what is sent again.
//!
//! Sealing happens here, at send time, so what is sent is always made for the present. The first
//! write after a pause is sealed at once; what is written while it is on its way goes together.

use super::engine::{Engine, Parts};
use super::output::Output;
use super::space::Space;
use crate::documents::SealedRef;
use crate::envelope::{Author, SealContext, SealError, Sealed, seal_control, seal_data};
use crate::error::Error;
use crate::keys::Entropy;
use crate::members::{Roster, Wish, Wished};
use crate::model::{Body, Encoder, TRANSACTIONS_MAX};
use crate::outbox::{Content, Fate, RefusedReason, SealedRow, Settled};
use crate::resolver::Enabled;
use crate::store::rows::LogRow;
use crate::store::{Store, StoreError, Table};
use crate::sync::State;
use bytes::Bytes;
use veilfold_wire::frame::{DeviceFrame, append_id};
use veilfold_wire::limits::IN_FLIGHT_MAX;
use veilfold_wire::membership::{AddMember, MemberKeys, Settings};
use veilfold_wire::signature::SignatureDomain;
use veilfold_wire::{ControlOp, ControlPublic, MemberNo, Role, SpaceId};

/// Bytes of Transactions that go into one Entry.
const BATCH_BYTES: usize = 64 * 1024;
/// While something is on its way, this many waiting Transactions are worth another Entry.
const BATCH_WAITING: usize = 256;

impl Engine {
    /// Asks the Relay for the Space if that is due, and sends what may be sent.
    pub(super) fn attend(&mut self, id: SpaceId, now_ms: u64) -> Result<(), Error> {
        if self.session.online().is_none() {
            return Ok(());
        }
        if *self.subscriptions.get(id).state() == State::Wanted {
            self.ask_for(id)?;
        }
        let subscription = self.subscriptions.get(id);
        if let Some(until_ms) = subscription.quiet_until(now_ms) {
            self.subscriptions.wake(id, until_ms);
        } else if subscription.may_send() {
            self.seal_waiting(id)?;
            let Parts { space, outputs, .. } = self.parts(id)?;
            for row in space.in_flight.take_unsent() {
                tracing::debug!(space = %id, bytes = row.entry.len(), "sending an entry");
                outputs.push_back(Output::Send(
                    DeviceFrame::Append { space: id, entry: row.entry.clone() }.encode(),
                ));
            }
        }
        Ok(())
    }

    /// Ends the subscription on this connection; it is asked for again later.
    pub(super) fn unsubscribe(&mut self, id: SpaceId) {
        if self.session.online().is_some() {
            self.outputs.push_back(Output::Send(DeviceFrame::Unsubscribe { space: id }.encode()));
        }
    }

    fn ask_for(&mut self, id: SpaceId) -> Result<(), Error> {
        let Some(online) = self.session.online() else { return Ok(()) };
        let transcript = online.transcript.clone();
        let Parts { space, store, outputs, .. } = self.parts(id)?;
        space.in_flight.restart();
        let frame = if space.row.genesis_unsent {
            let row = store.get(Table::Log, &space.no.numbered(1))?.ok_or(StoreError::Corrupt("genesis"))?;
            DeviceFrame::CreateSpace { entry: Bytes::from(LogRow::from_bytes(&row)?.entry) }
        } else {
            let member = space.keyring.member();
            let hash = transcript.space_hash(&id, &member.sign_key());
            DeviceFrame::Subscribe {
                space: id,
                member: member.sign_key(),
                have_seq: space.row.log_seq,
                signature: member.sign(SignatureDomain::SpaceAuth, &hash),
            }
        };
        outputs.push_back(Output::Send(frame.encode()));
        self.subscriptions.get(id).asked();
        Ok(())
    }

    /// Seals as much of what waits as may be in flight.
    fn seal_waiting(&mut self, id: SpaceId) -> Result<(), Error> {
        while let Some(wish) = self.next_wish(id)? {
            let sealed = self.seal_wish(id, &wish)?;
            if !sealed {
                return Ok(());
            }
        }
        // Calls of a version may only follow the Entry that enables it.
        if self.space(id)?.wishes.iter().any(|wish| matches!(wish.what, Wished::Enable(_))) {
            return Ok(());
        }
        loop {
            let Parts { space, store, entropy, .. } = self.parts(id)?;
            let Some(context) = seal_context(space) else { return Ok(()) };
            let sealed = last_sealed(space);
            let waiting = space.pending.from(sealed + 1).take(BATCH_WAITING).count();
            let in_flight = space.in_flight.unacknowledged();
            let worth = in_flight == 0 || (waiting >= BATCH_WAITING && in_flight < IN_FLIGHT_MAX);
            if waiting == 0 || !worth {
                return Ok(());
            }
            let mut body = take_batch(space, sealed + 1);
            body.root = space.roots.claim();
            space.dirty.roots |= body.root.is_some();
            seal_body(space, store, entropy, &context, &body)?;
        }
    }

    /// Seals own Transactions that are in the order already once more, as a faulty writer would.
    /// False when nothing can be sent now.
    ///
    /// # Errors
    /// As the store says.
    #[cfg(feature = "testing")]
    pub fn seal_copies(
        &mut self,
        id: SpaceId,
        transactions: Vec<crate::model::Transaction>,
        now_ms: u64,
    ) -> Result<bool, Error> {
        self.step(|engine| {
            if !engine.subscriptions.get(id).may_send() || transactions.is_empty() {
                return Ok(false);
            }
            let Parts { space, store, entropy, .. } = engine.parts(id)?;
            let Some(context) = seal_context(space) else { return Ok(false) };
            seal_body(space, store, entropy, &context, &Body { transactions, root: None })?;
            engine.attend(id, now_ms)?;
            Ok(true)
        })
    }

    /// A wish that is not in flight, unless one is: each must name the membership after the other.
    fn next_wish(&mut self, id: SpaceId) -> Result<Option<Wish>, Error> {
        let space = self.space(id)?;
        let busy = space.in_flight.iter().any(|row| matches!(row.content, Content::Control { .. }));
        Ok(if busy { None } else { space.wishes.first().cloned() })
    }

    /// Seals a change; false when it has to wait. A wish that cannot come true any more is refused.
    fn seal_wish(&mut self, id: SpaceId, wish: &Wish) -> Result<bool, Error> {
        let mut parts = self.parts(id)?;
        let Parts { space, store, entropy, .. } = &mut parts;
        let Some(context) = seal_context(space) else { return Ok(false) };
        let Some((op, part)) = as_control(space, &context, wish, *entropy) else {
            space.wishes.retain(|other| other.id != wish.id);
            space.save_wish(*store, wish.id)?;
            parts.tell(Settled::once(wish.id, Fate::Refused(RefusedReason::NotApplicable)))?;
            return Ok(true);
        };
        let Some(membership) = &space.membership else { return Ok(false) };
        let public = ControlPublic {
            control_seq: membership.control_seq() + 1,
            prev_control_hash: *membership.control_head(),
            op,
        };
        let sealed = seal_control(&space.keyring, &context, &public, &part, *entropy).map_err(seal_failed)?;
        let row = sealed_row(&sealed, &context, Content::Control { wish: wish.id.0 });
        space.in_flight.push(*store, space.no, row)?;
        Ok(true)
    }
}

/// Seals Transactions and keeps the Entry until its return.
fn seal_body(
    space: &mut Space,
    store: &mut dyn Store,
    entropy: &mut dyn Entropy,
    context: &SealContext,
    body: &Body,
) -> Result<(), Error> {
    let numbers = body.transactions.first().zip(body.transactions.last());
    let Some((first, last)) = numbers.map(|(first, last)| (first.tx_no, last.tx_no)) else { return Ok(()) };
    let sealed = seal_data(&space.keyring, context, &body.encode(), entropy).map_err(seal_failed)?;
    let row = sealed_row(&sealed, context, Content::Transactions { first, last });
    let author_seq = row.author_seq;
    space.in_flight.push(store, space.no, row)?;
    for transaction in &body.transactions {
        if let Some(pending) = space.pending.get_mut(transaction.tx_no) {
            pending.sealed = Some(SealedRef { author_seq });
        }
    }
    Ok(())
}

fn sealed_row(sealed: &Sealed, context: &SealContext, content: Content) -> SealedRow {
    let entry = sealed.entry.bytes().clone();
    SealedRow {
        author_seq: sealed.entry.header().author_seq,
        hash: sealed.hash,
        seen_seq: context.seen.seq,
        acked_seq: 0,
        content,
        id: append_id(&entry),
        entry,
    }
}

/// Who and where we are as an author; `None` while we cannot be one.
fn seal_context(space: &Space) -> Option<SealContext> {
    let (me, cursor) = (space.me()?, space.cursor());
    let membership = space.membership.as_ref()?;
    let can_write = membership.get(me).is_some_and(|member| member.role >= Role::Writer);
    let has_key = space.keyring.secret(membership.epoch()).is_some();
    (can_write && has_key && cursor.is_folded()).then(|| SealContext {
        author: Author { member_no: me, head: space.in_flight.head(space.own_row().head) },
        seen: cursor.log,
        epoch: membership.epoch(),
        padding_floor: membership.padding_floor(),
    })
}

/// Largest number that a sealed Entry carries or that was folded.
fn last_sealed(space: &Space) -> u64 {
    let sealed = space.in_flight.iter().filter_map(|row| match row.content {
        Content::Transactions { last, .. } => Some(last),
        Content::Control { .. } => None,
    });
    sealed.max().unwrap_or(0)
}

/// Transactions from a number on, made for the order as it is folded now.
fn take_batch(space: &Space, first: u64) -> Body {
    let mut body = Body { transactions: Vec::new(), root: None };
    let mut bytes = Encoder::new();
    for (_, pending) in space.pending.from(first).take(TRANSACTIONS_MAX) {
        let mut transaction = pending.transaction.clone();
        if pending.shown {
            transaction.base_seq = space.row.folded;
        }
        transaction.encode(&mut bytes);
        if !body.transactions.is_empty() && bytes.len() > BATCH_BYTES {
            break;
        }
        body.transactions.push(transaction);
    }
    body
}

/// A wish as it is for the membership of this moment, with its sealed part; `None` when it is not
/// possible any more.
fn as_control(
    space: &Space,
    context: &SealContext,
    wish: &Wish,
    entropy: &mut dyn Entropy,
) -> Option<(ControlOp, Vec<u8>)> {
    let membership = space.membership.as_ref()?;
    let own_role = membership.get(context.author.member_no)?.role;
    match &wish.what {
        Wished::Add { card, role, user_tag } => {
            if !own_role.may_grant(*role) || membership.find(card.sign_key()).is_some() {
                return None;
            }
            let keys = MemberKeys { sign: *card.sign_key(), kem: *card.kem_key(), user_tag: *user_tag };
            let epoch_box = space
                .keyring
                .seal_box(context.epoch, membership.epoch_commit(), &keys.sign, &keys.kem, entropy)
                .ok()?;
            let member_no = MemberNo(membership.control_seq() + 1);
            let op = ControlOp::AddMember(AddMember { member_no, keys, role: *role, epoch_box });
            Some((op, Roster::sealed_part(card.name())))
        }
        Wished::Enable(enables) => {
            let news = enables.iter().any(|enable| enable.version > space.enabled.newest(&enable.collection));
            if own_role < Role::Admin || !news {
                return None;
            }
            let op = ControlOp::Settings(Settings { body_format: 1 });
            Some((op, Enabled::sealed_part(enables)))
        }
    }
}

fn seal_failed(error: SealError) -> Error {
    Error::internal(format!("an entry could not be sealed: {error}"))
}
