//! Plaintext of a sealed part: length, body, zeros (docs/protocol/envelope.md, plaintext).
//!
//! Called by `seal.rs` and `open.rs`. There is one padded form per body and floor, so that padding
//! can carry nothing of its own.

use veilfold_wire::AuthoredFault;

const LEN_BYTES: usize = 4;

/// Largest body that fits into an Entry whatever its header says, in bytes: the largest padded
/// length below the Entry's limit less 170 bytes of header, tag and signature.
pub const BODY_BYTES_MAX: usize = 63 * 4096 - LEN_BYTES;

/// Padmé: rounds up so that about log log `len` bits of the length remain visible, at most 12 % more.
///
/// Nikitin, Barman, Lueks, Underwood, Hubaux, Ford: Reducing Metadata Leakage from Encrypted Files
/// (PETS 2019), algorithm 1.
pub(super) fn padme(len: u64) -> u64 {
    if len < 2 {
        return len;
    }
    let exponent = len.ilog2();
    let visible_bits = exponent.ilog2() + 1;
    let mask = (1u64 << exponent.saturating_sub(visible_bits)) - 1;
    len.saturating_add(mask) & !mask
}

/// Length of the padded plaintext of a body of `body_len` bytes.
pub fn padded_len(body_len: usize, floor: u64) -> u64 {
    padme((body_len + LEN_BYTES) as u64).max(floor)
}

/// Pads a body of at most [`BODY_BYTES_MAX`] bytes; leaves room for `extra` bytes behind it.
pub(super) fn pad(body: &[u8], floor: u64, extra: usize) -> Vec<u8> {
    debug_assert!(body.len() <= BODY_BYTES_MAX, "sealing checks the limit first");
    let padded = padded_len(body.len(), floor) as usize;
    let mut out = Vec::with_capacity(padded + extra);
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
    out.resize(padded, 0);
    out
}

/// The body inside a padded plaintext.
///
/// # Errors
/// `BadPadding` for anything that [`pad`] does not make of that body and floor.
pub(super) fn unpad(padded: &[u8], floor: u64) -> Result<&[u8], AuthoredFault> {
    let (len, rest) = padded.split_first_chunk::<LEN_BYTES>().ok_or(AuthoredFault::BadPadding)?;
    let len = u32::from_be_bytes(*len) as usize;
    let (body, zeros) = rest.split_at_checked(len).ok_or(AuthoredFault::BadPadding)?;
    if padded_len(len, floor) != padded.len() as u64 || zeros.iter().any(|byte| *byte != 0) {
        return Err(AuthoredFault::BadPadding);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padme_shows_few_bits_of_a_length() {
        let examples = [(4, 4), (9, 10), (128, 128), (129, 144), (1000, 1024), (65_537, 67_584)];
        for (len, padded) in examples {
            assert_eq!(padme(len), padded, "{len}");
        }
    }

    #[test]
    fn padme_is_monotone_and_costs_at_most_twelve_percent() {
        let mut sizes = std::collections::BTreeSet::new();
        let mut previous = 0;
        for len in 129..=256 * 1024 {
            let padded = padme(len);
            assert!(padded >= len && padded >= previous && (padded - len) * 100 <= len * 12, "{len}");
            assert_eq!(padme(padded), padded, "a padded length stays");
            sizes.insert(padded);
            previous = padded;
        }
        assert!(sizes.len() < 256, "{} sizes", sizes.len());
    }

    #[test]
    fn a_body_comes_out_as_it_went_in() {
        for len in [0, 1, 123, 124, 125, 128, 1000, BODY_BYTES_MAX] {
            for floor in [128, 4096] {
                let body = vec![7; len];
                assert_eq!(unpad(&pad(&body, floor, 16), floor), Ok(body.as_slice()));
            }
        }
        assert_eq!(padded_len(BODY_BYTES_MAX, 128), 63 * 4096);
    }

    #[test]
    fn there_is_one_padded_form() {
        let padded = pad(b"body", 128, 0);
        let mut altered =
            vec![padded[..127].to_vec(), [padded.as_slice(), &[0]].concat(), vec![], vec![0; 3]];
        for index in (0..4).chain(8..128) {
            let mut copy = padded.clone();
            copy[index] ^= 1;
            altered.push(copy);
        }
        // A length one smaller leaves its last byte in the zeros; one larger takes a zero into the body.
        let one_larger = [&5u32.to_be_bytes(), &padded[4..]].concat();
        for copy in altered.iter().filter(|copy| **copy != one_larger) {
            assert_eq!(unpad(copy, 128), Err(AuthoredFault::BadPadding), "{copy:?}");
        }
        assert_eq!(unpad(&one_larger, 128), Ok(&b"body\0"[..]), "another body, in its own one form");
        assert_eq!(unpad(&padded, 256), Err(AuthoredFault::BadPadding), "another floor");
    }
}
