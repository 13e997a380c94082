//! Screening of offspring: a surrogate model predicts which children are worth an evaluation.

use super::archive::Member;
use super::partial::Corrections;
use super::problem::{Forecasts, Gene, Genome, Known, Problem};
use super::trial::Trial;
use crate::moea::normalize::{Normalize, Points};
use crate::moea::spea2;
use crate::surrogate::design::{Design, Observation};
use crate::surrogate::expected_improvement::Aim;
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
pub(super) struct Experience<'a, P> {
    /// All trials.
    pub(super) trials: &'a [Trial],
    /// The archive of the search.
    pub(super) archive: &'a [Member],
    /// Errors beyond this one are of no interest.
    pub(super) worst_error: f64,
    /// The space.
    pub(super) problem: &'a P,
}

impl<P: Problem> Experience<'_, P> {
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
        for (gene, choice) in self.problem.genes().iter().zip(genome) {
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

    /// Selects children by expected hypervolume improvement over the error and all costs.
    fn by_expected_improvement(&self, pool: &[(Genome, Known)], count: usize) -> Vec<usize> {
        let corrections = Corrections::of(self.trials);
        let measured: Vec<(&[usize], &[Option<f64>])> =
            self.trials.iter().map(|trial| (&trial.genome[..], &trial.measured[..])).collect();
        let forecasts = self.problem.forecasts(&measured);
        let observation = |trial: &Trial| Observation {
            design: self.design(&trial.genome, &trial.known, &forecasts),
            error: corrections.error(trial),
            in_full: trial.in_full(),
            measured: trial.measured.clone(),
        };
        let observations: Vec<Observation> = self.trials.iter().map(observation).collect();
        let children: Vec<Design> =
            pool.iter().map(|(genome, known)| self.design(genome, known, &forecasts)).collect();
        let labels: Vec<usize> = self.problem.genes().iter().filter_map(Gene::labels).collect();
        let (worst_error, quantities) = (self.worst_error, self.problem.quantities());
        let aim = Aim { labels: &labels, worst_error, quantities };
        aim.select(&children, &observations, count)
    }

    fn design(&self, genome: &[usize], known: &Known, forecasts: &Forecasts<'_>) -> Design {
        let (mut categories, mut quantities) = (Vec::new(), Vec::new());
        for (gene, choice) in self.problem.genes().iter().zip(genome) {
            match gene {
                Gene::Categories { labels, .. } => categories.push(labels[*choice]),
                Gene::Quantities(values) => {
                    quantities.push(*choice as f64 / (values.len() - 1).max(1) as f64);
                }
            }
        }
        let costs = known.costs.iter().map(|cost| cost.log10()).collect();
        let measured = 0..self.problem.quantities().len();
        let forecasts = measured.map(|index| forecasts(genome, index)).collect();
        Design { categories, quantities, costs, forecasts }
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::genomes;
    use super::super::trial::{Extent, Standing};
    use super::*;
    use crate::surrogate::measured::Quantity;
    use crate::surrogate::normal::Normal;

    /// Two categories and two quantities; the size grows with the quantities.
    struct Made {
        genes: Vec<Gene>,
        quantities: Vec<Quantity>,
        /// What is forecast of the logarithm of the quantity, by the first gene.
        forecasts: Vec<f64>,
    }

    fn made() -> Made {
        let quantities = || Gene::Quantities(vec![1.0, 2.0, 4.0, 8.0]);
        let genes = vec![Gene::categories(6), Gene::categories(5), quantities(), quantities()];
        Made { genes, quantities: vec![], forecasts: vec![] }
    }

    impl Problem for Made {
        fn genes(&self) -> &[Gene] {
            &self.genes
        }

        fn canonical(&self, genome: &[usize]) -> Genome {
            genome.to_vec()
        }

        fn known(&self, genome: &[usize]) -> Option<Known> {
            Some(known(genome))
        }

        fn quantities(&self) -> &[Quantity] {
            &self.quantities
        }

        fn forecasts<'a>(&'a self, _: &[(&[usize], &[Option<f64>])]) -> Forecasts<'a> {
            Box::new(|genome, _| {
                self.forecasts.get(genome[0]).map(|mean| Normal { mean: *mean, deviation: 0.1 })
            })
        }
    }

    fn known(genome: &[usize]) -> Known {
        let size = (10 + genome[2] + genome[3]) as f64;
        Known { costs: vec![size], size }
    }

    fn trial(genome: &[usize], error: f64) -> Trial {
        let known = known(genome);
        let objectives = [error].iter().chain(&known.costs).map(|value| Some(*value)).collect();
        let standing = Standing { objectives, extent: Extent::InFull };
        let (score, rungs, measured) = (None, vec![], vec![]);
        Trial { genome: genome.to_vec(), known, score, rungs, measured, standing }
    }

    #[test]
    fn children_like_the_best_trials_are_preferred() {
        let good = |genome: &[usize]| genome[1] == 1;
        let problem = made();
        let all: Vec<Genome> = genomes(&problem.genes).collect();
        let error = |genome: &[usize]| if good(genome) { 0.1 } else { 0.5 };
        let trials: Vec<Trial> =
            all.iter().step_by(12).map(|genome| trial(genome, error(genome))).collect();
        let others = all.iter().enumerate().filter(|(index, _)| index % 12 > 0);
        let pool: Vec<(Genome, Known)> =
            others.step_by(3).map(|(_, genome)| (genome.clone(), known(genome))).collect();
        let experience =
            Experience { trials: &trials, archive: &[], worst_error: 1.0, problem: &problem };
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
        let problem = made();
        let trials: Vec<Trial> =
            genomes(&problem.genes).take(10).map(|genome| trial(&genome, 0.5)).collect();
        let experience =
            Experience { trials: &trials, archive: &[], worst_error: 1.0, problem: &problem };
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
    /// Children alike in all but a gene without effect on error and cost, by which a measured
    /// quantity differs.
    #[test]
    fn of_equal_children_the_one_likely_within_a_limit_is_selected() {
        let quantity = |genome: &[usize]| if genome[0] < 3 { 1e-3 } else { 1e-2 };
        let trial = |genome: &Genome| Trial {
            measured: vec![Some(quantity(genome))],
            ..trial(genome, 0.5 - 0.1 * genome[3] as f64)
        };
        let trials: Vec<Trial> = genomes(&made().genes).step_by(7).map(|g| trial(&g)).collect();
        let pool: Vec<(Genome, Known)> = (0..6)
            .map(|first| vec![first, 3, 0, 3])
            .map(|genome| (genome.clone(), known(&genome)))
            .collect();
        let selected = |limit, cost, forecasts: &[f64], trials: &[Trial]| {
            let quantities = vec![Quantity { cost, limit }];
            let problem = Made { quantities, forecasts: forecasts.to_vec(), ..made() };
            let problem = &problem;
            let known = Experience { trials, archive: &[], worst_error: 1.0, problem };
            let mut selected = known.select(Surrogate::Gaussian, &pool, 0, 3).unwrap();
            selected.sort_unstable();
            selected
        };
        assert_eq!(selected(Some(3e-3), None, &[], &trials), [0, 1, 2]);
        assert_ne!(selected(None, None, &[], &trials), [0, 1, 2]);
        // As a cost, in place of the size.
        assert_eq!(selected(None, Some(0), &[], &trials), [0, 1, 2]);
        // Too few to learn from.
        let few: Vec<Trial> = trials.iter().take(7).cloned().collect();
        assert_eq!(selected(Some(3e-3), None, &[], &few), selected(None, None, &[], &few));
        // Forecasts precede what was learned.
        let forecasts = [-2.0, -2.0, -3.0, -3.0, -2.0, -3.0];
        assert_eq!(selected(Some(3e-3), None, &forecasts, &trials), [2, 3, 5]);
        assert_eq!(selected(Some(3e-3), None, &forecasts[..5], &trials), [0, 1, 2]);
    }
}
