//! Ranges of real numbers that 256 bytes stand for.

use common::quantized::Method;

/// Share of the samples on each side that `percentile` leaves out.
const LEFT_OUT: f64 = 1e-4;
/// Weight of the squared error of a number beyond a range. Errors of rounding have any sign and
/// cancel in the sums that read them; those beyond an end have one sign, and unseen images have
/// more of them.
pub(super) const CLIPPED: f64 = 4.0;
/// Parts of a side of the range that are tried, in percent.
const PARTS: [u32; 12] = [100, 97, 94, 90, 86, 82, 77, 72, 66, 60, 50, 40];

/// Returns the ends of the range for results with these samples and extremes. The samples are
/// sorted.
pub(super) fn stored(sorted: &[f32], low: f32, high: f32, method: Method) -> (f64, f64) {
    let extremes = (f64::from(low), f64::from(high));
    match method {
        Method::Minmax => extremes,
        Method::Percentile => {
            let (low, high) = (quantile(sorted, LEFT_OUT), quantile(sorted, 1.0 - LEFT_OUT));
            // With few different samples nothing would be left.
            if low < high { (low, high) } else { extremes }
        }
        Method::Mse => least_error(sorted, extremes),
    }
}

/// Returns a quantile of sorted samples: the one below it.
pub(super) fn quantile(sorted: &[f32], share: f64) -> f64 {
    f64::from(sorted[((sorted.len() - 1) as f64 * share).round() as usize])
}

/// Returns the range with the least squared error of the samples; first its upper and then its
/// lower end is moved towards the median.
fn least_error(sorted: &[f32], (low, high): (f64, f64)) -> (f64, f64) {
    let middle = quantile(sorted, 0.5);
    let moved = |end: f64, percent: u32| middle + (end - middle) * f64::from(percent) / 100.0;
    let mut best = (low, high);
    for _ in 0..2 {
        let upper = PARTS.map(|percent| (best.0, moved(high, percent)));
        best = best_of(upper, sorted, best);
        let lower = PARTS.map(|percent| (moved(low, percent), best.1));
        best = best_of(lower, sorted, best);
    }
    best
}

fn best_of(
    ranges: impl IntoIterator<Item = (f64, f64)>,
    sorted: &[f32],
    default: (f64, f64),
) -> (f64, f64) {
    let mut best = (f64::INFINITY, default);
    for range in ranges.into_iter().filter(|(low, high)| low < high) {
        let error = squared_error(sorted, range);
        if error < best.0 {
            best = (error, range);
        }
    }
    best.1
}

fn squared_error(samples: &[f32], (low, high): (f64, f64)) -> f64 {
    let step = (high - low) / 255.0;
    let error = |sample: &f32| {
        let sample = f64::from(*sample);
        let exact = (sample - low) / step;
        let byte = exact.round_ties_even().clamp(0.0, 255.0);
        let weight = if (-0.5..=255.5).contains(&exact) { 1.0 } else { CLIPPED };
        weight * (byte * step + low - sample).powi(2)
    };
    samples.iter().map(error).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_is_cut_off_if_that_lowers_the_error() {
        let bulk = |outlier: f32| -> Vec<f32> {
            (0..40_000).map(|i| i as f32 / 40_000.0).chain([outlier]).collect()
        };
        let samples = bulk(1.05);
        let range = |method| stored(&samples, 0.0, 1.05, method);
        assert_eq!(range(Method::Minmax), (0.0, f64::from(1.05f32)));
        let percentile = range(Method::Percentile);
        assert!(percentile.0 > 0.0 && percentile.1 < 1.0, "{percentile:?}");
        let mse = range(Method::Mse);
        assert!(mse.1 < 1.04, "{mse:?}");
        assert!(squared_error(&samples, mse) < squared_error(&samples, range(Method::Minmax)));
        // To cut this one off costs more than it gains.
        let (_, high) = stored(&bulk(30.0), 0.0, 30.0, Method::Mse);
        assert_eq!(high, 30.0);
    }

    #[test]
    fn without_outliers_the_range_is_kept() {
        let samples: Vec<f32> = (0..=1000).map(|i| i as f32 / 1000.0).collect();
        let (low, high) = stored(&samples, 0.0, 1.0, Method::Mse);
        assert!(low < 0.02 && high > 0.98, "{low} {high}");
    }
}
