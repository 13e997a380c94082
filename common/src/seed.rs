//! All randomness of a run: named streams of one seed.
//!
//! A stream depends on the seed and its name alone, so that adding a consumer of randomness never
//! changes what another one sees.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// The generator for everything that `name` describes, e.g. `stream(seed, "shuffle/epoch-3")`. The
/// same seed and name give the same numbers on every machine.
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
        // Recorded once: what an earlier version seeded, a later one must reproduce.
        assert_eq!(first(0, "init"), RECORDED);
    }
}
