//! What tests of a Relay need: authors that make signed Entries, a store that fails when told, a door
//! that something else stands at, and a Relay that lies (`testing/hostile.rs`).
//!
//! Used by this package's tests and, with the feature `testing`, by simulations and the tests of apps.
//! The sealed parts are filler: a Relay cannot open them anyway.

mod door;
pub mod hostile;

pub use door::Door;

use crate::store::{Durability, MemoryStore, Store, StoreError, StoredEntry};
use bytes::Bytes;
use ed25519_dalek::{Signer, SigningKey};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use veilfold_wire::entry::{TAG_LEN, chain_next, chain_start};
use veilfold_wire::frame::DeviceFrame;
use veilfold_wire::hash::Hasher;
use veilfold_wire::login::{Side, Transcript};
use veilfold_wire::membership::{AddMember, ControlOp, ControlPublic, EpochBox, Genesis, MemberKeys};
use veilfold_wire::signature::SignatureDomain;
use veilfold_wire::{
    AuthorHead, ChainHash, ConnectionKey, EntryHash, ExplicitContext, Header, KemKey, Kind, MemberKey,
    MemberNo, Role, SealedEntry, SpaceId, UserTag,
};

/// A position of a log and the running hash there: what an author has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The position.
    pub seq: u64,
    /// The running hash.
    pub chain: ChainHash,
}

impl Seen {
    /// Before the first Entry.
    pub fn start(space: &SpaceId) -> Self {
        Self { seq: 0, chain: chain_start(space) }
    }

    /// After one more Entry.
    #[must_use]
    pub fn then(self, hash: &EntryHash) -> Self {
        let seq = self.seq + 1;
        Self { seq, chain: chain_next(seq, &self.chain, hash) }
    }
}

/// The signing key that a number stands for.
pub fn signing_key(seed: u64) -> SigningKey {
    SigningKey::from_bytes(&Hasher::new("test-key").u64(seed).finish())
}

/// One Member of one Space, able to write.
#[derive(Clone, Debug)]
pub struct Author {
    /// Signs its Entries.
    pub key: SigningKey,
    /// Its Space; zero until the genesis is made.
    pub space: SpaceId,
    /// Its number.
    pub member_no: MemberNo,
    /// Its newest Entry.
    pub head: AuthorHead,
    /// The epoch it seals for.
    pub epoch: u64,
}

impl Author {
    /// Founds the Space that `seed` stands for: its owner, and the genesis.
    pub fn found(seed: u64) -> (Self, SealedEntry) {
        let key = signing_key(seed);
        let mut owner =
            Self { key, space: SpaceId::ZERO, member_no: MemberNo(1), head: AuthorHead::NONE, epoch: 0 };
        let op = ControlOp::Genesis(Genesis {
            creator: owner.keys(),
            padding_floor: 128,
            epoch_commit: [1; 32],
            epoch_box: EpochBox { enc: [2; 32], ciphertext: [3; 48] },
            relay: None,
            random: Hasher::new("test-space").u64(seed).finish(),
        });
        let public = ControlPublic { control_seq: 1, prev_control_hash: EntryHash::ZERO, op }.encode();
        let entry = owner.seal(Kind::Control, Seen { seq: 0, chain: ChainHash::ZERO }, &public, 16);
        owner.space = SpaceId(owner.head.hash.0);
        (owner, entry)
    }

    /// A Member of the same Space with another key, once `number` was given to it.
    pub fn join(&self, seed: u64, number: u64) -> Self {
        Self { key: signing_key(seed), member_no: MemberNo(number), head: AuthorHead::NONE, ..self.clone() }
    }

    /// Its public key.
    pub fn member(&self) -> MemberKey {
        MemberKey(self.key.verifying_key().to_bytes())
    }

    /// The keys with which it becomes a Member.
    pub fn keys(&self) -> MemberKeys {
        let sign = self.member();
        MemberKeys { sign, kem: KemKey(sign.0), user_tag: UserTag([sign.0[0]; 16]) }
    }

    /// Writes a data Entry with `len` bytes of filler.
    pub fn write(&mut self, seen: Seen, len: usize) -> SealedEntry {
        self.seal(Kind::Data, seen, &[], len)
    }

    /// Writes the Entry that makes `other` a Member, as the next change of membership after the
    /// one with number `control_seq` and hash `control_head`.
    pub fn add(
        &mut self,
        seen: Seen,
        control_seq: u64,
        control_head: EntryHash,
        other: &Self,
        role: Role,
    ) -> SealedEntry {
        let op = ControlOp::AddMember(AddMember {
            member_no: other.member_no,
            keys: other.keys(),
            role,
            epoch_box: EpochBox { enc: [0; 32], ciphertext: [0; 48] },
        });
        let public =
            ControlPublic { control_seq: control_seq + 1, prev_control_hash: control_head, op }.encode();
        self.seal(Kind::Control, seen, &public, 16)
    }

