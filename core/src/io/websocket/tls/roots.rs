//! The roots that Android trusts, from the folder where the system keeps them.
//!
//! Used by `tls.rs` on Android. One file is one certificate, PEM or DER, and beside PEM there may be
//! text for people. What this leaves out is told in `docs/decisions/0009-tls-on-android.md`.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;

/// Where Android keeps them: since Android 14 in a part of the system that is updated on its own,
/// before that in the system itself.
#[cfg(target_os = "android")]
pub(super) const FOLDERS: [&str; 2] = ["/apex/com.android.conscrypt/cacerts", "/system/etc/security/cacerts"];

/// Reads the first of these folders that holds certificates; the error says what is wrong with each.
///
/// A file that cannot be read or is no certificate is passed over, as the system does: one strange
/// root must not keep a Device from all Relays.
pub(super) fn read(folders: &[&Path]) -> Result<RootCertStore, String> {
    let mut missing = Vec::new();
    for folder in folders {
        match read_one(folder) {
            Ok(roots) if !roots.is_empty() => return Ok(roots),
            Ok(_) => missing.push(format!("no certificate in {}", folder.display())),
            Err(error) => missing.push(format!("{}: {}", folder.display(), error.kind())),
        }
    }
    Err(format!("the system's certificates were not found ({})", missing.join("; ")))
}

fn read_one(folder: &Path) -> std::io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for entry in std::fs::read_dir(folder)? {
        let Ok(bytes) = std::fs::read(entry?.path()) else { continue };
        let certificate = CertificateDer::from_pem_slice(&bytes).unwrap_or_else(|_| bytes.into());
        // Only the certificates that can be read are kept.
        roots.add_parsable_certificates([certificate]);
    }
    Ok(roots)
}
