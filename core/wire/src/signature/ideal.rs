//! Ideal signatures, for simulations: a list of what was signed instead of arithmetic on a curve.
//!
//! A thread that was told to sign ideally notes what it signs; `verify` knows exactly that, to the last
//! bit, and checks everything else as ever. Nothing can be forged, as with a scheme that is not broken.

use super::{SIGNATURE_LEN, SignatureDomain};
use sha2::{Digest, Sha512};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Signature, hash and key. The signature comes first: that is where two differ.
type Signed = ([u8; SIGNATURE_LEN], [u8; 32], [u8; 32], SignatureDomain);

thread_local! {
    static SIGNED: RefCell<Option<BTreeSet<Signed>>> = const { RefCell::new(None) };
}

/// While it lives, this thread signs ideally.
#[derive(Debug)]
pub struct Ideal(());

/// Signs ideally from now on, beginning with an empty list.
#[must_use]
pub fn begin() -> Ideal {
    SIGNED.with_borrow_mut(|signed| *signed = Some(BTreeSet::new()));
    Ideal(())
}

impl Drop for Ideal {
    fn drop(&mut self) {
        SIGNED.with_borrow_mut(|signed| *signed = None);
    }
}

/// Signs for the owner of `key`; `None` on a thread that signs with its secret.
pub fn sign(domain: SignatureDomain, key: &[u8; 32], hash: &[u8; 32]) -> Option<[u8; SIGNATURE_LEN]> {
    SIGNED.with_borrow_mut(|signed| {
        let signed = signed.as_mut()?;
        let message = domain.message(hash);
        let signature = Sha512::new().chain_update(key).chain_update(message).finalize().into();
        signed.insert((signature, *hash, *key, domain));
        Some(signature)
    })
}

/// True for what was signed ideally.
pub(super) fn is_signed(
    domain: SignatureDomain,
    key: &[u8; 32],
    hash: &[u8; 32],
    signature: &[u8; SIGNATURE_LEN],
) -> bool {
    SIGNED.with_borrow(|signed| {
        signed.as_ref().is_some_and(|signed| signed.contains(&(*signature, *hash, *key, domain)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::verify;
    use super::*;

    fn flipped<const N: usize>(bytes: &[u8; N], at: usize) -> [u8; N] {
        let mut bytes = *bytes;
        bytes[at / 8] ^= 1 << (at % 8);
        bytes
    }

    #[test]
    fn what_was_signed_is_known_to_the_last_bit() {
        let (domain, key, hash) = (SignatureDomain::Entry, [1; 32], [2; 32]);
        let ideal = begin();
        let signature = sign(domain, &key, &hash).unwrap();
        assert!(verify(domain, &key, &hash, &signature));
        assert!(!verify(SignatureDomain::Head, &key, &hash, &signature));
        for bit in 0..256 {
            assert!(!verify(domain, &flipped(&key, bit), &hash, &signature));
            assert!(!verify(domain, &key, &flipped(&hash, bit), &signature));
        }
        for bit in 0..512 {
            assert!(!verify(domain, &key, &hash, &flipped(&signature, bit)));
        }
        drop(ideal);
        assert!(!verify(domain, &key, &hash, &signature), "the list is gone");
        assert_eq!(sign(domain, &key, &hash), None);
    }
}
