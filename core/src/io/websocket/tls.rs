//! TLS with the certificates that the platform trusts.
//!
//! Used by `dial.rs` for `wss://`. Everywhere but on Android the platform's own verifier judges; there
//! it would need the app's context and a class in the app, so its roots are read by `tls/roots.rs` and
//! rustls judges.

#[cfg(any(target_os = "android", test))]
mod roots;

use super::CloseReason;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ConfigBuilder, WantsVerifier};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Made once: reading the platform's certificates takes long, and the tickets in it make the next
/// handshake shorter.
static CONFIG: Mutex<Option<Arc<ClientConfig>>> = Mutex::new(None);

/// Makes the handshake and checks that the certificate is the host's.
pub(super) async fn secure(host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, CloseReason> {
    let config = tokio::task::spawn_blocking(config).await.map_err(|_| CloseReason::Stopped)?;
    handshake(config.map_err(untrusted)?, host, stream).await
}

async fn handshake(
    config: Arc<ClientConfig>,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, CloseReason> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| CloseReason::Untrusted("a host that no certificate can name".to_owned()))?;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        let kind = error.kind();
        match error.downcast::<rustls::Error>() {
            Ok(error) => untrusted(error),
            Err(_) => CloseReason::Unreachable(kind.to_string()),
        }
    })
}

fn config() -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut made = CONFIG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = &*made {
        return Ok(config.clone());
    }
    Ok(made.insert(Arc::new(by_platform()?)).clone())
}

#[cfg(not(target_os = "android"))]
fn by_platform() -> Result<ClientConfig, rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt;
    Ok(for_websockets(builder()?.with_platform_verifier()?.with_no_client_auth()))
}

#[cfg(target_os = "android")]
fn by_platform() -> Result<ClientConfig, rustls::Error> {
    let folders = roots::FOLDERS.map(std::path::Path::new);
    by_roots(roots::read(&folders).map_err(rustls::Error::General)?)
}

#[cfg(any(target_os = "android", test))]
fn by_roots(roots: rustls::RootCertStore) -> Result<ClientConfig, rustls::Error> {
    Ok(for_websockets(builder()?.with_root_certificates(roots).with_no_client_auth()))
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn for_websockets(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Says it without a name: the reason is logged, and rustls and the platform name the host.
fn untrusted(error: rustls::Error) -> CloseReason {
    use rustls::CertificateError as Bad;
    let rustls::Error::InvalidCertificate(bad) = error else {
        return CloseReason::Untrusted(error.to_string());
    };
    let why = match bad {
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "its certificate is for another host",
        Bad::Expired | Bad::ExpiredContext { .. } => {
            "its certificate has expired, or this device's clock is wrong"
        }
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "its certificate is not valid yet, or this device's clock is wrong"
        }
        Bad::UnknownIssuer => "its certificate comes from nobody whom this device trusts",
        Bad::Revoked => "its certificate was revoked",
        _ => "its certificate is not valid",
    };
    CloseReason::Untrusted(why.to_owned())
}

#[cfg(test)]
mod tests;
