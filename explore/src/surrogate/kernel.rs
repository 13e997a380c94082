//! The covariance function of the Gaussian process.

/// A point: the labels of its categories, which are equal or not, and numbers, about 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// A label for each category.
    pub labels: Vec<usize>,
    /// Numbers.
    pub numbers: Vec<f64>,
    /// What values are expected to rise or fall along, about 0 to 1.
    pub cost: f64,
}

/// Prior of the logarithms of weights, and of variances of noise, mean and standard deviation of a
/// normal distribution; the optimisation of a kernel starts at the means.
const WEIGHT: (f64, f64) = (-1.5, 1.0);
const NOISE: (f64, f64) = (-3.0, 2.0);
/// Largest absolute value of a logarithm.
const LIMIT: f64 = 6.0;

/// A covariance function: exp of minus a sum of distances. Two points whose labels of a category
/// differ are as far apart as the weights of both labels say; along a number, the distance is its
/// weight times the square of the difference.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// Position in `logs` of the first label's weight, by category.
    first_labels: Vec<usize>,
    /// Position in `logs` of the first number's weight.
    first_number: usize,
    /// Natural logarithms of the weights of all labels, of those of the numbers, and of the two
    /// variances of noise, as fractions of the variance between points: that of an observation, and
    /// what is added to it for an uncertain one.
    logs: Vec<f64>,
    /// The same without logarithms.
    weights: Vec<f64>,
}

impl Kernel {
    /// Creates the kernel that optimisation starts with. `labels` has the number of labels of each
    /// category.
    pub(super) fn new(labels: &[usize], numbers: usize) -> Kernel {
        let first_labels = labels.iter().scan(0, |next, count| {
            *next += count;
            Some(*next - count)
        });
        let first_number = labels.iter().sum();
        let mut logs = vec![WEIGHT.0; first_number + numbers];
        logs.extend([NOISE.0; 2]);
        let weights = logs.iter().map(|log: &f64| log.exp()).collect();
        Kernel { first_labels: first_labels.collect(), first_number, logs, weights }
    }

    /// Returns the number of logarithms.
    pub(super) fn len(&self) -> usize {
        self.logs.len()
    }

    /// Changes a logarithm by a step.
    pub(super) fn change(&mut self, index: usize, step: f64) {
        self.logs[index] = (self.logs[index] + step).clamp(-LIMIT, LIMIT);
        self.weights[index] = self.logs[index].exp();
    }

    /// Returns the variance of the noise of an observation.
    pub(super) fn noise(&self, uncertain: bool) -> f64 {
        let [noise, more] = self.noises().map(|index| self.weights[index]);
        if uncertain { noise + more } else { noise }
    }

    /// Returns the positions of the logarithms of both variances of noise.
    pub(super) fn noises(&self) -> [usize; 2] {
        [self.logs.len() - 2, self.logs.len() - 1]
    }

    /// Returns the covariance of the values at two points.
    pub(super) fn covariance(&self, a: &Point, b: &Point) -> f64 {
        let mut distance = 0.0;
        self.visit(a, b, |weight, factor| distance += self.weights[weight] * factor);
        (-distance).exp()
    }

    /// Adds to slopes along the logarithms those of a covariance, times a factor.
    pub(super) fn add_slopes(&self, a: &Point, b: &Point, factor: f64, slopes: &mut [f64]) {
        self.visit(a, b, |weight, part| slopes[weight] -= factor * self.weights[weight] * part);
    }

    /// Calls `visit` with the position of each weight in the distance of two points and its factor.
    fn visit(&self, a: &Point, b: &Point, mut visit: impl FnMut(usize, f64)) {
        for ((first, a), b) in self.first_labels.iter().zip(&a.labels).zip(&b.labels) {
            if a != b {
                visit(first + a, 1.0);
                visit(first + b, 1.0);
            }
        }
        for (number, (a, b)) in a.numbers.iter().zip(&b.numbers).enumerate() {
            visit(self.first_number + number, (a - b).powi(2));
        }
    }

    /// Returns the logarithm of the prior, up to a constant.
    pub(super) fn prior(&self) -> f64 {
        let term = |index| {
            let (mean, deviation) = self.prior_of(index);
            -0.5 * ((self.logs[index] - mean) / deviation).powi(2)
        };
        (0..self.logs.len()).map(term).sum()
    }

    /// Returns the slope of [`Kernel::prior`] along a logarithm.
    pub(super) fn prior_slope(&self, index: usize) -> f64 {
        let (mean, deviation) = self.prior_of(index);
        (mean - self.logs[index]) / deviation.powi(2)
    }

    fn prior_of(&self, index: usize) -> (f64, f64) {
        if self.noises().contains(&index) { NOISE } else { WEIGHT }
    }

    /// Returns the variance of the noise that goes with a logarithm in [`Kernel::noises`].
    pub(super) fn weight(&self, index: usize) -> f64 {
        self.weights[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_covariance_by_hand() {
        let mut kernel = Kernel::new(&[2, 3], 1);
        let wanted: [f64; 8] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
        for (index, weight) in wanted.iter().enumerate() {
            kernel.change(index, weight.ln() - WEIGHT.0 * f64::from(u8::from(index < 6)));
        }
        (6..8).for_each(|index| kernel.change(index, -NOISE.0));
        let point = |labels: [usize; 2], number| Point {
            labels: labels.into(),
            numbers: vec![number],
            cost: 0.0,
        };
        let (a, b) = (point([0, 2], 0.25), point([1, 2], 0.75));
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(kernel.covariance(&a, &a), 1.0);
        close(kernel.covariance(&a, &b), (-(0.1 + 0.2 + 0.6 * 0.25f64)).exp());
        close(kernel.covariance(&a, &point([0, 0], 0.25)), (-(0.3 + 0.5f64)).exp());
        close(kernel.noise(false), 0.7);
        close(kernel.noise(true), 1.5);
    }
}
