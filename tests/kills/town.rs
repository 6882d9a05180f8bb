//! Two typists and the Relay between them, each a process of its own.

use super::party::Party;
use super::verdict::{self, Verdict};
use serde_json::json;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use veilfold_core::client::{Client, Config};
use veilfold_core::model::{Action, DocumentKey, Op, Path as Place};
use veilfold_core::wire::{Role, SpaceId};
use veilfold_tests::proxy::Proxy;
use veilfold_tests::relay_process::RelayProcess;
use veilfold_tests::trace::{Patch, Trace};

/// The typists, and what each types.
const TYPISTS: [(&str, &str); 2] = [("alice", "sveltecomponent.json.gz"), ("bob", "automerge-paper.json.gz")];
/// How much of the recordings is used at most.
const KEYS_MAX: usize = 8_000;

/// Everybody.
pub struct Town {
    pub parties: Vec<Party>,
    pub relay: RelayProcess,
    pub space: SpaceId,
    traces: Vec<Trace>,
    folder: TempDir,
}

impl Town {
    /// Two devices share a Space and close; then their processes start.
    pub async fn found() -> Self {
        let folder = TempDir::with_prefix("veilfold-kills-").unwrap();
        let relay = RelayProcess::start(&folder.path().join("relay"), "127.0.0.1:0").unwrap();
        let (mut parties, mut traces) = (Vec::new(), Vec::new());
        for (name, recording) in TYPISTS {
            let (trace, path) = shorten(recording, folder.path());
            let proxy = Proxy::start(relay.address()).await.unwrap();
            parties.push(Party::new(folder.path(), name, path, proxy));
            traces.push(trace);
        }
        let space = share(&parties, &traces).await;
        for party in &mut parties {
            party.start().await;
        }
        Self { parties, relay, space, traces, folder }
    }

    pub fn relay_folder(&self) -> PathBuf {
        self.folder.path().join("relay")
    }

    /// Starts the Relay again where it was.
    pub async fn restart_relay(&mut self) {
        let address = self.relay.address().to_owned();
        self.relay = RelayProcess::start(&self.relay_folder(), &address).unwrap();
    }

    /// Waits until everybody has everything.
    pub async fn sync(&mut self) {
        let mut newest = 0;
        for party in &mut self.parties {
            party.obey("sync").await;
            newest = newest.max(party.proxy.passed(self.space).acknowledged_seq);
        }
        for party in &mut self.parties {
            party.obey(&format!("reach {newest}")).await;
            party.note_passed();
            // Everything that was offered is in the order now and known to be.
            party.offered.clear();
        }
    }

    /// Everybody goes home; then the promises are looked at.
    pub async fn end(mut self) -> Verdict {
        self.sync().await;
        for party in &mut self.parties {
            party.order("quit").await;
            party.ended().await;
        }
        self.relay.kill().unwrap();
        verdict::judge(&self.relay_folder(), self.space, &self.parties, &self.traces).await
    }
}

async fn share(parties: &[Party], traces: &[Trace]) -> SpaceId {
    let [alice, bob] = parties else { panic!("two type") };
    let open = |party: &Party| {
        let config = Config { name: party.name.clone(), ..Config::with_relay(party.proxy.url()) };
        Client::open(party.store.clone(), config)
    };
    let (client, other) = (open(alice).await.unwrap(), open(bob).await.unwrap());
    let space = client.create_space("kills").await.unwrap();
    let card = other.contact_card("bob").await.unwrap();
    let added = space.add_member(card, Role::Writer).await.unwrap();
    let text = Place::parse("text").unwrap();
    let starts =
        [(&alice.name[..], &traces[0].start), (&bob.name, &traces[1].start), ("shared", &traces[0].start)];
    let actions = starts.into_iter().map(|(document, start)| Action {
        key: DocumentKey::new("texts", document),
        op: Op::TextCreate { path: text.clone(), text: start.clone() },
    });
    space.commit(actions.collect()).await.unwrap();
    let end = space.synced().await.unwrap().seq;
    let theirs = other.join(&added.ticket, "kills").await.unwrap();
    theirs.reached(end).await.unwrap();
    client.close().await.unwrap();
    other.close().await.unwrap();
    space.id()
}

/// The beginning of a recording, also as a file that is quick to read.
fn shorten(recording: &str, folder: &Path) -> (Trace, PathBuf) {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    let mut trace = Trace::read(&traces.join(recording)).unwrap();
    trace.transactions.truncate(KEYS_MAX);
    let patch = |patch: &Patch| json!([patch.offset, patch.delete, patch.insert]);
    let keys = trace
        .transactions
        .iter()
        .map(|transaction| json!({ "patches": transaction.patches.iter().map(patch).collect::<Vec<_>>() }));
    let json = json!({ "startContent": trace.start, "endContent": "", "txns": keys.collect::<Vec<_>>() });
    let path = folder.join(recording.trim_end_matches(".gz"));
    std::fs::write(&path, json.to_string()).unwrap();
    (trace, path)
}
