//! Mating selection: binary tournaments between the members of the archive.

use super::archive::{Member, objective_vectors};
use super::settings::Settings;
use super::trial::Trial;
use crate::moea::nsga2;
use common::profile::{MatingFitness, Strategy};
use rand::{Rng, RngExt};

/// Returns the key of each member of the archive that tournaments compare; the smaller key wins.
pub(super) fn tournament_keys(
    archive: &[Member],
    trials: &[Trial],
    settings: &Settings,
) -> Vec<(u64, f64)> {
    match (settings.strategy, settings.fitness) {
        (Strategy::Nsga2, _) => {
            let points = objective_vectors(archive.iter().map(|m| &trials[m.trial].standing));
            let ranks = nsga2::ranks(&points);
            let crowding = nsga2::crowding(&points, &ranks);
            ranks.iter().zip(crowding).map(|(rank, crowding)| (*rank as u64, -crowding)).collect()
        }
        (Strategy::Spea2 | Strategy::Random, MatingFitness::Spea2) => {
            archive.iter().map(|member| (member.raw_fitness, member.density)).collect()
        }
        (Strategy::Spea2 | Strategy::Random, MatingFitness::Score) => {
            archive.iter().map(|m| (0, -trials[m.trial].score.unwrap_or(0.0))).collect()
        }
    }
}

/// Returns the index of the winner of a binary tournament with replacement.
pub(super) fn tournament(keys: &[(u64, f64)], rng: &mut impl Rng) -> usize {
    let [a, b] = [(); 2].map(|()| rng.random_range(0..keys.len()));
    if keys[b] < keys[a] { b } else { a }
}
