//! Medians and their bootstrap intervals.

use common::seed;
use rand::RngExt;

/// Number of resamples of a bootstrap.
const RESAMPLES: usize = 10_000;
/// Seed of every bootstrap, so that the same windows give the same interval.
const SEED: u64 = 0;

/// Returns the median, which is the mean of the two middle values if their number is even.
///
/// # Panics
/// Panics if there are no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// Returns the 95 % interval of the median by the percentile bootstrap (Efron 1979): as many values
/// as there are are drawn with replacement, and the medians of 10,000 such samples are cut at 2.5 %
/// on both sides. `name` is the name of the stream of random numbers.
///
/// # Panics
/// Panics if there are no values.
pub(crate) fn median_interval(values: &[f64], name: &str) -> [f64; 2] {
    bootstrap(name, |resample| median(&resample(values)))
}

/// Returns the same interval as [`median_interval`] for the ratio of two medians; the numerator and
/// the denominator are resampled independently.
///
/// # Panics
/// Panics if there are no values.
pub(crate) fn ratio_interval(numerator: &[f64], denominator: &[f64], name: &str) -> [f64; 2] {
    bootstrap(name, |resample| median(&resample(numerator)) / median(&resample(denominator)))
}

/// Returns the 95 % interval of a statistic. The statistic gets a function that resamples values.
fn bootstrap(
    name: &str,
    statistic: impl Fn(&mut dyn FnMut(&[f64]) -> Vec<f64>) -> f64,
) -> [f64; 2] {
    let mut rng = seed::stream(SEED, &format!("bootstrap/{name}"));
    let mut resample = |values: &[f64]| -> Vec<f64> {
        values.iter().map(|_| values[rng.random_range(0..values.len())]).collect()
    };
    let mut statistics: Vec<f64> = (0..RESAMPLES).map(|_| statistic(&mut resample)).collect();
    statistics.sort_by(f64::total_cmp);
    let cut = RESAMPLES / 40;
    [statistics[cut], statistics[RESAMPLES - 1 - cut]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), 3.0);
    }

    /// The exact distribution of a resample's median is binomial. Of 5 values, the smallest is the
    /// median with probability 0.0579 > 2.5 %, so the interval goes from the first to the last; of
    /// 7 with 0.0102, and the second or smaller with 0.1083, so it goes from the second to the
    /// sixth; of 13, from the fourth (0.0157 up to the third, 0.0707 up to the fourth) to the
    /// tenth.
    #[test]
    fn intervals_are_those_of_the_binomial_distribution() {
        let interval = |n: usize| {
            let values: Vec<f64> = (1..=n).rev().map(|i| i as f64).collect();
            median_interval(&values, "test")
        };
        assert_eq!(interval(1), [1.0, 1.0]);
        assert_eq!(interval(5), [1.0, 5.0]);
        assert_eq!(interval(7), [2.0, 6.0]);
        assert_eq!(interval(13), [4.0, 10.0]);
    }

    /// The ratio of values without spread has no spread; if only one side has a spread, the ends of
    /// the interval are those of that side.
    #[test]
    fn intervals_of_ratios() {
        assert_eq!(ratio_interval(&[6.0; 5], &[2.0; 7], "test"), [3.0, 3.0]);
        let spread = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(ratio_interval(&spread, &[2.0; 5], "test"), [0.5, 2.5]);
        assert_eq!(ratio_interval(&[60.0; 5], &spread, "test"), [12.0, 60.0]);
    }

    #[test]
    fn the_same_windows_give_the_same_interval() {
        let values: Vec<f64> = (0..40).map(|i| f64::from(i).sin()).collect();
        assert_eq!(median_interval(&values, "p50"), median_interval(&values, "p50"));
    }
}
