//! Handshakes with servers whose certificates were signed for the test, by roots that lie in a folder
//! as Android's do.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Android names a file for the hash of the subject, and has a description below the certificate.
fn as_android_has_it(authority: &Authority) -> String {
    format!("{}Certificate:\n    Data:\n        Version: 3 (0x2)\nSHA1 Fingerprint=00:11\n", authority.pem())
}

/// A server for `localhost`, and what a client that trusts these roots makes of it under `host`.
async fn met(signer: &Authority, roots: &Path, host: &str) -> Result<(), CloseReason> {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, signer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = tokio::spawn(async move {
        let accepted = TlsAcceptor::from(Arc::new(config)).accept(listener.accept().await.unwrap().0).await;
        if let Ok(mut stream) = accepted {
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let config = Arc::new(by_roots(roots::read(&[roots]).unwrap()).unwrap());
    let mut stream = handshake(config, host, stream).await?;
    let mut said = Vec::new();
    stream.read_to_end(&mut said).await.unwrap();
    assert_eq!(said, b"hello");
    server.await.unwrap();
    Ok(())
}

#[tokio::test]
async fn a_root_in_androids_folder_is_trusted_for_its_hosts_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (as_text, as_bytes, unknown) = (authority("text"), authority("bytes"), authority("unknown"));
    std::fs::write(folder.path().join("5ed36f99.0"), as_android_has_it(&as_text)).unwrap();
    std::fs::write(folder.path().join("0a775a30.0"), as_bytes.der()).unwrap();
    std::fs::write(folder.path().join("1001acf7.0"), "no certificate").unwrap();
    std::fs::create_dir(folder.path().join("a_folder")).unwrap();

    assert_eq!(met(&as_text, folder.path(), "localhost").await, Ok(()));
    assert_eq!(met(&as_bytes, folder.path(), "localhost").await, Ok(()));
    let untrusted = async |signer, host| match met(signer, folder.path(), host).await {
        Err(CloseReason::Untrusted(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(untrusted(&unknown, "localhost").await.contains("nobody whom this device trusts"));
    // Nothing of it names a host, for it is logged.
    assert_eq!(untrusted(&as_text, "127.0.0.1").await, "its certificate is for another host");
    assert_eq!(untrusted(&as_text, "elsewhere.example").await, "its certificate is for another host");
}

#[test]
fn the_first_folder_with_certificates_counts_and_an_error_names_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (away, empty, full) = (path("away"), path("empty"), path("full"));
    std::fs::create_dir(&empty).unwrap();
    std::fs::create_dir(&full).unwrap();
    for name in ["one", "two"] {
        std::fs::write(full.join(name), as_android_has_it(&authority(name))).unwrap();
    }
    assert_eq!(roots::read(&[&away, &empty, &full]).unwrap().len(), 2);

    let error = roots::read(&[&away, &empty]).unwrap_err();
    assert!(error.contains("away: entity not found"), "{error}");
    assert!(error.contains("no certificate in") && error.contains("empty"), "{error}");
}
