//! Genomes that the search has not evaluated yet: forced mutation never returns a function twice
//! (paper, section 3.2).

use super::problem::{Genome, Known, Problem, genomes, sizes};
use crate::moea::operators::mutation;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use std::collections::HashSet;

/// Number of random draws before the remaining genomes are enumerated.
const ATTEMPTS: usize = 100;

/// A source of genomes of a space, which returns each function at most once, and only genomes that
/// can be evaluated.
pub struct Unseen<P> {
    problem: P,
    sizes: Vec<usize>,
    /// Representatives of the functions that were returned or cannot be evaluated.
    seen: HashSet<Genome>,
}

impl<P: Problem> Unseen<P> {
    /// Creates a source of which nothing is seen yet.
    pub fn new(problem: P) -> Self {
        let sizes = sizes(problem.genes());
        Unseen { problem, sizes, seen: HashSet::new() }
    }

    /// Returns the space.
    pub fn problem(&self) -> &P {
        &self.problem
    }

    /// Returns a random unseen genome; `None` if there is none left.
    pub fn random(&mut self, rng: &mut impl Rng) -> Option<(Genome, Known)> {
        let drawn = (0..ATTEMPTS).find_map(|_| {
            let genome = self.sizes.iter().map(|choices| rng.random_range(0..*choices)).collect();
            self.take(genome)
        });
        drawn.or_else(|| self.random_by_enumeration(rng))
    }

    /// Returns `count` random unseen genomes, or fewer if the space is exhausted, in which the
    /// choices of each gene are about equally frequent: a Latin hypercube. What was seen or cannot
    /// be evaluated is replaced by a random genome.
    pub fn latin_hypercube(&mut self, count: usize, rng: &mut impl Rng) -> Vec<(Genome, Known)> {
        let columns: Vec<Vec<usize>> =
            self.sizes.iter().map(|choices| permutations(*choices, count, rng)).collect();
        let genomes = (0..count).map(|row| columns.iter().map(|column| column[row]).collect());
        genomes.map_while(|genome| self.take(genome).or_else(|| self.random(rng))).collect()
    }

    /// Performs forced mutation: mutates a child, at least once, until its function is unseen. It
    /// then differs from its parents, which are seen, in at least one gene. Returns a random unseen
    /// genome if the neighbourhood is exhausted, and `None` if there is none left.
    pub fn forced_mutation(
        &mut self,
        child: &[usize],
        rng: &mut impl Rng,
    ) -> Option<(Genome, Known)> {
        let mut mutant = child.to_vec();
        let mutated = (0..ATTEMPTS).find_map(|_| {
            mutant = mutation(&self.sizes, &mutant, rng);
            self.take(mutant.clone())
        });
        mutated.or_else(|| self.random_by_enumeration(rng))
    }

    /// Marks a genome that was returned as unseen again.
    pub fn put_back(&mut self, genome: &[usize]) {
        self.seen.remove(&self.problem.canonical(genome));
    }

    fn random_by_enumeration(&mut self, rng: &mut impl Rng) -> Option<(Genome, Known)> {
        let unseen = |genome: &Genome| !self.seen.contains(&self.problem.canonical(genome));
        let mut rest: Vec<Genome> = genomes(self.problem.genes()).filter(unseen).collect();
        while !rest.is_empty() {
            let genome = rest.swap_remove(rng.random_range(0..rest.len()));
            if let Some(taken) = self.take(genome) {
                return Some(taken);
            }
        }
        None
    }

    /// Returns a genome and what is known of it if it is unseen and can be evaluated, and marks it
    /// as seen.
    pub fn take(&mut self, genome: Genome) -> Option<(Genome, Known)> {
        if !self.seen.insert(self.problem.canonical(&genome)) {
            return None;
        }
        self.problem.known(&genome).map(|known| (genome, known))
    }
}

/// Returns random permutations of the choices, one after the other, up to a length.
fn permutations(choices: usize, len: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut column: Vec<usize> = (0..choices).cycle().take(len.next_multiple_of(choices)).collect();
    column.chunks_exact_mut(choices).for_each(|permutation| permutation.shuffle(rng));
    column.truncate(len);
    column
}

#[cfg(test)]
mod tests {
    use super::super::problem::Gene;
    use super::*;
    use common::seed::stream;

    /// 7 x 5 x 4 genomes, where the last two choices of the second gene are the same, and the last
    /// choice of the third gene cannot be evaluated.
    struct Small(Vec<Gene>);

    fn small() -> Small {
        Small([7, 5, 4].map(Gene::categories).to_vec())
    }

    /// 7 x 4 distinct x 3 that can be evaluated.
    const FUNCTIONS: usize = 84;

    impl Problem for Small {
        fn genes(&self) -> &[Gene] {
            &self.0
        }

        fn canonical(&self, genome: &[usize]) -> Genome {
            vec![genome[0], genome[1].min(3), genome[2]]
        }

        fn known(&self, genome: &[usize]) -> Option<Known> {
            (genome[2] < 3).then(|| Known { costs: vec![1.0], size: 1.0 })
        }
    }

    fn assert_all_once(genomes: &[Genome]) {
        let functions: HashSet<Genome> = genomes.iter().map(|g| small().canonical(g)).collect();
        assert_eq!((genomes.len(), functions.len()), (FUNCTIONS, FUNCTIONS));
        assert!(genomes.iter().all(|genome| genome[2] < 3));
    }

    #[test]
    fn random_genomes_exhaust_the_distinct_functions_and_end() {
        let mut unseen = Unseen::new(small());
        let mut rng = stream(3, "random");
        let genomes: Vec<Genome> =
            std::iter::from_fn(|| unseen.random(&mut rng)).map(|(g, _)| g).collect();
        assert_all_once(&genomes);
    }

    #[test]
    fn a_latin_hypercube_has_each_choice_equally_often() {
        let mut rng = stream(3, "hypercube");
        for (choices, len, most) in [(7, 4, 1), (7, 8, 2), (2, 4, 2), (1, 4, 4)] {
            let column = permutations(choices, len, &mut rng);
            let times = |choice| column.iter().filter(|other| **other == choice).count();
            let times: Vec<usize> = (0..choices).map(times).collect();
            assert_eq!((column.len(), *times.iter().max().unwrap()), (len, most), "{column:?}");
            assert!(times.iter().all(|times| times + 1 >= len.div_ceil(choices)), "{column:?}");
        }
        let all = Unseen::new(small()).latin_hypercube(1000, &mut rng);
        assert_all_once(&all.into_iter().map(|(genome, _)| genome).collect::<Vec<_>>());
    }

    #[test]
    fn forced_mutation_exhausts_the_distinct_functions_and_ends() {
        let mut unseen = Unseen::new(small());
        let mut rng = stream(3, "mutation");
        let child = [0; 3];
        let genomes: Vec<Genome> = std::iter::from_fn(|| unseen.forced_mutation(&child, &mut rng))
            .map(|(g, _)| g)
            .collect();
        assert!(genomes[0] != child, "at least one gene changes even where the child is unseen");
        assert_all_once(&genomes);
    }

    #[test]
    fn a_genome_is_unseen_again_after_it_was_put_back() {
        let mut unseen = Unseen::new(small());
        assert!(unseen.take(vec![0, 3, 0]).is_some() && unseen.take(vec![0, 4, 0]).is_none());
        unseen.put_back(&[0, 4, 0]);
        assert!(unseen.take(vec![0, 4, 0]).is_some());
    }
}
