//! What a search measures on its boards, as quantities of the algorithm.

use crate::surrogate::measured::Quantity as Measured;
use common::search::criteria::Criteria;
use common::search::evaluation::Evaluation;
use common::search::objective::{Objective, Quantity};
use std::collections::BTreeSet;

/// Number of quantities of a board.
const PER_BOARD: usize = 3;

/// Latency, energy and power, in this order, of each board.
pub(crate) struct Measurements {
    /// Names of several boards; `None` names the only one.
    boards: BTreeSet<Option<String>>,
    quantities: Vec<Measured>,
}

impl Measurements {
    /// Returns what objectives and criteria are about.
    pub(crate) fn of(objectives: &[Objective], criteria: &Criteria) -> Measurements {
        let of_objectives = objectives.iter().filter(|objective| objective.is_measured());
        let of_objectives = of_objectives.map(|objective| objective.board.clone());
        let of_criteria = criteria.limits().map(|(limit, _)| limit.board);
        let boards: BTreeSet<Option<String>> = of_objectives.chain(of_criteria).collect();
        let quantities = boards.iter().flat_map(|board| on(board, objectives, criteria)).collect();
        Measurements { boards, quantities }
    }

    /// Returns the quantities, with their costs and limits.
    pub(super) fn quantities(&self) -> &[Measured] {
        &self.quantities
    }

    /// Returns the positions of the latencies that matter, with the names of their boards.
    pub(crate) fn latencies(&self) -> impl Iterator<Item = (usize, Option<&str>)> {
        let of_boards = self.quantities.chunks_exact(PER_BOARD).zip(&self.boards).enumerate();
        of_boards
            .filter(|(_, (quantities, _))| quantities[0].matters())
            .map(|(index, (_, board))| (PER_BOARD * index, board.as_deref()))
    }

    /// Returns the values of an evaluation, in the order of the quantities.
    pub(super) fn values(&self, evaluation: &Evaluation) -> Vec<Option<f64>> {
        let on = |board: &Option<String>| {
            let costs = evaluation.costs(board.as_deref());
            [costs.latency_s, costs.energy_j, costs.power_w]
        };
        self.boards.iter().flat_map(on).collect()
    }
}

fn on(
    board: &Option<String>,
    objectives: &[Objective],
    criteria: &Criteria,
) -> [Measured; PER_BOARD] {
    let cost = |what| {
        let objective = Objective { what, board: board.clone() };
        objectives[1..].iter().position(|other| *other == objective)
    };
    let required = criteria.on(board.as_deref());
    [
        Measured { cost: cost(Quantity::LatencyS), limit: required.max_latency_s },
        Measured { cost: cost(Quantity::EnergyJ), limit: required.max_energy_j },
        Measured { cost: None, limit: required.max_power_w },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::candidate;
    use common::search::board_costs::BoardCosts;
    use common::search::requirements::Requirements;
    use common::search::space::{GENES, SearchSpace};

    fn pairs(measurements: &Measurements) -> Vec<(Option<usize>, Option<f64>)> {
        measurements.quantities().iter().map(|quantity| (quantity.cost, quantity.limit)).collect()
    }

    fn evaluation() -> Evaluation {
        let genome = SearchSpace::default().genome(&[0; GENES]);
        candidate(0, 0, genome).evaluated(Ok(0.8))
    }

    #[test]
    fn the_only_board_has_no_name() {
        use Quantity::{EnergyJ, Error, LatencyS, Params};
        let general = Requirements {
            max_latency_s: Some(1.0),
            max_power_w: Some(3.0),
            ..Requirements::default()
        };
        let criteria = Criteria { general, ..Criteria::default() };
        let objectives = [Error, Params, EnergyJ, LatencyS].map(Objective::of);
        let measurements = Measurements::of(&objectives, &criteria);
        assert_eq!(
            pairs(&measurements),
            [(Some(2), Some(1.0)), (Some(1), None), (None, Some(3.0))]
        );
        let evaluation = Evaluation { latency_s: Some(0.5), power_w: Some(2.0), ..evaluation() };
        assert_eq!(measurements.values(&evaluation), [Some(0.5), None, Some(2.0)]);
    }

    #[test]
    fn each_of_several_boards_has_its_quantities() {
        let on = |board: &str| Objective { what: Quantity::LatencyS, board: Some(board.into()) };
        let objectives = [Objective::of(Quantity::Error), on("b"), on("a")];
        let mut criteria = Criteria::default();
        let limit = Requirements { max_energy_j: Some(2.0), ..Requirements::default() };
        criteria.on_boards.insert("b".into(), limit);
        let measurements = Measurements::of(&objectives, &criteria);
        let of_a = [(Some(1), None), (None, None), (None, None)];
        let of_b = [(Some(0), None), (None, Some(2.0)), (None, None)];
        assert_eq!(pairs(&measurements), [of_a, of_b].concat());
        let costs = |s| BoardCosts { latency_s: Some(s), ..BoardCosts::default() };
        let boards = [("a".into(), costs(0.25)), ("b".into(), costs(0.5))].into();
        let values = measurements.values(&Evaluation { boards, ..evaluation() });
        assert_eq!(values, [Some(0.25), None, None, Some(0.5), None, None]);
    }

    #[test]
    fn without_objectives_and_limits_of_boards_nothing_is_measured() {
        assert!(Measurements::of(&Objective::PAPER, &Criteria::default()).quantities().is_empty());
    }
}
