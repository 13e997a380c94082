//! Screening of offspring: a surrogate model predicts which children are worth a training.

use super::state::SearchState;
use crate::moea::normalize::{Normalize, Points};
use crate::moea::spea2;
use crate::surrogate::expected_improvement::{self, Design, Observation};
use crate::surrogate::random_forest;
use anyhow::Result;
use common::network::activation::Activation;
use common::network::counts::Counts;
use common::profile::Surrogate;
use common::search::config::SearchConfig;
use common::search::evaluation::Evaluation;
use common::search::genome::{Genome, Optimizer};

/// Returns the number of children that are screened for each one that is trained.
pub(super) fn children_per_training(surrogate: Surrogate) -> usize {
    match surrogate {
        Surrogate::Forest => 10,
        Surrogate::Gaussian => 40,
    }
}

/// Returns the positions in `pool` of the `count` most promising children.
///
/// # Errors
/// Fails if the random forest cannot be fitted, or if a genome is outside the space.
pub(super) fn select(
    surrogate: Surrogate,
    pool: &[(Genome, Counts)],
    state: &SearchState,
    config: &SearchConfig,
    count: usize,
) -> Result<Vec<usize>> {
    match surrogate {
        Surrogate::Forest => by_fitness(pool, state, config, count),
        Surrogate::Gaussian => by_expected_improvement(pool, state, config, count),
    }
}

/// Selects the best children by SPEA-II's fitness over the objectives of the search, in the union
/// with the archive. Errors are predicted by a random forest; objectives that are known only once a
/// network is generated or measured are represented by its multiply-adds, of children and archive
/// alike ([`common::search::objective::Objective::proxy`]).
fn by_fitness(
    pool: &[(Genome, Counts)],
    state: &SearchState,
    config: &SearchConfig,
    count: usize,
) -> Result<Vec<usize>> {
    let errors = predict_errors(pool, state, config.seed)?;
    let point = |error: f64, counts: Counts| -> Vec<f64> {
        config.search.objectives.iter().map(|objective| objective.proxy(error, counts)).collect()
    };
    let children = pool.iter().zip(&errors).map(|((_, counts), error)| point(*error, *counts));
    let archive = state.archive.individuals.iter().map(|individual| &individual.evaluation);
    let archive = archive.map(|e| point(e.objectives()[0], counts_of(e)));
    let points = Points::new(children.chain(archive).collect(), Normalize::LogMinmax)?;
    let fitness = spea2::fitness(&points);
    let mut order: Vec<usize> = (0..pool.len()).collect();
    let key = |child: usize| (fitness.raw_fitness[child], fitness.density[child]);
    order.sort_by(|a, b| key(*a).partial_cmp(&key(*b)).unwrap_or(std::cmp::Ordering::Equal));
    order.truncate(count);
    Ok(order)
}

fn predict_errors(pool: &[(Genome, Counts)], state: &SearchState, seed: u64) -> Result<Vec<f64>> {
    let known = &state.evaluations;
    let samples = known.iter().map(|e| features(&e.genome, e.parameters)).collect();
    let errors = known.iter().map(|e| e.objectives()[0]).collect();
    let children =
        pool.iter().map(|(genome, counts)| features(genome, counts.parameters)).collect();
    random_forest::predict(&samples, &errors, &children, seed)
}

/// Encodes a genome as numbers: one per activation on each side and per optimizer (one-hot), and
/// the sizes.
fn features(genome: &Genome, parameters: u64) -> Vec<f64> {
    let canonical = genome.canonical();
    let is = |same: bool| f64::from(u8::from(same));
    let lefts = Activation::ALL.iter().map(|a| is(*a == genome.left_activation));
    let rights = Activation::ALL.iter().map(|a| is(*a == canonical.right_activation));
    let optimizers = Optimizer::ALL.iter().map(|o| is(*o == genome.optimizer));
    let sizes = [genome.condense_layers, genome.feature_extraction_layers, genome.kernel_size]
        .map(|n| n as f64);
    lefts
        .chain(rights)
        .chain(optimizers)
        .chain(sizes)
        .chain([(parameters as f64).log10()])
        .collect()
}

