//! SPEA-II as in TIK-Report 103 (Zitzler, Laumanns, Thiele 2001; paper, section 3.2).
//!
//! The list of points is the union of population and archive. The report does not say how ties are
//! broken: here the smaller objective vector precedes, then the smaller index, so that the selected
//! vectors do not depend on the order of the list.

use super::dominance::{dominates, lexicographic};
use super::double_double::DoubleDouble;
use super::normalize::Points;
use super::truncation::truncate;
use std::cmp::Ordering;

/// The parts of SPEA-II's fitness, by point. The report's fitness is `raw_fitness + density`; they
/// are kept apart because the sum loses the density beside a large raw fitness.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitness {
    /// Number of points of the list that each point dominates.
    pub strength: Vec<u64>,
    /// Sum of the strengths of the points that dominate each point; 0 for non-dominated points.
    pub raw_fitness: Vec<u64>,
    /// `1 / (sigma + 2)`, where sigma is the distance to the k-th nearest neighbour, and k the
    /// square root of the list's length, rounded down.
    pub density: Vec<f64>,
    /// Squares of sigma, weighted as [`Points::squared_distance`] is.
    sigma_squared: Vec<DoubleDouble>,
}

/// Computes strength, raw fitness and density of each point.
pub fn fitness(points: &Points) -> Fitness {
    let strength = strength(points);
    let raw_fitness = raw_fitness(points, &strength);
    let sigma_squared = sigma_squared(points);
    let density =
        sigma_squared.iter().map(|squared| 1.0 / (points.distance(*squared) + 2.0)).collect();
    Fitness { strength, raw_fitness, density, sigma_squared }
}

/// Computes for each point the number of points of the list that it dominates.
pub fn strength(points: &Points) -> Vec<u64> {
    let dominated = |a| {
        (0..points.len()).filter(|b| dominates(points.objectives(a), points.objectives(*b))).count()
    };
    (0..points.len()).map(|a| dominated(a) as u64).collect()
}

/// Computes for each point the sum of the strengths of the points that dominate it.
pub fn raw_fitness(points: &Points, strength: &[u64]) -> Vec<u64> {
    let dominating: Vec<usize> = (0..points.len()).filter(|a| strength[*a] > 0).collect();
    let dominators = |b| {
        dominating
            .iter()
            .copied()
            .filter(move |a| dominates(points.objectives(*a), points.objectives(b)))
    };
    (0..points.len()).map(|b| dominators(b).map(|a| strength[a]).sum()).collect()
}

/// Computes for each point the squared distance to its k-th nearest neighbour. A point is not its
/// own neighbour; a single point has distance infinity.
fn sigma_squared(points: &Points) -> Vec<DoubleDouble> {
    let k = points.len().isqrt();
    let to_kth = |a: usize| {
        let mut distances: Vec<DoubleDouble> =
            (0..points.len()).filter(|b| *b != a).map(|b| points.squared_distance(a, b)).collect();
        if k > distances.len() {
            DoubleDouble::INFINITY
        } else {
            *distances.select_nth_unstable(k - 1).1
        }
    };
    (0..points.len()).map(to_kth).collect()
}

/// Selects the points of an archive of a given size and returns their indices in ascending order:
/// all non-dominated points, filled up with the best dominated points, or truncated.
pub fn environmental_selection(
    points: &Points,
    fitness: &Fitness,
    archive_size: usize,
) -> Vec<usize> {
    let (mut selected, mut dominated): (Vec<usize>, Vec<usize>) =
        (0..points.len()).partition(|point| fitness.raw_fitness[*point] == 0);
    if selected.len() > archive_size {
        selected = truncate(points, selected, archive_size);
    } else {
        dominated.sort_by(|a, b| better(points, fitness, *a, *b));
        dominated.truncate(archive_size - selected.len());
        selected.append(&mut dominated);
    }
    selected.sort_unstable();
    selected
}

