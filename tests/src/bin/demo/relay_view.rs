//! What can be seen from the Relay's side: its files, the messages that passed, and whether a word
//! of the users is anywhere in them.

use super::Outcome;
use super::canary::{Canaries, Hits};
use super::people::People;
use super::show;
use bytes::Bytes;
use std::path::{Path, PathBuf};
use veilfold_core::wire::SpaceId;
use veilfold_core::wire::frame::DeviceFrame;
use veilfold_tests::proxy::Recording;

/// How many bytes of an Entry are shown.
const SHOWN_BYTES: usize = 96;

/// What the Relay holds and what it was sent.
pub struct RelayView {
    /// What the search found.
    pub hits: Hits,
    files: Vec<(PathBuf, u64)>,
    to_relay: (usize, u64),
    to_clients: (usize, u64),
    /// An Entry as it was sent, with its Space.
    newest_entry: Option<(SpaceId, Bytes)>,
}

impl RelayView {
    /// Looks through everything. The recordings of the proxies are taken.
    pub fn look(people: &People, canaries: &Canaries) -> Outcome<Self> {
        let folder = people.relay_folder();
        let mut view = Self {
            hits: Hits::default(),
            files: Vec::new(),
            to_relay: (0, 0),
            to_clients: (0, 0),
            newest_entry: None,
        };
        list(&folder, &folder, &mut view.files)?;
        canaries.search_folder(&folder, &mut view.hits)?;
        for person in &people.all {
            let Recording { to_relay, to_client } = person.proxy.take_recording();
            let sent = to_relay.iter().rev().filter_map(|message| match DeviceFrame::decode(message) {
                Ok(DeviceFrame::Append { space, entry }) => Some((space, entry)),
                _ => None,
            });
            view.newest_entry = view.newest_entry.or_else(|| sent.into_iter().next());
            for (messages, count) in [(to_relay, &mut view.to_relay), (to_client, &mut view.to_clients)] {
                count.0 += messages.len();
                count.1 += messages.iter().map(|message| message.len() as u64).sum::<u64>();
                // Together, so that a word is found that lies across two messages.
                canaries.search(&messages.concat(), &mut view.hits);
            }
        }
        Ok(view)
    }

    /// Shows it.
    pub fn print(&self, canaries: &Canaries, space: SpaceId) {
        for (name, bytes) in &self.files {
            show::fact(&name.display().to_string(), show::size(*bytes));
        }
        let messages = |(count, bytes): (usize, u64)| {
            format!("{} in {} messages", show::size(bytes), show::thousands(count as u64))
        };
        show::fact("sent to it", messages(self.to_relay));
        show::fact("sent by it", messages(self.to_clients));
        if let Some((of, entry)) = &self.newest_entry {
            let what = if *of == space { "the last keystrokes" } else { "an Entry" };
            println!("\n  All it has of {what} ({} B):", entry.len());
            for line in entry[..entry.len().min(SHOWN_BYTES)].chunks(24) {
                println!("    {}", show::hex(line));
            }
            println!("    …");
        }
        let (words, spellings) = canaries.counts();
        println!(
            "\n  Sought: {words} words of the users in {spellings} spellings (UTF-8, UTF-16, hex, base64),"
        );
        println!(
            "  in {} of files and messages. Found: {}.",
            show::size(self.hits.searched_bytes),
            self.hits.count
        );
        self.print_hits();
    }

    /// Shows only what was found.
    pub fn print_found(&self) {
        let (count, searched) = (show::thousands(self.hits.count), show::size(self.hits.searched_bytes));
        println!("  In {searched} of files and messages the same words were found {count} times:\n");
        self.print_hits();
    }

    fn print_hits(&self) {
        for ((word, how), count) in &self.hits.by_spelling {
            println!("    {:>6} × {word:?} as {how}", show::thousands(*count));
        }
    }
}

fn list(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, u64)>) -> Outcome<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else {
            files.push((path.strip_prefix(root).unwrap_or(&path).to_owned(), entry.metadata()?.len()));
        }
    }
    Ok(())
}
