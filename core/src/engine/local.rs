//! An app's write on its way out: checked, shown, kept in the Outbox, and handed to `sending.rs`.

use super::engine::{Engine, Parts};
use super::output::Output;
use super::space::{Space, SpaceRow};
use crate::documents::{
    FoldAuthor, MUTATOR_ARGS_BYTES_MAX, MUTATOR_NAME_BYTES_MAX, MutatorRun, Pending, Undecided, act,
};
use crate::envelope::{Founding, LogHead, VerifiedEntry, found_space};
use crate::error::{Error, ErrorKind};
use crate::keys::{ContactCard, ContactCardError, Keyring, random};
use crate::members::{Roster, SpaceTicket, Wish, Wished};
use crate::model::{Action, DocumentKey, ElementId, Fields, Op, Rejection, TxId};
use crate::resolver::{Enable, Enabled, Governed, Resolvers, Silent};
use crate::sorted::{SortedMap, SortedSet};
use crate::store::rows::AuthorRow;
use crate::transact::{build, document_read, token};
use veilfold_wire::entry::chain_next;
use veilfold_wire::{AuthorHead, Judgement, MemberNo, Role, SpaceId, UserTag};

pub use crate::transact::ReadToken;

/// Smallest padded plaintext of a new Space in bytes.
const PADDING_FLOOR: u64 = 128;

/// What an app wants to happen together.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// What was read for it; nothing for blind intents.
    pub reads: Vec<ReadToken>,
    /// What to do.
    pub actions: Vec<Action>,
    /// The named mutator that made it, if one did.
    pub mutation: Option<Mutation>,
}

/// Which run of a named mutator a Transaction is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Its first.
    First {
        /// Its registered name.
        name: String,
        /// Its arguments, in the app's own encoding.
        args: Vec<u8>,
    },
    /// Another try of the one whose receipt has this name, as [`Engine::take_retry`] gave it.
    Again(TxId),
}

/// A Transaction that is kept and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its name, for asking for its fate.
    pub tx_id: TxId,
    /// Ids of the list elements that it made, in order.
    pub elements: Vec<ElementId>,
}

impl Engine {
    /// Founds a Space whose only member is this Device. Works offline.
    ///
    /// `name` is for this Device's own list and `own_name` is what other Members will see.
    ///
    /// # Errors
    /// As the store says.
    pub fn create_space(&mut self, name: &str, own_name: &str, now_ms: u64) -> Result<SpaceId, Error> {
        self.step(|engine| {
            let user_tag = UserTag(random(engine.entropy.as_mut()));
            let as_enable = |(collection, version, module): (&str, u64, _)| Enable {
                collection: collection.to_owned(),
                version,
                module,
            };
            let enables: Vec<Enable> = engine.resolvers.newest().map(as_enable).collect();
            let body = Roster::founding_part(own_name, &enables);
            let founding = Founding { user_tag, padding_floor: PADDING_FLOOR, relay: None, body: &body };
            let hedge = engine.root.hedge();
            let founded = found_space(&engine.seed, hedge, &founding, engine.entropy.as_mut())
                .map_err(|error| Error::internal(error.to_string()))?;
            let (id, no) = (founded.space, engine.number_space(founded.space)?);
            let row = SpaceRow {
                name: name.to_owned(),
                key_context: founded.key_context,
                me: Some(1),
                genesis_unsent: true,
                log_seq: 1,
                log_chain: [0; 32],
                folded: 1,
            };
            let mut space = Space::new(id, no, row, founded.keyring);
            let hash = veilfold_wire::EntryHash(id.0);
            let chain = chain_next(1, &LogHead::start(&id).chain, &hash);
            space.row.log_chain = chain.0;
            let judgement = Judgement::Chained { hash, fault: None };
            let head = LogHead { seq: 1, chain };
            let genesis = VerifiedEntry::from_own_log(head, founded.entry, judgement, PADDING_FLOOR);
            space.tail.append(engine.store.as_mut(), no, &[genesis])?;
            space.membership = Some(founded.membership);
            space.roster.note(MemberNo(1), &body).map_err(|error| Error::internal(error.to_string()))?;
            space.enabled.enable(&enables);
            space.documents.set_reader(&engine.resolvers, &space.enabled);
            space.dirty.settings = true;
            let row = AuthorRow { head: AuthorHead { author_seq: 1, hash }, ..AuthorRow::NEW };
            space.authors.insert(MemberNo(1), row);
            space.dirty.membership = true;
            space.dirty.authors.insert(MemberNo(1));
            #[cfg(feature = "testing")]
            space.keyring.set_cipher(engine.config.cipher);
            space.save_key(engine.store.as_mut(), &engine.root, 0, engine.entropy.as_mut())?;
            engine.open.insert(id, space);
            engine.touched.insert(id);
            engine.attend(id, now_ms)?;
            Ok(id)
        })
    }

