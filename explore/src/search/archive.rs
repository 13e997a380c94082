//! The front and the criteria of a search: which evaluations no other one dominates, and which
//! individual meets what was asked for.

use super::network_problem::standing;
use crate::algorithm::archive;
use crate::algorithm::trial::Standing;
use common::search::archive::Individual;
use common::search::criteria::Criteria;
use common::search::evaluation::Evaluation;
use common::search::objective::Objective;

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
    criteria: &Criteria,
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
    use common::search::board_costs::BoardCosts;
    use common::search::requirements::Requirements;

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
        let ids = |all: &[Evaluation], objectives: &str| -> Vec<usize> {
            let objectives: Vec<Objective> =
                objectives.split(',').map(|name| name.parse().unwrap()).collect();
            front(all, &objectives).into_iter().map(|index| all[index].index).collect()
        };
        assert_eq!(ids(&all, "error,params"), [0]);
        assert_eq!(ids(&all, "error,arena_bytes"), [2]);
        assert_eq!(ids(&all, "error,flash_bytes"), [2]);
        assert_eq!(ids(&all, "error,latency_s"), [1]);
        assert_eq!(ids(&all, "error,params,latency_s"), [0, 1]);
        for (evaluation, (of_a, of_b)) in all.iter_mut().zip([(3.0, 4.0), (1.0, 9.0), (2.0, 5.0)]) {
            let costs = |latency| BoardCosts { latency_s: Some(latency), ..BoardCosts::default() };
            evaluation.boards = [("a".into(), costs(of_a)), ("b".into(), costs(of_b))].into();
        }
        assert_eq!(ids(&all, "error,latency_s@a"), [1]);
        assert_eq!(ids(&all, "error,latency_s@b"), [0]);
        assert_eq!(ids(&all, "error,latency_s@a,latency_s@b"), [0, 1, 2]);
    }

    /// Each board has a limit of its own, and a network that was not measured there meets none.
    #[test]
    fn criteria_of_several_boards_must_all_be_met() {
        let mut individuals = search(&config(4, 1), |_| Ok(0.9)).archive.individuals;
        let latencies = [(1.0, Some(9.0)), (9.0, Some(1.0)), (1.0, None), (2.0, Some(2.0))];
        for (individual, (of_a, of_b)) in individuals.iter_mut().zip(latencies) {
            let costs = |latency_s| BoardCosts { latency_s, ..BoardCosts::default() };
            let boards = [("a".to_string(), costs(Some(of_a))), ("b".to_string(), costs(of_b))];
            individual.evaluation.boards = boards.into();
        }
        let met = |criteria: &str| -> Vec<bool> {
            let criteria: Criteria = serde_json::from_str(criteria).unwrap();
            individuals.iter().map(|i| i.evaluation.meets(&criteria)).collect()
        };
        assert_eq!(met(r#"{"max_latency_s@a": 2}"#), [true, false, true, true]);
        assert_eq!(
            met(r#"{"max_latency_s@a": 2, "max_latency_s@b": 2}"#),
            [false, false, false, true]
        );
        assert_eq!(met(r#"{"min_accuracy": 0.95, "max_latency_s@a": 2}"#), [false; 4]);
        assert_eq!(met(r#"{"max_latency_s": 100}"#), [false; 4]);
    }

    #[test]
    fn the_most_accurate_and_then_smallest_that_meets_the_criteria() {
        let individuals =
            search(&config(10, 2), |c| Ok(if c.index < 5 { 0.9 } else { 0.8 })).archive.individuals;
        let criteria = |least| Criteria {
            general: Requirements { min_accuracy: Some(least), ..Requirements::default() },
            ..Criteria::default()
        };
        let found = &best_meeting(&individuals, &criteria(0.7)).unwrap().evaluation;
        let smallest =
            individuals.iter().map(|i| &i.evaluation).find(|e| e.accuracy == Some(0.9)).unwrap();
        assert_eq!(found.id, smallest.id);
        assert!(best_meeting(&individuals, &criteria(0.95)).is_none());
        assert!(best_meeting(&individuals, &Criteria::default()).is_none());
    }
}
