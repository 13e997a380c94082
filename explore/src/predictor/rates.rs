//! The rates of a board: what a unit of each kind of work takes there.

use super::features::{COUNT, GUESSES, PlanFeatures};
use super::non_negative::minimise;
use super::positive_definite::{dot, solve};

/// How much a rate that differs from its guess by all of it costs, as a squared relative error.
pub const RIDGE: f64 = 1e-3;

/// Rates that were fitted to measured values: a value is the sum of work times rate. They minimise
/// the squares of relative errors, and of relative differences from the guesses: work that no
/// measured network has much of keeps the guessed rate. No rate is negative.
#[derive(Clone, Debug)]
pub struct Rates {
    /// The guessed rates, in the unit of the values.
    guesses: [f64; COUNT],
    /// The rates as multiples of the guesses.
    multiples: Vec<f64>,
    /// The matrix of the squares.
    matrix: Vec<Vec<f64>>,
}

impl Rates {
    /// Fits rates to networks and their positive values.
    pub fn fit(measured: &[(PlanFeatures, f64)]) -> Rates {
        Rates::with_ridge(measured, RIDGE)
    }

    /// As [`Rates::fit`], with another weight of the guesses.
    pub fn with_ridge(measured: &[(PlanFeatures, f64)], ridge: f64) -> Rates {
        let guess = |features: &PlanFeatures| dot(&features.0, &GUESSES);
        let logarithms = measured.iter().map(|(features, value)| (value / guess(features)).ln());
        let scale = (logarithms.sum::<f64>() / measured.len() as f64).exp();
        let guesses = GUESSES.map(|guess| scale * guess);
        let mut matrix = vec![vec![0.0; COUNT]; COUNT];
        let mut sums = vec![ridge; COUNT];
        for (index, row) in matrix.iter_mut().enumerate() {
            row[index] = ridge;
        }
        for (features, value) in measured {
            let shares = shares(features, &guesses, *value);
            for (index, share) in shares.iter().enumerate() {
                sums[index] += share;
                matrix[index]
                    .iter_mut()
                    .zip(&shares)
                    .for_each(|(sum, other)| *sum += share * other);
            }
        }
        Rates { guesses, multiples: minimise(&matrix, &sums), matrix }
    }

    /// Returns the value of a network.
    pub fn value(&self, features: &PlanFeatures) -> f64 {
        let parts = features.0.iter().zip(&self.guesses).zip(&self.multiples);
        parts
            .map(|((work, guess), multiple)| work * guess * multiple)
            .sum::<f64>()
            .max(f64::MIN_POSITIVE)
    }

    /// Returns the variance of the value that comes from the rates, as a multiple of the variance
    /// that a measurement has, both relative: large where the network has work that no measured one
    /// has much of.
    pub fn leverage(&self, features: &PlanFeatures) -> f64 {
        let shares = shares(features, &self.guesses, self.value(features));
        dot(&shares, &solve(&self.matrix, &shares))
    }
}

/// Returns how much each kind of work, at the guessed rate, takes of a value.
fn shares(features: &PlanFeatures, guesses: &[f64; COUNT], value: f64) -> [f64; COUNT] {
    let mut shares = [0.0; COUNT];
    for (share, (work, guess)) in shares.iter_mut().zip(features.0.iter().zip(guesses)) {
        *share = work * guess / value;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Networks that each have much of one kind of work more than the others.
    fn networks() -> Vec<PlanFeatures> {
        let network = |kind: usize| {
            let mut features = [1e6, 2e6, 1e5, 3e5, 3e5, 1e5, 1e5, 1e6, 30.0, 1.0];
            features[kind] *= 3.0;
            PlanFeatures(features)
        };
        (0..COUNT).map(network).collect()
    }

    #[test]
    fn rates_are_those_of_the_machine() {
        let rates = [3e-9, 2e-9, 4e-9, 1e-9, 5e-9, 7e-9, 2e-8, 1e-9, 4e-6, 2e-5];
        let time = |features: &PlanFeatures| dot(&features.0, &rates);
        let networks = networks();
        let measured: Vec<_> = networks.iter().map(|network| (*network, time(network))).collect();
        let fitted = Rates::with_ridge(&measured, 1e-12);
        for (kind, rate) in rates.iter().enumerate() {
            let got = fitted.guesses[kind] * fitted.multiples[kind];
            assert!((got / rate - 1.0).abs() < 1e-3, "{kind}: {got}");
        }
    }

    /// What the one measured network does not tell is as guessed, and uncertain.
    #[test]
    fn work_that_was_not_measured_is_as_guessed() {
        let mut known = PlanFeatures([1e6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let rates = Rates::fit(&[(known, 2e-3)]);
        assert!((rates.value(&known) / 2e-3 - 1.0).abs() < 0.01);
        let certain = rates.leverage(&known);
        known.0[6] = 1e6;
        let guessed = 2e-3 / (1e6 + 5000.0) * GUESSES[6] * 1e6;
        assert!((rates.value(&known) / (2e-3 + guessed) - 1.0).abs() < 0.01);
        assert!(certain < 1.1 && rates.leverage(&known) > 100.0);
    }
}
