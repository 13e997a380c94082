//! Gaussian process regression (Rasmussen and Williams 2006, chapter 2) over points with few
//! coordinates, for the few hundred observations of a search.

/// A point of a space in which distances are known for each coordinate.
pub trait Point {
    /// Returns the distance along each coordinate, about 0 to 1.
    fn distances(&self, other: &Self) -> Vec<f64>;
}

/// A covariance function: the product over the coordinates of exp(-weight * distance). Weights and
/// noise are stored as natural logarithms.
#[derive(Clone, Debug)]
struct Kernel {
    weights: Vec<f64>,
    /// Variance of repeated observations at one point, as a fraction of the variance between
    /// points.
    noise: f64,
}

/// Prior of the weights and of the noise, mean and standard deviation of a normal distribution; the
/// optimisation of a kernel starts at the means.
const WEIGHT: (f64, f64) = (-1.0, 2.0);
const NOISE: (f64, f64) = (-3.0, 2.0);
/// Largest absolute value of a logarithm.
const LIMIT: f64 = 6.0;
/// Steps of the coordinate search over the logarithms.
const STEPS: [f64; 3] = [1.0, 1.0, 0.5];

/// A fitted Gaussian process.
#[derive(Debug)]
pub struct GaussianProcess<'a, P> {
    points: &'a [P],
    mean: f64,
    kernel: Kernel,
    posterior: Posterior,
}

/// The posterior for one kernel: the Cholesky factor of the covariances (rows up to the diagonal),
/// the weight of each observation, the variance between points, and the log marginal likelihood.
#[derive(Debug)]
struct Posterior {
    factor: Vec<Vec<f64>>,
    shares: Vec<f64>,
    variance: f64,
    likelihood: f64,
}

impl<'a, P: Point> GaussianProcess<'a, P> {
    /// Fits a process to values, about 0 to 1, at points. `None` if there are no points.
    pub fn fit(points: &'a [P], values: &[f64]) -> Option<Self> {
        let coordinates = points.first()?.distances(&points[0]).len();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let values: Vec<f64> = values.iter().map(|value| value - mean).collect();
        let distances: Vec<Vec<Vec<f64>>> = points
            .iter()
            .enumerate()
            .map(|(i, a)| points[..i].iter().map(|b| a.distances(b)).collect())
            .collect();
        let mut kernel = Kernel { weights: vec![WEIGHT.0; coordinates], noise: NOISE.0 };
        let mut posterior = Posterior::new(&kernel, &distances, &values)?;
        for step in STEPS {
            for index in 0..=coordinates {
                for step in [step, -step] {
                    // As long as the likelihood increases.
                    while let Some(better) = kernel.changed(index, step).and_then(|changed| {
                        let tried = Posterior::new(&changed, &distances, &values)?;
                        (tried.likelihood > posterior.likelihood + 1e-3).then_some((changed, tried))
                    }) {
                        (kernel, posterior) = better;
                    }
                }
            }
        }
        Some(GaussianProcess { points, mean, kernel, posterior })
    }

    /// Predicts mean and standard deviation of an observation at a point, noise included.
    pub fn predict(&self, point: &P) -> (f64, f64) {
        let Posterior { factor, shares, variance, .. } = &self.posterior;
        let covariances: Vec<f64> = self
            .points
            .iter()
            .map(|known| self.kernel.covariance(&point.distances(known)))
            .collect();
        let mean = dot(&covariances, shares);
        let explained: f64 = forward(factor, &covariances).iter().map(|x| x * x).sum();
        (
            self.mean + mean,
            (variance * ((1.0 - explained).max(0.0) + self.kernel.noise.exp())).sqrt(),
        )
    }
}

impl Kernel {
    fn covariance(&self, distances: &[f64]) -> f64 {
        (-self
            .weights
            .iter()
            .zip(distances)
            .map(|(weight, distance)| weight.exp() * distance)
            .sum::<f64>())
        .exp()
    }

    /// Returns the kernel with one logarithm changed by a step; the index after the last weight is
    /// the noise. `None` beyond the limit.
    fn changed(&self, index: usize, step: f64) -> Option<Self> {
        let mut kernel = self.clone();
        let changed = kernel.weights.get_mut(index).unwrap_or(&mut kernel.noise);
        *changed += step;
        (changed.abs() <= LIMIT).then_some(kernel)
    }

    fn prior(&self) -> f64 {
        let normal =
            |value: f64, (mean, deviation): (f64, f64)| -0.5 * ((value - mean) / deviation).powi(2);
        self.weights.iter().map(|weight| normal(*weight, WEIGHT)).sum::<f64>()
            + normal(self.noise, NOISE)
    }
}

impl Posterior {
    fn new(kernel: &Kernel, distances: &[Vec<Vec<f64>>], values: &[f64]) -> Option<Posterior> {
        let weights: Vec<f64> = kernel.weights.iter().map(|weight| weight.exp()).collect();
        let covariance = |d: &Vec<f64>| {
            (-weights.iter().zip(d).map(|(weight, distance)| weight * distance).sum::<f64>()).exp()
        };
        let factor = cholesky(
            distances.iter().map(|row| row.iter().map(covariance).collect()),
            1.0 + kernel.noise.exp(),
        )?;
        let scaled = forward(&factor, values);
        let count = values.len() as f64;
        // One more observation, 0.01 from the mean, keeps the variance of equal values above 0.
        let variance = (scaled.iter().map(|x| x * x).sum::<f64>() + 1e-4) / (count + 1.0);
        let determinant: f64 = factor.iter().enumerate().map(|(i, row)| row[i].ln()).sum();
        let likelihood = -0.5 * (count + 1.0) * variance.ln() - determinant + kernel.prior();
        let shares = backward(&factor, scaled);
        Some(Posterior { factor, shares, variance, likelihood })
    }
}

