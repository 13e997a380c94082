//! The archive that environmental selection makes of the union of population and archive
//! (TIK-Report 103, step 3).

use crate::moea::dominance::dominates;
use crate::moea::normalize::{Normalize, Points};
use crate::moea::nsga2;
use crate::moea::spea2;
use anyhow::Result;
use common::counts;
use common::criteria::Criteria;
use common::objective::Objective;
use common::profile::{SearchSettings, Strategy};
use common::search_files::{Evaluation, Individual};

/// The members of the next archive, each with its place in `evaluations`, by parameters, error and
/// age. `union` has the places of population and archive.
///
/// Environmental selection is among the trainings in full alone, as if there were no others: the
/// accuracy of a part of a training says too little to displace the accuracy of a whole one. Places
/// that are left go to stopped trainings, and then to failed ones, each selected among themselves.
/// Strength, raw fitness and density are those in the whole union.
///
/// # Errors
/// Objectives without a logarithm, such as a latency of 0.
pub fn next(
    union: &[usize],
    evaluations: &[Evaluation],
    settings: &SearchSettings,
) -> Result<Vec<(usize, Individual)>> {
    let all = points(evaluations.iter(), &settings.objectives);
    let objectives: Vec<Vec<f64>> = union.iter().map(|place| all[*place].clone()).collect();
    let fitness = spea2::fitness(&Points::new(objectives.clone(), Normalize::LogMinmax)?);
    let mut selected = Vec::new();
    for kind in Kind::ALL {
        let members =
            (0..union.len()).filter(|index| Kind::of(&evaluations[union[*index]]) == kind);
        selected.extend(select(
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

/// What a training came to, the kinds that go first being first.
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

/// At most `size` of some members, selected among themselves alone.
fn select(
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

/// Objective vectors. A value that is not known, as of a training that failed and so was never
/// measured, is the largest that is, or 1 where none is.
pub fn points<'a>(
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

/// Whether nothing that was ever evaluated in full dominates it. The archive alone cannot tell:
/// truncation may have dropped the one that does. A failed training is never on the front, nor one
/// that was stopped: what dominates must be a network that the search can offer instead. `points`
/// has the evaluations' objectives.
pub fn on_front(place: usize, evaluations: &[Evaluation], points: &[Vec<f64>]) -> bool {
    let dominated = |(other, point): (&Evaluation, &Vec<f64>)| {
        other.in_full() && dominates(point, &points[place])
    };
    evaluations[place].in_full() && !evaluations.iter().zip(points).any(dominated)
}

/// The places of the evaluations that are on the front by some objectives.
pub fn front(evaluations: &[Evaluation], objectives: &[Objective]) -> Vec<usize> {
    let points = points(evaluations.iter(), objectives);
    (0..evaluations.len()).filter(|place| on_front(*place, evaluations, &points)).collect()
}

/// Of the individuals that meet all criteria the most accurate one, of these the smallest; `None`
/// without criteria.
pub fn meeting<'a>(individuals: &'a [Individual], criteria: &Criteria) -> Option<&'a Individual> {
    // Individuals come by parameters, and of equals the last one is the maximum.
    let meeting =
        individuals.iter().rev().filter(|i| criteria.any() && criteria.met_by(&i.evaluation));
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
    fn a_stopped_training_takes_nobody_off_the_front() {
        let mut all = search(&config(2, 1), |_| Ok(0.8)).evaluations;
        all[1] =
            Evaluation { parameters: all[0].parameters, accuracy: Some(0.9), ..all[1].clone() };
        let ids = |all: &[Evaluation]| -> Vec<usize> {
            front(all, &Objective::PAPER).into_iter().map(|place| all[place].index).collect()
        };
        assert_eq!(ids(&all), [1]);
        all[1].stopped_after = Some(4);
        assert_eq!(ids(&all), [0]);
    }

    #[test]
    fn objectives_decide_who_is_on_the_front() {
        let mut all = search(&config(3, 1), |_| Ok(0.8)).evaluations;
        for (evaluation, (parameters, arena, latency)) in
            all.iter_mut().zip([(10, 3, 0.2), (20, 2, 0.1), (30, 1, 0.3)])
        {
            evaluation.parameters = parameters;
            evaluation.arena_bytes = Some(arena);
            evaluation.latency_s = Some(latency);
        }
        let ids = |objectives: &[Objective]| -> Vec<usize> {
            front(&all, objectives).into_iter().map(|place| all[place].index).collect()
        };
        assert_eq!(ids(&[Objective::Error, Objective::Params]), [0]);
        assert_eq!(ids(&[Objective::Error, Objective::ArenaBytes]), [2]);
        assert_eq!(ids(&[Objective::Error, Objective::LatencyS]), [1]);
        assert_eq!(ids(&[Objective::Error, Objective::Params, Objective::LatencyS]), [0, 1]);
    }

    #[test]
    fn what_was_never_measured_is_as_bad_as_the_worst() {
        let mut all =
            search(&config(3, 1), |c| if c.index == 1 { Err("made up".into()) } else { Ok(0.5) })
                .evaluations;
        let unknown = points(all.iter(), &[Objective::Error, Objective::EnergyJ]);
        assert_eq!(unknown, [[0.5, 1.0], [1.0, 1.0], [0.5, 1.0]]);
        (all[0].energy_j, all[2].energy_j) = (Some(0.25), Some(0.75));
        let known = points(all.iter(), &[Objective::Error, Objective::EnergyJ]);
        assert_eq!(known, [[0.5, 0.25], [1.0, 0.75], [0.5, 0.75]]);
    }

    #[test]
    fn of_those_that_meet_the_criteria_the_most_accurate_and_then_smallest() {
        let individuals =
            search(&config(10, 2), |c| Ok(if c.index < 5 { 0.9 } else { 0.8 })).archive.individuals;
        let criteria = |least| Criteria { min_accuracy: Some(least), ..Criteria::default() };
        let found = &meeting(&individuals, &criteria(0.7)).unwrap().evaluation;
        let smallest =
            individuals.iter().map(|i| &i.evaluation).find(|e| e.accuracy == Some(0.9)).unwrap();
        assert_eq!(found.id, smallest.id);
        assert!(meeting(&individuals, &criteria(0.95)).is_none());
        assert!(meeting(&individuals, &Criteria::default()).is_none());
    }
    /// Accuracy in twentieths, parameters, and what became of the training.
    type Drawn = (u8, u64, Kind);

    fn drawn() -> impl proptest::strategy::Strategy<Value = Vec<Drawn>> {
        let kind =
            prop_oneof![3 => Just(Kind::InFull), 4 => Just(Kind::Stopped), 1 => Just(Kind::Failed)];
        proptest::collection::vec((0u8..20, 1u64..30, kind), 1..60)
    }

    fn evaluation((index, &(accuracy, parameters, kind)): (usize, &Drawn)) -> Evaluation {
        let genome = config(1, 1).space.genome(&[0; common::space::GENES]);
        let accuracy = f64::from(accuracy) / 20.0;
        let outcome = if kind == Kind::Failed { Err("made up".into()) } else { Ok(accuracy) };
        let stopped_after = (kind == Kind::Stopped).then_some(1);
        Evaluation { parameters, stopped_after, ..candidate(0, index, genome).evaluated(outcome) }
    }

    /// The archives of a search in populations of 5, taking part in which may be left to some
    /// evaluations.
    fn archives(
        all: &[Evaluation],
        settings: &SearchSettings,
        takes_part: fn(&Evaluation) -> bool,
    ) -> Vec<Vec<Individual>> {
        let (mut archived, mut archives) = (Vec::new(), Vec::new());
        for end in (5..all.len() + 5).step_by(5).map(|end| end.min(all.len())) {
            let population = (5 * archives.len()..end).filter(|place| takes_part(&all[*place]));
            let union: Vec<usize> = population.chain(archived).collect();
            let (places, individuals) =
                next(&union, &all[..end], settings).unwrap().into_iter().unzip();
            archived = places;
            archives.push(individuals);
        }
        archives
    }

    proptest! {
        /// What was stopped or failed changes nothing among those that were trained in full: they
        /// are kept, left out and marked as if they had been alone, and no place stays free that
        /// another could have.
        #[test]
        fn what_was_stopped_displaces_nothing_that_was_finished(
            drawn in drawn(), archive_size in 1usize..12, nsga2 in any::<bool>(),
        ) {
            let all: Vec<Evaluation> = drawn.iter().enumerate().map(evaluation).collect();
            let strategy = if nsga2 { Strategy::Nsga2 } else { Strategy::Spea2 };
            let settings = SearchSettings { archive_size, strategy, ..config(5, 1).search };
            let mixed = archives(&all, &settings, |_| true);
            let alone = archives(&all, &settings, Evaluation::in_full);
            for (iteration, (mixed, alone)) in mixed.iter().zip(&alone).enumerate() {
                let ids = |archive: &[Individual]| -> Vec<(usize, bool)> {
                    let in_full = archive.iter().filter(|individual| individual.evaluation.in_full());
                    in_full.map(|individual| (individual.evaluation.index, individual.on_front)).collect()
                };
                prop_assert_eq!(ids(mixed), ids(alone));
                prop_assert!(mixed.iter().all(|i| i.evaluation.in_full() || !i.on_front));
                prop_assert_eq!(mixed.len(), archive_size.min(all.len()).min(5 * (iteration + 1)));
            }
        }
    }
}
