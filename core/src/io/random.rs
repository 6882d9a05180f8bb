//! Randomness from the operating system, for the driver to hand to the engine.
//!
//! What is drawn with it is decided in `keys/` and above.

use crate::keys::Entropy;

/// The operating system's randomness.
#[derive(Clone, Copy, Debug)]
pub struct OsRandom(());

impl OsRandom {
    /// Checks that the system has randomness to give.
    ///
    /// # Errors
    /// As the system says: it has none, or not yet, or this process may not ask for it.
    pub fn new() -> std::io::Result<Self> {
        let mut probe = [0; 16];
        getrandom::fill(&mut probe).map_err(std::io::Error::from)?;
        Ok(Self(()))
    }
}

impl Entropy for OsRandom {
    /// # Panics
    /// When the system stops giving randomness after it has given some, which no supported system
    /// does. Going on would make keys that can be guessed.
    #[expect(clippy::panic, reason = "stopping is the only answer that leaks no key")]
    fn fill(&mut self, out: &mut [u8]) {
        if let Err(error) = getrandom::fill(out) {
            panic!("the system gives no randomness: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ() {
        let mut random = OsRandom::new().unwrap();
        let (mut one, mut two) = ([0; 32], [0; 32]);
        random.fill(&mut one);
        random.fill(&mut two);
        assert_ne!(one, two);
    }
}
