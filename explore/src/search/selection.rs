//! Orders of the front's members, of which the first become the winners (`final.selection`).

use common::profile::Selection;
use common::search::archive::Individual;

/// A percentage point of accuracy, with room for rounding.
const POINT: f64 = 0.01 + 1e-9;

/// Puts members of the front, which are sorted by accuracy, into another order. Equal ones keep
/// their order.
pub(super) fn order(front: &mut [&Individual], selection: Selection) {
    match selection {
        Selection::Spread => spread(front),
        Selection::Accurate => {}
        Selection::Knee => knee(front),
        Selection::Nid => {
            let nid = |individual: &Individual| individual.nid.unwrap_or(0.0);
            front.sort_by(|a, b| nid(b).total_cmp(&nid(a)));
        }
    }
}

/// Puts the most accurate first, then the smallest within a point of it, then, one by one, the one
/// between these whose size is farthest from those before it. The others follow by accuracy.
fn spread(front: &mut [&Individual]) {
    let Some(best) = front.first().copied() else { return };
    let comes_near = |individual: &Individual| {
        error(individual) - error(best) <= POINT && size(individual) <= size(best)
    };
    front.sort_by_key(|individual| !comes_near(individual));
    let count = front.iter().filter(|individual| comes_near(individual)).count();
    let near = &mut front[..count];
    for next in 1..near.len() {
        let (before, rest) = near.split_at_mut(next);
        let before = &*before;
        let value = |individual: &Individual| match before {
            [_] => -size(individual),
            _ => distance(individual, before),
        };
        let mut first = 0;
        for index in 1..rest.len() {
            if value(rest[index]) > value(rest[first]) {
                first = index;
            }
        }
        rest[..=first].rotate_right(1);
    }
}

/// Returns the distance of an individual's size from the nearest of some others.
fn distance(individual: &Individual, others: &[&Individual]) -> f64 {
    let to = |other: &&Individual| (size(individual) - size(other)).abs();
    others.iter().map(to).fold(f64::INFINITY, f64::min)
}

/// Puts the knee first: the one farthest below the straight line between the smallest and the most
/// accurate (Das 1999), with error and size scaled to 0..1. The sum of both says how far.
fn knee(front: &mut [&Individual]) {
    let (errors, sizes) = (range(front, error), range(front, size));
    let sum = |individual: &Individual| {
        scaled(error(individual), errors) + scaled(size(individual), sizes)
    };
    front.sort_by(|a, b| sum(a).total_cmp(&sum(b)));
}

/// Returns the smallest and the largest value.
fn range(front: &[&Individual], value: fn(&Individual) -> f64) -> (f64, f64) {
    let values = front.iter().map(|individual| value(individual));
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

/// Returns a value as a share of its range; 0 in a range of one value.
fn scaled(value: f64, (low, high): (f64, f64)) -> f64 {
    if high > low { (value - low) / (high - low) } else { 0.0 }
}

/// Returns the validation error.
fn error(individual: &Individual) -> f64 {
    individual.evaluation.objectives()[0]
}

/// Returns the logarithm of the parameters.
fn size(individual: &Individual) -> f64 {
    individual.evaluation.objectives()[1].log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::individual;

    /// Returns the parameters of a front in an order. The front is given as pairs of accuracy and
    /// parameters.
    fn ordered(selection: Selection, front: &[(f64, u64)]) -> Vec<u64> {
        let mut individuals: Vec<Individual> =
            front.iter().map(|(accuracy, size)| individual(Ok(*accuracy), *size, true)).collect();
        individuals.sort_by(|a, b| error(a).total_cmp(&error(b)));
        let mut front: Vec<&Individual> = individuals.iter().collect();
        order(&mut front, selection);
        front.iter().map(|individual| individual.evaluation.parameters).collect()
    }

    const FRONT: [(f64, u64); 8] = [
        (0.60, 1_000),
        (0.90, 3_000),
        (0.981, 8_000),
        (0.984, 10_000),
        (0.985, 12_000),
        (0.986, 30_000),
        (0.987, 50_000),
        (0.991, 100_000),
    ];

    #[test]
    fn accurate_is_the_order_by_accuracy() {
        let order = [100_000, 50_000, 30_000, 12_000, 10_000, 8_000, 3_000, 1_000];
        assert_eq!(ordered(Selection::Accurate, &FRONT), order);
    }

    #[test]
    fn spread_goes_from_the_ends_into_the_middle() {
        // 8,000 is exactly one point below the best. Half of the way to it by the logarithm is
        // 28,284; between these and 100,000 are 54,772 and 15,492.
        let order = [100_000, 8_000, 30_000, 50_000, 12_000, 10_000, 3_000, 1_000];
        assert_eq!(ordered(Selection::Spread, &FRONT), order);
        // Those that are farther off follow by accuracy, so there is always an order of all.
        let steep = [(0.5, 10), (0.7, 100), (0.9, 1_000)];
        assert_eq!(ordered(Selection::Spread, &steep), [1_000, 100, 10]);
        assert_eq!(ordered(Selection::Spread, &[(0.9, 5)]), [5]);
        assert!(ordered(Selection::Spread, &[]).is_empty());
    }

    #[test]
    fn spread_leaves_out_what_is_larger_than_the_most_accurate() {
        // Such individuals are on the front of another objective than parameters.
        let front = [(0.99, 1_000), (0.989, 9_000), (0.985, 500), (0.984, 700)];
        assert_eq!(ordered(Selection::Spread, &front), [1_000, 500, 700, 9_000]);
    }

    #[test]
    fn knee_is_farthest_below_the_line_between_the_ends() {
        // Scaled errors 1, 0.2, 0.1, 0 and sizes 0, 1/3, 2/3, 1.
        let front = [(0.5, 10), (0.9, 100), (0.95, 1_000), (1.0, 10_000)];
        assert_eq!(ordered(Selection::Knee, &front), [100, 1_000, 10_000, 10]);
        assert_eq!(ordered(Selection::Knee, &[(0.9, 5)]), [5]);
    }

    #[test]
    fn nid_is_accuracy_by_size() {
        let front = [(0.2, 1_000), (0.9, 3_000), (0.99, 5_000)];
        assert_eq!(ordered(Selection::Nid, &front), [3_000, 1_000, 5_000]);
    }
}
