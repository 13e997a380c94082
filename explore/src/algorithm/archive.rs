//! Environmental selection: the next archive from the union of population and archive (TIK-Report
//! 103, step 3).

use super::settings::Settings;
use super::trial::{Extent, Standing, Trial};
use crate::moea::dominance::dominates;
use crate::moea::normalize::{Normalize, Points};
use crate::moea::{nsga2, spea2};
use anyhow::Result;
use common::profile::Strategy;

/// A member of the archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Index of its trial.
    pub trial: usize,
    /// Whether it is dominated by no trial in full.
    pub on_front: bool,
    /// Number of trials of the union that it dominates.
    pub strength: u64,
    /// Sum of the strengths of the trials that dominate it.
    pub raw_fitness: u64,
    /// Density of the union around it ([`spea2::Fitness::density`]).
    pub density: f64,
}

/// Returns the members of the next archive, sorted by size, error and age. `union` has the indices
/// of population and archive.
///
/// Environmental selection considers trials in full alone: what a part of a training says is too
/// little to displace a whole one. Vacant places go to stopped trials, then to failed ones, each
/// selected among themselves. Strength, raw fitness and density are those in the whole union.
///
/// # Errors
/// Fails if an objective has no logarithm, such as a latency of 0.
pub(super) fn select(
    union: &[usize],
    trials: &[Trial],
    settings: &Settings,
) -> Result<Vec<Member>> {
    let all = objective_vectors(trials.iter().map(|trial| &trial.standing));
    let objectives: Vec<Vec<f64>> = union.iter().map(|index| all[*index].clone()).collect();
    let fitness = spea2::fitness(&Points::new(objectives.clone(), Normalize::LogMinmax)?);
    let mut selected = Vec::new();
    for extent in Extent::ALL {
        let of_extent = |index: &usize| trials[union[*index]].standing.extent == extent;
        selected.extend(select_among(
            (0..union.len()).filter(of_extent).collect(),
            &objectives,
            settings.archive_size - selected.len(),
            settings.strategy,
        )?);
    }
    let standings: Vec<&Standing> = trials.iter().map(|trial| &trial.standing).collect();
    let member = |index: usize| Member {
        trial: union[index],
        on_front: on_front(union[index], &standings, &all),
        strength: fitness.strength[index],
        raw_fitness: fitness.raw_fitness[index],
        density: fitness.density[index],
    };
    let mut members: Vec<Member> = selected.into_iter().map(member).collect();
    members.sort_by(|a, b| {
        let (first, second) = (&trials[a.trial], &trials[b.trial]);
        let by_size = first.known.size.total_cmp(&second.known.size);
        by_size.then(first.error().total_cmp(&second.error())).then(a.trial.cmp(&b.trial))
    });
    Ok(members)
}

/// Selects at most `size` of some members, among themselves alone.
fn select_among(
    members: Vec<usize>,
    objectives: &[Vec<f64>],
    size: usize,
    strategy: Strategy,
) -> Result<Vec<usize>> {
    let objectives: Vec<Vec<f64>> =
        members.iter().map(|member| objectives[*member].clone()).collect();
    let selected = match strategy {
        Strategy::Spea2 | Strategy::Random => {
            let points = Points::new(objectives, Normalize::LogMinmax)?;
            spea2::environmental_selection(&points, &spea2::fitness(&points), size)
        }
        Strategy::Nsga2 => nsga2::select(&objectives, size),
    };
    Ok(selected.into_iter().map(|index| members[index]).collect())
}

/// Returns the vector of objectives of each evaluation. An unknown value, such as the latency of a
/// network whose training failed, is replaced by the largest known one, or by 1 if there is none.
pub(super) fn objective_vectors<'a>(
    standings: impl Iterator<Item = &'a Standing> + Clone,
) -> Vec<Vec<f64>> {
    let largest = |objective: usize| {
        let known = standings.clone().filter_map(|standing| standing.objectives[objective]);
        known.reduce(f64::max).unwrap_or(1.0)
    };
    let objectives = standings.clone().next().map_or(0, |standing| standing.objectives.len());
    let largest: Vec<f64> = (0..objectives).map(largest).collect();
    let of = |standing: &Standing| {
        standing.objectives.iter().zip(&largest).map(|(o, largest)| o.unwrap_or(*largest)).collect()
    };
    standings.clone().map(of).collect()
}

/// Returns whether an evaluation in full is dominated by no other one in full. The archive does not
/// suffice to decide this, since truncation may have dropped a dominating individual. A failed or
/// stopped one is never on the front and dominates nothing, because the search cannot offer its
/// network instead. `points` has the objectives of all evaluations.
fn on_front(index: usize, standings: &[&Standing], points: &[Vec<f64>]) -> bool {
    let in_full = |standing: &Standing| standing.extent == Extent::InFull;
    let dominated = |(other, point): (&&Standing, &Vec<f64>)| {
        in_full(other) && dominates(point, &points[index])
    };
    in_full(standings[index]) && !standings.iter().zip(points).any(dominated)
}

