//! Gaussian process regression (Rasmussen and Williams 2006, chapter 2) over points of categories
//! and numbers, for the few hundred observations of a search.

use super::cholesky::{Factor, dot};
use super::kernel::{Kernel, Point};
use super::trend::Trend;

/// Steps of the optimisation of a kernel.
const STEPS: usize = 20;
/// Size of a step along a logarithm: at first, and bounds.
const FIRST_STEP: f64 = 0.4;
const STEP: (f64, f64) = (1e-3, 1.0);
/// Least variance of a prediction, as a fraction of the variance between points.
const LEAST: f64 = 1e-9;

/// A value that was observed at a point.
#[derive(Clone, Debug)]
pub struct Value {
    /// The value, about 0 to 1.
    pub value: f64,
    /// Whether its noise is larger than that of other values.
    pub uncertain: bool,
}

/// A fitted Gaussian process.
#[derive(Debug)]
pub struct GaussianProcess<'a> {
    points: &'a [Point],
    trend: Trend,
    kernel: Kernel,
    posterior: Posterior,
}

/// The predicted value at a point, without the noise of an observation.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Mean.
    pub mean: f64,
    /// Variance.
    pub variance: f64,
    /// Covariances with the observations, multiplied by the inverse of the factor of theirs.
    explained: Vec<f64>,
}

impl<'a> GaussianProcess<'a> {
    /// Fits a process to the values at points. `None` if there are no points. `labels` has the
    /// number of labels of each category.
    pub fn fit(points: &'a [Point], values: &[Value], labels: &[usize]) -> Option<Self> {
        let numbers = points.first()?.numbers.len();
        let plain: Vec<f64> = values.iter().map(|value| value.value).collect();
        let trend = Trend::of(points, &plain);
        let above = |(value, point): (&Value, &Point)| Value {
            value: value.value - trend.at(point),
            ..value.clone()
        };
        let values: Vec<Value> = values.iter().zip(points).map(above).collect();
        let mut ascent = Ascent::new(Kernel::new(labels, numbers), points, &values)?;
        (0..STEPS).take_while(|_| ascent.step(points, &values).is_some()).count();
        let (kernel, posterior) = ascent.best;
        Some(GaussianProcess { points, trend, kernel, posterior })
    }

    /// Predicts the value at a point.
    pub fn predict(&self, point: &Point) -> Prediction {
        let Posterior { factor, shares, variance, .. } = &self.posterior;
        let covariance = |known| self.kernel.covariance(point, known);
        let covariances: Vec<f64> = self.points.iter().map(covariance).collect();
        let explained = factor.forward(&covariances);
        let left = (1.0 - dot(&explained, &explained)).max(LEAST);
        let mean = self.trend.at(point) + dot(&covariances, shares);
        Prediction { mean, variance: variance * left, explained }
    }

    /// Changes the prediction at `b` as if the value at `a` had been observed and were as predicted.
    /// Both predictions know of the same earlier observations.
    pub fn observe(&self, (a, at_a): (&Point, &Prediction), (b, at_b): (&Point, &mut Prediction)) {
        let variance = self.posterior.variance;
        let shared = self.kernel.covariance(a, b) - dot(&at_a.explained, &at_b.explained);
        let own = at_a.variance / variance + self.kernel.noise(false);
        let explained = shared / own.sqrt();
        at_b.explained.push(explained);
        at_b.variance = (at_b.variance - variance * explained.powi(2)).max(variance * LEAST);
    }
}

/// A search for the kernel of the largest likelihood by resilient propagation (Riedmiller and Braun
/// 1993): a step along a logarithm grows while the slope keeps its sign, and shrinks when it turns.
struct Ascent {
    kernel: Kernel,
    posterior: Posterior,
    /// Sizes of the next steps.
    steps: Vec<f64>,
    /// Slopes before the last step; 0 where the slope has turned.
    slopes: Vec<f64>,
    best: (Kernel, Posterior),
}

impl Ascent {
    fn new(kernel: Kernel, points: &[Point], values: &[Value]) -> Option<Ascent> {
        let posterior = Posterior::new(&kernel, points, values)?;
        let (steps, slopes) = (vec![FIRST_STEP; kernel.len()], vec![0.0; kernel.len()]);
        let best = (kernel.clone(), posterior.clone());
        Some(Ascent { kernel, posterior, steps, slopes, best })
    }

