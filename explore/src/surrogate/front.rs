//! The front of sizes and errors, and the expected improvement of its hypervolume.

/// The process learns the cube root of errors, because the noise of an error grows with the error,
/// while that of its cube root hardly does.
pub(super) const POWER: i32 = 3;
/// Range over which predictions are integrated, in standard deviations, and its step.
const REACH: f64 = 4.0;
const STEP: f64 = 0.2;
/// Distance of the reference point from the largest network, as a fraction of the range of sizes.
const MARGIN: f64 = 0.05;

/// A candidate's size (0 to 1), and mean and standard deviation of the cube root of its error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub(super) size: f64,
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// Sizes and errors of networks that do not dominate each other, in ascending order of size, up to
/// an error beyond which nothing is of interest.
pub(super) struct Front {
    points: Vec<[f64; 2]>,
    worst_error: f64,
}

impl Front {
    /// Returns the front of sizes and errors.
    pub(super) fn new(mut points: Vec<[f64; 2]>, worst_error: f64) -> Front {
        points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        let mut least = worst_error;
        points.retain(|[_, error]| {
            *error < least && {
                least = *error;
                true
            }
        });
        Front { points, worst_error }
    }

    /// Returns the front with a candidate whose error is as expected.
    pub(super) fn with(&self, candidate: Estimate) -> Front {
        let expected = [candidate.size, candidate.mean.max(0.0).powi(POWER)];
        Front::new(self.points.iter().copied().chain([expected]).collect(), self.worst_error)
    }

    /// Returns the expected hypervolume improvement by a candidate: the sum over the steps of the
    /// front of the step's width beyond the candidate's size, times the expected distance of the
    /// candidate's error below the step.
    pub(super) fn improvement(&self, candidate: Estimate) -> f64 {
        let errors = candidate.errors();
        let starts = [[f64::MIN, self.worst_error]].into_iter().chain(self.points.iter().copied());
        let ends = self.points.iter().map(|[size, _]| *size).chain([1.0 + MARGIN]);
        let steps = starts
            .zip(ends)
            .map(|([start, error], end)| ((end - start.max(candidate.size)).max(0.0), error));
        steps
            .filter(|(width, _)| *width > 0.0)
            .map(|(width, error)| width * expected_below(&errors, error))
            .sum()
    }
}

impl Estimate {
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

    fn candidate(size: f64, error: f64, deviation: f64) -> Estimate {
        Estimate { size, mean: error.cbrt(), deviation }
    }

    /// Computes the hypervolume of a front numerically, over small boxes.
    fn volume(points: &[[f64; 2]], worst: f64) -> f64 {
        let side = 1e-3;
        let boxes = (0..1050).map(|i| (f64::from(i) + 0.5) * side);
        let least =
            |size: f64| points.iter().filter(|p| p[0] <= size).map(|p| p[1]).fold(worst, f64::min);
        boxes.map(|size| (worst - least(size)) * side).sum()
    }

    #[test]
    fn without_deviation_the_improvement_is_that_of_the_hypervolume() {
        let points = [[0.1, 0.6], [0.5, 0.25], [0.8, 0.5], [0.9, 0.1]];
        let candidates =
            [(0.0, 0.7), (0.05, 0.3), (0.3, 0.25), (0.6, 0.05), (1.0, 0.05), (0.7, 0.3)];
        for worst in [1.0, 0.4] {
            for (size, error) in candidates {
                let with = [&points[..], &[[size, error]]].concat();
                let want = volume(&with, worst) - volume(&points, worst);
                let front = Front::new(points.to_vec(), worst);
                let got = front.improvement(candidate(size, error, 0.0));
                assert!((got - want).abs() < 1e-3, "{worst} {size} {error}: {got} is not {want}");
            }
        }
    }

    /// A cube root with mean 0 and deviation 1/2: its half below 0 counts as an error of 0; for the
    /// other half, the cube's mean up to 1 is 2 * (1/2)^3 / sqrt(2 pi) * (1 - 3 / e^2), by partial
    /// integration.
    #[test]
    fn the_deviation_is_integrated_over() {
        let above: f64 = 0.954_499_736; // Within two standard deviations.
        let tail = (1.0 - above) / 2.0;
        let cube = 0.25 / (2.0 * std::f64::consts::PI).sqrt() * (1.0 - 3.0 * (-2.0f64).exp());
        let below = |estimate: Estimate, error| expected_below(&estimate.errors(), error);
        let got = below(Estimate { size: 0.0, mean: 0.0, deviation: 0.5 }, 1.0);
        assert!((got - (1.0 - tail - cube)).abs() < 2e-3, "{got}");
        assert!(below(candidate(0.0, 0.5, 0.2), 0.4) > 0.0);
        assert_eq!(below(candidate(0.0, 0.5, 0.0), 0.4), 0.0);
    }
}
