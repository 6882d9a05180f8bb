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