    /// `None` if the covariances have no factor any more.
    fn step(&mut self, points: &[Point], values: &[Value]) -> Option<()> {
        let slopes = self.posterior.slopes(&self.kernel, points, values);
        for (index, slope) in slopes.into_iter().enumerate() {
            let (step, before) = (&mut self.steps[index], &mut self.slopes[index]);
            let product = slope * *before;
            let factor = if product > 0.0 {
                1.2
            } else if product < 0.0 {
                0.5
            } else {
                1.0
            };
            *step = (*step * factor).clamp(STEP.0, STEP.1);
            *before = if product < 0.0 { 0.0 } else { slope };
            if *before != 0.0 {
                self.kernel.change(index, step.copysign(slope));
            }
        }
        self.posterior = Posterior::new(&self.kernel, points, values)?;
        if self.posterior.likelihood > self.best.1.likelihood {
            self.best = (self.kernel.clone(), self.posterior.clone());
        }
        Some(())
    }
}

/// The posterior for one kernel.
#[derive(Clone, Debug)]
struct Posterior {
    /// Covariances of each point with those before it.
    covariances: Vec<Vec<f64>>,
    factor: Factor,
    /// Weight of each observation.
    shares: Vec<f64>,
    /// Variance between points.
    variance: f64,
    /// Log marginal likelihood, the prior included.
    likelihood: f64,
}

impl Posterior {
    /// `None` if the covariances have no factor.
    fn new(kernel: &Kernel, points: &[Point], values: &[Value]) -> Option<Posterior> {
        let row = |(i, a): (usize, &Point)| {
            points[..i].iter().map(|b| kernel.covariance(a, b)).collect::<Vec<f64>>()
        };
        let covariances: Vec<Vec<f64>> = points.iter().enumerate().map(row).collect();
        let diagonal = values.iter().map(|value| 1.0 + kernel.noise(value.uncertain));
        let factor = Factor::new(covariances.iter().cloned().zip(diagonal))?;
        let scaled = factor.forward(&values.iter().map(|value| value.value).collect::<Vec<_>>());
        let count = values.len() as f64;
        // One more observation, 0.01 from the mean, keeps the variance of equal values above 0.
        let variance = (dot(&scaled, &scaled) + 1e-4) / (count + 1.0);
        let fit = -0.5 * (count + 1.0) * variance.ln() - factor.half_log_determinant();
        let shares = factor.backward(scaled);
        let likelihood = fit + kernel.prior();
        Some(Posterior { covariances, factor, shares, variance, likelihood })
    }

