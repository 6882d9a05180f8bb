//! The real binary over real sockets: the whole way of an Entry, refusals, restarts, bad starts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod peers;

use peers::{Client, Process, binary, found, refused_connection};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use veilfold_relay::testing::{Author, hello, signing_key, subscribe};
use veilfold_wire::frame::{DeviceFrame, RefuseReason, RelayFrame};
use veilfold_wire::limits::{ENTRY_BYTES_MAX, FRAME_BYTES_MAX};
use veilfold_wire::{Kind, Role, SealedEntry};

#[tokio::test]
async fn an_entry_goes_all_the_way_to_another_member() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path());
    let mut alice = Client::log_in(&relay.url()).await;
    assert_eq!(alice.transcript.relay.to_string(), relay.key);
    let (mut owner, mut seen) = found(&mut alice, 1).await;
    let mut writer = owner.join(2, 2);
    let adding = owner.add(seen, 1, owner.head.hash, &writer, Role::Writer);
    let receipt = alice.append(owner.space, &adding).await.unwrap();
    seen = seen.then(&owner.head.hash);
    assert_eq!((receipt.seq, receipt.chain), (2, seen.chain));

    let mut bob = Client::log_in(&relay.url()).await;
    assert_eq!(bob.subscribe(&writer, 0).await.map(|head| head.seq), Ok(2));
    let entry = writer.write(seen, 300);
    let receipt = bob.append(owner.space, &entry).await.unwrap();
    assert_eq!((receipt.seq, receipt.hash), (3, writer.head.hash));
    let log = [Author::found(1).1.bytes().clone(), adding.bytes().clone(), entry.bytes().clone()];
    assert_eq!(bob.read(owner.space, 1, 3).await, log, "an author gets its own entries as well");
    assert_eq!(alice.read(owner.space, 2, 3).await, log[1..]);
    bob.send(DeviceFrame::Ping { token: 7 }).await;
    assert_eq!(bob.next().await, Some(RelayFrame::Pong { token: 7 }));
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name_and_harms_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path());
    let mut alice = Client::log_in(&relay.url()).await;
    let (mut owner, seen) = found(&mut alice, 1).await;
    let space = owner.space;
    let reader = owner.join(2, 2);

    let good = owner.clone().write(seen, 50);
    let mut forged = good.bytes().to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let forged = SealedEntry::decode(forged).unwrap();
    assert_eq!(alice.append(space, &forged).await, Err((RefuseReason::BadSignature, 0)));
    let foreign = reader.clone().write(seen, 50);
    assert_eq!(alice.append(space, &foreign).await, Err((RefuseReason::WrongAuthor, 0)));
    let (other, _) = Author::found(9);
    assert_eq!(alice.append(other.space, &good).await, Err((RefuseReason::NotAMember, 0)));
    assert_eq!(alice.subscribe(&other, 0).await, Err(RefuseReason::UnknownSpace));
    let junk = owner.clone().seal(Kind::Control, seen, b"junk", 10);
    assert_eq!(alice.append(space, &junk).await, Err((RefuseReason::Malformed, 0)));

    let mut mallory = Client::log_in(&relay.url()).await;
    assert_eq!(mallory.subscribe(&reader, 0).await, Err(RefuseReason::NotAMember));
    assert_eq!(mallory.append(space, &good).await, Err((RefuseReason::NotAMember, 0)));
    mallory.send_raw(vec![0xff; 100].into()).await;
    assert_eq!(refused_connection(&mut mallory).await, RefuseReason::Malformed);

    // An Entry above the protocol's limit, in a message that is still small enough to be read.
    let mut mallory = Client::log_in(&relay.url()).await;
    let mut frame = subscribe(&mallory.transcript, &owner, 0).encode()[..33].to_vec();
    frame[0] = 5;
    frame.extend_from_slice(&[0x81, 0x80, 0x10]);
    frame.resize(frame.len() + ENTRY_BYTES_MAX + 1, 0);
    mallory.send_raw(frame.into()).await;
    assert_eq!(refused_connection(&mut mallory).await, RefuseReason::TooLarge);

    let mut mallory = Client::log_in(&relay.url()).await;
    mallory.send_raw(vec![0; FRAME_BYTES_MAX + 1].into()).await;
    assert_eq!(refused_connection(&mut mallory).await, RefuseReason::TooLarge);

    let mut mallory = Client::connect(&relay.url()).await;
    mallory.send(hello(&mallory.transcript, &signing_key(123_456))).await;
    assert_eq!(refused_connection(&mut mallory).await, RefuseReason::BadSignature);

    let entry = owner.write(seen, 50);
    assert_eq!(alice.append(space, &entry).await.map(|receipt| receipt.seq), Ok(2));
    assert_eq!(alice.read(space, 2, 2).await, [entry.bytes().clone()]);
}

