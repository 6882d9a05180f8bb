//! Randomness as an input: core draws none itself, so a run can be repeated from its seed.
//!
//! The driver hands one in with every call that needs it. Whether it is good is the caller's duty;
//! nonces are hedged against a bad one (docs/protocol/envelope.md, nonce).

use core::convert::Infallible;

/// A source of random bytes.
pub trait Entropy {
    /// Fills all of `out`.
    fn fill(&mut self, out: &mut [u8]);
}

/// Draws `N` bytes.
pub fn random<const N: usize>(entropy: &mut dyn Entropy) -> [u8; N] {
    let mut out = [0; N];
    entropy.fill(&mut out);
    out
}

/// Lets the HPKE crate draw from an [`Entropy`].
pub(super) struct EntropyRng<'a>(pub(super) &'a mut dyn Entropy);

impl rand_core::TryRng for EntropyRng<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(random(self.0)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(random(self.0)))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for EntropyRng<'_> {}

/// Repeatable bytes for tests: SHA-256 over the seed and a counter.
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Debug)]
pub struct SeededEntropy {
    seed: u64,
    blocks: u64,
    rest: Vec<u8>,
}

#[cfg(any(test, feature = "testing"))]
impl SeededEntropy {
    /// The same seed gives the same bytes.
    pub fn new(seed: u64) -> Self {
        Self { seed, blocks: 0, rest: Vec::new() }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.rest.is_empty() {
                let block =
                    veilfold_wire::hash::Hasher::new("test-entropy").u64(self.seed).u64(self.blocks).finish();
                self.blocks += 1;
                self.rest = block.to_vec();
            }
            *byte = self.rest.pop().unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_however_they_are_drawn() {
        let mut whole = [0; 100];
        SeededEntropy::new(5).fill(&mut whole);
        let mut parts = SeededEntropy::new(5);
        for chunk in whole.chunks(7) {
            let mut part = vec![0; chunk.len()];
            parts.fill(&mut part);
            assert_eq!(part, chunk);
        }
        assert_ne!(random::<32>(&mut SeededEntropy::new(6)), whole[..32]);
    }
}
