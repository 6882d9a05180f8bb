//! One call into each dependency for each thing that Veilfold does with it, so that the linker keeps
//! what Veilfold needs of it, and nothing else. Nobody runs this; `cargo xtask size` weighs it.

use std::hint::black_box;

/// The least that a Rust library is: it can panic, allocate and format.
#[unsafe(no_mangle)]
pub extern "C" fn probe_empty(number: u64) -> usize {
    format!("{:?}", black_box(vec![number; 3])).len()
}

/// What the engine's own thread, the log's and the vault need of the standard library.
#[cfg(feature = "std")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_std(number: u64) -> usize {
    use std::io::{Read, Write};
    let (inbox, messages) = std::sync::mpsc::channel::<Box<dyn FnOnce() + Send>>();
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    let body = move || {
        while let Ok(message) = messages.recv_timeout(std::time::Duration::from_secs(number)) {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(message));
        }
    };
    let Ok(thread) = std::thread::Builder::new().name("probe".to_owned()).spawn(body) else { return 0 };
    let _ = inbox.send(Box::new(move || {
        let _ = answer.send(format!("{:?}", black_box(number as f64)));
    }));
    let told = answered.recv().unwrap_or_default();
    drop(inbox);
    let _ = thread.join();

    let folder = std::path::Path::new(black_box("folder"));
    let written = std::fs::DirBuilder::new().recursive(true).create(folder).and_then(|()| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(folder.join("new"))?;
        file.write_all(told.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(folder.join("new"), std::fs::canonicalize(folder)?.join("key"))
    });
    let mut read = [0; 8];
    let read = std::fs::File::open(folder.join("key")).and_then(|mut file| file.read_exact(&mut read));
    let failed = written.and(read).map_err(|error| error.to_string());
    let mut ordered = std::collections::BTreeMap::new();
    ordered.extend(black_box([(number, "")]));
    ordered.remove(&number).map_or(0, str::len) + failed.err().map_or(0, |text| text.len())
}

/// JSON at the border: any value, a piece kept as it was written, and back.
#[cfg(feature = "json")]
mod json {
    use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
    use std::fmt;
    use std::hint::black_box;

    /// Counts what it reads, since what becomes of it is product logic.
    struct Count(usize);

    impl<'de> Deserialize<'de> for Count {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Counter).map(Self)
        }
    }

    struct Counter;

    impl<'de> Visitor<'de> for Counter {
        type Value = usize;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("a value")
        }
        fn visit_unit<E>(self) -> Result<usize, E> {
            Ok(0)
        }
        fn visit_bool<E>(self, value: bool) -> Result<usize, E> {
            Ok(value.into())
        }
        fn visit_i64<E>(self, value: i64) -> Result<usize, E> {
            Ok(value as usize)
        }
        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<usize, E> {
            usize::try_from(value).map_err(|_| E::custom("too large"))
        }
        fn visit_f64<E>(self, value: f64) -> Result<usize, E> {
            Ok(value as usize)
        }
        fn visit_str<E>(self, value: &str) -> Result<usize, E> {
            Ok(value.len())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<usize, A::Error> {
            let mut all = 0;
            while let Some(Count(count)) = input.next_element()? {
                all += count;
            }
            Ok(all)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<usize, A::Error> {
            let mut all = 0;
            while let Some((Count(key), Count(count))) = input.next_entry()? {
                all += key + count;
            }
            Ok(all)
        }
    }

    #[unsafe(no_mangle)]
    pub extern "C" fn probe_json(number: i64) -> usize {
        use serde_json::value::RawValue;
        let read = serde_json::from_slice::<Count>(black_box(b"{\"a\":[1,2.5]}")).map_or(0, |count| count.0);
        let kept: Vec<(String, &RawValue)> = serde_json::from_str(black_box("[]")).unwrap_or_default();
        let written = serde_json::to_vec(&black_box([(number, number as f64, "text", Some(true))]));
        read + kept.len() + written.map_or(0, |bytes| bytes.len())
    }
}

