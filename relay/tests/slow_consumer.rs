//! A client that reads nothing: the Relay's memory stays as it is, and the client misses nothing.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod peers;

use peers::{Client, Process, found};
use veilfold_relay::testing::Seen;

const ENTRIES: usize = 1_500;
const ENTRY_BYTES: usize = 60 * 1024;
/// Far below what the slow clients have not read, above what a busy process breathes.
const GROWTH_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// Most memory that a process ever had.
fn peak_bytes(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn what_slow_clients_do_not_read_is_not_kept_in_memory_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path());
    let mut fast = Client::log_in(&relay.url()).await;
    let (mut owner, start) = found(&mut fast, 1).await;
    let mut seen = start;
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut client = Client::log_in(&relay.url()).await;
        client.subscribe(&owner, 1).await.unwrap();
        slow.push(client);
    }
    let mut log = Vec::new();
    let mut append = async |seen: &mut Seen| {
        let entry = owner.write(*seen, ENTRY_BYTES);
        fast.append(owner.space, &entry).await.unwrap();
        *seen = seen.then(&owner.head.hash);
        fast.read(owner.space, seen.seq, seen.seq).await;
        log.push(entry.bytes().clone());
    };
    // The sockets' own buffers fill first.
    for _ in 0..200 {
        append(&mut seen).await;
    }
    let before = peak_bytes(relay.id());
    for _ in 200..ENTRIES {
        append(&mut seen).await;
    }
    let grown = peak_bytes(relay.id()) - before;
    let unread = (slow.len() * (ENTRIES - 200) * ENTRY_BYTES) as u64;
    assert!(grown < GROWTH_BYTES_MAX, "{grown} bytes more while {unread} bytes were unread");

    let space = owner.space;
    for mut client in slow {
        assert!(client.read(space, 2, seen.seq).await == log, "everything comes once it is read");
    }
}
