//! The region of interest: errors that a search looks for fronts in.

/// Least error that is told apart from 0 when the region is found from the data.
const LEAST: f64 = 0.01;

/// Returns the worst error of interest if the smallest one so far is `least`: half-way from there to
/// 1 on a logarithmic scale, 0.1 at least. The networks of a front differ in error by factors, and
/// an error of a few times the smallest one is still of use, one near that of guessing is not.
pub fn worst_error(least: f64) -> f64 {
    least.clamp(LEAST, 1.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_way_to_one_by_factors() {
        assert_eq!([0.0, 0.01, 0.09, 0.25, 1.0].map(worst_error), [0.1, 0.1, 0.3, 0.5, 1.0]);
    }
}