/// One row in MessagePack by its fields' names, values by hand, and the difference of two texts.
#[cfg(feature = "msgpack")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_msgpack(number: u64) -> usize {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Row {
        name: String,
        context: [u8; 32],
        number: Option<u64>,
        known: bool,
        seq: u64,
    }
    let row = Row {
        name: number.to_string(),
        context: black_box([7; 32]),
        number: black_box(Some(number)),
        known: true,
        seq: number,
    };
    let bytes = rmp_serde::to_vec_named(&row).unwrap_or_default();
    let row: Result<Row, _> = rmp_serde::from_slice(black_box(&bytes));

    let mut out = Vec::new();
    let _ = rmp::encode::write_sint(&mut out, number as i64);
    let _ = rmp::encode::write_f64(&mut out, number as f64);
    let _ = rmp::encode::write_str(&mut out, black_box("text"));
    let _ = rmp::encode::write_bin(&mut out, black_box(b"bytes"));
    let _ = rmp::encode::write_map_len(&mut out, 1);
    let _ = rmp::encode::write_ext_meta(&mut out, 1, 1);
    let mut input = rmp::decode::Bytes::new(black_box(&out));
    let read = rmp::decode::read_marker(&mut input).is_ok();

    let (old, new): (Vec<Option<char>>, Vec<Option<char>>) =
        (bytes.iter().map(|byte| Some(char::from(*byte))).collect(), vec![None; out.len()]);
    let edits = similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new);
    row.map_or(0, |row| row.name.len() + row.seq as usize) + usize::from(read) + edits.len()
}

#[cfg(feature = "crypto")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_crypto(number: u8) -> usize {
    use chacha20poly1305::aead::AeadInOut;
    use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
    use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
    use hmac::{Hmac, Mac};
    use hpke::aead::ChaCha20Poly1305 as Sealing;
    use hpke::kdf::HkdfSha256;
    use hpke::kem::X25519HkdfSha256 as X25519;
    use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
    use sha2::{Digest, Sha256};
    use zeroize::Zeroizing;

    let mut secret = Zeroizing::new([number; 32]);
    if getrandom::fill(secret.as_mut_slice()).is_err() {
        return 0;
    }
    let key = SigningKey::from_bytes(&secret);
    let signature = key.sign(secret.as_slice()).to_bytes();
    let Ok(public) = VerifyingKey::from_bytes(black_box(&key.verifying_key().to_bytes())) else { return 0 };
    let verified = public.verify_strict(secret.as_slice(), &Signature::from_bytes(&signature)).is_ok();

    let _ = hkdf::Hkdf::<Sha256>::new(Some(b"salt"), secret.as_slice()).expand(b"info", &mut *secret);
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_slice()) else { return 0 };
    let mac = mac.chain_update(Sha256::digest(signature)).finalize().into_bytes();

    let cipher = XChaCha20Poly1305::new(&(*secret).into());
    let nonce = XNonce::from(black_box([number; 24]));
    let mut buffer = mac.to_vec();
    let Ok(tag) = cipher.encrypt_inout_detached(&nonce, b"", buffer.as_mut_slice().into()) else { return 0 };
    let opened = cipher.decrypt_inout_detached(&nonce, b"", buffer.as_mut_slice().into(), black_box(&tag));

    let Ok(private) = <X25519 as Kem>::PrivateKey::from_bytes(secret.as_slice()) else { return 0 };
    let public = X25519::sk_to_pk(&private).to_bytes();
    let Ok(public) = <X25519 as Kem>::PublicKey::from_bytes(&public) else { return 0 };
    let boxed =
        hpke::single_shot_seal::<Sealing, HkdfSha256, X25519>(&OpModeS::Base, &public, b"", &buffer, b"");
    let Ok((encapsulated, boxed)) = boxed else { return 0 };
    let unboxed = hpke::single_shot_open::<Sealing, HkdfSha256, X25519>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        b"",
        &boxed,
        b"",
    );
    unboxed.map(|bytes| bytes.len()).unwrap_or(0) + usize::from(verified) + usize::from(opened.is_ok())
}

