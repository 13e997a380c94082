//! What chance does to accuracies: the interval of one, and the test of a difference between two.

use std::collections::BTreeSet;
use std::f64::consts::LN_2;

/// Standard deviations of a normal distribution between which 95 % of it lie.
pub const Z: f64 = 1.959_963_984_540_054;

/// Returns the limits of the 95 % interval of the share `correct / images` (E. B. Wilson, 1927);
/// 0 to 1 without images.
pub fn wilson(correct: usize, images: usize) -> [f64; 2] {
    if images == 0 {
        return [0.0, 1.0];
    }
    let n = images as f64;
    let share = correct as f64 / n;
    let centre = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)]
}

/// McNemar's test of two networks on the same images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// Images that only the first network classifies wrongly.
    pub only_first_wrong: usize,
    /// Images that only the second network classifies wrongly.
    pub only_second_wrong: usize,
    /// Probability (0..1) of a difference that is at least as large, if both networks are equally
    /// accurate.
    pub p: f64,
}

impl McNemar {
    /// Compares two networks by the indices of the images that each classifies wrongly, with the
    /// exact two-sided test (Q. McNemar, 1947): each image that only one of them classifies wrongly
    /// is a toss of a fair coin.
    pub fn of(first_wrong: &[usize], second_wrong: &[usize]) -> McNemar {
        let set = |wrong: &[usize]| wrong.iter().copied().collect::<BTreeSet<usize>>();
        let (first, second) = (set(first_wrong), set(second_wrong));
        let only_first_wrong = first.difference(&second).count();
        let only_second_wrong = second.difference(&first).count();
        let p = two_sided(only_first_wrong, only_second_wrong);
        McNemar { only_first_wrong, only_second_wrong, p }
    }
}

/// Returns the probability that heads and tails of a fair coin differ at least as much as these.
fn two_sided(heads: usize, tails: usize) -> f64 {
    let (tosses, fewer) = (heads + tails, heads.min(tails));
    // The probability of exactly so many, as a logarithm: it may be too small for a float.
    let exactly = (1..=fewer).map(|k| ((tosses - fewer + k) as f64 / k as f64).ln()).sum::<f64>()
        - tosses as f64 * LN_2;
    // Those of still fewer, each from the one before, as multiples of it.
    let (mut term, mut sum) = (1.0, 1.0);
    for k in (1..=fewer).rev() {
        term *= k as f64 / (tosses - k + 1) as f64;
        sum += term;
    }
    (2.0 * sum * exactly.exp()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of statsmodels 0.15, `proportion_confint(correct, images, method="wilson")`.
    #[test]
    fn the_interval_is_wilson_s() {
        for (correct, images, low, high) in WILSON {
            let found = wilson(correct, images);
            assert!((found[0] - low).abs() < 1e-9 && (found[1] - high).abs() < 1e-9, "{found:?}");
        }
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }

    const WILSON: [(usize, usize, f64, f64); 5] = [
        (9942, 10_000, 0.9925101325899993, 0.9955103234204238),
        (0, 10, 0.0, 0.27753279986288926),
        (10, 10, 0.7224672001371106, 1.0),
        (349, 359, 0.9494917470535913, 0.9848006050437035),
        (1, 3, 0.06149194472039626, 0.7923403991979523),
    ];

    /// Values of vassarstats.net, six decimals, as in statsmodels' `test_mcnemar_exact`
    /// (`statsmodels/stats/tests/test_nonparametric.py`).
    #[test]
    fn p_is_that_of_the_exact_test() {
        for (heads, tails, p) in VASSAR {
            let found = two_sided(heads, tails);
            assert!((found - p).abs() < 1e-6, "{heads} to {tails}: {found} is not {p}");
            assert_eq!(two_sided(tails, heads), found);
        }
    }

    const VASSAR: [(usize, usize, f64); 6] = [
        (121, 59, 0.000004),
        (70, 59, 0.378688),
        (80, 59, 0.089452),
        (30, 60, 0.002060),
        (10, 30, 0.002221),
        (10, 10, 1.0),
    ];

    /// Counted by hand: 2 of 64 rows of six tosses, 18 of 256 of eight.
    #[test]
    fn few_tosses_by_hand() {
        for (heads, tails, p) in
            [(0, 0, 1.0), (0, 1, 1.0), (0, 2, 0.5), (6, 0, 0.03125), (1, 7, 0.0703125)]
        {
            assert!((two_sided(heads, tails) - p).abs() < 1e-12, "{heads} to {tails}");
        }
    }

    #[test]
    fn many_tosses_neither_overflow_nor_vanish() {
        assert_eq!(two_sided(50_000, 50_000), 1.0);
        let unlikely = two_sided(4_900, 5_100);
        // The normal approximation with a correction for continuity: z = 199 / 100.
        assert!((unlikely - 0.0466).abs() < 1e-3, "{unlikely}");
        assert_eq!(two_sided(0, 100_000), 0.0);
    }

    #[test]
    fn only_images_on_which_the_networks_differ_count() {
        let found = McNemar::of(&[1, 4, 9, 30, 31, 32, 33, 34, 35], &[4, 9, 70]);
        assert_eq!((found.only_first_wrong, found.only_second_wrong), (7, 1));
        assert!((found.p - 0.0703125).abs() < 1e-12);
        assert_eq!(McNemar::of(&[], &[]).p, 1.0);
    }
}