#[tokio::test]
async fn a_restart_keeps_everything_and_repeats_the_receipts() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Process::start(folder.path());
    let mut client = Client::log_in(&relay.url()).await;
    let (mut owner, mut seen) = found(&mut client, 1).await;
    let mut log = vec![Author::found(1).1];
    let mut receipts = Vec::new();
    for len in 0..20 {
        let entry = owner.write(seen, len);
        receipts.push(client.append(owner.space, &entry).await.unwrap());
        log.push(entry);
        seen = seen.then(&owner.head.hash);
    }
    let key = relay.key.clone();
    for how in [Process::kill as fn(&mut Process), |relay| assert!(relay.terminate().success())] {
        how(&mut relay);
        relay = Process::start(folder.path());
        assert_eq!(relay.key, key);
        let mut client = Client::log_in(&relay.url()).await;
        let (space, head) = client.create(&log[0]).await;
        assert_eq!((space, head.seq, head.chain), (owner.space, seen.seq, seen.chain));
        client.subscribe(&owner, 0).await.unwrap();
        let bytes: Vec<_> = log.iter().map(|entry| entry.bytes().clone()).collect();
        assert_eq!(client.read(space, 1, seen.seq).await, bytes);
        for (entry, receipt) in log[1..].iter().zip(&receipts) {
            assert_eq!(client.append(space, entry).await, Ok(*receipt));
        }
        let next = owner.write(seen, 1);
        receipts.push(client.append(space, &next).await.unwrap());
        log.push(next);
        seen = seen.then(&owner.head.hash);
        assert_eq!(receipts.last().map(|receipt| receipt.chain), Some(seen.chain));
    }
}

#[tokio::test]
async fn a_stopping_relay_says_goodbye() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Process::start(folder.path());
    let mut client = Client::log_in(&relay.url()).await;
    found(&mut client, 1).await;
    let goodbye = tokio::spawn(async move {
        let retry_after_ms = client
            .until(|frame| match frame {
                RelayFrame::Goodbye { retry_after_ms } => Some(*retry_after_ms),
                _ => None,
            })
            .await;
        (retry_after_ms, client.next().await)
    });
    let status = tokio::task::spawn_blocking(move || relay.terminate()).await.unwrap();
    assert!(status.success());
    let (retry_after_ms, after) = goodbye.await.unwrap();
    assert!(retry_after_ms > 0);
    assert_eq!(after, None);
}

#[tokio::test]
async fn health_and_strangers_are_answered_over_the_same_port() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path());
    for (request, start) in [("GET /health HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK"), ("nonsense\r\n\r\n", "")] {
        let mut stream = tokio::net::TcpStream::connect(&relay.authority).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(String::from_utf8_lossy(&answer).starts_with(start));
    }
    Client::log_in(&relay.url()).await;
}

#[tokio::test]
async fn a_device_led_here_under_another_name_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let relay =
        Process::spawn(binary().arg("--data").arg(folder.path()).args(["--authority", "relay.example"]));
    let refused = tokio_tungstenite::connect_async(relay.url()).await.unwrap_err().to_string();
    assert!(refused.contains("421"), "{refused}");
    let stream = tokio::net::TcpStream::connect(&relay.authority).await.unwrap();
    assert!(tokio_tungstenite::client_async("ws://relay.example", stream).await.is_ok());
}

/// The error line of a start that fails.
fn fails_to_start(data: &Path, more: &[&str]) -> String {
    let output =
        binary().arg("--data").arg(data).args(["--listen", "127.0.0.1:0"]).args(more).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn bad_starts_end_with_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    assert!(fails_to_start(folder.path(), &["--nonsense"]).contains("--nonsense"));
    assert!(fails_to_start(folder.path(), &["--entry-bytes-max", "999999999"]).contains("entry-bytes-max"));

    let file = folder.path().join("file");
    std::fs::write(&file, b"not a folder").unwrap();
    let error = fails_to_start(&file.join("data"), &[]);
    assert_eq!(error.lines().count(), 1);
    assert!(error.contains("cannot write the folder"), "{error}");

    let newer = folder.path().join("newer");
    drop(Process::start(&newer));
    let database = rusqlite::Connection::open(newer.join("relay.db")).unwrap();
    database.pragma_update(None, "user_version", 2).unwrap();
    drop(database);
    let error = fails_to_start(&newer, &[]);
    assert_eq!(error.lines().count(), 1);
    assert!(error.contains("has version 2, this relay knows versions up to 1"), "{error}");

    let used = folder.path().join("used");
    let _running = Process::start(&used);
    assert!(fails_to_start(&used, &[]).contains("in use by another process"));
}

#[test]
fn the_key_is_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    drop(Process::start(folder.path()));
    let mode = folder.path().join("relay.key").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
