//! The integer parameters of convolutions and of the classifier.

use anyhow::{Result, ensure};
use common::quantized::parameters::largest_sum;
use common::quantized::{Filters, Method};

/// Largest weight.
const TOP: f64 = 127.0;
/// Parts of a filter's largest weight that are tried as the end of its range, in percent.
const PARTS: [u32; 9] = [100, 96, 92, 88, 84, 80, 76, 72, 66];

/// Weights in bytes: `scale * weight` for each filter.
pub(super) struct Rounded {
    pub(super) weights: Vec<i8>,
    pub(super) scales: Vec<f64>,
}

/// Returns the weights of filters with `size` elements in bytes, each filter with a scale of at
/// least its one of `least_scales`.
pub(super) fn rounded(
    weights: &[f64],
    size: usize,
    least_scales: &[f64],
    method: Method,
) -> Rounded {
    let mut rounded = Rounded { weights: Vec::with_capacity(weights.len()), scales: Vec::new() };
    for (filter, least) in weights.chunks(size).zip(least_scales) {
        let largest = filter.iter().fold(0.0, |largest: f64, w| largest.max(w.abs()));
        let mut best = (f64::INFINITY, 0.0);
        let parts = match method {
            Method::Mse => &PARTS[..],
            Method::Minmax | Method::Percentile => &PARTS[..1],
        };
        for percent in parts {
            let scale = (largest * f64::from(*percent) / 100.0 / TOP).max(*least);
            let error: f64 =
                filter.iter().map(|w| (f64::from(byte(*w, scale)) * scale - w).powi(2)).sum();
            if error < best.0 {
                best = (error, scale);
            }
        }
        rounded.weights.extend(filter.iter().map(|w| byte(*w, best.1)));
        rounded.scales.push(best.1);
    }
    rounded
}

fn byte(weight: f64, scale: f64) -> i8 {
    if scale > 0.0 { (weight / scale).round_ties_even().clamp(-TOP, TOP) as i8 } else { 0 }
}

/// A filter as real numbers: its sum times `unit` is a real number.
#[derive(Clone, Copy)]
pub(super) struct RealFilter {
    /// What a sum of 1 means.
    pub(super) unit: f64,
    /// Difference of neighbouring results; 0 for a constant one.
    pub(super) scale: f64,
    /// What is added to the sum, in units of it, for the result to be right.
    pub(super) bias: f64,
}

/// Returns the integer parameters of filters, and checks that no sum overflows.
///
/// # Errors
/// Fails if a filter has so many weights that 32 bits cannot hold its sum.
pub(super) fn filters(
    weights: Vec<i8>,
    real: &[RealFilter],
    largest_factor: i64,
) -> Result<Filters> {
    let size = weights.len() / real.len();
    let multiplier = |filter: &RealFilter| match filter.scale {
        0.0 => 0,
        // Even: as many engines compute it, a doubling product with half of it.
        scale => 2 * (filter.unit / scale * f64::from(1u32 << 31)).round() as i32,
    };
    let filters = Filters {
        biases: real.iter().map(|filter| filter.bias.round() as i32).collect(),
        multipliers: real.iter().map(multiplier).collect(),
        weights,
    };
    for (index, weights) in filters.weights.chunks(size).enumerate() {
        ensure!(
            real[index].bias.abs() < f64::from(i32::MAX)
                && largest_sum(filters.biases[index], weights, largest_factor)
                    <= i64::from(i32::MAX),
            "the sums of filter {index}, which has {size} weights, need more than 32 bits"
        );
    }
    Ok(filters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_rounded_by_filter_and_never_become_128() {
        let weights = [1.0, -0.5, 0.25, 0.0, 0.0, 0.0, -3e-5, 1e-5, 0.0];
        let minmax = rounded(&weights, 3, &[0.0; 3], Method::Minmax);
        assert_eq!(minmax.weights, [127, -64, 32, 0, 0, 0, -127, 42, 0]);
        assert_eq!(minmax.scales[1], 0.0);
        // One outlier: it is better to cut it off than to lose all others.
        let mut outlier: Vec<f64> = (0..400).map(|i| f64::from(i % 20) / 1000.0).collect();
        outlier.push(0.1);
        let error = |method| {
            let found = rounded(&outlier, 401, &[0.0], method);
            let of = |(w, q): (&f64, &i8)| (f64::from(*q) * found.scales[0] - w).powi(2);
            outlier.iter().zip(&found.weights).map(of).sum::<f64>()
        };
        assert!(error(Method::Mse) <= error(Method::Minmax));
        assert_eq!(rounded(&[1.0], 1, &[0.5], Method::Mse).weights, [2]);
    }

    #[test]
    fn sums_that_overflow_are_refused() {
        let real = RealFilter { unit: 1e-4, scale: 0.1, bias: 0.0 };
        assert!(filters(vec![127; 66_000], &[real], 255).is_ok());
        let error = filters(vec![127; 67_000], &[real], 255).unwrap_err().to_string();
        assert!(error.contains("67000 weights"), "{error}");
        assert!(filters(vec![1], &[RealFilter { bias: 3e9, ..real }], 255).is_err());
        let constant = RealFilter { scale: 0.0, ..real };
        assert_eq!(filters(vec![1], &[constant], 255).unwrap().multipliers, [0]);
    }
}