    /// Makes a contact card with keys of its own, to be added to one Space. Nothing is stored.
    ///
    /// # Errors
    /// `Invalid` when the name is empty or too long.
    pub fn contact_card(&mut self, name: &str) -> Result<ContactCard, Error> {
        ContactCard::generate(&self.seed, name, self.entropy.as_mut())
            .map_err(|error: ContactCardError| Error::invalid("bad_name", error.to_string()))
    }

    /// Adds the holder of a card. Works offline; the order decides between changes made at once.
    ///
    /// Gives the id under which the fate is told, and the ticket for the card's holder, which is
    /// useful as soon as the change is ordered.
    ///
    /// # Errors
    /// `NotAllowed` when this Device's role may not give `role`; `Invalid` for somebody already there.
    pub fn add_member(
        &mut self,
        id: SpaceId,
        card: ContactCard,
        role: Role,
        now_ms: u64,
    ) -> Result<(TxId, SpaceTicket), Error> {
        self.step(|engine| {
            let Parts { space, store, entropy, .. } = engine.parts(id)?;
            let me = admitted(space)?;
            let membership = space.membership.as_ref().ok_or_else(not_admitted)?;
            if !membership.get(me).is_some_and(|member| member.role.may_grant(role)) {
                let text = "this device's role may not give that role";
                return Err(Error::new(ErrorKind::NotAllowed, "role_too_low", text));
            }
            let same = |wish: &Wish| wish.card().is_some_and(|other| other.sign_key() == card.sign_key());
            let wished = space.wishes.iter().any(same);
            if wished || membership.find(card.sign_key()).is_some() {
                return Err(Error::invalid(
                    "already_member",
                    "this card was added before; ask for a new one",
                ));
            }
            let ticket = SpaceTicket { space: id, key_context: *card.key_context() };
            let (id_of_wish, user_tag) = (TxId(random(entropy)), UserTag(random(entropy)));
            let wish = Wish { id: id_of_wish, what: Wished::Add { card, role, user_tag } };
            let wish_id = wish.id;
            space.wishes.push(wish);
            space.save_wish(store, wish_id)?;
            engine.attend(id, now_ms)?;
            Ok((wish_id, ticket))
        })
    }

    /// Has the Space accept the newest version of every resolver that this app brings. Works offline;
    /// until the order has it, own calls of those versions wait.
    ///
    /// Gives the id under which the fate is told; `None` when all of them are accepted already.
    ///
    /// # Errors
    /// `NotAllowed` for a role below admin.
    pub fn enable_resolvers(&mut self, id: SpaceId, now_ms: u64) -> Result<Option<TxId>, Error> {
        self.step(|engine| {
            let resolvers = engine.resolvers.clone();
            let Parts { space, store, entropy, .. } = engine.parts(id)?;
            let me = admitted(space)?;
            let role = space.membership.as_ref().and_then(|all| all.get(me)).map(|member| member.role);
            if role.is_none_or(|role| role < Role::Admin) {
                let text = "only an admin may enable resolver versions";
                return Err(Error::new(ErrorKind::NotAllowed, "role_too_low", text));
            }
            let known = space.enabled_with_wishes();
            let news: Vec<Enable> = resolvers
                .newest()
                .filter(|(collection, version, _)| known.newest(collection) < *version)
                .map(|(collection, version, module)| Enable {
                    collection: collection.to_owned(),
                    version,
                    module,
                })
                .collect();
            if news.is_empty() {
                return Ok(None);
            }
            let wish = Wish { id: TxId(random(entropy)), what: Wished::Enable(news) };
            let wish_id = wish.id;
            space.wishes.push(wish);
            space.save_wish(store, wish_id)?;
            engine.attend(id, now_ms)?;
            Ok(Some(wish_id))
        })
    }