/// Selects children by expected hypervolume improvement over the error and the second objective.
fn by_expected_improvement(
    pool: &[(Genome, Counts)],
    state: &SearchState,
    config: &SearchConfig,
    count: usize,
) -> Result<Vec<usize>> {
    let observation = |evaluation: &Evaluation| -> Result<Observation> {
        Ok(Observation {
            design: design(&evaluation.genome, counts_of(evaluation), config)?,
            error: evaluation.objectives()[0],
            in_full: evaluation.is_fully_trained(),
        })
    };
    let observations = state.evaluations.iter().map(observation).collect::<Result<Vec<_>>>()?;
    let children = pool
        .iter()
        .map(|(genome, counts)| design(genome, *counts, config))
        .collect::<Result<Vec<_>>>()?;
    Ok(expected_improvement::select(&children, &observations, count))
}

fn design(genome: &Genome, counts: Counts, config: &SearchConfig) -> Result<Design> {
    let positions = config.space.positions(genome)?;
    let sizes = config.space.sizes();
    let share = |gene: usize| positions[gene] as f64 / (sizes[gene] - 1).max(1) as f64;
    let right = genome.canonical().right_activation as usize;
    Ok(Design {
        categories: [genome.left_activation as usize, right, genome.optimizer as usize],
        quantities: [share(2), share(3), share(4)],
        size: config.search.objectives[1].proxy(0.0, counts).max(1.0).log10(),
    })
}

fn counts_of(evaluation: &Evaluation) -> Counts {
    Counts { parameters: evaluation.parameters, macs: evaluation.macs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, count, search};

    #[test]
    fn children_like_the_best_evaluations_are_preferred() {
        let config = config(40, 2);
        let good = |genome: &Genome| genome.optimizer == Optimizer::Sgd;
        let state = search(&config, |c| Ok(if good(&c.genome) { 0.9 } else { 0.5 }));
        let unseen = config
            .space
            .genomes()
            .filter(|g| state.evaluations.iter().all(|e| e.genome.canonical() != *g));
        let pool: Vec<(Genome, Counts)> =
            unseen.step_by(3).map(|g| (g, count(&g).unwrap())).collect();
        for surrogate in [Surrogate::Forest, Surrogate::Gaussian] {
            let selected = select(surrogate, &pool, &state, &config, 8).unwrap();
            assert_eq!(selected, select(surrogate, &pool, &state, &config, 8).unwrap());
            assert_eq!(selected.len(), 8);
            assert!(selected.iter().filter(|child| good(&pool[**child].0)).count() >= 6);
        }
        let selected = select(Surrogate::Gaussian, &[], &state, &config, 8).unwrap();
        assert_eq!(selected, Vec::<usize>::new());
    }

    /// All errors are equal, and a child with fewer parameters has more multiply-adds, so that the
    /// objectives alone decide.
    #[test]
    fn the_forest_screens_by_the_objectives_of_the_search() {
        use common::search::objective::Objective::{
            ArenaBytes, EnergyJ, Error, FlashBytes, LatencyS, Macs, Params,
        };
        let mut config = config(10, 1);
        let mut state = search(&config, |_| Ok(0.5));
        state.archive.individuals.clear();
        let unseen = config
            .space
            .genomes()
            .filter(|g| state.evaluations.iter().all(|e| e.genome.canonical() != *g));
        let counts = (1..=20).map(|n| Counts { parameters: n, macs: 100 - n });
        let pool: Vec<(Genome, Counts)> = unseen.zip(counts).collect();
        let selected = |config: &SearchConfig, count| {
            select(Surrogate::Forest, &pool, &state, config, count).unwrap()
        };
        for (objective, best) in [
            (Params, 0),
            (Macs, 19),
            (ArenaBytes, 19),
            (FlashBytes, 0),
            (LatencyS, 19),
            (EnergyJ, 19),
        ] {
            config.search.objectives = vec![Error, objective];
            assert_eq!(selected(&config, 1), [best], "{objective}");
        }
        config.search.objectives = vec![Error, Params, Macs];
        assert_eq!(selected(&config, 20).len(), 20);
    }
}
