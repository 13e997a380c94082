//! The front of costs and errors, and the expected improvement of its hypervolume.

use common::search::volume::exclusive;
use std::cmp::Ordering;

/// The process learns the cube root of errors, because the noise of an error grows with the error,
/// while that of its cube root hardly does.
pub(super) const POWER: i32 = 3;
/// Range over which predictions are integrated, in standard deviations, and its step.
const REACH: f64 = 4.0;
const STEP: f64 = 0.2;
/// Distance of the reference point from the largest network, as a fraction of the range of costs.
const MARGIN: f64 = 0.05;

/// A candidate's costs (0 to 1), and mean and standard deviation of the cube root of its error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate<'a> {
    pub(super) costs: &'a [f64],
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// Costs, and the error after them, of networks that do not dominate each other, in lexicographic
/// order, up to an error beyond which nothing is of interest.
pub(super) struct Front {
    points: Vec<Vec<f64>>,
    worst_error: f64,
}

impl Front {
    /// Returns the front of points, each of costs and an error.
    pub(super) fn new(mut points: Vec<Vec<f64>>, worst_error: f64) -> Front {
        points.sort_by(|a, b| {
            let orders = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
            orders.fold(Ordering::Equal, Ordering::then)
        });
        let mut front: Vec<Vec<f64>> = Vec::new();
        for point in points {
            let worse =
                |known: &Vec<f64>| known.iter().zip(&point).all(|(known, own)| known <= own);
            let inside = point.last().is_some_and(|error| *error < worst_error);
            if inside && !front.iter().any(worse) {
                front.push(point);
            }
        }
        Front { points: front, worst_error }
    }

    /// Returns the front with a candidate whose error is as expected.
    pub(super) fn with(&self, candidate: Estimate<'_>) -> Front {
        let expected = with_last(candidate.costs, candidate.mean.max(0.0).powi(POWER));
        Front::new(self.points.iter().cloned().chain([expected]).collect(), self.worst_error)
    }

    /// Returns the expected hypervolume improvement by a candidate.
    ///
    /// The costs are known, so that the least error of the front at larger costs is a step function
    /// of them, and the expectation is the integral of the expected distance of the candidate's error
    /// below the step. This is the volume that the candidate would dominate alone if each error were
    /// replaced by that distance, and its own by 0.
    pub(super) fn improvement(&self, candidate: Estimate<'_>) -> f64 {
        let errors = candidate.errors();
        let below = |point: &Vec<f64>| {
            let (error, costs) = point.split_last().unwrap_or((&0.0, &[]));
            with_last(costs, expected_below(&errors, *error))
        };
        let reference = vec![1.0 + MARGIN; candidate.costs.len()];
        exclusive(
            with_last(candidate.costs, 0.0),
            self.points.iter().map(below),
            below(&with_last(&reference, self.worst_error)),
        )
    }
}

fn with_last(costs: &[f64], last: f64) -> Vec<f64> {
    [costs, &[last]].concat()
}

impl Estimate<'_> {
    /// Returns possible errors with their probabilities.
    fn errors(&self) -> Vec<(f64, f64)> {
        let of = |step: usize| {
            let z = step as f64 * STEP - REACH;
            ((self.mean + self.deviation * z).max(0.0).powi(POWER), (-0.5 * z * z).exp())
        };
        let errors: Vec<(f64, f64)> = (0..=(2.0 * REACH / STEP).round() as usize).map(of).collect();
        let weights: f64 = errors.iter().map(|(_, weight)| weight).sum();
        errors.into_iter().map(|(error, weight)| (error, weight / weights)).collect()
    }
}

