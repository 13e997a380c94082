//! Which filters of one convolution go, and which of them first.

use crate::cluster;
use common::prune_report::PruneMethod;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use std::collections::BTreeMap;

/// A filter that is to go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Removal {
    /// Its index.
    pub filter: usize,
    /// How much would be missed, comparable between convolutions: where not all can go, the lowest
    /// goes first.
    pub worth: f64,
}

/// How many of `filters` filters stay in one round: `floor(factor * filters)`, at least one, and
/// fewer than there were where there are two.
pub fn filters_that_stay(filters: usize, factor: f64) -> usize {
    // Not to lose a filter to rounding: 0.29 * 100 is 28.999999999999996.
    let floor = (factor * filters as f64 + 1e-9).floor() as usize;
    floor.min(filters.saturating_sub(1)).max(1)
}

/// The filters that go so that `stay` of them stay, by index. Each filter is a flat list of its
/// weights.
///
/// # Panics
/// If `stay` is 0 or above the number of filters, or the filters differ in length.
pub fn removals(
    method: PruneMethod,
    filters: &[&[f32]],
    stay: usize,
    rng: impl Rng + 'static,
) -> Vec<Removal> {
    assert!((1..=filters.len()).contains(&stay), "{stay} of {} filters cannot stay", filters.len());
    match method {
        PruneMethod::Kmeans => by_clusters(filters, stay, rng),
        PruneMethod::L1 => by_norm(filters, stay),
        PruneMethod::Random => by_lot(filters.len(), stay, rng),
    }
}

/// The filter nearest to each centre stays. The worth of the others is their distance to it, as a
/// share of the filters' usual length: the batch normalisation after a convolution takes the scale
/// of its filters out.
fn by_clusters(filters: &[&[f32]], stay: usize, rng: impl Rng + 'static) -> Vec<Removal> {
    let members = cluster::memberships(filters, stay, rng);
    let length = root_mean_square_length(filters);
    let mut nearest: BTreeMap<usize, usize> = BTreeMap::new();
    for (filter, member) in members.iter().enumerate() {
        let best = nearest.entry(member.cluster).or_insert(filter);
        if member.distance < members[*best].distance {
            *best = filter;
        }
    }
    let stays: Vec<usize> = nearest.into_values().collect();
    let others = (0..filters.len()).filter(|filter| !stays.contains(filter));
    let removals =
        others.map(|filter| Removal { filter, worth: members[filter].distance / length }).collect();
    // With equal filters there are fewer clusters than filters that stay: the most distant ones
    // stay as well.
    lowest(removals, filters.len() - stay)
}

/// The filters with the largest sum of absolute weights stay. The worth of a filter is its sum as a
/// share of the mean.
fn by_norm(filters: &[&[f32]], stay: usize) -> Vec<Removal> {
    let sums: Vec<f64> =
        filters.iter().map(|filter| filter.iter().map(|w| f64::from(w.abs())).sum()).collect();
    let mean = above_zero(sums.iter().sum::<f64>() / sums.len() as f64);
    let removals = sums
        .iter()
        .enumerate()
        .map(|(filter, sum)| Removal { filter, worth: sum / mean })
        .collect();
    lowest(removals, filters.len() - stay)
}

/// Filters drawn at random stay.
fn by_lot(filters: usize, stay: usize, mut rng: impl Rng) -> Vec<Removal> {
    let mut order: Vec<usize> = (0..filters).collect();
    order.shuffle(&mut rng);
    let removals =
        order[stay..].iter().map(|&filter| Removal { filter, worth: rng.random() }).collect();
    lowest(removals, filters - stay)
}

/// The `count` removals of the lowest worth, by index; of equal ones the last.
fn lowest(mut removals: Vec<Removal>, count: usize) -> Vec<Removal> {
    removals.sort_by(|a, b| a.worth.total_cmp(&b.worth).then(b.filter.cmp(&a.filter)));
    removals.truncate(count);
    removals.sort_by_key(|removal| removal.filter);
    removals
}

fn root_mean_square_length(filters: &[&[f32]]) -> f64 {
    let squares = filters.iter().flat_map(|filter| filter.iter()).map(|w| f64::from(*w).powi(2));
    above_zero((squares.sum::<f64>() / filters.len() as f64).sqrt())
}