/// Returns the indices of the evaluations that are on the front.
pub fn front(standings: &[&Standing]) -> Vec<usize> {
    let points = objective_vectors(standings.iter().copied());
    (0..standings.len()).filter(|index| on_front(*index, standings, &points)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::problem::Known;
    use super::*;
    use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    fn standing(objectives: &[Option<f64>], extent: Extent) -> Standing {
        Standing { objectives: objectives.to_vec(), extent }
    }

    #[test]
    fn an_unknown_objective_counts_as_the_worst_known_one() {
        let of = |energies: [Option<f64>; 3]| {
            let standings = [0.5, 1.0, 0.5].iter().zip(energies);
            let standings: Vec<Standing> = standings
                .map(|(error, energy)| standing(&[Some(*error), energy], Extent::InFull))
                .collect();
            objective_vectors(standings.iter())
        };
        assert_eq!(of([None; 3]), [[0.5, 1.0], [1.0, 1.0], [0.5, 1.0]]);
        let known = of([Some(0.25), None, Some(0.75)]);
        assert_eq!(known, [[0.5, 0.25], [1.0, 0.75], [0.5, 0.75]]);
    }

    #[test]
    fn a_stopped_evaluation_dominates_nothing() {
        let (good, bad) = ([Some(0.1), Some(5.0)], [Some(0.2), Some(5.0)]);
        let front_with =
            |extent| front(&[&standing(&bad, Extent::InFull), &standing(&good, extent)]);
        assert_eq!(front_with(Extent::InFull), [1]);
        assert_eq!(front_with(Extent::Stopped), [0]);
    }

    /// Error in twentieths, size, and how far the evaluation came.
    type Drawn = (u8, u64, Extent);

    fn drawn() -> impl proptest::strategy::Strategy<Value = Vec<Drawn>> {
        let extent = prop_oneof![
            3 => Just(Extent::InFull), 4 => Just(Extent::Stopped), 1 => Just(Extent::Failed)
        ];
        proptest::collection::vec((0u8..20, 1u64..30, extent), 1..60)
    }

    fn trial(&(error, size, extent): &Drawn) -> Trial {
        let error = if extent == Extent::Failed { 1.0 } else { f64::from(error) / 20.0 };
        let size = size as f64;
        Trial {
            genome: vec![0],
            known: Known { costs: vec![size], size },
            score: None,
            rungs: vec![],
            measured: vec![],
            standing: standing(&[Some(error), Some(size)], extent),
        }
    }

    /// Returns the archives of a search in populations of 5, to which some trials belong.
    fn archives(
        all: &[Trial],
        settings: &Settings,
        takes_part: fn(&Trial) -> bool,
    ) -> Vec<Vec<Member>> {
        let mut archives: Vec<Vec<Member>> = Vec::new();
        for end in (5..all.len() + 5).step_by(5).map(|end| end.min(all.len())) {
            let population = (5 * archives.len()..end).filter(|index| takes_part(&all[*index]));
            let archived = archives.last().into_iter().flatten().map(|member| member.trial);
            let union: Vec<usize> = population.chain(archived).collect();
            archives.push(select(&union, &all[..end], settings).unwrap());
        }
        archives
    }

    proptest! {
        /// Stopped and failed trials change nothing among trials in full, which are selected and
        /// marked as if there were no others; and no place stays vacant.
        #[test]
        fn a_stopped_trial_displaces_none_in_full(
            drawn in drawn(), archive_size in 1usize..12, nsga2 in any::<bool>(),
        ) {
            let all: Vec<Trial> = drawn.iter().map(trial).collect();
            let strategy = if nsga2 { Strategy::Nsga2 } else { Strategy::Spea2 };
            let settings = Settings { archive_size, strategy, ..Settings::default() };
            let mixed = archives(&all, &settings, |_| true);
            let alone = archives(&all, &settings, Trial::in_full);
            for (iteration, (mixed, alone)) in mixed.iter().zip(&alone).enumerate() {
                let in_full = |archive: &[Member]| -> Vec<(usize, bool)> {
                    let in_full = archive.iter().filter(|member| all[member.trial].in_full());
                    in_full.map(|member| (member.trial, member.on_front)).collect()
                };
                prop_assert_eq!(in_full(mixed), in_full(alone));
                prop_assert!(mixed.iter().all(|m| all[m.trial].in_full() || !m.on_front));
                prop_assert_eq!(mixed.len(), archive_size.min(all.len()).min(5 * (iteration + 1)));
            }
        }
    }
}