/// Computes the lower Cholesky factor of a symmetric matrix, given by its rows below a constant
/// diagonal; `None` if the matrix is not positive definite.
fn cholesky(rows: impl Iterator<Item = Vec<f64>>, diagonal: f64) -> Option<Vec<Vec<f64>>> {
    let mut factor: Vec<Vec<f64>> = Vec::new();
    for mut row in rows {
        for column in 0..row.len() {
            let above = &factor[column];
            row[column] = (row[column] - dot(&row[..column], &above[..column])) / above[column];
        }
        let rest = diagonal - dot(&row, &row);
        if rest.is_nan() || rest <= 0.0 {
            return None;
        }
        row.push(rest.sqrt());
        factor.push(row);
    }
    Some(factor)
}

/// Solves `factor * x = values`.
fn forward(factor: &[Vec<f64>], values: &[f64]) -> Vec<f64> {
    let mut solution: Vec<f64> = Vec::with_capacity(values.len());
    for (row, value) in factor.iter().zip(values) {
        solution.push((value - dot(&row[..solution.len()], &solution)) / row[solution.len()]);
    }
    solution
}

/// Solves `transpose(factor) * x = values`.
fn backward(factor: &[Vec<f64>], mut values: Vec<f64>) -> Vec<f64> {
    for (index, row) in factor.iter().enumerate().rev() {
        values[index] /= row[index];
        let solved = values[index];
        values.iter_mut().zip(&row[..index]).for_each(|(value, factor)| *value -= factor * solved);
    }
    values
}

/// Returns the inner product. Eight partial sums let the compiler vectorise the loop.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    rest + sums.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A point on a line.
    struct X(f64);

    impl Point for X {
        fn distances(&self, other: &X) -> Vec<f64> {
            vec![(self.0 - other.0).powi(2)]
        }
    }

    /// Covariances 1 + noise = 1.25 on the diagonal and exp(-1 * 1) beside it; values 1 and -1. By
    /// hand: the matrix has the eigenvector (1, -1), so the shares are those values by 1.25 - 1/e.
    #[test]
    fn two_points_by_hand() {
        let kernel = Kernel { weights: vec![0.0], noise: 0.25f64.ln() };
        let posterior = Posterior::new(&kernel, &[vec![], vec![vec![1.0]]], &[1.0, -1.0]).unwrap();
        let eigenvalue = 1.25 - (-1.0f64).exp();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(posterior.shares[0], 1.0 / eigenvalue);
        close(posterior.shares[1], -1.0 / eigenvalue);
        close(posterior.variance, (2.0 / eigenvalue + 1e-4) / 3.0);
        let process = GaussianProcess { points: &[X(0.0), X(1.0)], mean: 5.0, kernel, posterior };
        // At the first point: covariances (1, 1/e), which are the mean 1/2 + 1/2e along (1, 1) and
        // 1/2 - 1/2e along (1, -1).
        let (mean, deviation) = process.predict(&X(0.0));
        let beside = (-1.0f64).exp();
        close(mean, 5.0 + (1.0 - beside) / eigenvalue);
        let explained =
            0.5 * ((1.0 + beside).powi(2) / (1.25 + beside) + (1.0 - beside).powi(2) / eigenvalue);
        close(deviation, (process.posterior.variance * (1.0 - explained + 0.25)).sqrt());
    }

    #[test]
    fn a_smooth_curve_is_learned_and_the_deviation_grows_away_from_it() {
        let points: Vec<X> = (0..12).map(|i| X(f64::from(i) / 11.0)).collect();
        let values: Vec<f64> = points.iter().map(|x| (4.0 * x.0).sin()).collect();
        let process = GaussianProcess::fit(&points, &values).unwrap();
        let (mean, near) = process.predict(&X(0.4));
        assert!((mean - 1.6f64.sin()).abs() < 0.05, "{mean}");
        assert!(process.predict(&X(3.0)).1 > 3.0 * near);
    }

    #[test]
    fn no_points_and_equal_values_are_handled() {
        assert!(GaussianProcess::<X>::fit(&[], &[]).is_none());
        let points = [X(0.0), X(0.0), X(1.0)];
        let (mean, deviation) = GaussianProcess::fit(&points, &[0.5; 3]).unwrap().predict(&X(0.5));
        assert!((mean - 0.5).abs() < 1e-9 && deviation.is_finite() && deviation > 0.0);
    }

    proptest! {
        #[test]
        fn the_factor_solves_the_system(
            xs in proptest::collection::vec(0.0f64..3.0, 1..30), seed in any::<u64>(),
        ) {
            let value = |i| ((seed >> (i % 60)) % 7) as f64 - 3.0;
            let values: Vec<f64> = (0..xs.len()).map(value).collect();
            let covariance = |a: f64, b: f64| (-(a - b).powi(2)).exp();
            let row = |(i, a): (usize, &f64)| xs[..i].iter().map(|b| covariance(*a, *b)).collect();
            let rows = xs.iter().enumerate().map(row);
            let factor = cholesky(rows, 1.5).unwrap();
            let solution = backward(&factor, forward(&factor, &values));
            for (i, a) in xs.iter().enumerate() {
                let entry = |(j, b): (usize, &f64)| if i == j { 1.5 } else { covariance(*a, *b) };
                let row = xs.iter().enumerate().map(entry);
                let product: f64 = row.zip(&solution).map(|(k, x)| k * x).sum();
                prop_assert!((product - values[i]).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_has_no_factor() {
        assert!(cholesky([vec![], vec![2.0]].into_iter(), 1.0).is_none());
    }
}
