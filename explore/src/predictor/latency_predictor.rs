//! The predictor of latencies, or of other positive quantities of an inference, on one board.

use super::features::PlanFeatures;
use super::rates::Rates;
use super::refusal::{LEAST_CORRELATION, LEAST_MEASURED, Refusal};
use super::student::quantile;
use crate::fidelity::rank_correlation::correlation;
use common::statistics::Z;
use std::f64::consts::LN_10;

/// A predictor that was fitted to the measured networks of a board.
#[derive(Clone, Debug)]
pub struct LatencyPredictor {
    rates: Rates,
    /// Standard deviation of a measurement's natural logarithm.
    deviation: f64,
    measured: usize,
    rank_correlation: f64,
    relative_error: f64,
}

/// A predicted value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Mean of the decimal logarithm of the value, in the unit of the measured ones.
    pub log10_mean: f64,
    /// Its standard deviation, that of a measurement included: a measurement is expected within
    /// 1.96 of these with a probability of 95 %.
    pub log10_deviation: f64,
}

impl Prediction {
    /// Returns the predicted value.
    pub fn value(&self) -> f64 {
        self.at(0.0)
    }

    /// Returns the interval in which a measurement is expected with a probability of 95 %.
    pub fn interval(&self) -> [f64; 2] {
        [self.at(-Z), self.at(Z)]
    }

    fn at(&self, deviations: f64) -> f64 {
        10f64.powf(self.log10_mean + deviations * self.log10_deviation)
    }
}

impl LatencyPredictor {
    /// Fits a predictor to measured networks and their values, in any unit and order. Networks with
    /// equal features count as one, with the geometric mean of their values.
    ///
    /// # Errors
    /// Refuses if fewer than [`LEAST_MEASURED`] different networks are measured, if a value is not
    /// above 0, or if the rank correlation of leave-one-out predictions is below
    /// [`LEAST_CORRELATION`].
    pub fn fit(measured: &[(PlanFeatures, f64)]) -> Result<LatencyPredictor, Refusal> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if let Some((_, value)) = measured.iter().find(|(_, value)| !positive(*value)) {
            return Err(Refusal::NotPositive { value: *value });
        }
        let networks = merge(measured);
        let measured = networks.len();
        if measured < LEAST_MEASURED {
            return Err(Refusal::TooFew { measured });
        }
        let left_out = leave_one_out(&networks);
        let values: Vec<f64> = networks.iter().map(|(_, value)| *value).collect();
        let predicted: Vec<f64> = left_out.iter().map(|left_out| left_out.predicted).collect();
        let rank_correlation = correlation(&predicted, &values);
        if rank_correlation < LEAST_CORRELATION {
            return Err(Refusal::Unranked { measured, rank_correlation });
        }
        let mean = |squares: &dyn Fn(&LeftOut) -> f64| {
            left_out.iter().map(squares).sum::<f64>() / measured as f64
        };
        Ok(LatencyPredictor {
            rates: Rates::fit(&networks),
            deviation: mean(&|out| out.error.powi(2) / (1.0 + out.leverage)).sqrt(),
            measured,
            rank_correlation,
            relative_error: mean(&|out| out.error.powi(2)).sqrt(),
        })
    }

    /// Predicts the value of a network.
    pub fn predict(&self, features: &PlanFeatures) -> Prediction {
        let spread = (1.0 + self.rates.leverage(features)).sqrt();
        // So few values leave their own deviation uncertain.
        let few = quantile(self.measured as f64 - 1.0) / Z;
        Prediction {
            log10_mean: self.rates.value(features).log10(),
            log10_deviation: self.deviation * spread * few / LN_10,
        }
    }

    /// Returns the number of different measured networks.
    pub fn measured(&self) -> usize {
        self.measured
    }

    /// Returns Spearman's rank correlation of measured values and those predicted from the others.
    pub fn rank_correlation(&self) -> f64 {
        self.rank_correlation
    }

    /// Returns the root mean square of the same predictions' relative errors.
    pub fn relative_error(&self) -> f64 {
        self.relative_error
    }
}

/// A measured network, predicted from the others.
struct LeftOut {
    predicted: f64,
    /// Natural logarithm of the measured value as a multiple of the predicted one.
    error: f64,
    leverage: f64,
}

fn leave_one_out(networks: &[(PlanFeatures, f64)]) -> Vec<LeftOut> {
    let leave_out = |index: usize| {
        let (features, value) = &networks[index];
        let others = [&networks[..index], &networks[index + 1..]].concat();
        let rates = Rates::fit(&others);
        let predicted = rates.value(features);
        let error = (value / predicted).ln();
        LeftOut { predicted, error, leverage: rates.leverage(features) }
    };
    (0..networks.len()).map(leave_out).collect()
}

/// Returns the networks with different features, in an order that does not depend on the given one.
fn merge(measured: &[(PlanFeatures, f64)]) -> Vec<(PlanFeatures, f64)> {
    let mut sorted = measured.to_vec();
    sorted.sort_by(|a, b| a.0.order(&b.0).then_with(|| a.1.total_cmp(&b.1)));
    let equal = sorted.chunk_by(|a, b| a.0 == b.0);
    let mean = |values: &[(PlanFeatures, f64)]| match values {
        [(_, value)] => *value,
        _ => (values.iter().map(|(_, value)| value.ln()).sum::<f64>() / values.len() as f64).exp(),
    };
    equal.map(|values| (values[0].0, mean(values))).collect()
}

#[cfg(test)]
mod tests;
