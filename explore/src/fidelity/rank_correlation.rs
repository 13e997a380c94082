//! Rank correlation.

/// Returns Spearman's rank correlation of two lists of equal length, -1 to 1: Pearson's correlation
/// of the ranks, where equal values have the mean of their ranks. 0 if all values of a list are
/// equal.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (centred_ranks(a), centred_ranks(b));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    if spread > 0.0 { product(&a, &b) / spread } else { 0.0 }
}

/// Returns the partial rank correlation of two lists, controlling for a third one, -1 to 1. 0 if
/// one of the two has the same order as the third, or the reverse.
pub fn partial_correlation(a: &[f64], b: &[f64], constant: &[f64]) -> f64 {
    let (with_a, with_b) = (correlation(a, constant), correlation(b, constant));
    let rest = (1.0 - with_a * with_a) * (1.0 - with_b * with_b);
    if rest > 1e-12 { (correlation(a, b) - with_a * with_b) / rest.sqrt() } else { 0.0 }
}

/// Returns the rank of each value minus the mean of all ranks.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let lower_less_higher = |value: &f64| -> f64 {
        let count = |wanted: std::cmp::Ordering| {
            values.iter().filter(|v| v.total_cmp(value) == wanted).count() as f64
        };
        count(std::cmp::Ordering::Less) - count(std::cmp::Ordering::Greater)
    };
    values.iter().map(|value| lower_less_higher(value) / 2.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From SciPy 1.17: `scipy.stats.spearmanr(a, b).statistic`.
    #[test]
    fn correlations_computed_by_scipy() {
        let a = [0.3, 0.1, 0.4, 0.1, 0.5, 0.9, 0.2, 0.6];
        let b = [2.0, 7.0, 1.0, 8.0, 2.0, 8.0, 1.0, 8.0];
        assert!(
            (correlation(&a, &b) - 0.198_853_681_209_924_67).abs() < 1e-12,
            "{}",
            correlation(&a, &b)
        );
        assert!(
            (correlation(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0])
                - 0.820_782_681_668_123_3)
                .abs()
                < 1e-12
        );
    }

    /// From SciPy 1.17 by definition: the correlation of what linear regression on the constant's
    /// ranks leaves of the ranks of a and b (`rankdata`, `linregress`, `pearsonr`).
    #[test]
    fn partial_correlations_computed_by_scipy() {
        let a = [0.3, 0.1, 0.4, 0.1, 0.5, 0.9, 0.2, 0.6];
        let b = [2.0, 7.0, 1.0, 8.0, 2.0, 8.0, 1.0, 8.0];
        let constant = [1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0];
        assert!((partial_correlation(&a, &b, &constant) - 0.092_002_292_803_433_7).abs() < 1e-12);
        assert_eq!(partial_correlation(&a, &b, &a), 0.0);
        assert_eq!(partial_correlation(&a, &b, &[1.0; 8]), correlation(&a, &b));
    }

    #[test]
    fn equal_values_have_no_correlation() {
        assert_eq!(correlation(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0]), 0.0);
        assert_eq!(correlation(&[1.0], &[2.0]), 0.0);
        assert_eq!(correlation(&[], &[]), 0.0);
    }

    proptest! {
        #[test]
        fn an_increasing_function_changes_nothing(
            pairs in prop::collection::vec((-5.0f64..5.0, -5.0f64..5.0), 2..20),
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let risen: Vec<f64> = a.iter().map(|x| x.powi(3)).collect();
            let fallen: Vec<f64> = a.iter().map(|x| -x).collect();
            let whole = correlation(&a, &b);
            prop_assert!((-1.0..=1.0).contains(&(whole * 0.999_999)));
            prop_assert!((correlation(&risen, &b) - whole).abs() < 1e-9);
            prop_assert!((correlation(&fallen, &b) + whole).abs() < 1e-9);
            prop_assert!((correlation(&b, &a) - whole).abs() < 1e-9);
            prop_assert!((correlation(&a, &a) - 1.0).abs() < 1e-9);
        }
    }
}
