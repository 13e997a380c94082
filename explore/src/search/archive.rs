//! Environmental selection: the next archive from the union of population and archive (TIK-Report
//! 103, step 3).

use crate::moea::dominance::dominates;
use crate::moea::normalize::{Normalize, Points};
use crate::moea::{nsga2, spea2};
use anyhow::Result;
use common::network::counts;
use common::profile::{SearchSettings, Strategy};
use common::search::archive::Individual;
use common::search::evaluation::Evaluation;
use common::search::objective::Objective;
use common::search::requirements::Requirements;

/// Returns the members of the next archive, each with its index in `evaluations`, sorted by
/// parameters, error and age. `union` has the indices of population and archive.
///
/// Environmental selection considers trainings in full alone: the accuracy after a part of a
/// training says too little to displace that of a whole one. Vacant places go to stopped trainings,
/// then to failed ones, each selected among themselves. Strength, raw fitness and density are those
/// in the whole union.
///
/// # Errors
/// Fails if an objective has no logarithm, such as a latency of 0.
pub fn select(
    union: &[usize],
    evaluations: &[Evaluation],
    settings: &SearchSettings,
) -> Result<Vec<(usize, Individual)>> {
    let all = objective_vectors(evaluations.iter(), &settings.objectives);
    let objectives: Vec<Vec<f64>> = union.iter().map(|index| all[*index].clone()).collect();
    let fitness = spea2::fitness(&Points::new(objectives.clone(), Normalize::LogMinmax)?);
    let mut selected = Vec::new();
    for kind in Kind::ALL {
        let members =
            (0..union.len()).filter(|index| Kind::of(&evaluations[union[*index]]) == kind);
        selected.extend(select_among(
            members.collect(),
            &objectives,
            settings.archive_size - selected.len(),
            settings,
        )?);
    }
    let individual = |index: usize| {
        let evaluation = &evaluations[union[index]];
        let individual = Individual {
            nid: evaluation
                .accuracy
                .map(|a| counts::network_information_density(a, evaluation.parameters)),
            on_front: on_front(union[index], evaluations, &all),
            strength: fitness.strength[index],
            raw_fitness: fitness.raw_fitness[index],
            density: fitness.density[index],
            evaluation: evaluation.clone(),
        };
        (union[index], individual)
    };
    let mut individuals: Vec<(usize, Individual)> = selected.into_iter().map(individual).collect();
    let error = |individual: &Individual| individual.evaluation.objectives()[0];
    let age =
        |individual: &Individual| (individual.evaluation.iteration, individual.evaluation.index);
    individuals.sort_by(|(_, a), (_, b)| {
        let by_parameters = a.evaluation.parameters.cmp(&b.evaluation.parameters);
        by_parameters.then(error(a).total_cmp(&error(b))).then(age(a).cmp(&age(b)))
    });
    Ok(individuals)
}

/// How far a training came; kinds that are selected first precede.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    InFull,
    Stopped,
    Failed,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::InFull, Kind::Stopped, Kind::Failed];

    fn of(evaluation: &Evaluation) -> Kind {
        match (evaluation.accuracy, evaluation.stopped_after) {
            (None, _) => Kind::Failed,
            (Some(_), Some(_)) => Kind::Stopped,
            (Some(_), None) => Kind::InFull,
        }
    }
}

/// Selects at most `size` of some members, among themselves alone.
fn select_among(
    members: Vec<usize>,
    objectives: &[Vec<f64>],
    size: usize,
    settings: &SearchSettings,
) -> Result<Vec<usize>> {
    let objectives: Vec<Vec<f64>> =
        members.iter().map(|member| objectives[*member].clone()).collect();
    let selected = match settings.strategy {
        Strategy::Spea2 | Strategy::Random => {
            let points = Points::new(objectives, Normalize::LogMinmax)?;
            spea2::environmental_selection(&points, &spea2::fitness(&points), size)
        }
        Strategy::Nsga2 => nsga2::select(&objectives, size),
    };
    Ok(selected.into_iter().map(|index| members[index]).collect())
}

