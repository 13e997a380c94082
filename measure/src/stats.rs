//! Medians and their bootstrap intervals.

use common::seed;
use rand::RngExt;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 10_000;
/// Seed of every bootstrap: the same windows give the same interval.
const SEED: u64 = 0;

/// The median; the mean of the two in the middle where there is no one.
///
/// # Panics
/// If there are no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// The percentile bootstrap's 95 % interval of the median (Efron 1979): values are drawn with
/// replacement, as many as there are, and the medians of 10,000 such samples are cut at 2.5 % on
/// both sides. `name` is the name of the stream of random numbers.
///
/// # Panics
/// If there are no values.
pub(crate) fn median_interval(values: &[f64], name: &str) -> [f64; 2] {
    bootstrap(name, |resample| median(&resample(values)))
}

/// As [`median_interval`], of the median of `above` divided by that of `below`; the two are
/// resampled independently.
///
/// # Panics
/// If there are no values.
pub(crate) fn ratio_interval(above: &[f64], below: &[f64], name: &str) -> [f64; 2] {
    bootstrap(name, |resample| median(&resample(above)) / median(&resample(below)))
}

/// Cuts the resamples of a statistic, which is computed from what the function that it gets draws
/// from its values.
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

    /// Of values without spread the ratio has none; where only one side has a spread, its ends are
    /// those of that side.
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
