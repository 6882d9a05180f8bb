//! TLS with the certificates that the platform trusts.
//!
//! Used by `dial.rs` for `wss://`. On Android `rustls-platform-verifier` wants the app's context before
//! the first connection, and nothing hands it over yet: there `wss://` is an error that says so.

use super::CloseReason;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Made once: reading the platform's certificates takes long, and the tickets in it make the next
/// handshake shorter.
static CONFIG: Mutex<Option<Arc<ClientConfig>>> = Mutex::new(None);

/// Makes the handshake and checks that the certificate is the host's.
pub(super) async fn secure(host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, CloseReason> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| CloseReason::Untrusted("a host that no certificate can name".to_owned()))?;
    let config = tokio::task::spawn_blocking(config).await.map_err(|_| CloseReason::Stopped)?;
    let connector = TlsConnector::from(config.map_err(untrusted)?);
    connector.connect(name, stream).await.map_err(|error| {
        let kind = error.kind();
        match error.downcast::<rustls::Error>() {
            Ok(error) => untrusted(error),
            Err(_) => CloseReason::Unreachable(kind.to_string()),
        }
    })
}

fn config() -> Result<Arc<ClientConfig>, rustls::Error> {
    if cfg!(target_os = "android") {
        // Without the app's context the verifier would panic.
        return Err(rustls::Error::General("certificates cannot be verified on Android yet".to_owned()));
    }
    let mut made = CONFIG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = &*made {
        return Ok(config.clone());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(made.insert(Arc::new(config)).clone())
}

fn untrusted(error: rustls::Error) -> CloseReason {
    CloseReason::Untrusted(error.to_string())
}
