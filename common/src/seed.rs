//! Random numbers of a run: named streams that are derived from one seed.
//!
//! A stream depends on the seed and its name alone, so a new consumer of random numbers does not
//! change the numbers of the others.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// Returns the random number generator of the stream `name`, e.g. `stream(seed,
/// "shuffle/epoch-3")`. The same seed and name give the same numbers on every machine.
pub fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(name.as_bytes());
    ChaCha8Rng::from_seed(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    const RECORDED: u64 = 15_109_215_107_174_589_464;

    #[test]
    fn streams_are_reproducible_and_independent() {
        let first = |seed, name: &str| stream(seed, name).next_u64();
        assert_eq!(first(1, "init"), first(1, "init"));
        assert_ne!(first(1, "init"), first(1, "shuffle"));
        assert_ne!(first(1, "init"), first(2, "init"));
        // Recorded once: later versions must reproduce the runs of earlier ones.
        assert_eq!(first(0, "init"), RECORDED);
    }
}