/// Orders dominated points, the best first: by raw fitness, then by ascending density.
fn better(points: &Points, fitness: &Fitness, a: usize, b: usize) -> Ordering {
    let by_raw_fitness = fitness.raw_fitness[a].cmp(&fitness.raw_fitness[b]);
    let by_density = || fitness.sigma_squared[b].cmp(&fitness.sigma_squared[a]);
    let by_vector = || lexicographic(points.objectives(a), points.objectives(b));
    by_raw_fitness.then_with(by_density).then_with(by_vector).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moea::normalize::Normalize;
    use proptest::prelude::*;

    fn points(objectives: &[[f64; 2]]) -> Points {
        Points::new(objectives.iter().map(|v| v.to_vec()).collect(), Normalize::None).unwrap()
    }

    fn select(points: &Points, size: usize) -> Vec<usize> {
        environmental_selection(points, &fitness(points), size)
    }

    /// a and b are not dominated; a dominates c; all three dominate d.
    #[test]
    fn strength_and_raw_fitness_by_hand() {
        let list = points(&[[1.0, 4.0], [3.0, 1.0], [2.0, 5.0], [4.0, 6.0]]);
        let fitness = fitness(&list);
        assert_eq!(fitness.strength, [2, 1, 1, 0]);
        assert_eq!(fitness.raw_fitness, [0, 0, 2, 2 + 1 + 1]);
    }

    /// k = floor(sqrt(8)) = 2: rounding would give 3, counting the point itself would give the
    /// first neighbour.
    #[test]
    fn density_takes_the_second_neighbour_of_eight_points() {
        let line: Vec<[f64; 2]> =
            [0, 1, 3, 7, 15, 31, 63, 127].map(|x| [f64::from(x), 0.0]).to_vec();
        let sigmas = [3.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0];
        assert_eq!(fitness(&points(&line)).density, sigmas.map(|sigma| 1.0 / (sigma + 2.0)));
    }

    #[test]
    fn vacant_places_go_to_the_best_dominated_points_and_then_the_least_crowded() {
        // All but the first are dominated by it alone, so their raw fitness is 4; the last one is
        // far from the others.
        let list = points(&[[0.0, 0.0], [10.0, 13.0], [11.0, 12.0], [12.0, 11.0], [30.0, 1.0]]);
        assert_eq!(fitness(&list).raw_fitness, [0, 4, 4, 4, 4]);
        assert_eq!(select(&list, 2), [0, 4]);
        assert_eq!(select(&list, 5), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn density_is_compared_without_the_rounding_of_its_sum_with_raw_fitness() {
        // Distances of 1e18: 1 / (sigma + 2) is 1e-18, and 4 + 1e-18 is 4 in f64.
        let list =
            points(&[[0.0, 0.0], [1e18, 3e18], [1.1e18, 2.9e18], [1.3e18, 2.7e18], [3e18, 1e18]]);
        let fitness = fitness(&list);
        assert_eq!(fitness.raw_fitness, [0, 4, 4, 4, 4]);
        assert!(fitness.density.iter().all(|d| 4.0 + d == 4.0));
        assert_eq!(environmental_selection(&list, &fitness, 2), [0, 4]);
    }

    /// Distances on the line 0, 2, 3, 4, 7, 12, 13: of 2, 3 and 4 (nearest 1), 3 has the second one
    /// at 1 and goes first. Then 12 and 13 (nearest 1) are the closest pair; 12 goes, having 5
    /// before 6. Then 2 and 4 (nearest 2): lists 2, 2, 5, 11 and 2, 3, 4, 9, so 2 goes.
    #[test]
    fn truncation_recomputes_distances_after_each_removal() {
        let line = points(&[0, 2, 3, 4, 7, 12, 13].map(|x| [f64::from(x), f64::from(-x)]));
        assert_eq!(select(&line, 6), [0, 1, 3, 4, 5, 6]);
        assert_eq!(select(&line, 5), [0, 1, 3, 4, 6]);
        assert_eq!(select(&line, 4), [0, 3, 4, 6]);
    }

    #[test]
    fn duplicates_are_removed_first_and_the_smaller_index_is_kept() {
        let list = points(&[[0.0, 2.0], [1.0, 1.0], [1.0, 1.0], [2.0, 0.0]]);
        assert_eq!(select(&list, 3), [0, 1, 3]);
        assert_eq!(select(&points(&[[5.0, 5.0]; 6]), 2), [0, 1]);
    }

    #[test]
    fn of_mirror_images_the_smaller_vector_is_kept() {
        assert_eq!(select(&points(&[[1.0, 0.0], [0.0, 1.0]]), 1), [1]);
        assert_eq!(select(&points(&[[0.0, 1.0], [1.0, 0.0]]), 1), [0]);
    }

    #[test]
    fn tiny_lists() {
        let empty = Points::new(vec![], Normalize::Minmax).unwrap();
        assert_eq!(select(&empty, 3), Vec::<usize>::new());
        let one = points(&[[1.0, 2.0]]);
        assert_eq!(
            (fitness(&one).density, select(&one, 1), select(&one, 0)),
            (vec![0.0], vec![0], vec![])
        );
        assert_eq!(select(&points(&[[1.0, 2.0], [2.0, 3.0]]), 9), [0, 1]);
    }

    #[test]
    fn a_front_of_2000_evenly_spaced_points_is_halved_evenly() {
        let line: Vec<Vec<f64>> =
            (0..2000).map(|i| vec![f64::from(i), f64::from(1999 - i)]).collect();
        let list = Points::new(line, Normalize::Minmax).unwrap();
        let selected = select(&list, 1000);
        assert_eq!((selected.len(), selected[0], selected[999]), (1000, 0, 1999));
        assert!(selected.windows(2).all(|pair| pair[1] - pair[0] <= 3));
    }

    /// A direct implementation of the report in integers; with `normalised`, distances are
    /// multiplied by the product of all ranges.
    fn reference_selection(list: &[Vec<i64>], normalised: bool, size: usize) -> Vec<usize> {
        let all = 0..list.len();
        let dominates = |a: usize, b: usize| {
            list[a] != list[b] && list[a].iter().zip(&list[b]).all(|(a, b)| a <= b)
        };
        let range = |axis: usize| {
            let column = list.iter().map(|v| v[axis]);
            (column.clone().max().unwrap() - column.min().unwrap()).max(1)
        };
        let weight = |axis: usize| {
            let others = (0..list[0].len()).filter(|other| *other != axis);
            if normalised { others.map(range).product() } else { 1 }
        };
        let distance = |a: usize, b: usize| -> i128 {
            let axes = 0..list[a].len();
            axes.map(|axis| i128::from((list[a][axis] - list[b][axis]) * weight(axis)).pow(2)).sum()
        };
        let sorted = |a: usize, among: &[usize]| {
            let mut distances: Vec<i128> =
                among.iter().filter(|b| **b != a).map(|b| distance(a, *b)).collect();
            distances.sort_unstable();
            distances
        };
        let strength: Vec<usize> =
            all.clone().map(|a| all.clone().filter(|b| dominates(a, *b)).count()).collect();
        let raw = |a: usize| -> usize {
            all.clone().filter(|b| dominates(*b, a)).map(|b| strength[b]).sum()
        };
        let (mut chosen, mut rest): (Vec<usize>, Vec<usize>) =
            all.clone().partition(|a| raw(*a) == 0);
        while chosen.len() > size {
            let crowding =
                |a: &usize| (sorted(*a, &chosen), std::cmp::Reverse((list[*a].clone(), *a)));
            let most_crowded = chosen.iter().copied().min_by_key(crowding).unwrap();
            chosen.retain(|a| *a != most_crowded);
        }
        let everything: Vec<usize> = all.clone().collect();
        let k = list.len().isqrt();
        let sigma = |a: usize| sorted(a, &everything).get(k - 1).copied().unwrap_or(i128::MAX);
        rest.sort_by_key(|a| (raw(*a), std::cmp::Reverse(sigma(*a)), list[*a].clone(), *a));
        chosen.extend(rest.into_iter().take(size - chosen.len()));
        chosen.sort_unstable();
        chosen
    }

    fn small_lists() -> impl Strategy<Value = Vec<Vec<i64>>> {
        (2usize..4, 1i64..12).prop_flat_map(|(axes, side)| {
            proptest::collection::vec(proptest::collection::vec(0..=side, axes), 1..24)
        })
    }

    fn of_whole(list: &[Vec<i64>], normalize: Normalize) -> Points {
        Points::new(list.iter().map(|v| v.iter().map(|x| *x as f64).collect()).collect(), normalize)
            .unwrap()
    }

    proptest! {
        #[test]
        fn selection_equals_the_reference(list in small_lists(), size in 0usize..26) {
            let none = of_whole(&list, Normalize::None);
            prop_assert_eq!(select(&none, size), reference_selection(&list, false, size));
            let minmax = of_whole(&list, Normalize::Minmax);
            prop_assert_eq!(select(&minmax, size), reference_selection(&list, true, size));
        }

        #[test]
        fn the_same_vectors_are_selected_in_any_order(
            list in small_lists(), order in any::<u64>(), size in 0usize..26,
            normalize in prop_oneof![
                Just(Normalize::None), Just(Normalize::Minmax), Just(Normalize::LogMinmax),
            ],
        ) {
            // Past 2^53 a step of 1 would be lost, so whole steps of 1024 are taken there;
            // logarithms need more than 0.
            let mapped = |f: fn(&i64) -> i64| -> Vec<Vec<i64>> {
                list.iter().map(|v| v.iter().map(f).collect()).collect()
            };
            for list in [mapped(|x| x + 1), mapped(|x| (1 << 54) + (x << 10))] {
                let mut shuffled: Vec<Vec<i64>> = list.clone();
                let mut rng = common::seed::stream(order, "order");
                rand::seq::SliceRandom::shuffle(&mut shuffled[..], &mut rng);
                let chosen = |list: &[Vec<i64>]| {
                    let selected = select(&of_whole(list, normalize), size);
                    let mut vectors: Vec<Vec<i64>> =
                        selected.iter().map(|i| list[*i].clone()).collect();
                    vectors.sort();
                    vectors
                };
                prop_assert_eq!(chosen(&list), chosen(&shuffled));
            }
        }

        #[test]
        fn the_archive_is_full_and_keeps_the_front_where_it_fits(
            list in proptest::collection::vec([any::<f64>(), any::<f64>()], 0..20),
            size in 0usize..22,
        ) {
            let finite = |v: &[f64; 2]| v.iter().all(|x| x.is_finite());
            let list: Vec<[f64; 2]> = list.into_iter().filter(finite).collect();
            for normalize in [Normalize::None, Normalize::Minmax] {
                let vectors = list.iter().map(|v| v.to_vec()).collect();
                let points = Points::new(vectors, normalize).unwrap();
                let selected = select(&points, size);
                prop_assert_eq!(selected.len(), size.min(list.len()));
                let on_front = |i: &usize| list.iter().all(|other| !dominates(other, &list[*i]));
                let front: Vec<usize> = (0..list.len()).filter(on_front).collect();
                let kept = front.iter().filter(|i| selected.contains(i)).count();
                prop_assert_eq!(kept, front.len().min(size));
            }
        }
    }
}