    /// Joins the Space that a ticket names. Works offline; documents come with the connection.
    ///
    /// Joining again changes nothing.
    ///
    /// # Errors
    /// As the store says.
    pub fn join(&mut self, ticket: &SpaceTicket, name: &str, now_ms: u64) -> Result<SpaceId, Error> {
        let id = ticket.space;
        if self.numbers.contains_key(&id) {
            return Ok(id);
        }
        self.step(|engine| {
            let no = engine.number_space(id)?;
            let row = SpaceRow {
                name: name.to_owned(),
                key_context: ticket.key_context,
                me: None,
                genesis_unsent: false,
                log_seq: 0,
                log_chain: LogHead::start(&id).chain.0,
                folded: 0,
            };
            let member = engine.seed.member(&ticket.key_context, 0);
            #[allow(unused_mut, reason = "changed by tests that choose a cipher")]
            let mut keyring = Keyring::new(id, member, engine.root.hedge());
            #[cfg(feature = "testing")]
            keyring.set_cipher(engine.config.cipher);
            engine.open.insert(id, Space::new(id, no, row, keyring));
            engine.touched.insert(id);
            engine.attend(id, now_ms)?;
            Ok(id)
        })
    }

    /// Commits what the app wants: kept and visible when this returns, ordered later.
    ///
    /// `Ok(None)` when something that was read has changed meanwhile: read again and try again.
    ///
    /// # Errors
    /// `NotAllowed` before this Device is a writer; `Invalid` for what is too large, and for what is
    /// rejected by the state as it is visible now, with the reason.
    pub fn transact(&mut self, id: SpaceId, draft: Draft, now_ms: u64) -> Result<Option<Committed>, Error> {
        // What the app did wrong changes nothing and is no reason to read everything anew, so it
        // is a result of the step and not its failure.
        self.now_ms = now_ms;
        let resolvers = self.resolvers.clone();
        self.step(|engine| {
            let Parts { space, store, entropy, .. } = engine.parts(id)?;
            let me = match admitted(space) {
                Ok(me) => me,
                Err(error) => return Ok(Err(error)),
            };
            let role = space.membership.as_ref().and_then(|all| all.get(me)).map(|member| member.role);
            if role.is_none_or(|role| role < Role::Writer) {
                let text = "this device may read this space but not write to it";
                return Ok(Err(Error::new(ErrorKind::NotAllowed, "read_only", text)));
            }
            if space.pending.len() >= crate::documents::OUTBOX_COUNT_MAX {
                let text = "too much waits to be sent; connect before writing more";
                return Ok(Err(Error::invalid("outbox_full", text)));
            }
            if let Some(Mutation::First { name, args }) = &draft.mutation
                && (name.is_empty()
                    || name.len() > MUTATOR_NAME_BYTES_MAX
                    || args.len() > MUTATOR_ARGS_BYTES_MAX)
            {
                let text = format!(
                    "a mutator's name has 1 to {MUTATOR_NAME_BYTES_MAX} bytes and its arguments at most {MUTATOR_ARGS_BYTES_MAX}"
                );
                return Ok(Err(Error::invalid("too_large", text)));
            }
            let mut reads = Vec::with_capacity(draft.reads.len());
            for read in &draft.reads {
                match document_read(&mut space.documents, &space.pending, store, read)? {
                    Some(read) => reads.push(read),
                    None => return Ok(Ok(None)),
                }
            }
            let tx_no = space.next_tx_no();
            let tx_id = TxId(random(entropy));
            let enabled = space.enabled_with_wishes();
            let mut actions = draft.actions;
            if let Err(error) = choose_versions(&mut actions, &resolvers, &enabled) {
                return Ok(Err(error));
            }
            let built = build(&space.pending, (tx_no, tx_id), space.row.folded, now_ms, reads, actions);
            let transaction = match built {
                Ok(transaction) => transaction,
                Err(error) => return Ok(Err(Error::invalid(error.code(), error.to_string()))),
            };
            let row = space.pending.as_if_folded(&space.own_row());
            let author = FoldAuthor { member: me, row: &row, preconditions: true };
            let mut governed = Governed::new(&resolvers, &enabled);
            let folded = space.row.folded;
            let shown = match space.documents.show(store, &transaction, &author, folded, &mut governed) {
                Ok(Ok(accepted)) => Ok(accepted),
                Ok(Err(rejection)) => Err(rejected_here(&rejection)),
                Err(Undecided::Silent(silent)) => Err(no_answer(&silent)),
                Err(Undecided::Store(error)) => return Err(error.into()),
            };
            let accepted = match shown {
                Ok(accepted) => accepted,
                Err(error) => {
                    for action in
                        transaction.actions.iter().filter(|action| !space.pending.touches(&action.key))
                    {
                        space.documents.unshow(store, &action.key)?;
                    }
                    return Ok(Err(error));
                }
            };
            let elements = (0..accepted.elements).map(|count| element_id(tx_id, count)).collect();
            let mut parts = engine.parts(id)?;
            let mutator = match draft.mutation {
                None => None,
                Some(Mutation::First { name, args }) => {
                    Some(MutatorRun { name, args, attempt: 1, first: tx_id })
                }
                Some(Mutation::Again(first)) => {
                    let taken = parts.take_up(first)?;
                    let taken = taken.ok_or_else(|| Error::internal("a mutator that nobody kept"))?;
                    Some(MutatorRun { attempt: taken.run.attempt + 1, ..taken.run })
                }
            };
            let Parts { space, store, .. } = parts;
            let pending = Pending { mutator, ..Pending::new(transaction) };
            let tx_id = pending.receipt();
            space.pending.insert(tx_no, pending);
            space.pending.save(store, space.no, tx_no)?;
            engine.mark_changed(id, accepted.changed.iter());
            engine.attend(id, now_ms)?;
            Ok(Ok(Some(Committed { tx_id, elements })))
        })?
    }

