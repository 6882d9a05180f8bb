//! Damage in one place that leaves an input its length, so that most of it still parses.
//!
//! Called by the mutators of the fuzz targets.

use super::Shape;
use crate::harness::Rng;

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Changes one to three bytes, usually one.
pub(super) fn damage(shape: Shape, data: &mut [u8], rng: &mut Rng) {
    let times = if rng.chance(700) { 1 } else { 1 + rng.below(3) };
    for _ in 0..times {
        let at = rng.below(data.len() as u64) as usize;
        match shape {
            Shape::Binary if rng.chance(700) => data[at] ^= 1 << rng.below(8),
            Shape::Binary | Shape::Script => data[at] = rng.draw() as u8,
            // What stands before the dot is the prefix.
            Shape::Base64Url if data[..at].contains(&b'.') => data[at] = *rng.pick(BASE64URL),
            Shape::Base64Url => {}
            Shape::Text => data[at] = b' ' + rng.below(95) as u8,
        }
    }
}
