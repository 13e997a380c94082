//! The importance of filters by clusters, by norm or at random.

use super::kmeans;
use common::profile::PruneMethod;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use std::collections::BTreeMap;

/// A filter that can be removed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Removal {
    /// Its index.
    pub filter: usize,
    /// Importance, comparable between convolutions: the lowest is removed first.
    pub importance: f64,
}

/// Returns the number of filters that one round keeps of `filters`: `floor(factor * filters)`, at
/// least one, and at least one fewer than `filters` if there are two or more.
pub fn filters_to_keep(filters: usize, factor: f64) -> usize {
    // A product may be rounded down: 0.29 * 100 is 28.999999999999996.
    let floor = (factor * filters as f64 + 1e-9).floor() as usize;
    floor.min(filters.saturating_sub(1)).max(1)
}

/// Returns the filters to remove so that `keep` remain, in ascending order. Each filter is a flat
/// list of its weights.
///
/// # Panics
/// If `keep` is 0 or above the number of filters, or if the filters differ in length.
pub fn removals(
    method: PruneMethod,
    filters: &[&[f32]],
    keep: usize,
    rng: impl Rng + 'static,
) -> Vec<Removal> {
    assert!(
        (1..=filters.len()).contains(&keep),
        "{keep} of {} filters cannot be kept",
        filters.len()
    );
    match method {
        PruneMethod::Kmeans => by_clusters(filters, keep, rng),
        PruneMethod::L1 => by_norm(filters, keep),
        PruneMethod::Random => at_random(filters.len(), keep, rng),
    }
}

/// Keeps the filter nearest to the centre of each cluster (paper, section 4.2). The importance of
/// another filter is its distance to the centre, divided by the root mean square length of the
/// filters, since the batch normalisation after a convolution cancels the scale of its filters.
fn by_clusters(filters: &[&[f32]], keep: usize, rng: impl Rng + 'static) -> Vec<Removal> {
    let members = kmeans::memberships(filters, keep, rng);
    let length = root_mean_square_length(filters);
    let mut nearest: BTreeMap<usize, usize> = BTreeMap::new();
    for (filter, member) in members.iter().enumerate() {
        let best = nearest.entry(member.cluster).or_insert(filter);
        if member.distance < members[*best].distance {
            *best = filter;
        }
    }
    let kept: Vec<usize> = nearest.into_values().collect();
    let others = (0..filters.len()).filter(|filter| !kept.contains(filter));
    let removals = others
        .map(|filter| Removal { filter, importance: members[filter].distance / length })
        .collect();
    // Equal filters make fewer clusters than filters to keep. The most distant ones are kept, too.
    lowest(removals, filters.len() - keep)
}

/// Keeps the filters with the largest L1 norm. The importance of a filter is its norm, divided by
/// the mean norm.
fn by_norm(filters: &[&[f32]], keep: usize) -> Vec<Removal> {
    let norms: Vec<f64> =
        filters.iter().map(|filter| filter.iter().map(|w| f64::from(w.abs())).sum()).collect();
    let mean = above_zero(norms.iter().sum::<f64>() / norms.len() as f64);
    let removals = norms
        .iter()
        .enumerate()
        .map(|(filter, norm)| Removal { filter, importance: norm / mean })
        .collect();
    lowest(removals, filters.len() - keep)
}

/// Keeps filters drawn at random.
fn at_random(filters: usize, keep: usize, mut rng: impl Rng) -> Vec<Removal> {
    let mut order: Vec<usize> = (0..filters).collect();
    order.shuffle(&mut rng);
    let removals =
        order[keep..].iter().map(|&filter| Removal { filter, importance: rng.random() }).collect();
    lowest(removals, filters - keep)
}

/// Returns the `count` removals of lowest importance, ordered by filter. Of equally important ones,
/// the last filters are taken.
fn lowest(mut removals: Vec<Removal>, count: usize) -> Vec<Removal> {
    removals.sort_by(|a, b| a.importance.total_cmp(&b.importance).then(b.filter.cmp(&a.filter)));
    removals.truncate(count);
    removals.sort_by_key(|removal| removal.filter);
    removals
}

