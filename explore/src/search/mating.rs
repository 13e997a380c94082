//! Mating selection: binary tournaments between the members of the archive.

use super::archive::objective_vectors;
use crate::moea::nsga2;
use common::profile::{MatingFitness, SearchSettings, Strategy};
use common::search::archive::Individual;
use rand::{Rng, RngExt};

/// Returns the key of each individual that tournaments compare; the smaller key wins.
pub(super) fn tournament_keys(
    individuals: &[Individual],
    settings: &SearchSettings,
) -> Vec<(u64, f64)> {
    match (settings.strategy, settings.fitness) {
        (Strategy::Nsga2, _) => {
            let evaluations = individuals.iter().map(|individual| &individual.evaluation);
            let points = objective_vectors(evaluations, &settings.objectives);
            let ranks = nsga2::ranks(&points);
            let crowding = nsga2::crowding(&points, &ranks);
            ranks.iter().zip(crowding).map(|(rank, crowding)| (*rank as u64, -crowding)).collect()
        }
        (Strategy::Spea2 | Strategy::Random, MatingFitness::Spea2) => {
            individuals.iter().map(|i| (i.raw_fitness, i.density)).collect()
        }
        (Strategy::Spea2 | Strategy::Random, MatingFitness::Score) => {
            individuals.iter().map(|i| (0, -i.nid.unwrap_or(0.0))).collect()
        }
    }
}

/// Returns the index of the winner of a binary tournament with replacement.
pub(super) fn tournament(keys: &[(u64, f64)], rng: &mut impl Rng) -> usize {
    let [a, b] = [(); 2].map(|()| rng.random_range(0..keys.len()));
    if keys[b] < keys[a] { b } else { a }
}
