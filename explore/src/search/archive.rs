//! The front and the criteria of a search: which evaluations no other one dominates, and which
//! individual meets what was asked for.

use super::network_problem::standing;
use crate::algorithm::archive;
use crate::algorithm::trial::Standing;
use common::search::archive::Individual;
use common::search::evaluation::Evaluation;
use common::search::objective::Objective;
use common::search::requirements::Requirements;

/// Returns the indices of the evaluations that are on the front with respect to some objectives.
pub fn front(evaluations: &[Evaluation], objectives: &[Objective]) -> Vec<usize> {
    let standings: Vec<Standing> =
        evaluations.iter().map(|evaluation| standing(evaluation, objectives)).collect();
    archive::front(&standings.iter().collect::<Vec<_>>())
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
    use crate::test_support::{config, search};

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
}
