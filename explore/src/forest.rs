//! Screening of offspring: a random forest (Breiman 2001) learns errors from the genes of what was
//! trained.

use crate::controller::Search;
use crate::moea::normalize::{Normalize, Points};
use crate::moea::spea2;
use anyhow::{Result, anyhow};
use common::activation::Activation;
use common::counts::Counts;
use common::genome::{Genome, Optimizer};
use common::search_files::SearchConfig;
use smartcore::ensemble::random_forest_regressor::{
    RandomForestRegressor, RandomForestRegressorParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;

/// How many children are screened for each that is trained.
pub const POOL: usize = 10;
const TREES: usize = 60;
/// Fewest trainings in the leaf of a tree.
const LEAF: usize = 2;
/// Gene values that a tree may split by, at random, of all.
const FEATURES: usize = 9;

/// The places of the `count` most promising children: the best by SPEA-II's fitness over the
/// search's objectives, together with the archive. Errors are predicted; what is known of a network
/// only once it is generated or measured is represented by its multiply-adds, of children and
/// archive alike ([`common::objective::Objective::before`]).
///
/// # Errors
/// The forest cannot be grown.
pub fn choose(
    pool: &[(Genome, Counts)],
    search: &Search,
    config: &SearchConfig,
    count: usize,
) -> Result<Vec<usize>> {
    let errors = predict(pool, search, config.seed)?;
    let point = |error: f64, counts: Counts| -> Vec<f64> {
        config.search.objectives.iter().map(|objective| objective.before(error, counts)).collect()
    };
    let children = pool.iter().zip(&errors).map(|((_, counts), error)| point(*error, *counts));
    let archive = search.archive.individuals.iter().map(|i| &i.evaluation);
    let archive = archive
        .map(|e| point(e.objectives()[0], Counts { parameters: e.parameters, macs: e.macs }));
    let points = Points::new(children.chain(archive).collect(), Normalize::LogMinmax)?;
    let fitness = spea2::fitness(&points);
    let mut order: Vec<usize> = (0..pool.len()).collect();
    let key = |child: usize| (fitness.raw_fitness[child], fitness.density[child]);
    order.sort_by(|a, b| key(*a).partial_cmp(&key(*b)).unwrap_or(std::cmp::Ordering::Equal));
    order.truncate(count);
    Ok(order)
}

/// Predicted errors.
fn predict(pool: &[(Genome, Counts)], search: &Search, seed: u64) -> Result<Vec<f64>> {
    let known = &search.evaluations;
    let rows: Vec<Vec<f64>> = known.iter().map(|e| features(&e.genome, e.parameters)).collect();
    let errors: Vec<f64> = known.iter().map(|e| e.objectives()[0]).collect();
    let failed = |error| anyhow!("the random forest failed: {error}");
    let mut parameters =
        RandomForestRegressorParameters::default().with_n_trees(TREES).with_min_samples_leaf(LEAF);
    parameters.m = Some(FEATURES);
    parameters.seed = seed;
    let matrix = |rows: &Vec<Vec<f64>>| DenseMatrix::from_2d_vec(rows).map_err(failed);
    let forest =
        RandomForestRegressor::fit(&matrix(&rows)?, &errors, parameters).map_err(failed)?;
    let children: Vec<Vec<f64>> =
        pool.iter().map(|(genome, counts)| features(genome, counts.parameters)).collect();
    forest.predict(&matrix(&children)?).map_err(failed)
}

/// A genome in numbers: a place for each activation and optimizer, and the sizes.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config, count, search};

    #[test]
    fn it_prefers_what_did_well() {
        let config = config(40, 2);
        let good = |genome: &Genome| genome.optimizer == Optimizer::Sgd;
        let search = search(&config, |c| Ok(if good(&c.genome) { 0.9 } else { 0.5 }));
        let unseen = config
            .space
            .genomes()
            .filter(|g| search.evaluations.iter().all(|e| e.genome.canonical() != *g));
        let pool: Vec<(Genome, Counts)> =
            unseen.step_by(3).map(|g| (g, count(&g).unwrap())).collect();
        let chosen = choose(&pool, &search, &config, 8).unwrap();
        assert_eq!(chosen, choose(&pool, &search, &config, 8).unwrap());
        assert_eq!(chosen.len(), 8);
        assert!(chosen.iter().filter(|place| good(&pool[**place].0)).count() >= 6);
    }

    /// All errors are alike, and whoever has fewer parameters has more multiply-adds: the
    /// objectives alone decide.
    #[test]
    fn it_screens_by_the_objectives_of_the_search() {
        use common::objective::Objective::{ArenaBytes, EnergyJ, Error, LatencyS, Macs, Params};
        let mut config = config(10, 1);
        let mut search = search(&config, |_| Ok(0.5));
        search.archive.individuals.clear();
        let unseen = config
            .space
            .genomes()
            .filter(|g| search.evaluations.iter().all(|e| e.genome.canonical() != *g));
        let counts = (1..=20).map(|n| Counts { parameters: n, macs: 100 - n });
        let pool: Vec<(Genome, Counts)> = unseen.zip(counts).collect();
        for (objective, best) in
            [(Params, 0), (Macs, 19), (ArenaBytes, 19), (LatencyS, 19), (EnergyJ, 19)]
        {
            config.search.objectives = vec![Error, objective];
            assert_eq!(choose(&pool, &search, &config, 1).unwrap(), [best], "{objective}");
        }
        config.search.objectives = vec![Error, Params, Macs];
        assert_eq!(choose(&pool, &search, &config, 20).unwrap().len(), 20);
    }
}