    /// Returns the slopes of the likelihood along all logarithms of the kernel (Rasmussen and
    /// Williams 2006, equation 5.9).
    fn slopes(&self, kernel: &Kernel, points: &[Point], values: &[Value]) -> Vec<f64> {
        let inverse = self.factor.inverse();
        let pull =
            |i: usize, j: usize| self.shares[i] * self.shares[j] / self.variance - inverse[i][j];
        let mut slopes: Vec<f64> = (0..kernel.len()).map(|i| kernel.prior_slope(i)).collect();
        for (i, row) in self.covariances.iter().enumerate() {
            for (j, covariance) in row.iter().enumerate() {
                kernel.add_slopes(&points[i], &points[j], pull(i, j) * covariance, &mut slopes);
            }
        }
        let [noise, more] = kernel.noises();
        for (i, value) in values.iter().enumerate() {
            slopes[noise] += 0.5 * kernel.weight(noise) * pull(i, i);
            if value.uncertain {
                slopes[more] += 0.5 * kernel.weight(more) * pull(i, i);
            }
        }
        slopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(x: f64) -> Point {
        Point { labels: vec![], numbers: vec![x], cost: 0.0 }
    }

    fn certain(value: f64) -> Value {
        Value { value, uncertain: false }
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    /// Covariances 1 + noise on the diagonal and c beside it; values 1 and -1. By hand: the matrix
    /// has the eigenvector (1, -1), so the shares are those values by 1 + noise - c.
    #[test]
    fn two_points_by_hand() {
        let (kernel, points) = (Kernel::new(&[], 1), [line(0.0), line(1.0)]);
        let posterior = Posterior::new(&kernel, &points, &[certain(1.0), certain(-1.0)]).unwrap();
        let (noise, beside) = (kernel.noise(false), kernel.covariance(&points[0], &points[1]));
        let eigenvalue = 1.0 + noise - beside;
        close(posterior.shares[0], 1.0 / eigenvalue);
        close(posterior.shares[1], -1.0 / eigenvalue);
        close(posterior.variance, (2.0 / eigenvalue + 1e-4) / 3.0);
        let process =
            GaussianProcess { points: &points, trend: Trend::level(5.0), kernel, posterior };
        // At the first point: covariances (1, c), which are the mean 1/2 + c/2 along (1, 1) and
        // 1/2 - c/2 along (1, -1).
        let prediction = process.predict(&line(0.0));
        close(prediction.mean, 5.0 + (1.0 - beside) / eigenvalue);
        let other = 1.0 + noise + beside;
        let explained =
            0.5 * ((1.0 + beside).powi(2) / other + (1.0 - beside).powi(2) / eigenvalue);
        close(prediction.variance, process.posterior.variance * (1.0 - explained));
    }

    #[test]
    fn the_slopes_are_those_of_the_likelihood() {
        let point = |i: usize| Point { labels: vec![i % 3, i % 2], ..line(i as f64 / 9.0) };
        let points: Vec<Point> = (0..10).map(point).collect();
        let value = |i: usize| Value { value: ((7 * i) % 5) as f64 / 5.0 - 0.4, uncertain: i > 6 };
        let values: Vec<Value> = (0..10).map(value).collect();
        let kernel = Kernel::new(&[3, 2], 1);
        let slopes =
            Posterior::new(&kernel, &points, &values).unwrap().slopes(&kernel, &points, &values);
        assert_eq!(slopes.len(), 3 + 2 + 1 + 2);
        for (index, slope) in slopes.iter().enumerate() {
            let likelihood = |step| {
                let mut kernel = kernel.clone();
                kernel.change(index, step);
                Posterior::new(&kernel, &points, &values).unwrap().likelihood
            };
            let measured = (likelihood(1e-4) - likelihood(-1e-4)) / 2e-4;
            assert!((slope - measured).abs() < 1e-4, "{index}: {slope} is not {measured}");
        }
    }

    #[test]
    fn a_smooth_curve_is_learned_and_the_deviation_grows_away_from_it() {
        let points: Vec<Point> = (0..12).map(|i| line(f64::from(i) / 11.0)).collect();
        let values: Vec<Value> =
            points.iter().map(|point| certain((4.0 * point.numbers[0]).sin())).collect();
        let process = GaussianProcess::fit(&points, &values, &[]).unwrap();
        let near = process.predict(&line(0.4));
        assert!((near.mean - 1.6f64.sin()).abs() < 0.1, "{}", near.mean);
        assert!(process.predict(&line(3.0)).variance > 9.0 * near.variance);
    }

    /// An observation that is as predicted changes no mean, so that variances alone tell whether a
    /// prediction knows of it.
    #[test]
    fn a_value_as_predicted_reduces_the_variance_as_an_observation_does() {
        let points = [0.0, 0.3, 1.0].map(line);
        let values = [0.1, 0.5, 0.2].map(certain);
        let process = GaussianProcess::fit(&points, &values, &[]).unwrap();
        let (new, place) = (line(0.6), line(0.7));
        let (at_new, mut at_place) = (process.predict(&new), process.predict(&place));
        process.observe((&new, &at_new), (&place, &mut at_place));
        let variance = at_place.variance / process.posterior.variance;
        let points = [&points[..], &[new]].concat();
        let values = [&values[..], &[certain(at_new.mean)]].concat();
        let posterior = Posterior::new(&process.kernel, &points, &values).unwrap();
        let kernel = process.kernel.clone();
        let again =
            GaussianProcess { points: &points, trend: Trend::level(0.0), kernel, posterior };
        close(variance, again.predict(&place).variance / again.posterior.variance);
    }

    #[test]
    fn no_points_and_equal_values_are_handled() {
        assert!(GaussianProcess::fit(&[], &[], &[]).is_none());
        let points = [0.0, 0.0, 1.0].map(line);
        let process = GaussianProcess::fit(&points, &[0.5; 3].map(certain), &[]).unwrap();
        let prediction = process.predict(&line(0.5));
        close(prediction.mean, 0.5);
        assert!(prediction.variance.is_finite() && prediction.variance > 0.0);
    }

    #[test]
    fn uncertain_values_are_trusted_less() {
        let points = [0.0, 0.0, 1.0].map(line);
        let values = [certain(0.0), Value { value: 1.0, uncertain: true }, certain(0.0)];
        let mean = |values: &[Value]| {
            let kernel = Kernel::new(&[], 1);
            let posterior = Posterior::new(&kernel, &points, values).unwrap();
            let process =
                GaussianProcess { points: &points, trend: Trend::level(0.0), kernel, posterior };
            process.predict(&line(0.0)).mean
        };
        assert!(mean(&values) < mean(&[0.0, 1.0, 0.0].map(certain)) - 0.05);
    }
}
