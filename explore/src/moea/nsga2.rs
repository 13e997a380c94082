//! NSGA-II (Deb, Pratap, Agarwal, Meyarivan 2002), which SPEA-II is compared with.

use super::dominance::dominates;
use std::cmp::Ordering;

/// Returns the Pareto rank of each point: 0 for non-dominated points, 1 for points dominated only
/// by those of rank 0, and so on.
pub fn ranks<V: AsRef<[f64]>>(points: &[V]) -> Vec<usize> {
    let mut ranks = vec![usize::MAX; points.len()];
    let mut left: Vec<usize> = (0..points.len()).collect();
    for rank in 0.. {
        if left.is_empty() {
            break;
        }
        let dominated =
            |a: &usize| left.iter().any(|b| dominates(points[*b].as_ref(), points[*a].as_ref()));
        let (later, front): (Vec<usize>, Vec<usize>) =
            left.iter().partition(|point| dominated(point));
        front.iter().for_each(|point| ranks[*point] = rank);
        left = later;
    }
    ranks
}

/// Returns the crowding distance of each point within its front: the sum over the axes of the gap
/// between its two neighbours as a fraction of the front's range; infinite at the ends.
pub fn crowding<V: AsRef<[f64]>>(points: &[V], ranks: &[usize]) -> Vec<f64> {
    let mut distances = vec![0.0; points.len()];
    let axes = points.first().map_or(0, |point| point.as_ref().len());
    for rank in 0..=ranks.iter().copied().max().unwrap_or(0) {
        let mut front: Vec<usize> =
            (0..points.len()).filter(|point| ranks[*point] == rank).collect();
        for axis in 0..axes {
            let value = |point: usize| points[point].as_ref()[axis];
            front.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
            let (Some(&first), Some(&last)) = (front.first(), front.last()) else { break };
            let range = value(last) - value(first);
            (distances[first], distances[last]) = (f64::INFINITY, f64::INFINITY);
            for around in front.windows(3).filter(|_| range > 0.0) {
                distances[around[1]] += (value(around[2]) - value(around[0])) / range;
            }
        }
    }
    distances
}

/// Selects at most `size` points and returns their indices in ascending order: whole fronts by
/// rank, and the least crowded points of the front that does not fit.
pub fn select<V: AsRef<[f64]>>(points: &[V], size: usize) -> Vec<usize> {
    let ranks = ranks(points);
    let crowding = crowding(points, &ranks);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| {
        better((ranks[*a], crowding[*a]), (ranks[*b], crowding[*b])).then(a.cmp(b))
    });
    order.truncate(size);
    order.sort_unstable();
    order
}

/// The crowded-comparison operator: lower rank first, then larger crowding distance.
fn better(a: (usize, f64), b: (usize, f64)) -> Ordering {
    a.0.cmp(&b.0).then(b.1.total_cmp(&a.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [[f64; 2]; 6] =
        [[0.0, 10.0], [1.0, 6.0], [2.0, 5.0], [10.0, 0.0], [2.0, 6.0], [11.0, 11.0]];

    #[test]
    fn ranks_and_crowding_by_hand() {
        let ranks = ranks(&POINTS);
        assert_eq!(ranks, [0, 0, 0, 0, 1, 2]);
        let (a, b) = (2.0 / 10.0 + 5.0 / 10.0, 9.0 / 10.0 + 6.0 / 10.0);
        assert_eq!(crowding(&POINTS, &ranks)[1..3], [a, b]);
        assert!([0, 3, 4, 5].iter().all(|point| crowding(&POINTS, &ranks)[*point].is_infinite()));
    }

    #[test]
    fn the_least_crowded_of_the_last_front_survive() {
        assert_eq!(select(&POINTS, 3), [0, 2, 3]);
        assert_eq!(select(&POINTS, 5), [0, 1, 2, 3, 4]);
        assert_eq!(select(&POINTS, 9), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn degenerate_lists() {
        assert_eq!(select::<[f64; 2]>(&[], 3), Vec::<usize>::new());
        assert_eq!(select(&[[1.0, 1.0]; 4], 2).len(), 2);
    }
}
