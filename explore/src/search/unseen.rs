//! Genomes that the search has not evaluated yet: forced mutation never returns a function twice
//! (paper, section 3.2).

use crate::moea::operators::mutation;
use anyhow::Result;
use common::network::counts::Counts;
use common::search::genome::Genome;
use common::search::space::{Positions, SearchSpace};
use rand::{Rng, RngExt};
use std::collections::HashSet;

/// Number of random draws before the remaining genomes are enumerated.
const ATTEMPTS: usize = 100;

/// A source of genomes of a space, which returns each function at most once, and only feasible
/// genomes.
pub struct Unseen<'a, C> {
    space: &'a SearchSpace,
    /// Returns parameters and MACs of a genome's network, or an error if it is not feasible.
    count: C,
    /// Functions that were returned or are not feasible, by [`Genome::canonical`].
    seen: HashSet<Genome>,
}

impl<'a, C: Fn(&Genome) -> Result<Counts>> Unseen<'a, C> {
    /// Creates a source of which nothing is seen yet.
    pub fn new(space: &'a SearchSpace, count: C) -> Self {
        Unseen { space, count, seen: HashSet::new() }
    }

    /// Returns a random unseen genome; `None` if there is none left.
    pub fn random(&mut self, rng: &mut impl Rng) -> Option<(Genome, Counts)> {
        let drawn = (0..ATTEMPTS).find_map(|_| self.take(self.space.random(rng)));
        drawn.or_else(|| self.random_by_enumeration(rng))
    }

    /// Performs forced mutation: mutates a child, at least once, until its function is unseen. It
    /// then differs from its parents, which are seen, in at least one gene. Returns a random unseen
    /// genome if the neighbourhood is exhausted, and `None` if there is none left.
    pub fn forced_mutation(
        &mut self,
        child: &Positions,
        rng: &mut impl Rng,
    ) -> Option<(Genome, Counts)> {
        let mut mutant = *child;
        let mutated = (0..ATTEMPTS).find_map(|_| {
            mutant = mutation(&self.space.sizes(), &mutant, rng);
            self.take(self.space.genome(&mutant))
        });
        mutated.or_else(|| self.random_by_enumeration(rng))
    }

    /// Marks a genome that was returned as unseen again.
    pub fn put_back(&mut self, genome: &Genome) {
        self.seen.remove(&genome.canonical());
    }

    fn random_by_enumeration(&mut self, rng: &mut impl Rng) -> Option<(Genome, Counts)> {
        let unseen = |genome: &Genome| !self.seen.contains(&genome.canonical());
        let mut rest: Vec<Genome> = self.space.genomes().filter(unseen).collect();
        while !rest.is_empty() {
            let genome = rest.swap_remove(rng.random_range(0..rest.len()));
            if let Some(taken) = self.take(genome) {
                return Some(taken);
            }
        }
        None
    }

    /// Returns a genome and its counts if it is unseen and feasible, and marks it as seen.
    pub fn take(&mut self, genome: Genome) -> Option<(Genome, Counts)> {
        if !self.seen.insert(genome.canonical()) {
            return None;
        }
        (self.count)(&genome).ok().map(|counts| (genome, counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::ensure;
    use common::search::space::GENES;
    use common::seed::stream;

    fn counts(genome: &Genome) -> Result<Counts> {
        ensure!(genome.condense_layers < 4, "too many poolings");
        Ok(Counts { parameters: 1, macs: 1 })
    }

    fn small_space() -> SearchSpace {
        SearchSpace {
            feature_extraction_layers: vec![16],
            kernel_size: vec![3],
            ..SearchSpace::default()
        }
    }

    /// 7 left x 5 distinct right x 3 feasible condense counts x 5 optimizers.
    const FUNCTIONS: usize = 525;

    fn assert_all_once(genomes: &[Genome]) {
        let functions: HashSet<Genome> = genomes.iter().map(Genome::canonical).collect();
        assert_eq!((genomes.len(), functions.len()), (FUNCTIONS, FUNCTIONS));
        assert!(genomes.iter().all(|g| g.condense_layers < 4));
    }

    #[test]
    fn random_genomes_exhaust_the_feasible_functions_and_end() {
        let space = small_space();
        let mut unseen = Unseen::new(&space, counts);
        let mut rng = stream(3, "random");
        let genomes: Vec<Genome> =
            std::iter::from_fn(|| unseen.random(&mut rng)).map(|(g, _)| g).collect();
        assert_all_once(&genomes);
    }

    #[test]
    fn forced_mutation_exhausts_the_feasible_functions_and_ends() {
        let space = small_space();
        let mut unseen = Unseen::new(&space, counts);
        let mut rng = stream(3, "mutation");
        let child = [0; GENES];
        let genomes: Vec<Genome> = std::iter::from_fn(|| unseen.forced_mutation(&child, &mut rng))
            .map(|(g, _)| g)
            .collect();
        assert!(
            genomes[0] != space.genome(&child),
            "at least one gene changes even where the child is unseen"
        );
        assert_all_once(&genomes);
    }

    #[test]
    fn an_equal_right_activation_is_seen() {
        let space = SearchSpace::default();
        let space = SearchSpace {
            left_activation: space.left_activation[..1].to_vec(),
            condense_layers: vec![1],
            optimizer: space.optimizer[..1].to_vec(),
            feature_extraction_layers: vec![16],
            kernel_size: vec![3],
            ..space
        };
        let mut unseen = Unseen::new(&space, counts);
        let mut rng = stream(3, "equal");
        assert_eq!(std::iter::from_fn(|| unseen.random(&mut rng)).count(), 5);
    }
}
