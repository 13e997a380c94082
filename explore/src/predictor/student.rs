//! Student's t distribution.

use common::statistics::Z;

/// Returns the 97.5 % quantile of the t distribution, to 0.2 % from 5 degrees of freedom on
/// (Abramowitz and Stegun 1964, 26.7.5).
pub(super) fn quantile(degrees: f64) -> f64 {
    let z = |power: i32| Z.powi(power);
    let terms = [
        (z(3) + Z) / 4.0,
        (5.0 * z(5) + 16.0 * z(3) + 3.0 * Z) / 96.0,
        (3.0 * z(7) + 19.0 * z(5) + 17.0 * z(3) - 15.0 * Z) / 384.0,
    ];
    Z + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From SciPy 1.17: `scipy.stats.t.ppf(0.975, degrees)`.
    #[test]
    fn quantiles_computed_by_scipy() {
        for (degrees, want) in
            [(5.0, 2.570582), (9.0, 2.262157), (20.0, 2.085963), (100.0, 1.983972)]
        {
            let got = quantile(degrees);
            assert!((got / want - 1.0).abs() < 2e-3, "{degrees}: {got}");
        }
    }
}