    /// A document as a Transaction sees it that has done `actions` so far, and what was read.
    ///
    /// # Errors
    /// `Invalid` with the reason when `actions` are rejected by the state as it is visible now.
    pub fn preview(
        &mut self,
        id: SpaceId,
        actions: &[Action],
        key: &DocumentKey,
    ) -> Result<(Option<Fields>, ReadToken), Error> {
        let Parts { space, store, resolvers, .. } = self.parts(id)?;
        let me = space.me().unwrap_or(MemberNo(0));
        let read = token(&mut space.documents, &space.pending, store, key)?;
        let mut context = crate::resolver::FoldContext {
            author: me,
            position: crate::model::Position::UNORDERED,
            time_ms: 0,
            tx_id: TxId([0; 8]),
            base_seq: space.row.folded,
            elements: 0,
        };
        let mut image = space.documents.visible(store, key)?.clone();
        let enabled = space.enabled_with_wishes();
        let mut governed = Governed::new(resolvers, &enabled);
        let mut actions: Vec<Action> = actions.iter().filter(|action| action.key == *key).cloned().collect();
        choose_versions(&mut actions, resolvers, &enabled)?;
        for action in &actions {
            match act(&mut image, action, &mut context, &mut governed) {
                Ok(Ok(_)) => {}
                Ok(Err(rejection)) => return Err(rejected_here(&rejection)),
                Err(silent) => return Err(no_answer(&silent)),
            }
        }
        let format = image.format;
        if let Some(fields) = &mut image.fields {
            governed.present(&key.collection, &mut [(format, fields)]);
        }
        Ok((image.fields, read))
    }

