//! Screening of offspring: a surrogate model predicts which children are worth an evaluation.

use super::archive::Member;
use super::partial::Corrections;
use super::problem::{Gene, Genome, Known};
use super::trial::Trial;
use crate::moea::normalize::{Normalize, Points};
use crate::moea::spea2;
use crate::surrogate::expected_improvement::{Aim, Design, Observation};
use crate::surrogate::random_forest;
use anyhow::Result;
use common::profile::Surrogate;

/// Returns the number of children that are screened for each one that is evaluated.
pub(super) fn children_per_trial(surrogate: Surrogate) -> usize {
    match surrogate {
        Surrogate::Forest => 10,
        Surrogate::Gaussian => 40,
    }
}

/// What a surrogate learns from.
pub(super) struct Experience<'a> {
    /// All trials.
    pub(super) trials: &'a [Trial],
    /// The archive of the search.
    pub(super) archive: &'a [Member],
    /// Errors beyond this one are of no interest.
    pub(super) worst_error: f64,
    /// The genes of the space.
    pub(super) genes: &'a [Gene],
}

impl Experience<'_> {
    /// Returns the positions in `pool` of the `count` most promising children.
    ///
    /// # Errors
    /// Fails if the random forest cannot be fitted.
    pub(super) fn select(
        &self,
        surrogate: Surrogate,
        pool: &[(Genome, Known)],
        seed: u64,
        count: usize,
    ) -> Result<Vec<usize>> {
        match surrogate {
            Surrogate::Forest => self.by_fitness(pool, seed, count),
            Surrogate::Gaussian => Ok(self.by_expected_improvement(pool, count)),
        }
    }

    /// Selects the best children by SPEA-II's fitness over error and costs, in the union with the
    /// archive. Errors are predicted by a random forest; the costs that are known before an
    /// evaluation stand for the other objectives, of children and archive alike.
    fn by_fitness(&self, pool: &[(Genome, Known)], seed: u64, count: usize) -> Result<Vec<usize>> {
        let errors = self.predict_errors(pool, seed)?;
        let point = |error: f64, known: &Known| [&[error], &known.costs[..]].concat();
        let children = pool.iter().zip(&errors).map(|((_, known), error)| point(*error, known));
        let archive = self.archive.iter().map(|member| &self.trials[member.trial]);
        let archive = archive.map(|trial| point(trial.error(), &trial.known));
        let points = Points::new(children.chain(archive).collect(), Normalize::LogMinmax)?;
        let fitness = spea2::fitness(&points);
        let mut order: Vec<usize> = (0..pool.len()).collect();
        let key = |child: usize| (fitness.raw_fitness[child], fitness.density[child]);
        order.sort_by(|a, b| key(*a).partial_cmp(&key(*b)).unwrap_or(std::cmp::Ordering::Equal));
        order.truncate(count);
        Ok(order)
    }

    fn predict_errors(&self, pool: &[(Genome, Known)], seed: u64) -> Result<Vec<f64>> {
        let features = |genome, known: &Known| self.features(genome, known.size);
        let samples = self.trials.iter().map(|t| features(&t.genome, &t.known)).collect();
        let errors = self.trials.iter().map(Trial::error).collect();
        let children = pool.iter().map(|(genome, known)| features(genome, known)).collect();
        random_forest::predict(&samples, &errors, &children, seed)
    }

    /// Encodes a genome as numbers: one per label of each category (one-hot), then the quantities
    /// and the size.
    fn features(&self, genome: &[usize], size: f64) -> Vec<f64> {
        let (mut features, mut quantities) = (Vec::new(), Vec::new());
        for (gene, choice) in self.genes.iter().zip(genome) {
            match gene {
                Gene::Categories { labels, count } => features
                    .extend((0..*count).map(|label| f64::from(u8::from(labels[*choice] == label)))),
                Gene::Quantities(values) => quantities.push(values[*choice]),
            }
        }
        features.extend(quantities);
        features.push(size.log10());
        features
    }

    /// Selects children by expected hypervolume improvement over the error and the first cost.
    fn by_expected_improvement(&self, pool: &[(Genome, Known)], count: usize) -> Vec<usize> {
        let corrections = Corrections::of(self.trials);
        let observation = |trial: &Trial| Observation {
            design: self.design(&trial.genome, &trial.known),
            error: corrections.error(trial),
            in_full: trial.in_full(),
        };
        let observations: Vec<Observation> = self.trials.iter().map(observation).collect();
        let children: Vec<Design> =
            pool.iter().map(|(genome, known)| self.design(genome, known)).collect();
        let labels: Vec<usize> = self.genes.iter().filter_map(Gene::labels).collect();
        Aim { labels: &labels, worst_error: self.worst_error }.select(
            &children,
            &observations,
            count,
        )
    }

    fn design(&self, genome: &[usize], known: &Known) -> Design {
        let (mut categories, mut quantities) = (Vec::new(), Vec::new());
        for (gene, choice) in self.genes.iter().zip(genome) {
            match gene {
                Gene::Categories { labels, .. } => categories.push(labels[*choice]),
                Gene::Quantities(values) => {
                    quantities.push(*choice as f64 / (values.len() - 1).max(1) as f64);
                }
            }
        }
        Design { categories, quantities, size: known.costs[0].log10() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Extent, Standing};
    use super::*;

    /// Two categories and three quantities; the size grows with the quantities.
    fn genes() -> Vec<Gene> {
        let quantities = || Gene::Quantities(vec![1.0, 2.0, 4.0, 8.0]);
        vec![Gene::categories(6), Gene::categories(5), quantities(), quantities()]
    }

    fn known(genome: &[usize]) -> Known {
        let size = (10 + genome[2] + genome[3]) as f64;
        Known { costs: vec![size], size }
    }

    fn trial(genome: &[usize], error: f64) -> Trial {
        let known = known(genome);
        let objectives = [error].iter().chain(&known.costs).map(|value| Some(*value)).collect();
        let standing = Standing { objectives, extent: Extent::InFull };
        Trial { genome: genome.to_vec(), known, score: None, rungs: vec![], standing }
    }

    #[test]
    fn children_like_the_best_trials_are_preferred() {
        let good = |genome: &[usize]| genome[1] == 1;
        let genes = genes();
        let all: Vec<Genome> = super::super::problem::genomes(&genes).collect();
        let error = |genome: &[usize]| if good(genome) { 0.1 } else { 0.5 };
        let trials: Vec<Trial> =
            all.iter().step_by(12).map(|genome| trial(genome, error(genome))).collect();
        let others = all.iter().enumerate().filter(|(index, _)| index % 12 > 0);
        let pool: Vec<(Genome, Known)> =
            others.step_by(3).map(|(_, genome)| (genome.clone(), known(genome))).collect();
        let experience =
            Experience { trials: &trials, archive: &[], worst_error: 1.0, genes: &genes };
        for surrogate in [Surrogate::Forest, Surrogate::Gaussian] {
            let selected = experience.select(surrogate, &pool, 0, 8).unwrap();
            assert_eq!(selected, experience.select(surrogate, &pool, 0, 8).unwrap());
            assert_eq!(selected.len(), 8);
            let better = selected.iter().filter(|child| good(&pool[**child].0));
            assert!(better.count() >= 6, "{surrogate:?}");
        }
        let none = experience.select(Surrogate::Gaussian, &[], 0, 8).unwrap();
        assert_eq!(none, Vec::<usize>::new());
    }

    /// All errors are equal, and a smaller child costs more, so that the costs alone decide.
    #[test]
    fn the_forest_screens_by_the_costs() {
        let genes = genes();
        let trials: Vec<Trial> = super::super::problem::genomes(&genes)
            .take(10)
            .map(|genome| trial(&genome, 0.5))
            .collect();
        let experience =
            Experience { trials: &trials, archive: &[], worst_error: 1.0, genes: &genes };
        let pool = |costs: fn(f64) -> Vec<f64>| -> Vec<(Genome, Known)> {
            let child = |n: usize| (vec![5, 0, 0, n % 4], (n + 1) as f64);
            let children = (0..20).map(child);
            children.map(|(genome, size)| (genome, Known { costs: costs(size), size })).collect()
        };
        let best =
            |costs, count| experience.select(Surrogate::Forest, &pool(costs), 0, count).unwrap();
        assert_eq!(best(|size| vec![size], 1), [0]);
        assert_eq!(best(|size| vec![100.0 - size], 1), [19]);
        assert_eq!(best(|size| vec![size, 100.0 - size], 20).len(), 20);
    }
}