fn root_mean_square_length(filters: &[&[f32]]) -> f64 {
    let squares = filters.iter().flat_map(|filter| filter.iter()).map(|w| f64::from(*w).powi(2));
    above_zero((squares.sum::<f64>() / filters.len() as f64).sqrt())
}

/// Returns a divisor: 1 instead of 0, which occurs only if every dividend is 0, too.
fn above_zero(x: f64) -> f64 {
    if x > 0.0 { x } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::seed;
    use proptest::prelude::*;

    fn removed(method: PruneMethod, filters: &[&[f32]], keep: usize) -> Vec<usize> {
        removals(method, filters, keep, seed::stream(1, "test")).iter().map(|r| r.filter).collect()
    }

    /// With the paper's growth of 12 and factor of 0.9 ten rounds leave one filter; rounding up
    /// would stay at 9.
    #[test]
    fn every_round_removes_at_least_one_filter() {
        let schedule = |n| std::iter::successors(Some(n), |n| Some(filters_to_keep(*n, 0.9)));
        assert_eq!(
            schedule(12).take(12).collect::<Vec<_>>(),
            [12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1]
        );
        assert_eq!(schedule(4).take(5).collect::<Vec<_>>(), [4, 3, 2, 1, 1]);
        assert_eq!(filters_to_keep(100, 0.29), 29);
        assert_eq!(filters_to_keep(24, 0.01), 1);
        for n in 2..200 {
            for factor in [0.5, 0.9, 0.999_999, 1.0 - f64::EPSILON] {
                assert!((1..n).contains(&filters_to_keep(n, factor)), "{n} x {factor}");
            }
        }
    }

    /// Two filters are 0.2 apart, so 0.1 from their centre; the others are far away. The mean
    /// square length is (1 + 1.44 + 100 + 100) / 4.
    #[test]
    fn kmeans_removes_a_near_duplicate() {
        let filters: [&[f32]; 4] = [&[10.0, 0.0], &[0.0, 1.0], &[0.0, -10.0], &[0.0, 1.2]];
        let found = removals(PruneMethod::Kmeans, &filters, 3, seed::stream(1, "test"));
        assert_eq!(found.len(), 1);
        assert!([1, 3].contains(&found[0].filter));
        assert!((found[0].importance - 0.1 / (202.44f64 / 4.0).sqrt()).abs() < 1e-7, "{found:?}");
    }

    #[test]
    fn kmeans_keeps_the_filter_nearest_to_the_centre() {
        let filters: [&[f32]; 4] = [&[0.0], &[1.0], &[5.0], &[100.0]];
        assert_eq!(removed(PruneMethod::Kmeans, &filters, 2), [0, 2]);
    }

    #[test]
    fn l1_removes_small_norms() {
        let filters: [&[f32]; 4] = [&[1.0, -3.0], &[0.5, 0.5], &[-9.0, 0.0], &[0.0, 1.5]];
        let found = removals(PruneMethod::L1, &filters, 2, seed::stream(1, "test"));
        let (mean, importance) = ((4.0 + 1.0 + 9.0 + 1.5) / 4.0, |i: usize| found[i].importance);
        assert_eq!(removed(PruneMethod::L1, &filters, 2), [1, 3]);
        assert_eq!([importance(0), importance(1)], [1.0 / mean, 1.5 / mean]);
    }

    #[test]
    fn random_removals_depend_on_the_seed() {
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
        fn exactly_as_many_filters_are_kept_as_asked(weights in weights(), keep in 1usize..14, seed: u64) {
            let filters: Vec<&[f32]> = weights.iter().map(Vec::as_slice).collect();
            let keep = keep.min(filters.len());
            for method in PruneMethod::ALL {
                let found = removals(method, &filters, keep, seed::stream(seed, "test"));
                prop_assert_eq!(found.len(), filters.len() - keep);
                prop_assert!(found.is_sorted_by(|a, b| a.filter < b.filter));
                prop_assert!(found.iter().all(|r| r.filter < filters.len() && r.importance.is_finite() && r.importance >= 0.0));
            }
        }
    }
}
