//! The normal distribution.

/// Beyond this distance from the mean, in standard deviations, the tail is computed as such, so that
/// small probabilities keep their digits.
const TAIL: f64 = 3.0;
/// Terms of series and continued fraction, enough for all digits of f64 on their sides of [`TAIL`].
const TERMS: u32 = 60;

/// A normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normal {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
}

impl Normal {
    /// Returns the probability of values up to a limit. A deviation of 0 is taken for a very small
    /// one.
    pub fn probability_up_to(&self, limit: f64) -> f64 {
        let distance = (limit - self.mean) / self.deviation.max(f64::MIN_POSITIVE);
        if distance < -TAIL {
            tail(-distance)
        } else if distance > TAIL {
            1.0 - tail(distance)
        } else {
            0.5 + density(distance) * series(distance)
        }
    }
}

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Returns z + z^3 / 3 + z^5 / (3 * 5) + ... (Abramowitz and Stegun 1964, 26.2.11).
fn series(z: f64) -> f64 {
    let next = |term: &mut f64, k: u32| {
        *term *= z * z / f64::from(2 * k + 1);
        Some(*term)
    };
    z + (1..=TERMS).scan(z, next).sum::<f64>()
}

/// Returns the probability beyond `z` (Abramowitz and Stegun 1964, 26.2.14).
fn tail(z: f64) -> f64 {
    density(z) / (1..=TERMS).rev().fold(z, |fraction, k| z + f64::from(k) / fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values by Python's `math.erfc(-limit / math.sqrt(2)) / 2`.
    #[test]
    fn probabilities_as_elsewhere() {
        let standard = Normal { mean: 0.0, deviation: 1.0 };
        for (limit, want) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-2.5, 0.006_209_665_325_776_159),
            (2.999, 0.998_645_663_466_272_6),
            (3.001, 0.998_654_527_174_915),
            (-3.001, 0.001_345_472_825_084_968_3),
            (-10.0, 7.619_853_024_160_593e-24),
            (-30.0, 4.906_713_927_148_764e-198),
        ] {
            let got = standard.probability_up_to(limit);
            assert!((got / want - 1.0).abs() < 1e-9, "{limit}: {got} is not {want}");
        }
        let other = Normal { mean: -3.0, deviation: 0.5 };
        assert_eq!(other.probability_up_to(-2.5), standard.probability_up_to(1.0));
        let certain = Normal { mean: 1.0, deviation: 0.0 };
        assert_eq!([0.9, 1.0, 1.1].map(|limit| certain.probability_up_to(limit)), [0.0, 0.5, 1.0]);
    }
}