/// A file set up as a store is, a migration, a row written and read with its checksum.
#[cfg(feature = "sqlite")]
fn store(number: i64) -> rusqlite::Result<usize> {
    use rusqlite::config::DbConfig;
    use rusqlite::{Connection, OpenFlags, TransactionBehavior};
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut store = Connection::open_with_flags(black_box("store"), flags)?;
    store.set_prepared_statement_cache_capacity(64);
    store.busy_timeout(std::time::Duration::ZERO)?;
    store.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    let mode: String = store.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    let version: i64 = store.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let step = store.transaction_with_behavior(TransactionBehavior::Immediate)?;
    step.execute_batch(
        "CREATE TABLE IF NOT EXISTS t(a BLOB PRIMARY KEY, b BLOB);
         CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(a)",
    )?;
    step.pragma_update(None, "user_version", version + 1)?;
    step.commit()?;
    let key = number.to_be_bytes();
    store.prepare_cached("INSERT INTO t VALUES(?1, ?2)")?.execute(rusqlite::params![key, mode])?;
    let mut statement = store.prepare_cached("SELECT a, b FROM t")?;
    let mut rows = statement.query([])?;
    let mut sum = crc32fast::Hasher::new();
    while let Some(row) = rows.next()? {
        sum.update(row.get_ref(0)?.as_blob().unwrap_or_default());
    }
    let count: i64 = store.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?;
    Ok(count as usize + sum.finalize() as usize)
}

#[cfg(feature = "sqlite")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_sqlite(number: i64) -> usize {
    store(number).unwrap_or_else(|error| error.to_string().len())
}

/// A stream of either transport, as it is used: without its type.
#[cfg(feature = "websocket")]
trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send {}
#[cfg(feature = "websocket")]
impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> Stream for S {}

#[cfg(feature = "websocket")]
async fn talk(socket: Box<dyn Stream>) -> usize {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
    use tokio_tungstenite::tungstenite::{Error, Message};
    let Ok(request) = black_box("ws://relay/").to_owned().into_client_request() else { return 0 };
    let config = WebSocketConfig::default().max_message_size(Some(1 << 20));
    let opened = tokio_tungstenite::client_async_with_config(request, socket, Some(config)).await;
    let socket = match opened {
        Ok((socket, _)) => socket,
        Err(Error::Http(response)) => {
            return response.headers().get("retry-after").map_or(0, |text| text.len());
        }
        Err(_) => return 0,
    };
    let (mut sink, mut stream) = socket.split();
    let write = async {
        let _ = sink.feed(Message::binary(vec![1_u8])).await;
        let _ = sink.flush().await;
        let _ = sink.close().await;
    };
    let read = async { stream.next().await.and_then(Result::ok).map_or(0, |message| message.len()) };
    tokio::pin!(write, read);
    tokio::select! {
        said = &mut read => said,
        () = &mut write => 0,
        () = tokio::time::sleep(std::time::Duration::from_secs(1)) => 0,
    }
}

#[cfg(feature = "websocket")]
async fn dial(number: u16) -> Option<tokio::net::TcpStream> {
    use futures_util::stream::{FuturesUnordered, StreamExt};
    let mut attempts = FuturesUnordered::new();
    for address in tokio::net::lookup_host(("relay", number)).await.ok()? {
        attempts.push(tokio::net::TcpStream::connect(address));
    }
    let stream = attempts.next().await?.ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// The runtime with what its tasks wait for, and a connection on it.
#[cfg(feature = "websocket")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_websocket(number: u16) -> usize {
    use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let Ok(runtime) = runtime else { return 0 };
    let (told, heard) = oneshot::channel::<usize>();
    let (frames, mut waiting) = mpsc::unbounded_channel::<usize>();
    let cancelled = watch::Sender::new(false);
    let mut watched = cancelled.subscribe();
    let (bell, room) = (std::sync::Arc::new(Notify::new()), std::sync::Arc::new(Semaphore::new(1)));
    let work: std::pin::Pin<Box<dyn Future<Output = usize> + Send>> = Box::pin({
        let (bell, room) = (bell.clone(), room.clone());
        async move {
            let Ok(_permit) = room.acquire_many_owned(1).await else { return 0 };
            let dialled = tokio::time::timeout(std::time::Duration::from_secs(1), dial(number)).await;
            let Ok(Some(stream)) = dialled else { return 0 };
            let said = talk(Box::new(stream)).await;
            bell.notify_waiters();
            let _ = told.send(said);
            waiting.recv().await.unwrap_or(0)
        }
    });
    let task = runtime.spawn(work);
    let abort = task.abort_handle();
    let _ = frames.send(1);
    cancelled.send_replace(true);
    let said = runtime.block_on(async {
        bell.notified().await;
        let _ = watched.wait_for(|cancelled| *cancelled).await;
        heard.await.unwrap_or(0) + task.await.unwrap_or(0)
    });
    abort.abort();
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    said
}