/// Returns the objective vector of each evaluation. An unknown value, such as the latency of a
/// network whose training failed, is replaced by the largest known one, or by 1 if there is none.
pub fn objective_vectors<'a>(
    evaluations: impl Iterator<Item = &'a Evaluation> + Clone,
    objectives: &[Objective],
) -> Vec<Vec<f64>> {
    let largest = |objective: &Objective| {
        evaluations.clone().filter_map(|e| e.objective(*objective)).reduce(f64::max)
    };
    let largest: Vec<f64> =
        objectives.iter().map(|objective| largest(objective).unwrap_or(1.0)).collect();
    let of = |evaluation: &Evaluation| {
        objectives
            .iter()
            .zip(&largest)
            .map(|(o, largest)| evaluation.objective(*o).unwrap_or(*largest))
            .collect()
    };
    evaluations.clone().map(of).collect()
}

/// Returns whether an evaluation in full is dominated by no other one in full. The archive does not
/// suffice to decide this, since truncation may have dropped a dominating individual. A failed or
/// stopped training is never on the front and dominates nothing, because the search cannot offer
/// its network instead. `points` has the objective vectors of all evaluations.
pub fn on_front(index: usize, evaluations: &[Evaluation], points: &[Vec<f64>]) -> bool {
    let dominated = |(other, point): (&Evaluation, &Vec<f64>)| {
        other.is_fully_trained() && dominates(point, &points[index])
    };
    evaluations[index].is_fully_trained() && !evaluations.iter().zip(points).any(dominated)
}

/// Returns the indices of the evaluations that are on the front with respect to some objectives.
pub fn front(evaluations: &[Evaluation], objectives: &[Objective]) -> Vec<usize> {
    let points = objective_vectors(evaluations.iter(), objectives);
    (0..evaluations.len()).filter(|index| on_front(*index, evaluations, &points)).collect()
}