    /// Makes and signs an Entry, which becomes this author's head.
    pub fn seal(&mut self, kind: Kind, seen: Seen, public: &[u8], len: usize) -> SealedEntry {
        let header = Header {
            kind,
            member_no: self.member_no,
            author_seq: self.head.author_seq + 1,
            seen_seq: seen.seq,
            epoch: self.epoch,
            prev_tag: self.head.hash.tag(),
            seen_tag: seen.chain.tag(),
            explicit: (kind == Kind::Control)
                .then_some(ExplicitContext { prev_author_hash: self.head.hash, seen_chain: seen.chain }),
            nonce: [self.head.author_seq as u8; 24],
        };
        let sealed = vec![self.head.author_seq as u8; len + TAG_LEN];
        let header_bytes = header.encode(public, sealed.len());
        let unsigned = [&header_bytes[..], &sealed].concat();
        let hash = veilfold_wire::entry::entry_hash(
            &self.space,
            &self.member(),
            &self.head.hash,
            &seen.chain,
            &unsigned,
        );
        let signature = self.key.sign(&SignatureDomain::Entry.message(&hash.0)).to_bytes();
        self.head = AuthorHead { author_seq: header.author_seq, hash };
        SealedEntry::assemble(&header_bytes, &sealed, &signature).expect("made of sound parts")
    }
}

/// A device's hello for this transcript, signed by `key`, which must be the transcript's.
pub fn hello(transcript: &Transcript, key: &SigningKey) -> DeviceFrame {
    let message = SignatureDomain::Connection.message(&transcript.hash(Side::Device));
    let (connection, nonce) = (transcript.connection, transcript.client_nonce);
    DeviceFrame::Hello { connection, nonce, signature: key.sign(&message).to_bytes() }
}

/// The connection key of a signing key.
pub fn connection_key(key: &SigningKey) -> ConnectionKey {
    ConnectionKey(key.verifying_key().to_bytes())
}

/// A subscription of `author` on the connection of this transcript.
pub fn subscribe(transcript: &Transcript, author: &Author, have_seq: u64) -> DeviceFrame {
    let (space, member) = (author.space, author.member());
    let message = SignatureDomain::SpaceAuth.message(&transcript.space_hash(&space, &member));
    DeviceFrame::Subscribe { space, member, have_seq, signature: author.key.sign(&message).to_bytes() }
}

/// A store in memory whose commits can be made to fail, and whose power can be cut. Clones share
/// everything, so a test keeps one and gives another to a Relay.
#[derive(Clone, Debug, Default)]
pub struct FaultyStore {
    shared: Arc<Mutex<Faulty>>,
}

#[derive(Debug, Default)]
struct Faulty {
    store: MemoryStore,
    /// What a power cut goes back to, while something lazily committed is newer.
    survives: Option<MemoryStore>,
    failing_commits: u64,
    commits: u64,
}

impl FaultyStore {
    /// An empty store without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next `count` commits fail as on a full disk.
    pub fn fail_commits(&self, count: u64) {
        self.locked().failing_commits = count;
    }

    /// How many commits have succeeded.
    pub fn commits(&self) -> u64 {
        self.locked().commits
    }

    /// An ordinary store with what is in this one now.
    pub fn copied(&self) -> MemoryStore {
        self.locked().store.clone()
    }

    /// Goes back to what survives a power cut.
    pub fn cut_power(&self) {
        let mut faulty = self.locked();
        if let Some(survives) = faulty.survives.take() {
            faulty.store = survives;
        }
    }

    fn locked(&self) -> MutexGuard<'_, Faulty> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for FaultyStore {
    fn head(&mut self, space: &SpaceId) -> Result<Option<(u64, ChainHash)>, StoreError> {
        self.locked().store.head(space)
    }

    fn chains(&mut self, space: &SpaceId, from_seq: u64) -> Result<Vec<ChainHash>, StoreError> {
        self.locked().store.chains(space, from_seq)
    }

    fn control_entries(&mut self, space: &SpaceId) -> Result<Vec<StoredEntry>, StoreError> {
        self.locked().store.control_entries(space)
    }

    fn author_head(&mut self, space: &SpaceId, author: MemberNo) -> Result<AuthorHead, StoreError> {
        self.locked().store.author_head(space, author)
    }

    fn find(
        &mut self,
        space: &SpaceId,
        author: MemberNo,
        author_seq: u64,
    ) -> Result<Option<StoredEntry>, StoreError> {
        self.locked().store.find(space, author, author_seq)
    }

    fn page(
        &mut self,
        space: &SpaceId,
        after: u64,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Bytes>, StoreError> {
        self.locked().store.page(space, after, entries_max, bytes_max)
    }

    fn commit(&mut self, batch: &[StoredEntry], durability: Durability) -> Result<(), StoreError> {
        let mut faulty = self.locked();
        if faulty.failing_commits > 0 {
            faulty.failing_commits -= 1;
            return Err(StoreError::Full);
        }
        match durability {
            // A commit that reaches the disk takes everything before it along.
            Durability::PowerCut => faulty.survives = None,
            Durability::Lazy if faulty.survives.is_none() => {
                faulty.survives = Some(faulty.store.clone());
            }
            Durability::Lazy => {}
        }
        faulty.store.commit(batch, durability)?;
        faulty.commits += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_faulty_store_without_faults_passes_the_suite_of_every_store() {
        crate::store::conformance::run(super::FaultyStore::new);
    }
}