/// Something to divide by: where every weight is 0, so is everything that is divided.
fn above_zero(x: f64) -> f64 {
    if x > 0.0 { x } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::seed;
    use proptest::prelude::*;

    fn gone(method: PruneMethod, filters: &[&[f32]], stay: usize) -> Vec<usize> {
        removals(method, filters, stay, seed::stream(1, "test")).iter().map(|r| r.filter).collect()
    }

    /// With the paper's growth of 12 and factor of 0.9 ten rounds leave one filter; rounding up
    /// would stick at 9.
    #[test]
    fn every_round_takes_at_least_one_filter() {
        let schedule = |n| std::iter::successors(Some(n), |n| Some(filters_that_stay(*n, 0.9)));
        assert_eq!(
            schedule(12).take(12).collect::<Vec<_>>(),
            [12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1]
        );
        assert_eq!(schedule(4).take(5).collect::<Vec<_>>(), [4, 3, 2, 1, 1]);
        assert_eq!(filters_that_stay(100, 0.29), 29);
        assert_eq!(filters_that_stay(24, 0.01), 1);
        for n in 2..200 {
            for factor in [0.5, 0.9, 0.999_999, 1.0 - f64::EPSILON] {
                assert!((1..n).contains(&filters_that_stay(n, factor)), "{n} x {factor}");
            }
        }
    }

    /// One pair of near twins and two loners: a twin goes. Its worth: the twins are 0.2 apart, so
    /// 0.1 from their centre; the mean square length is (1 + 1.44 + 100 + 100) / 4.
    #[test]
    fn a_near_twin_goes_first() {
        let filters: [&[f32]; 4] = [&[10.0, 0.0], &[0.0, 1.0], &[0.0, -10.0], &[0.0, 1.2]];
        let found = removals(PruneMethod::Kmeans, &filters, 3, seed::stream(1, "test"));
        assert_eq!(found.len(), 1);
        assert!([1, 3].contains(&found[0].filter));
        assert!((found[0].worth - 0.1 / (202.44f64 / 4.0).sqrt()).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn the_filter_nearest_to_the_centre_stays() {
        let filters: [&[f32]; 4] = [&[0.0], &[1.0], &[5.0], &[100.0]];
        assert_eq!(gone(PruneMethod::Kmeans, &filters, 2), [0, 2]);
    }

    #[test]
    fn small_sums_go_with_l1() {
        let filters: [&[f32]; 4] = [&[1.0, -3.0], &[0.5, 0.5], &[-9.0, 0.0], &[0.0, 1.5]];
        let found = removals(PruneMethod::L1, &filters, 2, seed::stream(1, "test"));
        let (mean, worth) = ((4.0 + 1.0 + 9.0 + 1.5) / 4.0, |i: usize| found[i].worth);
        assert_eq!(gone(PruneMethod::L1, &filters, 2), [1, 3]);
        assert_eq!([worth(0), worth(1)], [1.0 / mean, 1.5 / mean]);
    }

    #[test]
    fn the_lot_depends_on_the_seed() {
        let filters: Vec<&[f32]> = vec![&[1.0]; 12];
        let drawn = |seed| removals(PruneMethod::Random, &filters, 6, seed::stream(seed, "test"));
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    fn weights() -> impl Strategy<Value = Vec<Vec<f32>>> {
        // Few values, so that equal filters and all-zero ones come up.
        let weight = prop_oneof![Just(0.0f32), Just(1.0), Just(-1e-30), -1.0f32..1.0];
        (1usize..14, 1usize..5).prop_flat_map(move |(n, length)| {
            proptest::collection::vec(proptest::collection::vec(weight.clone(), length), n)
        })
    }

    proptest! {
        #[test]
        fn exactly_as_many_stay_as_asked(weights in weights(), stay in 1usize..14, seed: u64) {
            let filters: Vec<&[f32]> = weights.iter().map(Vec::as_slice).collect();
            let stay = stay.min(filters.len());
            for method in PruneMethod::ALL {
                let found = removals(method, &filters, stay, seed::stream(seed, "test"));
                prop_assert_eq!(found.len(), filters.len() - stay);
                prop_assert!(found.is_sorted_by(|a, b| a.filter < b.filter));
                prop_assert!(found.iter().all(|r| r.filter < filters.len() && r.worth.is_finite() && r.worth >= 0.0));
            }
        }
    }
}