/// Returns the most accurate individual that meets all criteria, the smallest one among equals;
/// `None` without criteria. `individuals` are sorted by parameters.
pub fn best_meeting<'a>(
    individuals: &'a [Individual],
    criteria: &Requirements,
) -> Option<&'a Individual> {
    // `max_by` returns the last of equal elements, which is the smallest in reverse order.
    let meeting =
        individuals.iter().rev().filter(|i| criteria.any() && i.evaluation.meets(criteria));
    meeting.max_by(|a, b| {
        a.evaluation
            .accuracy
            .partial_cmp(&b.evaluation.accuracy)
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{candidate, config, search};
    use proptest::prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

    #[test]
    fn a_stopped_training_dominates_nothing() {
        let mut all = search(&config(2, 1), |_| Ok(0.8)).evaluations;
        all[1] =
            Evaluation { parameters: all[0].parameters, accuracy: Some(0.9), ..all[1].clone() };
        let ids = |all: &[Evaluation]| -> Vec<usize> {
            front(all, &Objective::PAPER).into_iter().map(|index| all[index].index).collect()
        };
        assert_eq!(ids(&all), [1]);
        all[1].stopped_after = Some(4);
        assert_eq!(ids(&all), [0]);
    }

    #[test]
    fn the_front_depends_on_the_objectives() {
        let mut all = search(&config(3, 1), |_| Ok(0.8)).evaluations;
        for (evaluation, (parameters, arena, latency)) in
            all.iter_mut().zip([(10, 3, 0.2), (20, 2, 0.1), (30, 1, 0.3)])
        {
            evaluation.parameters = parameters;
            evaluation.arena_bytes = Some(arena);
            evaluation.flash_bytes = Some(100 - parameters);
            evaluation.latency_s = Some(latency);
        }
        let ids = |objectives: &[Objective]| -> Vec<usize> {
            front(&all, objectives).into_iter().map(|index| all[index].index).collect()
        };
        assert_eq!(ids(&[Objective::Error, Objective::Params]), [0]);
        assert_eq!(ids(&[Objective::Error, Objective::ArenaBytes]), [2]);
        assert_eq!(ids(&[Objective::Error, Objective::FlashBytes]), [2]);
        assert_eq!(ids(&[Objective::Error, Objective::LatencyS]), [1]);
        assert_eq!(ids(&[Objective::Error, Objective::Params, Objective::LatencyS]), [0, 1]);
    }

    #[test]
    fn an_unknown_objective_counts_as_the_worst_known_one() {
        let mut all =
            search(&config(3, 1), |c| if c.index == 1 { Err("made up".into()) } else { Ok(0.5) })
                .evaluations;
        let unknown = objective_vectors(all.iter(), &[Objective::Error, Objective::EnergyJ]);
        assert_eq!(unknown, [[0.5, 1.0], [1.0, 1.0], [0.5, 1.0]]);
        (all[0].energy_j, all[2].energy_j) = (Some(0.25), Some(0.75));
        let known = objective_vectors(all.iter(), &[Objective::Error, Objective::EnergyJ]);
        assert_eq!(known, [[0.5, 0.25], [1.0, 0.75], [0.5, 0.75]]);
    }

    #[test]
    fn the_most_accurate_and_then_smallest_that_meets_the_criteria() {
        let individuals =
            search(&config(10, 2), |c| Ok(if c.index < 5 { 0.9 } else { 0.8 })).archive.individuals;
        let criteria =
            |least| Requirements { min_accuracy: Some(least), ..Requirements::default() };
        let found = &best_meeting(&individuals, &criteria(0.7)).unwrap().evaluation;
        let smallest =
            individuals.iter().map(|i| &i.evaluation).find(|e| e.accuracy == Some(0.9)).unwrap();
        assert_eq!(found.id, smallest.id);
        assert!(best_meeting(&individuals, &criteria(0.95)).is_none());
        assert!(best_meeting(&individuals, &Requirements::default()).is_none());
    }

    /// Accuracy in twentieths, parameters, and how far the training came.
    type Drawn = (u8, u64, Kind);

    fn drawn() -> impl proptest::strategy::Strategy<Value = Vec<Drawn>> {
        let kind =
            prop_oneof![3 => Just(Kind::InFull), 4 => Just(Kind::Stopped), 1 => Just(Kind::Failed)];
        proptest::collection::vec((0u8..20, 1u64..30, kind), 1..60)
    }

    fn evaluation((index, &(accuracy, parameters, kind)): (usize, &Drawn)) -> Evaluation {
        let genome = config(1, 1).space.genome(&[0; common::search::space::GENES]);
        let accuracy = f64::from(accuracy) / 20.0;
        let outcome = if kind == Kind::Failed { Err("made up".into()) } else { Ok(accuracy) };
        let stopped_after = (kind == Kind::Stopped).then_some(1);
        Evaluation { parameters, stopped_after, ..candidate(0, index, genome).evaluated(outcome) }
    }

    /// Returns the archives of a search in populations of 5, to which some evaluations belong.
    fn archives(
        all: &[Evaluation],
        settings: &SearchSettings,
        takes_part: fn(&Evaluation) -> bool,
    ) -> Vec<Vec<Individual>> {
        let (mut archived, mut archives) = (Vec::new(), Vec::new());
        for end in (5..all.len() + 5).step_by(5).map(|end| end.min(all.len())) {
            let population = (5 * archives.len()..end).filter(|index| takes_part(&all[*index]));
            let union: Vec<usize> = population.chain(archived).collect();
            let (indices, individuals) =
                select(&union, &all[..end], settings).unwrap().into_iter().unzip();
            archived = indices;
            archives.push(individuals);
        }
        archives
    }

    proptest! {
        /// Stopped and failed trainings change nothing among trainings in full, which are selected
        /// and marked as if there were no others; and no place stays vacant.
        #[test]
        fn a_stopped_training_displaces_none_in_full(
            drawn in drawn(), archive_size in 1usize..12, nsga2 in any::<bool>(),
        ) {
            let all: Vec<Evaluation> = drawn.iter().enumerate().map(evaluation).collect();
            let strategy = if nsga2 { Strategy::Nsga2 } else { Strategy::Spea2 };
            let settings = SearchSettings { archive_size, strategy, ..config(5, 1).search };
            let mixed = archives(&all, &settings, |_| true);
            let alone = archives(&all, &settings, Evaluation::is_fully_trained);
            for (iteration, (mixed, alone)) in mixed.iter().zip(&alone).enumerate() {
                let ids = |archive: &[Individual]| -> Vec<(usize, bool)> {
                    let in_full = archive.iter().filter(|i| i.evaluation.is_fully_trained());
                    in_full.map(|i| (i.evaluation.index, i.on_front)).collect()
                };
                prop_assert_eq!(ids(mixed), ids(alone));
                prop_assert!(mixed.iter().all(|i| i.evaluation.is_fully_trained() || !i.on_front));
                prop_assert_eq!(mixed.len(), archive_size.min(all.len()).min(5 * (iteration + 1)));
            }
        }
    }
}
