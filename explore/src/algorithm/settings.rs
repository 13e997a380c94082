//! Settings of the algorithm.

use common::profile::{MatingFitness, Strategy, Surrogate};

/// Settings of the algorithm.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Settings {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Strategy that selects the archive and the next population.
    pub strategy: Strategy,
    /// Fitness that decides SPEA-II's tournaments.
    pub fitness: MatingFitness,
    /// Model that screens offspring before any evaluation.
    pub surrogate: Option<Surrogate>,
    /// Errors beyond this one are of no interest to a Gaussian process; `None` if that is to be found
    /// from the trials.
    pub worst_error: Option<f64>,
    /// Number of genomes in a population.
    pub population: usize,
    /// Number of genomes in the archive.
    pub archive_size: usize,
}
