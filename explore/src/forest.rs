//! Screening of offspring: a random forest (Breiman 2001) learns errors from the genes of what was trained.

use crate::controller::Search;
use crate::normalize::{Normalize, Points};
use crate::spea2;
use anyhow::{Result, anyhow};
use common::activation::Activation;
use common::counts::Counts;
use common::genome::{Genome, Optimizer};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

/// How many children are screened for each that is trained.
pub const POOL: usize = 10;
const TREES: usize = 60;
/// Fewest trainings in the leaf of a tree.
const LEAF: usize = 2;
/// Gene values that a tree may split by, at random, of all.
const FEATURES: usize = 9;

/// The places of the `size` most promising children: the best by SPEA-II's fitness over predicted errors and parameters,
/// together with the archive.
///
/// # Errors
/// The forest cannot be grown.
pub fn choose(pool: &[(Genome, Counts)], search: &Search, size: usize, seed: u64) -> Result<Vec<usize>> {
    let errors = predict(pool, search, seed)?;
    let children = pool.iter().zip(&errors).map(|((_, counts), error)| vec![*error, counts.parameters as f64]);
    let archive = search.archive.individuals.iter().map(|i| i.evaluation.objectives().to_vec());
    let points = Points::new(children.chain(archive).collect(), Normalize::LogMinmax)?;
    let fitness = spea2::fitness(&points);
    let mut order: Vec<usize> = (0..pool.len()).collect();
    let key = |child: usize| (fitness.raw_fitness[child], fitness.density[child]);
    order.sort_by(|a, b| key(*a).partial_cmp(&key(*b)).unwrap_or(std::cmp::Ordering::Equal));
    order.truncate(size);
    Ok(order)
}

/// Predicted errors.
fn predict(pool: &[(Genome, Counts)], search: &Search, seed: u64) -> Result<Vec<f64>> {
    let known = &search.evaluations;
    let rows: Vec<Vec<f64>> = known.iter().map(|e| features(&e.genome, e.parameters)).collect();
    let errors: Vec<f64> = known.iter().map(|e| e.objectives()[0]).collect();
    let failed = |error| anyhow!("the random forest failed: {error}");
    let mut parameters = RandomForestRegressorParameters::default().with_n_trees(TREES).with_min_samples_leaf(LEAF);
    parameters.m = Some(FEATURES);
    parameters.seed = seed;
    let matrix = |rows: &Vec<Vec<f64>>| DenseMatrix::from_2d_vec(rows).map_err(failed);
    let forest = RandomForestRegressor::fit(&matrix(&rows)?, &errors, parameters).map_err(failed)?;
    let children: Vec<Vec<f64>> = pool.iter().map(|(genome, counts)| features(genome, counts.parameters)).collect();
    forest.predict(&matrix(&children)?).map_err(failed)
}

/// A genome in numbers: a place for each activation and optimizer, and the sizes.
fn features(genome: &Genome, parameters: u64) -> Vec<f64> {
    let canonical = genome.canonical();
    let is = |same: bool| f64::from(u8::from(same));
    let lefts = Activation::ALL.iter().map(|a| is(*a == genome.left_activation));
    let rights = Activation::ALL.iter().map(|a| is(*a == canonical.right_activation));
    let optimizers = Optimizer::ALL.iter().map(|o| is(*o == genome.optimizer));
    let sizes = [genome.condense_layers, genome.feature_extraction_layers, genome.kernel_size].map(|n| n as f64);
    lefts.chain(rights).chain(optimizers).chain(sizes).chain([(parameters as f64).log10()]).collect()
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
        let unseen = config.space.genomes().filter(|g| search.evaluations.iter().all(|e| e.genome.canonical() != *g));
        let pool: Vec<(Genome, Counts)> = unseen.step_by(3).map(|g| (g, count(&g).unwrap())).collect();
        let chosen = choose(&pool, &search, 8, 1).unwrap();
        assert_eq!(chosen, choose(&pool, &search, 8, 1).unwrap());
        assert_eq!(chosen.len(), 8);
        assert!(chosen.iter().filter(|place| good(&pool[**place].0)).count() >= 6);
    }
}