    /// Documents of a collection as a Transaction sees them that has done `actions` so far, by id, after
    /// the id `after`; and what was read: which documents there are, and all of them. Fewer than
    /// `limit` come only at the end.
    ///
    /// # Errors
    /// As [`Engine::preview`] says.
    pub fn preview_page(
        &mut self,
        id: SpaceId,
        actions: &[Action],
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<(String, Fields)>, ReadToken), Error> {
        let inside = |key: &&DocumentKey| {
            key.collection == collection && after.is_none_or(|after| *key.document > *after)
        };
        let staged: SortedSet<&DocumentKey> =
            actions.iter().map(|action| &action.key).filter(inside).collect();
        let Parts { space, store, .. } = self.parts(id)?;
        let read = token(&mut space.documents, &space.pending, store, &DocumentKey::whole(collection))?;
        // What the Actions delete must not make the page look like the last one.
        let wanted = limit.saturating_add(staged.len());
        let rows = space.documents.read_collection(store, collection, after, wanted)?;
        let end = (rows.len() == wanted).then(|| rows.last().map(|(document, _)| document.clone())).flatten();
        let mut rows: SortedMap<String, Fields> = rows.into_iter().collect();
        for key in staged {
            if end.as_ref().is_none_or(|end| key.document <= *end) {
                match self.preview(id, actions, key)?.0 {
                    Some(fields) => rows.insert(key.document.clone(), fields),
                    None => rows.remove(&key.document),
                };
            }
        }
        Ok((rows.into_iter().take(limit).collect(), read))
    }

    /// Tells live queries and whoever watches the status that documents have changed.
    pub(super) fn mark_changed<'a>(
        &mut self,
        id: SpaceId,
        changed: impl Iterator<Item = &'a DocumentKey> + Clone,
    ) {
        let woken = self.live.mark(&id, changed);
        self.outputs.extend(woken.into_iter().map(Output::Live));
        self.outputs.push_back(Output::Status(id));
    }
}

/// Own number, or the error that says what is missing.
fn admitted(space: &Space) -> Result<MemberNo, Error> {
    space.me().ok_or_else(not_admitted)
}

fn not_admitted() -> Error {
    let text = "this device is not in the space's order yet; connect, and let a member add its card";
    Error::new(ErrorKind::NotAllowed, "not_admitted", text)
}

fn rejected_here(rejection: &Rejection) -> Error {
    let words = rejection.detail.clone().unwrap_or_else(|| rejection.reason.to_string());
    Error::invalid("rejected", words)
}

/// Calls get the newest version that the Space accepts.
fn choose_versions(actions: &mut [Action], resolvers: &Resolvers, enabled: &Enabled) -> Result<(), Error> {
    for action in actions {
        let Op::Call(call) = &mut action.op else { continue };
        if call.version != 0 {
            continue;
        }
        call.version = enabled.newest(&action.key.collection);
        if call.version == 0 {
            let text = "the space accepts no resolver for this collection; an admin enables it";
            return Err(Error::invalid("resolver_not_enabled", text));
        }
        if resolvers.get(&action.key.collection, call.version).is_none() {
            let text = "this version of the app has no such resolver; update it, or open the client with it";
            return Err(Error::new(ErrorKind::NewerVersion, "update_required", text));
        }
    }
    Ok(())
}

fn no_answer(silent: &Silent) -> Error {
    if silent.missing {
        let text =
            format!("this version of the app has no version {} of the resolver; update it", silent.version);
        return Error::new(ErrorKind::NewerVersion, "update_required", text);
    }
    Error::invalid("resolver_stuck", "the collection's resolver gave no answer in time; nothing was written")
}

fn element_id(tx_id: TxId, count: u32) -> ElementId {
    let mut id = [0; 12];
    id[..8].copy_from_slice(&tx_id.0);
    id[8..].copy_from_slice(&count.to_be_bytes());
    ElementId(id)
}
