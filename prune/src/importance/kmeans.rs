//! k-means++ over the filters of one convolution (paper, section 4.2), by the `kmeans` crate.

use kmeans::{AbortStrategy, EuclideanDistance, KMeans, KMeansConfig};
use rand::Rng;

/// f64 lanes of the crate's SIMD code: a fixed number, so that sums are taken in the same order on
/// all processors.
const LANES: usize = 8;
/// A limit on Lloyd's iterations. They end when the distances stop shrinking, which takes few.
const MAX_ITERATIONS: usize = 100;

/// The cluster of a filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Membership {
    /// Index of the cluster.
    pub(super) cluster: usize,
    /// Euclidean distance of the filter to the cluster's centre.
    pub(super) distance: f64,
}

/// Returns the cluster of each filter, for at most `clusters` clusters. The result does not depend
/// on the number of threads.
///
/// # Panics
/// If there are no filters, no weights in a filter or no clusters, or if the filters differ in
/// length.
pub(super) fn memberships(
    filters: &[&[f32]],
    clusters: usize,
    rng: impl Rng + 'static,
) -> Vec<Membership> {
    // The crate's k-means++ draws each new centre with a probability by its distance to those it
    // has, and panics if all distances are 0. With a cluster for each different filter, there is
    // nothing to draw.
    let numbers = number_different(filters);
    if numbers.iter().max().is_some_and(|last| *last < clusters) {
        return numbers.into_iter().map(|cluster| Membership { cluster, distance: 0.0 }).collect();
    }
    // In f64 the squared difference of two different f32 is never rounded to 0.
    let samples: Vec<f64> =
        filters.iter().flat_map(|filter| filter.iter().map(|w| f64::from(*w))).collect();
    let kmeans: KMeans<f64, LANES, _> =
        KMeans::new(&samples, filters.len(), filters[0].len(), EuclideanDistance);
    let config = KMeansConfig::build()
        .random_generator(RandCore06(rng))
        .abort_strategy(AbortStrategy::NoImprovement { threshold: 0.0 })
        .build();
    let state = kmeans.kmeans_lloyd(clusters, MAX_ITERATIONS, KMeans::init_kmeanplusplus, &config);
    let squared = state.centroid_distances;
    let pairs = state.assignments.into_iter().zip(squared);
    pairs.map(|(cluster, squared)| Membership { cluster, distance: squared.sqrt() }).collect()
}

/// Numbers the different filters from 0, and returns the number of each filter.
fn number_different(filters: &[&[f32]]) -> Vec<usize> {
    let mut firsts: Vec<&[f32]> = Vec::new();
    let mut numbers = Vec::with_capacity(filters.len());
    for filter in filters {
        let known = firsts.iter().position(|first| first == filter);
        numbers.push(known.unwrap_or(firsts.len()));
        if known.is_none() {
            firsts.push(filter);
        }
    }
    numbers
}

/// Adapts a generator to the older trait that the `kmeans` crate asks for.
struct RandCore06<R>(R);

impl<R: Rng> rand_core_06::RngCore for RandCore06<R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core_06::Error> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::seed;

    fn clusters_of(filters: &[&[f32]], clusters: usize, seed: u64) -> Vec<usize> {
        memberships(filters, clusters, seed::stream(seed, "test"))
            .iter()
            .map(|m| m.cluster)
            .collect()
    }

    /// Three groups far apart are found whatever the seed.
    #[test]
    fn groups_that_lie_far_apart_are_found() {
        let filters: [&[f32]; 7] = [
            &[0.0, 0.0],
            &[9.0, 0.0],
            &[0.1, 0.0],
            &[0.0, 8.9],
            &[9.1, 0.0],
            &[0.0, 9.0],
            &[0.0, 0.1],
        ];
        for seed in 0..20 {
            let found = clusters_of(&filters, 3, seed);
            let together = |a: usize, b: usize| found[a] == found[b];
            assert!(
                together(0, 2) && together(0, 6) && together(1, 4) && together(3, 5),
                "{found:?}"
            );
            assert!(!together(0, 1) && !together(0, 3) && !together(1, 3), "{found:?}");
        }
    }

    #[test]
    fn distances_are_to_the_mean_of_the_cluster() {
        let filters: [&[f32]; 3] = [&[1.0, 1.0], &[4.0, 5.0], &[40.0, 50.0]];
        let found = memberships(&filters, 2, seed::stream(1, "test"));
        assert_eq!(found[0].cluster, found[1].cluster);
        assert_eq!([found[0].distance, found[1].distance, found[2].distance], [2.5, 2.5, 0.0]);
    }

    #[test]
    fn equal_and_tiny_filters_neither_panic_nor_hang() {
        let zeros: [&[f32]; 4] = [&[0.0, -0.0]; 4];
        assert_eq!(clusters_of(&zeros, 3, 1), [0; 4]);
        let twins: [&[f32]; 4] = [&[1.0], &[2.0], &[1.0], &[2.0]];
        assert_eq!(clusters_of(&twins, 2, 1), [0, 1, 0, 1]);
        let tiny: [&[f32]; 3] = [&[f32::from_bits(1)], &[f32::from_bits(2)], &[f32::from_bits(9)]];
        assert_eq!(clusters_of(&tiny, 2, 1)[0], clusters_of(&tiny, 2, 1)[1]);
        let huge: [&[f32]; 3] = [&[f32::MAX], &[f32::MIN], &[0.0]];
        assert_eq!(clusters_of(&huge, 2, 1).len(), 3);
        assert_eq!(clusters_of(&huge, 1, 1), [0; 3]);
    }
}
