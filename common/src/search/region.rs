//! The region of interest: errors that a search looks for fronts in.

/// By how much an error of interest may exceed the smallest one.
const WORSE: f64 = 0.15;

/// Returns the worst error of interest if the smallest one so far is `least`: 0.15 above it, 1 at
/// most. A network that is 15 percentage points worse than another one may be of use where it
/// is much smaller; trainings of still worse ones are saved.
pub fn worst_error(least: f64) -> f64 {
    (least + WORSE).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_points_more_than_the_smallest_error() {
        assert_eq!([0.0, 0.25, 0.85, 1.0].map(worst_error), [0.15, 0.4, 1.0, 1.0]);
    }
}