/// Returns the expected distance of possible errors below `error`, counted as 0 where they lie
/// above.
fn expected_below(errors: &[(f64, f64)], error: f64) -> f64 {
    errors.iter().map(|(own, weight)| weight * (error - own).max(0.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::seed::stream;
    use rand::RngExt;

    fn candidate(costs: &[f64], error: f64, deviation: f64) -> Estimate<'_> {
        Estimate { costs, mean: error.cbrt(), deviation }
    }

    /// Computes an expected improvement numerically: over the centres of small boxes of the costs
    /// beyond the candidate's, and over its errors.
    fn integral(points: &[Vec<f64>], worst: f64, candidate: Estimate<'_>, boxes: u32) -> f64 {
        let axes = candidate.costs.len();
        let errors = candidate.errors();
        let side = |axis: usize| (1.0 + MARGIN - candidate.costs[axis]) / f64::from(boxes);
        let at = |index: u32| -> f64 {
            let place = |axis: usize| {
                let step = index / boxes.pow(axis as u32) % boxes;
                candidate.costs[axis] + (f64::from(step) + 0.5) * side(axis)
            };
            let place: Vec<f64> = (0..axes).map(place).collect();
            let reaches = |p: &&Vec<f64>| p.iter().zip(&place).all(|(own, place)| own <= place);
            let least = points.iter().filter(reaches).map(|p| p[axes]).fold(worst, f64::min);
            errors.iter().map(|(error, weight)| weight * (least - error).max(0.0)).sum()
        };
        let volume: f64 = (0..axes).map(side).product();
        (0..boxes.pow(axes as u32)).map(at).sum::<f64>() * volume
    }

    /// Draws points of costs and an error, in twentieths, so that some are equal.
    fn drawn(axes: usize, count: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = stream(seed, "front");
        let mut number = || f64::from(rng.random_range(0u32..=20)) / 20.0;
        (0..count).map(|_| (0..=axes).map(|_| number()).collect()).collect()
    }

    #[test]
    fn without_deviation_the_improvement_is_that_of_the_hypervolume() {
        let points = [[0.1, 0.6], [0.5, 0.25], [0.8, 0.5], [0.9, 0.1]].map(Vec::from);
        let volume = |points: &[Vec<f64>], worst: f64| {
            let inside = points.iter().filter(|point| point[1] < worst);
            common::search::volume::dominated(inside, [1.0 + MARGIN, worst])
        };
        let candidates =
            [(0.0, 0.7), (0.05, 0.3), (0.3, 0.25), (0.6, 0.05), (1.0, 0.05), (0.7, 0.3)];
        for worst in [1.0, 0.4] {
            for (size, error) in candidates {
                let with = [&points[..], &[vec![size, error]]].concat();
                let want = volume(&with, worst) - volume(&points, worst);
                let front = Front::new(points.to_vec(), worst);
                let got = front.improvement(candidate(&[size], error, 0.0));
                assert!((got - want).abs() < 1e-12, "{worst} {size} {error}: {got} is not {want}");
            }
        }
    }

    #[test]
    fn the_improvement_is_the_integral_over_costs_and_errors() {
        for (axes, boxes, close) in [(1, 2000, 1e-3), (2, 150, 5e-3), (3, 40, 1e-2)] {
            for seed in 0..4 {
                let points = drawn(axes, 12, seed);
                for own in drawn(axes, 4, 100 + seed) {
                    let own = candidate(&own[..axes], own[axes].powi(3), 0.1);
                    let want = integral(&points, 0.7, own, boxes);
                    let got = Front::new(points.clone(), 0.7).improvement(own);
                    assert!((got - want).abs() < close, "{axes} {seed}: {got} is not {want}");
                }
            }
        }
    }

    /// The sum over the steps of the front, as it is written down for two objectives.
    #[test]
    fn with_one_cost_the_improvement_is_the_sum_over_steps_to_the_last_bit() {
        for seed in 0..50 {
            let front = Front::new(drawn(1, 15, seed), 0.8);
            for own in drawn(1, 5, 100 + seed) {
                let own = candidate(&own[..1], own[1].powi(3), 0.15);
                let starts = [vec![f64::MIN, 0.8]].into_iter().chain(front.points.iter().cloned());
                let ends = front.points.iter().map(|point| point[0]).chain([1.0 + MARGIN]);
                let step = |(start, end): (Vec<f64>, f64)| {
                    let width = (end - start[0].max(own.costs[0])).max(0.0);
                    width * expected_below(&own.errors(), start[1])
                };
                let want: f64 = starts.zip(ends).map(step).sum();
                assert_eq!(front.improvement(own).to_bits(), want.abs().to_bits());
            }
        }
    }

    #[test]
    fn the_order_of_costs_and_points_is_of_no_account() {
        for axes in 2..=6 {
            let mut points = drawn(axes, 30, axes as u64);
            let own = vec![0.3; axes];
            let before = Front::new(points.clone(), 0.9).improvement(candidate(&own, 0.1, 0.1));
            points.reverse();
            points.iter_mut().for_each(|point| point[..axes].rotate_left(1));
            let after = Front::new(points, 0.9).improvement(candidate(&own, 0.1, 0.1));
            assert!(before > 0.0 && (before - after).abs() < 1e-12, "{before} {after}");
        }
    }

    /// The volume at equal costs is that of the square of one.
    #[test]
    fn equal_costs_are_handled() {
        let points = [[0.5, 0.5, 0.25], [0.25, 0.25, 0.5], [0.5, 0.5, 0.25]].map(Vec::from);
        let front = Front::new(points.to_vec(), 1.0);
        assert_eq!(front.points.len(), 2);
        assert_eq!(front.improvement(candidate(&[0.5, 0.5], 0.25, 0.0)), 0.0);
        let got = front.improvement(candidate(&[0.25, 0.25], 0.25, 0.0));
        let want = 0.25 * (0.8f64.powi(2) - 0.55f64.powi(2));
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }

    /// A cube root with mean 0 and deviation 1/2: its half below 0 counts as an error of 0; for the
    /// other half, the cube's mean up to 1 is 2 * (1/2)^3 / sqrt(2 pi) * (1 - 3 / e^2), by partial
    /// integration.
    #[test]
    fn the_deviation_is_integrated_over() {
        let above: f64 = 0.954_499_736; // Within two standard deviations.
        let tail = (1.0 - above) / 2.0;
        let cube = 0.25 / (2.0 * std::f64::consts::PI).sqrt() * (1.0 - 3.0 * (-2.0f64).exp());
        let below = |estimate: Estimate<'_>, error| expected_below(&estimate.errors(), error);
        let got = below(Estimate { costs: &[0.0], mean: 0.0, deviation: 0.5 }, 1.0);
        assert!((got - (1.0 - tail - cube)).abs() < 2e-3, "{got}");
        assert!(below(candidate(&[0.0], 0.5, 0.2), 0.4) > 0.0);
        assert_eq!(below(candidate(&[0.0], 0.5, 0.0), 0.4), 0.0);
    }
}