/// A line of the log, and who takes it.
#[cfg(feature = "tracing")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_tracing(number: u64) -> usize {
    use tracing::span::{Attributes, Id, Record};
    struct Lines;
    impl tracing::Subscriber for Lines {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            *metadata.level() <= tracing::Level::INFO
        }
        fn event(&self, event: &tracing::Event<'_>) {
            struct Text(String);
            impl tracing::field::Visit for Text {
                fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                    self.0.push_str(&format!("{}={value:?}", field.name()));
                }
            }
            let mut line = Text(String::new());
            event.record(&mut line);
            black_box(line.0);
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }
    let set = tracing::subscriber::set_global_default(Lines).is_ok();
    tracing::info!(number, "a line");
    usize::from(set)
}

#[cfg(feature = "tls")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_tls(number: u16) -> usize {
    use rustls_platform_verifier::BuilderVerifierExt;
    use std::sync::Arc;
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else { return 0 };
    runtime.block_on(async {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier());
        let Ok(config) = config else { return 0 };
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config.with_no_client_auth()));
        let Ok(stream) = tokio::net::TcpStream::connect(("relay", number)).await else { return 0 };
        let Ok(name) = rustls::pki_types::ServerName::try_from(black_box("relay")) else { return 0 };
        let Ok(stream) = connector.connect(name, stream).await else { return 0 };
        talk(Box::new(stream)).await
    })
}

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!();

#[cfg(feature = "uniffi")]
mod face {
    //! The shapes that cross Veilfold's border: an object, a record, an error, waiting, a foreign trait.
    use std::sync::Arc;

    #[derive(Debug, thiserror::Error, uniffi::Error)]
    pub enum Failed {
        #[error("{text}")]
        Because { text: String },
    }

    #[derive(uniffi::Record)]
    pub struct Row {
        pub id: String,
        pub bytes: Vec<u8>,
        pub number: Option<u64>,
    }

    #[derive(uniffi::Enum)]
    pub enum Answer {
        Rows(Vec<Row>),
        Same(Arc<Store>),
    }

    #[uniffi::export(with_foreign)]
    pub trait Keys: Send + Sync {
        fn load(&self, id: String) -> Result<Option<Vec<u8>>, Failed>;
    }

    #[derive(uniffi::Object)]
    pub struct Store(Arc<dyn Keys>);

    #[uniffi::export]
    impl Store {
        #[uniffi::constructor]
        pub fn open(keys: Arc<dyn Keys>) -> Result<Arc<Self>, Failed> {
            Ok(Arc::new(Self(keys)))
        }

        pub fn rows(&self, id: String) -> Result<Vec<Row>, Failed> {
            let bytes = self.0.load(id.clone())?.unwrap_or_default();
            Ok(vec![Row { id, number: Some(bytes.len() as u64), bytes }])
        }

        /// The one call that waits.
        pub async fn next(&self) -> Result<Answer, Failed> {
            Ok(if self.is_empty()? { Answer::Same(self.same()?) } else { Answer::Rows(self.rows(String::new())?) })
        }

        /// What the others give: a value as above, an object, a truth, nothing.
        pub fn same(&self) -> Result<Arc<Self>, Failed> {
            Ok(Arc::new(Self(self.0.clone())))
        }

        pub fn is_empty(&self) -> Result<bool, Failed> {
            Ok(self.rows(String::new())?.is_empty())
        }

        pub fn close(&self) -> Result<(), Failed> {
            self.rows(String::new()).map(drop)
        }
    }
}
