//! Random forest regression (Breiman 2001).

use anyhow::{Result, anyhow};
use smartcore::ensemble::random_forest_regressor::{
    RandomForestRegressor, RandomForestRegressorParameters,
};
use smartcore::linalg::basic::matrix::DenseMatrix;

const TREES: usize = 60;
/// Smallest number of samples in a leaf.
const LEAF: usize = 2;
/// Number of features, drawn at random, that a node may split by.
const SPLIT_FEATURES: usize = 9;

/// Fits a forest to `targets` at the feature vectors `samples` and predicts the targets at
/// `queries`.
///
/// # Errors
/// Fails if the forest cannot be fitted.
pub fn predict(
    samples: &Vec<Vec<f64>>,
    targets: &Vec<f64>,
    queries: &Vec<Vec<f64>>,
    seed: u64,
) -> Result<Vec<f64>> {
    let failed = |error| anyhow!("the random forest failed: {error}");
    let mut parameters =
        RandomForestRegressorParameters::default().with_n_trees(TREES).with_min_samples_leaf(LEAF);
    parameters.m = Some(SPLIT_FEATURES);
    parameters.seed = seed;
    let matrix = |rows: &Vec<Vec<f64>>| DenseMatrix::from_2d_vec(rows).map_err(failed);
    let forest =
        RandomForestRegressor::fit(&matrix(samples)?, targets, parameters).map_err(failed)?;
    forest.predict(&matrix(queries)?).map_err(failed)
}
