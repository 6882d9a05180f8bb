//! One call into each dependency for each thing that Veilfold does with it, so that the linker keeps
//! what Veilfold needs of it, and nothing else. Nobody runs this; `cargo xtask size` weighs it.

use std::hint::black_box;

/// The least that a Rust library is: it can panic, allocate and format.
#[unsafe(no_mangle)]
pub extern "C" fn probe_empty(number: u64) -> usize {
    format!("{:?}", black_box(vec![number; 3])).len()
}

#[cfg(feature = "json")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_json(number: u64) -> usize {
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(black_box("{\"a\":[1,2.5]}")) else {
        return 0;
    };
    value["b"] = number.into();
    serde_json::to_vec(&value).map(|bytes| bytes.len()).unwrap_or(0)
}

#[cfg(feature = "crypto")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_crypto(number: u8) -> usize {
    use chacha20poly1305::aead::{Aead, KeyInit};
    use ed25519_dalek::{Signer, SigningKey};
    use hpke::aead::ChaCha20Poly1305 as Sealing;
    use hpke::kdf::HkdfSha256;
    use hpke::kem::X25519HkdfSha256 as X25519;
    use hpke::{Deserializable, Kem, OpModeR, OpModeS};

    let secret = black_box([number; 32]);
    let key = SigningKey::from_bytes(&secret);
    let signature = key.sign(&secret);
    let verified = key.verifying_key().verify_strict(&secret, &signature).is_ok();

    let cipher = chacha20poly1305::ChaCha20Poly1305::new(&secret.into());
    let nonce = [number; 12].into();
    let sealed = cipher.encrypt(&nonce, secret.as_slice()).unwrap_or_default();
    let opened = cipher.decrypt(&nonce, sealed.as_slice()).unwrap_or_default();

    let Ok(private) = <X25519 as Kem>::PrivateKey::from_bytes(&secret) else { return 0 };
    let public = X25519::sk_to_pk(&private);
    let boxed =
        hpke::single_shot_seal::<Sealing, HkdfSha256, X25519>(&OpModeS::Base, &public, b"", &opened, b"");
    let Ok((encapsulated, boxed)) = boxed else { return 0 };
    let unboxed = hpke::single_shot_open::<Sealing, HkdfSha256, X25519>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        b"",
        &boxed,
        b"",
    );
    unboxed.map(|bytes| bytes.len()).unwrap_or(0) + usize::from(verified)
}

#[cfg(feature = "sqlite")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_sqlite(number: i64) -> usize {
    let Ok(store) = rusqlite::Connection::open(black_box("store")) else { return 0 };
    let _ = store.execute_batch(
        "PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b BLOB);
         CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(a)",
    );
    let _ =
        store.prepare_cached("INSERT INTO t(b) VALUES(?1)").and_then(|mut insert| insert.execute([number]));
    store.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap_or(0) as usize
}

#[cfg(feature = "websocket")]
async fn talk<S>(socket: S) -> usize
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let Ok((mut socket, _)) = tokio_tungstenite::client_async("ws://relay/", socket).await else { return 0 };
    let _ = socket.send(Message::binary(vec![1_u8])).await;
    tokio::select! {
        said = socket.next() => said.and_then(Result::ok).map_or(0, |message| message.len()),
        () = tokio::time::sleep(std::time::Duration::from_secs(1)) => 0,
    }
}

#[cfg(feature = "websocket")]
#[unsafe(no_mangle)]
pub extern "C" fn probe_websocket(number: u16) -> usize {
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else { return 0 };
    runtime.block_on(async {
        let Ok(stream) = tokio::net::TcpStream::connect(("relay", number)).await else { return 0 };
        talk(stream).await
    })
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
        talk(stream).await
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

        pub async fn next(&self) -> Result<Vec<Row>, Failed> {
            self.rows(String::new())
        }
    }
}
